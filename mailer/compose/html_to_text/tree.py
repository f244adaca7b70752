"""Finished HTML as a small tree, for `convert`: what is inside what, and what nobody sees.

Comments are left out, those for Outlook with them. What isn't closed is closed where its parent ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from mailer.compose.mjml.tokenizer import VOID

BLOCKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "div", "dl", "dt", "figcaption",
        "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p",
        "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    )
)  # fmt: skip
UNSEEN = frozenset(("head", "script", "style", "template", "title"))
# Where a line may break, the mark that no letters follow, and what fills up previews in inboxes: none is to be read.
SILENT = re.compile("[\u00ad\u034f\u200b\u2060\ufeff]|(?<!\\w)\u200c|\u200c(?!\\w)")
INVISIBLE = re.compile(r"(?<![\w-])(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Node:
    """One element; its children are elements and texts in their order."""

    tag: str
    attributes: dict[str, str]
    children: list[Node | str] = field(default_factory=list["Node | str"])

    def walk(self) -> Iterator[Node]:
        """Itself and all elements inside, in the order of the document."""
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def find(self, *tags: str) -> list[Node]:
        """The elements inside with one of these tags."""
        return [node for node in self.walk() if node is not self and node.tag in tags]

    @property
    def is_seen(self) -> bool:
        """Whether readers see it, as far as it says itself."""
        hidden = "hidden" in self.attributes or INVISIBLE.search(self.attributes.get("style", ""))
        return self.tag not in UNSEEN and not hidden

    @property
    def stands_beside(self) -> bool:
        """Whether it is one of several side by side, such as the icons of mj-social."""
        return "inline-table" in self.attributes.get("style", "")

    @property
    def is_block(self) -> bool:
        """Whether it is on lines of its own, or holds something that is."""
        return any(node.tag in BLOCKS for node in self.walk())


def tree_of(html: str) -> Node:
    """The root, whose children are the top elements and texts of `html`."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.open[0]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self.open) - 1, 0, -1):
            if self.open[depth].tag == tag:
                del self.open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def href_of(node: Node) -> str:
    """Where a link leads; "" for places in the mail itself, which text doesn't have."""
    address = node.attributes.get("href", "").strip() if node.tag in ("a", "area") else ""
    return "" if address.startswith("#") else address


def flat(node: Node | str) -> str:
    """All its words on one line, pictures by what they are described as."""
    return " ".join("".join(words_of(node)).split())


def words_of(node: Node | str) -> Iterator[str]:
    if isinstance(node, str):
        yield SILENT.sub("", node)
        return
    if node.tag in ("img", "area"):
        yield f" {node.attributes.get('alt', '')} "
    around = " " if node.tag in BLOCKS or node.tag == "br" else ""
    yield around
    for child in node.children:
        if isinstance(child, str) or child.is_seen:
            yield from words_of(child)
    yield around
