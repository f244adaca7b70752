"""Finished HTML as a tree: tags, attributes, inline styles, what is visible. It judges nothing.

The plain text is made of it, and the rules of `mailer check` ask it. Conditional comments, which only classic Outlook
reads, are left out: they hold its ghost tables and no content. What isn't closed is closed where its parent ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser

from mailer.compose.mjml.tokenizer import VOID

UNSEEN = frozenset(("head", "script", "style", "template", "title"))
DECLARATION = re.compile(r"\s*([-\w]+)\s*:\s*((?:[^;(\"']|\([^)]*\)|\"[^\"]*\"|'[^']*')*)")


@dataclass(slots=True, eq=False)
class Element:
    """One element. `children` are elements and texts in their order; `hidden` is whether nobody sees it."""

    tag: str
    attrs: Mapping[str, str]
    parent: Element | None
    children: list[Element | str] = field(default_factory=list["Element | str"])
    hidden: bool = field(init=False)

    def __post_init__(self) -> None:
        self.hidden = (self.parent is not None and self.parent.hidden) or not self.is_seen

    def walk(self) -> Iterator[Element]:
        """Itself and all elements inside, in the order of the document."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += [child for child in reversed(element.children) if isinstance(child, Element)]

    def find(self, *tags: str) -> list[Element]:
        """The elements inside with one of these tags."""
        return [element for element in self.walk() if element is not self and element.tag in tags]

    def ancestors(self) -> Iterator[Element]:
        """Itself, its parent, and so on to the root."""
        element: Element | None = self
        while element is not None:
            yield element
            element = element.parent

    @property
    def styles(self) -> Mapping[str, str]:
        """The declarations of its style attribute."""
        return declarations(self.attrs.get("style", ""))

    @property
    def is_seen(self) -> bool:
        """Whether readers see it, as far as it says itself."""
        if self.tag in UNSEEN or "hidden" in self.attrs:
            return False
        styles = self.styles
        return styles.get("display") != "none" and styles.get("visibility") != "hidden"

    def text(self, *, alternatives: bool = False) -> str:
        """Its visible words with single blanks; with `alternatives` also what pictures are described as."""
        return " ".join("".join(self._words(alternatives=alternatives)).split())

    def _words(self, *, alternatives: bool) -> Iterator[str]:
        if not self.is_seen:
            return
        if self.tag == "img" and alternatives:
            yield f" {self.attrs.get('alt', '')} "
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._words(alternatives=alternatives)
        if self.tag not in INLINE:
            yield " "


INLINE = frozenset(
    ("a", "abbr", "b", "bdi", "bdo", "code", "em", "i", "s", "small", "span", "strong", "sub", "sup", "u")
)


def parse(html: str) -> Element:
    """The document's root; its children are the top-level elements and texts."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    return builder.root


@lru_cache(maxsize=2_000)
def declarations(style: str) -> Mapping[str, str]:
    """The declarations of a style attribute; a later one replaces an earlier, and !important is left out."""
    return {
        found[1].lower(): found[2].replace("!important", "").strip().lower() for found in DECLARATION.finditer(style)
    }


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {}, None)
        self.at = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_endtag(self, tag: str) -> None:
        for one in self.at.ancestors():
            if one.tag == tag:
                self.at = one.parent or self.root
                return

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)
