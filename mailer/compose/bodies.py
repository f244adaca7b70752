"""Markdown tokens → the blocks of a body: text, asks, quotes, pictures, stories, and the conditions around them."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.token import Token
from markupsafe import Markup

from mailer.compose.blocks import (
    AskBlock,
    Block,
    ConditionBlock,
    ImageBlock,
    LabelledLink,
    Note,
    QuoteBlock,
    StoryBlock,
    TextBlock,
)
from mailer.compose.images import Pictures
from mailer.compose.links import Links
from mailer.compose.markdown import Markdown, Parsed
from mailer.compose.markers import Control, Markers
from mailer.compose.resolving import Resolved
from mailer.compose.source import Action
from mailer.compose.text import PlainText, label_and_address, ruled, wrap
from mailer.errors import Fault, Place

Piece = list[Token]  # one block-level construct with all it holds


class Body:
    """Makes the blocks of one message."""

    def __init__(
        self, *, markdown: Markdown, markers: Markers, links: Links, pictures: Pictures, action: Action | None,
        faults: list[Fault],
    ) -> None:  # fmt: skip
        self.markdown = markdown
        self.markers = markers
        self.links = links
        self.pictures = pictures
        self.action = action
        self.faults = faults
        self.plain = PlainText(markers)

    def blocks(self, resolved: Resolved) -> tuple[list[Block], list[Note]]:
        """The blocks and notes of a Markdown body."""
        parsed = self.markdown.parse(resolved, placement="inline")
        pieces = _pieces(parsed.tokens)
        around = self._groups_around_blocks(pieces)
        blocks: list[Block] = []
        run: list[Token] = []
        for piece in pieces:
            self._refuse_inner_blocks(piece, resolved)
            special = self._special(piece, resolved)
            if piece[0].type == "condition":
                for found in self.markers.pattern.finditer(piece[0].content):
                    control = self.markers.read(found)
                    if isinstance(control, Control) and control.group in around:
                        self._flush(run, blocks)
                        blocks.append(ConditionBlock(found[0]))
                    else:
                        run.append(Token("condition", "", 0, content=found[0]))
            elif special:
                self._flush(run, blocks)
                blocks.append(special)
            elif not _is_refused(piece):
                run += piece
        self._flush(run, blocks)
        for note in parsed.notes:
            self._refuse_images(note, resolved)
        return blocks, self._notes(parsed)

    def markup(self, resolved: Resolved, *, placement: str) -> tuple[Markup, str]:
        """A short text such as a signature, as HTML and as plain text."""
        parsed = self.markdown.parse(resolved, placement=placement)
        for token in parsed.tokens:
            if token.type.startswith("container_") or any(c.type == "image" for c in token.children or ()):
                place = resolved.place((token.map or [0])[0] + 1)
                self.faults.append(Fault("only words and links can stand here", place))
        if parsed.notes:
            hint = "Put the footnote into the body of the message."
            self.faults.append(Fault("footnotes can't stand here", resolved.place(1), hint))
        return Markup(self.markdown.html(parsed.tokens)), self.plain.blocks(parsed.tokens)  # noqa: S704 - rendered with html off

    def picture(self, written: str, alt: str, *, place: Place, caption: str = "") -> ImageBlock:
        """A picture block. Its text is the description and the caption: what it shows is part of the story."""
        found = self.pictures.add(written, place)
        text = wrap(f"[{alt}]") + "\n" + (wrap(caption) + "\n" if caption else "") + "\n"
        return ImageBlock(found.src, alt, found.width, caption, text)

    def _flush(self, run: list[Token], blocks: list[Block]) -> None:
        if run:
            html = Markup(self.markdown.html(run))  # noqa: S704 - rendered with html off
            blocks.append(TextBlock(html, self.plain.blocks(run)))
            run.clear()

    def _groups_around_blocks(self, pieces: Sequence[Piece]) -> set[int]:
        """The conditions that hold more than text, or whole stretches of text: they stand between blocks."""
        open_groups: list[tuple[int, int]] = []
        around: set[int] = set()
        for index, piece in enumerate(pieces):
            if piece[0].type != "condition":
                if piece[0].type.startswith("container_") or _lone_image(piece):
                    around.update(group for group, _ in open_groups)
                continue
            for control in self.markers.pieces(piece[0].content):
                if isinstance(control, Control) and control.branch == 0:
                    open_groups.append((control.group, index))
                elif isinstance(control, Control) and control.is_end and open_groups:
                    open_groups.pop()
        return around

    def _special(self, piece: Piece, resolved: Resolved) -> Block | None:
        opening = piece[0]
        place = resolved.place((opening.map or [0])[0] + 1)
        match opening.type:
            case "container_ask_open":
                return self._ask(piece, place)
            case "container_quote_open":
                self._refuse_images(piece, resolved)
                return self._quote(piece)
            case "container_story_open":
                return self._story(piece, resolved, place)
            case "paragraph_open" if _lone_image(piece):
                return self._image(piece[1], place)
            case _:
                self._refuse_images(piece, resolved)
                return None

    def _ask(self, piece: Piece, place: Place) -> AskBlock | None:
        if len(piece) > 2:
            hint = "The button's words stand behind ::: ask; the text belongs above or below it."
            self.faults.append(Fault("an ask holds nothing but its button", place, hint))
        if self.action is None:
            hint = 'Below `action:` in the front matter write two indented lines, `url: https://…` and `label: "…"`.'
            self.faults.append(Fault("::: ask needs an action in the front matter", place, hint))
            return None
        label = piece[0].info.strip().removeprefix("ask").strip() or self.action.label
        said = self.markers.without(label, conditions=True)
        url = self.links.add("action", label=said, placement="button", place=place)
        return AskBlock(label, url, f"{label_and_address(label, url)}\n\n")

    def _quote(self, piece: Piece) -> QuoteBlock:
        by = piece[0].info.strip().removeprefix("quote").strip()
        inner = piece[1:-1]
        quoted = self.plain.blocks(inner, width=70).rstrip("\n")
        lines = [f"> {line}".rstrip() for line in quoted.split("\n")]
        lines += [f"> — {by}"] if by else []
        html = Markup(self.markdown.html(inner))  # noqa: S704 - rendered with html off
        return QuoteBlock(html, by, "\n".join(lines) + "\n\n")

    def _image(self, inline: Token, place: Place) -> ImageBlock:
        image = next(child for child in inline.children or () if child.type == "image")
        alt = image.content.strip()
        if not alt:
            hint = "Say in a few words what it shows: ![What it shows](picture.jpg)"
            self.faults.append(Fault("the picture has no description", place, hint, rule="pictures.no-alt"))
        caption = str(image.attrs.get("title", "")).strip()
        return self.picture(str(image.attrs.get("src", "")), alt, place=place, caption=caption)

    def _story(self, piece: Piece, resolved: Resolved, place: Place) -> StoryBlock:
        inner = _pieces(piece[1:-1])
        image = self._image(inner.pop(0)[1], place) if inner and _lone_image(inner[0]) else None
        title = ""
        if inner and inner[0][0].type == "heading_open":
            title = self.plain.inline(inner.pop(0)[1])
        else:
            hint = "Below ::: story come a picture (if there is one) and then a line ### Title."
            self.faults.append(Fault("the story has no title", place, hint))
        link = _lone_link(inner[-1]) if inner else None
        if link:
            inner.pop()
        for part in inner:
            self._refuse_images(part, resolved)
        tokens = [token for part in inner for token in part]
        html = Markup(self.markdown.html(tokens))  # noqa: S704 - rendered with html off
        text = (image.text if image else "") + f"{ruled(title, '-')}\n\n"
        text += self.plain.blocks(tokens) + (f"{label_and_address(link.label, link.url)}\n\n" if link else "")
        return StoryBlock(title, image, html, link, text)

    def _refuse_inner_blocks(self, piece: Piece, resolved: Resolved) -> None:
        for token in piece[1:]:
            if token.type.startswith("container_") and token.nesting == 1:
                name = token.type.removeprefix("container_").removesuffix("_open")
                place = resolved.place((token.map or [0])[0] + 1)
                hint = "Close the block or the list above it first, and begin its line without spaces."
                self.faults.append(Fault(f"::: {name} stands inside something else", place, hint))

    def _refuse_images(self, piece: Sequence[Token], resolved: Resolved) -> None:
        for token in piece:
            if token.type == "inline" and any(child.type == "image" for child in token.children or ()):
                place = resolved.place((token.map or [0])[0] + 1)
                hint = "Put empty lines around it; it can't stand in a sentence, a list or a link."
                self.faults.append(Fault("a picture needs a paragraph of its own", place, hint))

    def _notes(self, parsed: Parsed) -> list[Note]:
        notes: list[Note] = []
        for number, tokens in enumerate(parsed.notes, 1):
            html = Markup(self.markdown.inline_html(tokens))  # noqa: S704 - rendered with html off
            kept = [token for token in tokens if token.type != "footnote_anchor"]
            notes.append(Note(number, html, self.plain.condensed(f"[{number}]", self.plain.blocks(kept)) + "\n\n"))
        return notes


def _pieces(tokens: Sequence[Token]) -> list[Piece]:
    """The tokens cut into block-level constructs."""
    pieces: list[Piece] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            pieces.append([])
        pieces[-1].append(token)
        depth += token.nesting
    return pieces


def _lone_image(piece: Piece) -> bool:
    if piece[0].type != "paragraph_open":
        return False
    children = [c for c in piece[1].children or () if c.type != "text" or c.content.strip()]
    return len(children) == 1 and children[0].type == "image"


def _lone_link(piece: Piece) -> LabelledLink | None:
    """The link that is all there is in a paragraph."""
    if piece[0].type != "paragraph_open":
        return None
    children = [c for c in piece[1].children or () if c.type != "text" or c.content.strip()]
    if len(children) < 2 or children[0].type != "link_open" or children[-1].type != "link_close":
        return None
    if sum(c.type == "link_open" for c in children) > 1:
        return None
    label = "".join(c.content for c in children[1:-1]).strip()
    return LabelledLink(label, str(children[0].attrs.get("href", "")))


def _is_refused(piece: Piece) -> bool:
    return piece[0].type.startswith("container_")
