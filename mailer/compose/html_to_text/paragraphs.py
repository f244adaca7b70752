"""The words of one paragraph of finished HTML as plain text, for `convert`: its links below it, its conditions kept.

A condition that holds whole paragraphs is between them by itself; one within a sentence stays there, and what the
sentence links to is told of under the same condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.compose.html_to_text.words import BLOCKS, SILENT, flat, href_of
from mailer.compose.html_tree import Element
from mailer.compose.markdown.plain_text import PlainText, label_and_address, ruled, wrap
from mailer.compose.templating.markers import Control, Literal, Markers

BLANKS = re.compile(r"\s+")
BETWEEN_LINKS = re.compile(r"[\s|·•,;/–—-]+")
RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
STRUCK = ("del", "s", "strike")


@dataclass(slots=True)
class _Link:
    label: str
    address: str
    branches: Sequence[Control]  # open around it, within its paragraph


@dataclass(frozen=True, slots=True)
class Bare:
    """The marker of a condition that holds whole paragraphs."""

    marker: str


Inline = str | tuple[str, str]  # words, or a link's words and address


class Paragraphs:
    """Sets paragraphs of one message. `unseen`: addresses that are only where most readers don't see them."""

    def __init__(self, markers: Markers, unseen: set[str]) -> None:
        self.markers = markers
        self.unseen = unseen
        self.plain = PlainText(markers)

    def hidden(self, node: Element) -> list[str]:
        """The addresses that are only in something hidden, each once: a phone's style sheet may show it."""
        found: list[str] = []
        for link in node.walk():
            if (href := href_of(link)) in self.unseen:
                self.unseen.discard(href)
                found.append(f"{label_and_address(self.label(link), href)}\n\n")
        return found

    def of(self, run: Sequence[Element | str], width: int, *, rule: str = "") -> list[str]:
        """Inline words as one paragraph; conditions that hold more than it are set by themselves."""
        out: list[str] = []
        pieces: list[Inline] = []
        for piece in self._cut(list(self.inline(run))):
            if isinstance(piece, Bare):
                out += [self._paragraph(pieces, width, rule), piece.marker]
                pieces = []
            else:
                pieces.append(piece)
        out.append(self._paragraph(pieces, width, rule))
        return [text for text in out if text]

    def inline(self, run: Sequence[Element | str]) -> Iterator[Inline]:
        """Words, and links as their words and address."""
        for node in run:
            if isinstance(node, str):
                yield self.said(BLANKS.sub(" ", SILENT.sub("", node)))
            elif not node.is_seen:
                yield "".join(f" {text.strip()} " for text in self.hidden(node))
            elif href_of(node):
                yield self.label(node), href_of(node)
                yield " "  # what is side by side is set apart by its look alone
            elif node.tag == "br":
                yield "\n"
            elif node.tag == "img":
                yield f"[{self.said(node.attrs['alt'])}] " if node.attrs.get("alt") else ""
            elif node.tag in ("sup", "sub") and not node.find("a"):
                yield self._raised(node)
            else:
                around = "~~" if node.tag in STRUCK and flat(node) else " " if node.tag in BLOCKS else ""
                yield around
                yield from self.inline(node.children)
                yield around

    def _raised(self, node: Element) -> str:
        words = flat(node)
        table = RAISED if node.tag == "sup" else LOWERED
        return words.translate(table) if all(ord(sign) in table for sign in words) else self.said(words)

    def label(self, link: Element) -> str:
        return self.said(flat(link))

    def said(self, text: str) -> str:
        """`text` with what is known in place of its markers: plain text needs no escaping."""
        if self.markers.prefix not in text:
            return text
        return "".join(
            piece if isinstance(piece, str) else piece.text if isinstance(piece, Literal) else self.markers.add(piece)
            for piece in self.markers.pieces(text)
        )

    def _cut(self, pieces: Sequence[Inline]) -> Iterator[Inline | Bare]:
        """The same with the markers of conditions that hold whole paragraphs as pieces of their own."""
        held = self._held(pieces)
        for piece in pieces:
            at = 0
            for found in self.markers.control_pattern.finditer(piece) if isinstance(piece, str) else ():
                assert isinstance(piece, str)
                control = next(iter(self.markers.pieces(found[0])))
                if isinstance(control, Control) and control.group not in held:
                    yield piece[at : found.start()]
                    yield Bare(found[0])
                    at = found.end()
            yield piece[at:] if isinstance(piece, str) else piece

    def _held(self, pieces: Sequence[Inline]) -> set[int]:
        """The conditions that begin and end between words of this paragraph."""
        text = "".join(piece if isinstance(piece, str) else "x" for piece in pieces)
        ends: dict[int, set[int]] = {}
        for mark in self.markers.pieces(text):
            if isinstance(mark, Control):
                ends.setdefault(mark.group, set()).add(min(mark.branch, 1))
        held = {group for group, found in ends.items() if {0, -1} <= found}
        said = [mark for mark in self.markers.pieces(text) if not isinstance(mark, str) or mark.strip()]
        if all(isinstance(mark, Control) for mark in said):
            return set()
        while said:
            first, last = said[0], said[-1]
            if isinstance(first, Control) and first.group not in held:
                del said[0]
            elif isinstance(last, Control) and last.group not in held:
                del said[-1]
            elif isinstance(first, Control) and isinstance(last, Control) and first.group == last.group:
                held.discard(first.group)  # it holds all of the paragraph
            else:
                break
        return held

    def _paragraph(self, pieces: Sequence[Inline], width: int, rule: str) -> str:
        words: list[str] = []
        links: list[_Link] = []
        for piece in pieces:
            if isinstance(piece, str):
                words.append(piece)
                continue
            label, address = piece
            words.append(label)
            if not any(link.address == address for link in links):
                links.append(_Link(label, address, self.plain.open_at("".join(words))))
        text = "".join(words)
        if not text.strip() and not links:
            return ""
        if links and BETWEEN_LINKS.sub("", text) == BETWEEN_LINKS.sub("", "".join(link.label for link in links)):
            return "".join(f"{label_and_address(link.label, link.address)}\n" for link in links) + "\n"
        below = [self.plain.under(link.branches, "\n" + label_and_address(link.label, link.address)) for link in links]
        return (ruled(text.strip(), rule, width=width) if rule else wrap(text, width).strip()) + "".join(below) + "\n\n"
