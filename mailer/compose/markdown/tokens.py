"""Markdown tokens cut into pieces, each one construct with all it holds, and what a piece consists of.

`body` and `containers` make blocks of them. Nothing here knows of links, pictures or markers.
"""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.token import Token

from mailer.compose.markdown.blocks import LabelledLink

Piece = list[Token]  # one block-level construct with all it holds


def closing(tokens: Sequence[Token], at: int) -> int:
    """The index of the token that closes the one at `at`; itself when it opens nothing."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    return len(tokens) - 1


def pieces_of(tokens: Sequence[Token]) -> list[Piece]:
    """The tokens cut into block-level constructs."""
    pieces: list[Piece] = []
    depth = 0
    for token in tokens:
        if depth == 0:
            pieces.append([])
        pieces[-1].append(token)
        depth += token.nesting
    return pieces


def joined(pieces: Sequence[Piece]) -> list[Token]:
    """The tokens of all the pieces."""
    return [token for piece in pieces for token in piece]


def is_container(piece: Piece) -> bool:
    """Whether it is a ::: block."""
    return piece[0].type.startswith("container_")


def behind_name(piece: Piece) -> str:
    """The rest of a ::: line, after the block's name."""
    return piece[0].info.strip().partition(" ")[2].strip()


def is_lone_image(piece: Piece) -> bool:
    """Whether it is a paragraph that holds a picture and nothing else."""
    return piece[0].type == "paragraph_open" and [child.type for child in _said(piece[1])] == ["image"]


def lone_link(piece: Piece) -> LabelledLink | None:
    """The link that is all there is in a paragraph."""
    if piece[0].type != "paragraph_open":
        return None
    children = _said(piece[1])
    if len(children) < 2 or children[0].type != "link_open" or children[-1].type != "link_close":
        return None
    if sum(c.type == "link_open" for c in children) > 1:
        return None
    label = "".join(c.content for c in children[1:-1]).strip()
    return LabelledLink(label, str(children[0].attrs.get("href", "")))


def without_image(piece: Piece) -> tuple[Token, Piece] | None:
    """The picture with which a paragraph begins, and what is left of it; None when it begins with something else."""
    if piece[0].type != "paragraph_open":
        return None
    children = list(piece[1].children or ())
    while children and children[0].type == "text" and not children[0].content.strip():
        children.pop(0)
    if not children or children[0].type != "image":
        return None
    rest = children[1:]
    while rest and (rest[0].type in ("softbreak", "hardbreak") or (rest[0].type == "text" and not rest[0].content)):
        rest.pop(0)
    return children[0], [piece[0], line_of(rest), piece[2]] if rest else []


def line_of(children: Sequence[Token]) -> Token:
    """A line of text that holds `children`."""
    return Token("inline", "", 0, content="".join(child.content for child in children), children=list(children))


def _said(inline: Token) -> list[Token]:
    return [child for child in inline.children or () if child.type != "text" or child.content.strip()]
