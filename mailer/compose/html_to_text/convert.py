"""Plain text from finished HTML, for message.mjml, whose author wrote no Markdown.

It says what the HTML says, in its order. Every address is in it, below the words that link to it and under the same
conditions; every row of a table of figures is one line. Tables that only lay a mail out (role="presentation", or
tables inside tables) come out as the paragraphs they hold. What nobody sees is left out: the preheader, comments, style
sheets; but not an address that is only there, since some readers may see it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from mailer.compose.html_to_text.paragraphs import Paragraphs
from mailer.compose.html_to_text.words import flat, href_of, is_beside, is_block, words_of
from mailer.compose.html_tree import Element, parse
from mailer.compose.markdown.plain_text import INDENT, WIDTH, label_and_address
from mailer.compose.templating.markers import Markers

CELL = " | "
GROUPS = ("thead", "tbody", "tfoot")
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")

Destination = Callable[[str], str]


def text_of_html(html: str, *, markers: Markers, destination: Destination = str) -> str:
    """The words of `html`, markers included, wrapped; ends with a line break.

    `destination` says where an address of the HTML leads: two that lead to one place are the same.
    """
    root = parse(html)
    seen = {destination(href) for href in _seen_addresses(root)}
    unseen = {href for link in root.find("a", "area") if (href := href_of(link)) and destination(href) not in seen}
    return "".join(_Writer(Paragraphs(markers, unseen)).blocks(root.children)).rstrip("\n") + "\n"


def _elements(node: Element) -> list[Element]:
    return [child for child in node.children if isinstance(child, Element)]


def _seen_addresses(node: Element) -> Iterator[str]:
    for child in node.children:
        if isinstance(child, Element) and child.is_seen:
            if href := href_of(child):
                yield href
            yield from _seen_addresses(child)


class _Writer:
    """Sets one message's tree as text. Blocks end with an empty line; conditions between them with nothing."""

    def __init__(self, paragraphs: Paragraphs) -> None:
        self.paragraphs = paragraphs
        self.markers = paragraphs.markers

    def blocks(self, children: Sequence[Element | str], width: int = WIDTH) -> list[str]:
        """The paragraphs, lists and tables among `children`, and the conditions between them."""
        out: list[str] = []
        run: list[Element | str] = []
        before: Element | None = None
        for child in children:
            if isinstance(child, str) or not is_block(child):
                run.append(child)
                continue
            out += self.paragraphs.of(run, width)
            run = []
            if before is not None and is_beside(before) and is_beside(child) and out:
                out[-1] = out[-1].removesuffix("\n")
            out += self._block(child, width) if child.is_seen else self.paragraphs.hidden(child)
            before = child
        return out + self.paragraphs.of(run, width)

    def _block(self, node: Element, width: int) -> list[str]:
        match node.tag:
            case "table":
                found = self._table(node, width)
            case "dl":
                found = self._listed(self._terms(node, width))
            case "ul" | "ol" | "menu" | "dir":
                found = self._listed(self._items(node, width))
            case "hr":
                found = ["* * *\n\n"]
            case "blockquote":
                found = self._quoted(node, width)
            case "pre":
                found = self._as_set(node)
            case "a" if href_of(node):
                found = self._linked(node, width)
            case tag if tag in HEADINGS and not any(
                isinstance(one, Element) and is_block(one) for one in node.children
            ):
                found = self.paragraphs.of(node.children, width, rule="=" if tag == "h1" else "-")
            case _:
                found = self.blocks(node.children, width)
        return found

    def _quoted(self, node: Element, width: int) -> list[str]:
        text = "".join(self.blocks(node.children, width - 2)).rstrip("\n")
        return ["\n".join(f"> {line}".rstrip() for line in text.split("\n")) + "\n\n"] if text else []

    def _as_set(self, node: Element) -> list[str]:
        """What keeps its own lines."""
        text = self.paragraphs.said("".join(word for child in node.children for word in words_of(child))).strip("\n")
        links = [
            f"\n{label_and_address(self.paragraphs.label(link), address)}"
            for link in node.find("a")
            if (address := href_of(link))
        ]
        return ["".join([text, *links, "\n\n"])] if text or links else []

    def _linked(self, node: Element, width: int) -> list[str]:
        """A link around whole paragraphs: a short one is its label, several are followed by the bare address."""
        inner = self.blocks(node.children, width)
        address = href_of(node)
        if len([text for text in inner if not self.markers.control_pattern.fullmatch(text)]) <= 1:
            return [f"{label_and_address(self.paragraphs.label(node), address)}\n\n"]
        return ["".join(inner).rstrip("\n") + f"\n{address}\n\n"]

    # Lists

    def _listed(self, items: Iterator[str]) -> list[str]:
        text = "".join(items)
        return [text + "\n"] if self.markers.control_pattern.sub("", text).strip() else []

    def _items(self, node: Element, width: int) -> Iterator[str]:
        count = sum(child.tag == "li" for child in _elements(node))
        step = -1 if "reversed" in node.attrs else 1
        start = _int(node.attrs.get("start"))
        number = start if start is not None else count if step < 0 else 1
        for child in node.children:
            if isinstance(child, str):
                yield from self._between(child, width)
            elif not child.is_seen:
                yield from self.paragraphs.hidden(child)
            elif child.tag == "li":
                value = _int(child.attrs.get("value"))
                number = number if value is None else value
                mark = f"{_ordinal(number, node.attrs.get('type', '1'))}. " if node.tag == "ol" else "- "
                yield _item(mark, self.blocks(child.children, width - len(mark)))
                number += step
            else:  # a list in a list without an item around it, as some editors write it
                yield _item("  ", self.blocks([child], width - 2))

    def _terms(self, node: Element, width: int) -> Iterator[str]:
        for child in node.children:
            if isinstance(child, str):
                yield from self._between(child, width)
            elif not child.is_seen:
                yield from self.paragraphs.hidden(child)
            elif child.tag == "div":
                yield from self._terms(child, width)
            else:
                mark = INDENT if child.tag == "dd" else ""
                yield _item(mark, self.blocks([child], width - len(mark)))

    def _between(self, text: str, width: int) -> list[str]:
        """What is between items, rows or cells: conditions, and seldom words."""
        return self.markers.control_pattern.findall(text) or self.paragraphs.of([text], width)

    # Tables

    def _table(self, node: Element, width: int) -> list[str]:
        if node.attrs.get("role", "").lower() not in ("presentation", "none") and not node.find("table"):
            return self._listed(self._rows(node, width))
        if together := self._one_link(node):
            return [together]
        return [text for child in node.children for text in self._laid_out(child, width)]

    def _laid_out(self, child: Element | str, width: int) -> list[str]:
        """The content of a table that is only for layout."""
        if isinstance(child, str):
            return self._between(child, width)
        return self.blocks([child], width)

    def _one_link(self, node: Element) -> str:
        """A picture and words in two cells that are one link, as mj-social makes them: one line, the longer words."""
        links = [link for link in node.find("a") if href_of(link)]
        labels = [label for link in links if (label := self.paragraphs.label(link))]
        if len({href_of(link) for link in links}) != 1 or self.paragraphs.said(flat(node)) != " ".join(labels):
            return ""
        return f"{label_and_address(max(labels, key=len, default=''), href_of(links[0]))}\n\n"

    def _rows(self, node: Element, width: int) -> Iterator[str]:
        """Each row as a line; what is between rows, such as a condition, unchanged."""
        for child in node.children:
            if isinstance(child, str):
                yield from self._between(child, width)
            elif not child.is_seen:
                yield from self.paragraphs.hidden(child)
            elif child.tag == "caption":
                yield from self.blocks(child.children, width)
            elif child.tag == "tr":
                yield from self._row(child, width)
            elif child.tag in GROUPS:
                yield from self._rows(child, width)
            else:
                yield from self.blocks([child], width)

    def _row(self, row: Element, width: int) -> list[str]:
        cells = [child for child in _elements(row) if child.tag in ("td", "th") and child.is_seen]
        if len(cells) == 1 and any(is_block(one) for one in _elements(cells[0])):
            return [text for child in row.children for text in self._laid_out(child, width)]
        line: list[str] = []
        texts = [self._cell(cell) for cell in cells]
        count = 0
        alone = sum(map(bool, texts)) == 1  # beside it is nothing, or a picture that says nothing
        for child in row.children:
            if isinstance(child, str):
                line += self.markers.control_pattern.findall(child)
            elif not child.is_seen:
                line += [f" {text.strip()}" for text in self.paragraphs.hidden(child)]
            else:
                line.append(CELL * bool(count and not alone) + (texts.pop(0) if child in cells else self._cell(child)))
                count += 1
        text = "".join(line).rstrip()
        return [f"{text}\n"] if self.markers.control_pattern.sub("", text).strip(CELL) else []

    def _cell(self, cell: Element) -> str:
        """A cell on one line, with the addresses in it."""
        found = (
            label_and_address(*piece) if isinstance(piece, tuple) else piece for piece in self.paragraphs.inline([cell])
        )
        return " ".join("".join(found).split())


def _item(mark: str, blocks: Sequence[str]) -> str:
    """An item of a list, under its mark."""
    text = "".join(blocks).rstrip("\n").replace("\n\n", "\n").replace("\n", "\n" + " " * len(mark))
    return f"{mark}{text}\n" if text else ""


def _int(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"-?\d{1,6}", text) else None


def _ordinal(number: int, kind: str) -> str:
    """A list's number as its `type` writes it: 3, c, C, iii or III."""
    if kind in ("a", "A") and 0 < number <= 26:
        return chr(ord(kind) + number - 1)
    if kind in ("i", "I") and 0 < number < 40:
        tens, ones = divmod(number, 10)
        roman = "x" * tens + ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")[ones]
        return roman if kind == "i" else roman.upper()
    return str(number)
