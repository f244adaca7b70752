"""Blocks that gather several small things: the figures of ::: numbers and the links of ::: share.

The other ::: blocks are made by `containers`.
"""

from __future__ import annotations

from urllib.parse import quote

from markdown_it.token import Token

from mailer.compose.markdown.blocks import Figure, LabelledLink, NumbersBlock, ShareBlock
from mailer.compose.markdown.context import BlockContext
from mailer.compose.markdown.plain_text import USUAL, label_and_address, wrap
from mailer.compose.markdown.tokens import Piece, behind_name, line_of, pieces_of
from mailer.compose.templating.markers import ANY_MARKER, Control, Value
from mailer.compose.templating.render import Resolved
from mailer.diagnostics import Place

# Where readers pass an address on; {text} is words and address, {url} the address, {said} the words. Each opens a
# draft, and none is asked for anything before the reader follows the link (wa.me: faq.whatsapp.com/5913398998672934;
# t.me: core.telegram.org/widgets/share).
NETWORKS = (
    ("WhatsApp", "https://wa.me/?text={text}"),
    ("Facebook", "https://www.facebook.com/sharer/sharer.php?u={url}"),
    ("Bluesky", "https://bsky.app/intent/compose?text={text}"),
    ("Telegram", "https://t.me/share/url?url={url}&text={said}"),
    ("X", "https://x.com/intent/post?text={text}"),
)
FEWEST, MOST = 2, 3
# How large figures are by the longest one's characters, so that words find room beside it on a phone.
SIZES = ((48, 6), (40, 8), (30, 11))
SMALLEST = 24


def numbers(desk: BlockContext, piece: Piece, resolved: Resolved, place: Place) -> NumbersBlock | None:
    """The figures of ::: numbers: a list whose items begin with the figure in bold."""
    inner = piece[1:-1]
    desk.refuse_images(inner, resolved)
    remedy = "Write two or three lines such as: - **12** experts asked"
    lists = pieces_of(inner)
    if len(lists) != 1 or lists[0][0].type != "bullet_list_open":
        desk.fault("::: numbers holds one list and nothing else", place, remedy)
        return None
    items = [_figure(desk, item) for item in pieces_of(lists[0][1:-1])]
    figures = tuple(item for item in items if item)
    if len(figures) < len(items):
        desk.fault("a line of ::: numbers doesn't begin with a figure in bold, or is more than a line", place, remedy)
    elif not FEWEST <= len(figures) <= MOST:
        desk.fault(f"::: numbers holds two or three figures, not {len(figures)}", place, remedy)
    longest = max((len(ANY_MARKER.sub(USUAL, one.figure.striptags())) for one in figures), default=0)
    size = next((pixels for pixels, room in SIZES if longest <= room), SMALLEST)
    return NumbersBlock(figures, desk.plain.blocks(inner), size=size)


def _figure(desk: BlockContext, item: Piece) -> Figure | None:
    parts = pieces_of(item[1:-1])
    if len(parts) != 1 or parts[0][0].type != "paragraph_open":
        return None
    children = [child for child in parts[0][1].children or () if child.type != "text" or child.content]
    ends = [index for index, child in enumerate(children) if child.type == "strong_close" and child.level == 0]
    if not ends or children[0].type != "strong_open":
        return None
    figure, label = children[1 : ends[0]], children[ends[0] + 1 :]
    return Figure(desk.html([line_of(figure)]), desk.html([line_of(label)])) if label else None


def share(desk: BlockContext, piece: Piece, place: Place) -> ShareBlock | None:
    """The links of ::: share. The address is the one behind its name, or the action's; the words are for others."""
    written = behind_name(piece) or desk.links.action_url
    if not written:
        remedy = "Write it behind: ::: share https://… Or say above the text where the button leads."
        desk.fault("::: share has no address to pass on", place, remedy)
        return None
    said = desk.markers.without(desk.title, conditions=True)
    if len(piece) > 2:
        said = _words(desk, piece[1:-1], place)
    address = desk.links.shared(written, place)
    if address is None or said is None:
        return None
    text = quote(f"{said} {address}", safe="")
    links: list[LabelledLink] = []
    for name, form in NETWORKS:
        url = form.format(text=text, url=quote(address, safe=""), said=quote(said, safe=""))
        links.append(LabelledLink(name, desk.links.add(url, label=name, placement="share", place=place, bare=True)))
    lines = [label_and_address(link.label, link.url) for link in links]
    links.insert(1, LabelledLink(desk.words.email, f"mailto:?subject={quote(said, safe='')}&body={text}"))
    told = "\n".join([wrap(f"{desk.words.share}: {said}"), address, "", *lines]) + "\n\n"
    return ShareBlock(desk.words.share, tuple(links), desk.words.copy, address, told)


def _words(desk: BlockContext, tokens: list[Token], place: Place) -> str | None:
    """What is said to others, in plain words; None when it can't be."""
    if [token.type for token in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
        desk.fault("::: share holds one sentence or none", place, "It is what readers send to others, in plain words.")
        return None
    said = desk.plain.inline(tokens[1])
    if any(isinstance(mark, Value | Control) for mark in desk.markers.pieces(said)):
        remedy = "Readers send these words to others, so they are the same for everyone: take the merge tag out."
        desk.fault("the words of ::: share can't wait for the person", place, remedy)
        return None
    return said
