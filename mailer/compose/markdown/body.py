"""Markdown tokens → the blocks of a body: text, ::: blocks, pictures, and the conditions around them.

It decides which pieces a body has and where each goes; `containers` makes the blocks that are more than text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it.token import Token
from markupsafe import Markup

from mailer.compose.markdown.blocks import Block, ConditionBlock, Note, PostscriptBlock, Signature, TextBlock
from mailer.compose.markdown.containers import Containers
from mailer.compose.markdown.context import BlockContext
from mailer.compose.markdown.parser import Parsed
from mailer.compose.markdown.tokens import Piece, is_container, is_lone_image, pieces_of, without_image
from mailer.compose.templating.markers import Control
from mailer.compose.templating.render import Resolved
from mailer.diagnostics import Diagnostic, Place


@dataclass(frozen=True, slots=True)
class RenderedBody:
    """A body: its blocks, those that come below the signature, and its notes."""

    blocks: list[Block]
    postscripts: list[Block]
    notes: list[Note]


class Body:
    """Makes the blocks of one message."""

    def __init__(self, desk: BlockContext) -> None:
        self.desk = desk
        self.markers = desk.markers
        self.containers = Containers(desk)

    @property
    def faults(self) -> list[Diagnostic]:
        """What was wrong with all that was made so far."""
        return [*self.desk.markdown.faults, *self.desk.faults]

    def written(self, resolved: Resolved) -> RenderedBody:
        """The blocks and notes of a Markdown body."""
        parsed = self.desk.markdown.parse(resolved, placement="inline")
        pieces = pieces_of(parsed.tokens)
        around = self._groups_around_blocks(pieces)
        blocks: list[Block] = []
        places: list[Place] = []  # where each block is
        run: list[Token] = []

        def flush(block: Block | None = None) -> None:
            for found in ([self._text(run)] if run else []), ([block] if block else []):
                blocks.extend(found)
                places.extend(place for _ in found)
            run.clear()

        place = resolved.place(1)
        for piece in pieces:
            place = resolved.place((piece[0].map or [0])[0] + 1)
            self._refuse_inner_blocks(piece, resolved)
            special = self._special(piece, resolved, place)
            if piece[0].type == "condition":
                for found in self.markers.pattern.finditer(piece[0].content):
                    control = self.markers.read(found)
                    if isinstance(control, Control) and control.group in around:
                        flush(ConditionBlock(found[0]))
                    else:
                        run.append(Token("condition", "", 0, content=found[0]))
            elif special:
                flush(special)
            elif not is_container(piece):
                run += piece
        flush()
        for note in parsed.notes:
            self.desk.refuse_images(note, resolved)
        closing = self._closing(blocks, places)
        return RenderedBody(blocks[:closing], blocks[closing:], self._notes(parsed))

    def markup(self, resolved: Resolved, *, placement: str) -> tuple[Markup, str]:
        """A short text such as a template's field, as HTML and as plain text."""
        tokens = self._short(resolved, placement=placement)
        self._only_words(tokens, resolved)
        return self.desk.html(tokens), self.desk.plain.blocks(tokens)

    def signature(self, resolved: Resolved) -> Signature:
        """Who signs: words, and above them a picture or none."""
        tokens = self._short(resolved, placement="signature")
        pieces = pieces_of(tokens)
        found = without_image(pieces[0]) if pieces else None
        picture = self.containers.image(found[0], resolved.place(1)) if found else None
        if found:
            tokens = [*found[1], *(token for piece in pieces[1:] for token in piece)]
        self._only_words(tokens, resolved)
        return Signature(self.desk.html(tokens), picture, self.desk.plain.blocks(tokens))

    def _short(self, resolved: Resolved, *, placement: str) -> Sequence[Token]:
        parsed = self.desk.markdown.parse(resolved, placement=placement)
        if parsed.notes:
            remedy = "Put the footnote into the body of the message."
            self.desk.fault("footnotes can't be used here", resolved.place(1), remedy)
        return parsed.tokens

    def _only_words(self, tokens: Sequence[Token], resolved: Resolved) -> None:
        for token in tokens:
            if token.type.startswith("container_") or any(c.type == "image" for c in token.children or ()):
                self.desk.fault("only words and links can be used here", resolved.place((token.map or [0])[0] + 1))

    def _text(self, run: Sequence[Token]) -> TextBlock:
        return TextBlock(self.desk.html(run), self.desk.plain.blocks(run))

    def _groups_around_blocks(self, pieces: Sequence[Piece]) -> set[int]:
        """The conditions that hold more than text, or whole stretches of text: they go between blocks."""
        open_groups: list[tuple[int, int]] = []
        around: set[int] = set()
        for index, piece in enumerate(pieces):
            if piece[0].type != "condition":
                if is_container(piece) or is_lone_image(piece):
                    around.update(group for group, _ in open_groups)
                continue
            for control in self.markers.pieces(piece[0].content):
                if isinstance(control, Control) and control.branch == 0:
                    open_groups.append((control.group, index))
                elif isinstance(control, Control) and control.is_end and open_groups:
                    open_groups.pop()
        return around

    def _special(self, piece: Piece, resolved: Resolved, place: Place) -> Block | None:
        if piece[0].type.startswith("container_"):
            return self.containers.block(piece, resolved)
        image = without_image(piece) if is_lone_image(piece) else None
        if image:
            return self.containers.image(image[0], place)
        self.desk.refuse_images(piece, resolved)
        return None

    def _closing(self, blocks: Sequence[Block], places: Sequence[Place]) -> int:
        """From which block on a body is P.S.: it comes below the signature, with the conditions around it."""
        start = at = len(blocks)
        depth = 0
        while at and isinstance(blocks[at - 1], PostscriptBlock | ConditionBlock):
            at -= 1
            block = blocks[at]
            if isinstance(block, ConditionBlock):
                control = next(iter(self.markers.pieces(block.marker)))
                assert isinstance(control, Control)
                depth += 1 if control.is_end else -1 if control.branch == 0 else 0
            if depth == 0 and any(isinstance(one, PostscriptBlock) for one in blocks[at:]):
                start = at
        for block, place in zip(blocks[:start], places, strict=False):
            if isinstance(block, PostscriptBlock):
                self.desk.fault("::: ps is not the last thing in the message", place, "Move it to the end.")
        return start

    def _refuse_inner_blocks(self, piece: Piece, resolved: Resolved) -> None:
        for token in piece[1:]:
            if token.type.startswith("container_") and token.nesting == 1:
                name = token.type.removeprefix("container_").removesuffix("_open")
                place = resolved.place((token.map or [0])[0] + 1)
                remedy = "Close the block or the list above it first, and begin its line without spaces."
                self.desk.fault(f"::: {name} is inside something else", place, remedy)

    def _notes(self, parsed: Parsed) -> list[Note]:
        notes: list[Note] = []
        for number, tokens in enumerate(parsed.notes, 1):
            html = Markup(self.desk.markdown.inline_html(tokens))  # noqa: S704 - rendered with html off
            kept = [token for token in tokens if token.type != "footnote_anchor"]
            plain = self.desk.plain
            notes.append(Note(number, html, plain.condensed(f"[{number}]", plain.blocks(kept)) + "\n\n"))
        return notes
