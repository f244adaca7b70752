"""Links and pictures in the MJML itself, a layout's or a designer's, go into the tables like those of Markdown.

It works on the source before MJML is compiled, where it is still told apart what is a button and what a picture.
"""

from __future__ import annotations

import html
import re
from pathlib import PurePosixPath

from mailer.compose.mjml.tokenizer import TokenKind, scan
from mailer.compose.source.images import Pictures
from mailer.compose.templating.link_table import Links
from mailer.compose.templating.markers import Markers
from mailer.compose.templating.render import Resolved
from mailer.diagnostics import Place

# What may link, and the placement that reports show; "" is told by the file the link is in.
LINKING = {"a": "", "area": "image", "mj-button": "button", "mj-image": "image", "mj-navbar-link": "navigation",
           "mj-social-element": "social"}  # fmt: skip
PICTURING = ("mj-image", "img")
TAG = re.compile(r"<!--.*?-->|<([a-zA-Z][a-zA-Z0-9-]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL)
ATTRIBUTE = re.compile(r"(?<=\s)(href|src|alt)\s*=\s*(\"([^\"]*)\"|'([^']*)')")
MARKUP = re.compile(r"<[^>]*>")


# Where a bare text would break the tables around it and mj-raw is allowed. Not mj-wrapper: there mrml puts the content
# of mj-raw into a comment that only Outlook reads, so a condition can't hold a section of a wrapper.
BETWEEN = ("mj-body", "mj-section", "mj-column", "mj-hero", "mj-group")


def conditions_in_raw(source: str, markers: Markers) -> str:
    """MJML in which bare conditions between components are put in mj-raw, which alone carries them."""
    if not re.search(rf"(?<!<mj-raw)>\s*(?:{markers.control_pattern.pattern}\s*)+<(?:/?mj-|!--)", source):
        return source  # all are in mj-raw already, or between paragraphs
    out: list[str] = []
    stack: list[str] = []
    for piece in scan(source):
        text = source[piece.start : piece.end]
        if piece.kind is TokenKind.OPEN:
            stack.append(piece.name)
        elif piece.kind is TokenKind.CLOSE and piece.name in stack:
            while stack.pop() != piece.name:
                pass
        elif (
            piece.kind is TokenKind.TEXT
            and stack
            and stack[-1] in BETWEEN
            and not markers.control_pattern.sub("", text).strip()
        ):
            text = markers.control_pattern.sub(r"<mj-raw>\g<0></mj-raw>", text)
        out.append(text)
    return "".join(out)


class Addresses:
    """Rewrites the addresses of one message's MJML."""

    def __init__(self, *, links: Links, pictures: Pictures, markers: Markers) -> None:
        self.links = links
        self.pictures = pictures
        self.markers = markers

    def rewritten(self, resolved: Resolved) -> str:
        """The MJML with markers for its links and public addresses for its pictures."""
        text = resolved.text
        out: list[str] = []
        at = 0
        for tag in TAG.finditer(text):
            name = (tag[1] or "").lower()
            if name not in LINKING and name not in PICTURING:
                continue
            place = resolved.place(text.count("\n", 0, tag.start()) + 1)
            out.append(text[at : tag.start()])
            out.append(self._tag(tag, name, place))
            at = tag.end()
        return "".join(out) + text[at:]

    def _tag(self, tag: re.Match[str], name: str, place: Place) -> str:
        values = {found[1]: html.unescape(found[3] or found[4] or "") for found in ATTRIBUTE.finditer(tag[0])}
        new: dict[str, str] = {}
        href = values.get("href", "")
        if name in LINKING and href and not self.markers.link_pattern.fullmatch(href):
            label = values.get("alt") or self._words_after(tag, name)
            placement = LINKING[name] or _placement(place)
            new["href"] = self.links.add(href, label=label, placement=placement, place=place)
        src = values.get("src", "")
        if name in PICTURING and src and self.markers.prefix not in src:
            new["src"] = self.pictures.add(src, place).src
        return ATTRIBUTE.sub(
            lambda found: f'{found[1]}="{html.escape(new[found[1]])}"' if found[1] in new else found[0], tag[0]
        )

    def _words_after(self, tag: re.Match[str], name: str) -> str:
        """The text between this tag and its end, without markup."""
        if tag[0].endswith("/>"):
            return ""
        end = tag.string.find(f"</{name}", tag.end())
        inner = tag.string[tag.end() : end] if end >= 0 else ""
        return self.markers.without(" ".join(html.unescape(MARKUP.sub("", inner)).split()))


def _placement(place: Place) -> str:
    """blocks/footer.mjml → footer; the author's own file → inline."""
    path = PurePosixPath(place.file)
    return path.stem if path.parts[:1] == ("templates",) else "inline"
