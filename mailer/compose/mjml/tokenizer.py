"""Cuts MJML source into tags, comments and text, each with its line. It judges nothing: that is for `lint`.

The scan is linear and never fails; what isn't markup as XML knows it comes back as a `BROKEN` piece that says why.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

# HTML elements that have no content and no closing tag (HTML Living Standard, 13.1.2).
VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)

SPACE = " \t\r\n\f"  # what HTML and mrml take for it; no-break spaces are text

Line = Callable[[int], int]  # offset → line

_NAME = re.compile(r"[A-Za-z][^ \t\r\n\f/<>\"'=]*")
_SPACE = re.compile(r"[ \t\r\n\f]*")
_XML_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:.-]*")
_ATTRIBUTE = re.compile(r"[^ \t\r\n\f/<>\"'=]+")


class TokenKind(StrEnum):
    """What a piece of source is."""

    OPEN = "open"
    CLOSE = "close"
    EMPTY = "empty"  # <x/>
    TEXT = "text"
    COMMENT = "comment"
    CDATA = "cdata"
    DECLARATION = "declaration"  # <!doctype …>, <?xml …?>, <![if …]>
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as written; `value` is None when there is no `=`."""

    name: str
    value: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of source. `name` is a tag's, or for `BROKEN` the reason in words."""

    kind: TokenKind
    start: int
    end: int
    line: int  # from 1, of its first character
    name: str = ""
    attributes: tuple[Attribute, ...] = ()


_DELIMITED = (
    ("<!--", "-->", TokenKind.COMMENT),
    ("<![CDATA[", "]]>", TokenKind.CDATA),
    ("<!", ">", TokenKind.DECLARATION),
    ("<?", ">", TokenKind.DECLARATION),
)


class _Broken(Exception):
    """Why the scan can't read a tag."""


def scan(source: str) -> Iterator[Piece]:
    """The pieces of `source` in order; together they cover every character once."""
    lines = [match.start() for match in re.finditer("\n", source)]

    def line(offset: int) -> int:
        return bisect_right(lines, offset - 1) + 1

    offset = 0
    while offset < len(source):
        if source[offset] != "<":
            end = source.find("<", offset)
            end = len(source) if end < 0 else end
            yield Piece(TokenKind.TEXT, offset, end, line(offset))
        else:
            piece = _markup(source, offset, line)
            end = piece.end
            yield piece
        offset = end


def _markup(source: str, start: int, line: Line) -> Piece:
    """The piece that begins with the `<` at `start`."""
    for opening, closing, kind in _DELIMITED:
        if source.startswith(opening, start):
            found = source.find(closing, start + len(opening))
            if found < 0:
                return Piece(
                    TokenKind.BROKEN, start, len(source), line(start), f"{opening!r} is never closed by {closing!r}"
                )
            return Piece(kind, start, found + len(closing), line(start))
    closes = source.startswith("</", start)
    name = _NAME.match(source, start + (2 if closes else 1))
    if name is None:
        return Piece(TokenKind.BROKEN, start, start + 1, line(start), "a bare '<': write &lt;")
    if not _XML_NAME.fullmatch(name[0]):
        return Piece(TokenKind.BROKEN, start, name.end(), line(start), f"<{name[0]} can't be a tag")
    try:
        attributes, end, empty = _attributes(source, name.end(), line)
    except _Broken as broken:
        end = source.find("<", name.end())
        end = len(source) if end < 0 else end
        return Piece(TokenKind.BROKEN, start, end, line(start), f"<{name[0]}> {broken}")
    if closes and source[name.end() : end].strip(SPACE) != ">":
        return Piece(TokenKind.BROKEN, start, end, line(start), f"</{name[0]}> can hold nothing but its name")
    kind = TokenKind.CLOSE if closes else TokenKind.EMPTY if empty else TokenKind.OPEN
    return Piece(kind, start, end, line(start), name[0], tuple(attributes))


def _attributes(source: str, offset: int, line: Line) -> tuple[list[Attribute], int, bool]:
    """Attributes from `offset` to the tag's end, the offset behind it, and whether it ended in `/>`."""
    found: list[Attribute] = []
    while True:
        before, offset = offset, _skip(source, offset)
        if source.startswith(">", offset):
            return found, offset + 1, False
        if source.startswith("/>", offset):
            return found, offset + 2, True
        name = _ATTRIBUTE.match(source, offset)
        if name is None:
            raise _Broken("is not closed by '>'" if offset >= len(source) or source[offset] == "<" else
                          f"has a stray {source[offset]!r} among its attributes")  # fmt: skip
        if not _XML_NAME.fullmatch(name[0]):
            raise _Broken(f"has an attribute {name[0]!r}, which can't be a name")
        if before == offset:
            raise _Broken(f"needs a space before {name[0]}")
        value, offset = _value(source, name)
        found.append(Attribute(name[0], value, line(name.start())))


def _value(source: str, name: re.Match[str]) -> tuple[str | None, int]:
    """The value behind the attribute `name` and the offset behind it."""
    equals = _skip(source, name.end())
    if not source.startswith("=", equals):
        return None, name.end()
    quote = _skip(source, equals + 1)
    mark = source[quote : quote + 1]
    if mark not in ("'", '"') or not mark:
        raise _Broken(f'needs quotes around the value of {name[0]}: {name[0]}="…"')
    end = source.find(mark, quote + 1)
    if end < 0:
        raise _Broken(f"has no closing quote for {name[0]}")
    return source[quote + 1 : end], end + 1


def _skip(source: str, offset: int) -> int:
    match = _SPACE.match(source, offset)
    assert match is not None
    return match.end()
