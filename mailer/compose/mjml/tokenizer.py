"""Cuts MJML source into tags, comments and text, each with its line. It judges nothing: that is for `lint`.

The scan is linear and never fails; what isn't markup as XML knows it comes back as a `BROKEN` piece that says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

# HTML elements that have no content and no closing tag (HTML Living Standard, 13.1.2).
VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)

SPACE = " \t\r\n\f"  # what HTML and mrml take for it; no-break spaces are text

_S, _XML_NAME = r"[ \t\r\n\f]", r"[A-Za-z_:][A-Za-z0-9_:.-]*+"
_ATTRIBUTE = rf"{_S}++({_XML_NAME})(?:{_S}*+={_S}*+(?:\"([^\"]*+)\"|'([^']*+)'))?+"
_EACH = re.compile(_ATTRIBUTE)
_TAG = re.compile(
    rf"</(?P<closed>(?=[A-Za-z]){_XML_NAME}){_S}*+>"
    rf"|<(?P<opened>(?=[A-Za-z]){_XML_NAME})(?P<attributes>(?:{_ATTRIBUTE})*+){_S}*+(?P<empty>/?)>"
)

# What was meant by what only resembles a tag.
_NAME = re.compile(r"[A-Za-z][^ \t\r\n\f/<>\"'=]*")
_WORD = re.compile(r"[^ \t\r\n\f/<>\"'=]+")
_BLANKS = re.compile(rf"{_S}*")


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


class Attribute(NamedTuple):
    """One attribute as written; `value` is None when there is no `=`."""

    name: str
    value: str | None
    line: int


class Piece(NamedTuple):
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


def scan(source: str) -> Iterator[Piece]:
    """The pieces of `source` in order; together they cover every character once."""
    offset, line = 0, 1
    while offset < len(source):
        if source[offset] != "<":
            end = source.find("<", offset)
            piece = Piece(TokenKind.TEXT, offset, end if end >= 0 else len(source), line)
        elif tag := _TAG.match(source, offset):
            piece = _tag(tag, line)
        else:
            piece = _other(source, offset, line)
        yield piece
        line += source.count("\n", offset, piece.end)
        offset = piece.end


def _tag(tag: re.Match[str], line: int) -> Piece:
    start, end = tag.span()
    if name := tag["closed"]:
        return Piece(TokenKind.CLOSE, start, end, line, name)
    source = tag.string
    attributes = [
        Attribute(name, value if single is None else single, line + source.count("\n", start, found.start(1)))
        for found in _EACH.finditer(source, *tag.span("attributes"))
        for name, value, single in [found.groups()]
    ]
    kind = TokenKind.EMPTY if tag["empty"] else TokenKind.OPEN
    return Piece(kind, start, end, line, tag["opened"], tuple(attributes))


def _other(source: str, start: int, line: int) -> Piece:
    """A comment or declaration, or what is broken, from the `<` at `start`."""
    for opening, closing, kind in _DELIMITED:
        if source.startswith(opening, start):
            found = source.find(closing, start + len(opening))
            if found < 0:
                reason = f"{opening!r} is never closed by {closing!r}"
                return Piece(TokenKind.BROKEN, start, len(source), line, reason)
            return Piece(kind, start, found + len(closing), line)
    closes = source.startswith("</", start)
    name = _NAME.match(source, start + (2 if closes else 1))
    if name is None:
        return Piece(TokenKind.BROKEN, start, start + 1, line, "a bare '<': write &lt;")
    if not re.fullmatch(_XML_NAME, name[0]):
        return Piece(TokenKind.BROKEN, start, name.end(), line, f"<{name[0]} can't be a tag")
    reason, end = _reason(source, name.end())
    if not reason:
        return Piece(TokenKind.BROKEN, start, end, line, f"</{name[0]}> can hold nothing but its name")
    return Piece(TokenKind.BROKEN, start, end, line, f"<{name[0]}> {reason}")


def _reason(source: str, offset: int) -> tuple[str, int]:
    """Why the attributes from `offset` can't be read, and where to go on; "" where a tag's end comes after them."""
    end = source.find("<", offset)
    end = len(source) if end < 0 else end
    while True:
        before, offset = offset, _skip(source, offset)
        if source.startswith((">", "/>"), offset):
            return "", source.index(">", offset) + 1
        word = _WORD.match(source, offset)
        if word is None:
            unclosed = offset >= len(source) or source[offset] == "<"
            return "is not closed by '>'" if unclosed else f"has a stray {source[offset]!r} among its attributes", end
        if not re.fullmatch(_XML_NAME, word[0]):
            return f"has an attribute {word[0]!r}, which can't be a name", end
        if before == offset:
            return f"needs a space before {word[0]}", end
        offset = word.end()
        equals = _skip(source, offset)
        if source.startswith("=", equals):
            quote = _skip(source, equals + 1)
            mark = source[quote : quote + 1]
            if mark not in ("'", '"') or not mark:
                return f'needs quotes around the value of {word[0]}: {word[0]}="…"', end
            offset = source.find(mark, quote + 1) + 1
            if not offset:
                return f"has no closing quote for {word[0]}", end


def _skip(source: str, offset: int) -> int:
    match = _BLANKS.match(source, offset)
    assert match is not None
    return match.end()
