"""The plain-text part: made from the Markdown's tokens, not from HTML, so that both tell the same story.

Words are wrapped at 72 columns; a link's words stay in their sentence and its address follows below on a line of its
own. The whole text is put together by `compose.compiler`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from mailer.compose.markdown.tokens import closing
from mailer.compose.templating.markers import ANY_MARKER, Control, Literal, Markers

WIDTH = 72
INDENT = "    "
BLANKS = re.compile("[ \t]+")  # not the no-break ones, which hold «\u202fwords\u202f» and 10\u00a0€ together
USUAL = "x" * 6  # as long as what a merge tag stands for usually is
STAND_IN = "\ufdd0"  # a noncharacter: no text holds it (`source.message_file` leaves it out)


@dataclass(frozen=True, slots=True)
class _Linked:
    """A link in a paragraph, and the branches it is in."""

    label: str
    address: str
    branches: Sequence[Control]


class PlainText:
    """Sets tokens as plain text for one message. Pieces end with an empty line; conditions go between them."""

    def __init__(self, markers: Markers) -> None:
        self.markers = markers

    def blocks(self, tokens: Sequence[Token], *, width: int = WIDTH) -> str:
        """Paragraphs, headings, lists and quotations, each followed by an empty line."""
        out: list[str] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            end = closing(tokens, at)
            inner = tokens[at + 1 : end]
            match token.type:
                case "condition":
                    out.append(token.content)
                case "paragraph_open" | "heading_open":
                    out.append(self.paragraph(inner[0], width=width, shout=token.type == "heading_open") + "\n\n")
                case "bullet_list_open" | "ordered_list_open":
                    out.append(self._list(token, inner, width=width) + "\n")
                case "blockquote_open":
                    quoted = self.blocks(inner, width=width - 2).rstrip("\n")
                    out.append("\n".join(f"> {line}".rstrip() for line in quoted.split("\n")) + "\n\n")
                case "hr":
                    out.append("* * *\n\n")
                case _:
                    out.append(self.blocks(inner, width=width) if end > at else "")
            at = end + 1
        return "".join(out)

    def paragraph(self, token: Token, *, width: int = WIDTH, shout: bool = False) -> str:
        """One paragraph and, below it, its links. A heading has a line under it, since nothing else sets it off."""
        words, links = self._words(token.children or ())
        if len(links) == 1 and links[0].label == words.strip():
            return label_and_address(links[0].label, links[0].address)
        below = [
            self.under(link.branches, "\n" + label_and_address(link.label, link.address))
            for link in links
            if not link.address.startswith("#")  # a place in the mail: text has none to jump to
        ]
        text = ruled(words, "-", width=width) if shout else wrap(words, width)
        return text + "".join(below)

    def inline(self, token: Token) -> str:
        """The words of a paragraph on one line, links as words only."""
        return " ".join(self._words(token.children or ())[0].split())

    def condensed(self, label: str, body: str) -> str:
        """A note: its number, its words, its links below with an indent."""
        lines = body.rstrip("\n").split("\n")
        return f"{label} " + f"\n{INDENT}".join(line.strip() for line in lines if line.strip())

    def _words(self, children: Iterable[Token]) -> tuple[str, list[_Linked]]:
        words: list[str] = []
        links: list[_Linked] = []
        opened: tuple[int, str] | None = None
        for child in children:
            match child.type:
                case "text" | "code_inline" | "text_special":
                    words.append(self._said(child.content))
                case "softbreak":
                    words.append(" ")
                case "hardbreak":
                    words.append("\n")
                case "footnote_ref":
                    words.append(f"[{child.meta['id'] + 1}]")
                case "image":
                    words.append(child.content)
                case "link_open":
                    opened = (len(words), str(child.attrs.get("href", "")))
                case "link_close" if opened:
                    label = "".join(words[opened[0] :]).strip()
                    before = self.open_at("".join(words[: opened[0]]))
                    links.append(_Linked(label, opened[1], before))
                    opened = None
                case _:
                    pass
        return "".join(words), links

    def _said(self, text: str) -> str:
        """`text` with what is known in place of its markers: plain text needs no escaping."""
        known = self.markers.pieces(text)
        return "".join(
            piece if isinstance(piece, str) else piece.text if isinstance(piece, Literal) else self.markers.add(piece)
            for piece in known
        )

    def open_at(self, text: str) -> list[Control]:
        """The branches that are open at the end of `text`."""
        stack: list[Control] = []
        for piece in self.markers.pieces(text):
            if isinstance(piece, Control):
                if piece.branch != 0:
                    stack.pop()
                if not piece.is_end:
                    stack.append(piece)
        return stack

    def under(self, branches: Sequence[Control], text: str) -> str:
        """`text` under the same conditions again, for a link that is told of only when its words are."""
        for branch in reversed(branches):
            controls, end = self.markers.group(branch.group)
            around = [self.markers.add(control) + (text if control == branch else "") for control in controls]
            text = "".join(around) + self.markers.add(end)
        return text

    def _list(self, opening: Token, inner: Sequence[Token], *, width: int) -> str:
        out: list[str] = []
        number = int(opening.attrs.get("start", 1) or 1)
        at = 0
        while at < len(inner):
            end = closing(inner, at)
            mark = f"{number}. " if opening.type == "ordered_list_open" else "- "
            item = self.blocks(inner[at + 1 : end], width=width - len(mark)).rstrip("\n")
            out.append(mark + item.replace("\n\n", "\n").replace("\n", "\n" + " " * len(mark)) + "\n")
            number += 1
            at = end + 1
        return "".join(out)


def label_and_address(label: str, address: str) -> str:
    """label: address, as the text shows links and buttons."""
    if address.startswith("#") or (address.lower().startswith("mailto:") and address[7:] == label):
        return label
    return f"{label}: {address}" if label and not re.match(r"https?://", label) else address


def ruled(text: str, sign: str, *, width: int = WIDTH) -> str:
    """`text` with a line of `sign` under it, as long as its longest line."""
    wrapped = wrap(text, width)
    longest = max(len(ANY_MARKER.sub(USUAL, line)) for line in wrapped.split("\n"))
    return f"{wrapped}\n{sign * min(longest, width)}"


def wrap(text: str, width: int = WIDTH) -> str:
    """`text` with lines of at most `width` characters where words allow; its own line breaks stay.

    A marker counts as one character, since nobody knows how long what it stands for will be.
    """
    text = text.replace(STAND_IN, "")
    markers = ANY_MARKER.findall(text)
    short = ANY_MARKER.sub(STAND_IN, text)
    lines = [
        textwrap.fill(BLANKS.sub(" ", line).strip(" "), width, break_long_words=False, break_on_hyphens=False)
        for line in short.split("\n")
    ]
    pieces = "\n".join(lines).split(STAND_IN)
    return pieces[0] + "".join(marker + piece for marker, piece in zip(markers, pieces[1:], strict=True))
