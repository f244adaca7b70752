"""What an element of finished HTML is to plain text: a block or part of a line, its words, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.compose.html_tree import Element

BLOCKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "div", "dl", "dt", "figcaption",
        "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "nav", "ol", "p",
        "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    )
)  # fmt: skip
# Where a line may break, the mark that no letters follow, and what fills up previews in inboxes: none is to be read.
SILENT = re.compile("[\u00ad\u034f\u200b\u2060\ufeff]|(?<!\\w)\u200c|\u200c(?!\\w)")


def is_block(node: Element) -> bool:
    """Whether it is on lines of its own, or holds something that is."""
    return any(one.tag in BLOCKS for one in node.walk())


def is_beside(node: Element) -> bool:
    """Whether it is one of several side by side, such as the icons of mj-social."""
    return "inline-table" in node.attrs.get("style", "")


def href_of(node: Element) -> str:
    """Where a link leads; "" for places in the mail itself, which text doesn't have."""
    address = node.attrs.get("href", "").strip() if node.tag in ("a", "area") else ""
    return "" if address.startswith("#") else address


def flat(node: Element | str) -> str:
    """All its words on one line, pictures by what they are described as."""
    return " ".join("".join(words_of(node)).split())


def words_of(node: Element | str) -> Iterator[str]:
    if isinstance(node, str):
        yield SILENT.sub("", node)
        return
    if node.tag in ("img", "area"):
        yield f" {node.attrs.get('alt', '')} "
    around = " " if node.tag in BLOCKS or node.tag == "br" else ""
    yield around
    for child in node.children:
        if isinstance(child, str) or child.is_seen:
            yield from words_of(child)
    yield around
