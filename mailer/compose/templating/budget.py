"""What a template may use while it runs: so many steps, so much text, so much processor time. Then it is stopped.

Every operation of a template that makes something larger asks here first, or hands in what it made, so neither many
small steps nor a single large one can fill the memory. Which operations those are is for `sandbox`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, cast

LONGEST_TEXT = 3_000_000  # characters of one text, or of one list with all that is in it
MOST_MADE = 6 * LONGEST_TEXT  # of all texts and lists together, those that are dropped again as well
MOST_STEPS = 100_000  # turns of loops, and calls: a long newsletter takes some hundreds
MOST_SECONDS = 10.0  # of the processor, for what is slow without being large
WIDEST = 10_000  # the largest number that a method or a format takes, such as a width
LARGEST_BITS = 4_096  # of a whole number
LOOK_EVERY = 256  # steps
PER_ITEM = 16  # what a place in a list counts as, in characters


class TooMuch(Exception):
    """The template is stopped; the message says what there was too much of."""


class Budget:
    """What one text has used."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start again from zero."""
        self._steps = 0
        self._made = 0
        self._began_at = time.thread_time()

    def step(self) -> None:
        """One turn of a loop, or one call."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooMuch(f"its loops and calls take more than {MOST_STEPS:,} steps")
        if self._steps % LOOK_EVERY == 0 and time.thread_time() - self._began_at > MOST_SECONDS:
            raise TooMuch(f"it takes more than {MOST_SECONDS:.0f} seconds to compute")

    def turns(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items of a loop, counted one by one."""
        for item in items:
            self.step()
            yield item

    def ask(self, size: int) -> None:
        """Reserve this many characters before making something."""
        if size > LONGEST_TEXT:
            raise TooMuch(f"a text or list grows beyond {LONGEST_TEXT:,} characters")
        self._made += size
        if self._made > MOST_MADE:
            raise TooMuch(f"it makes more than {MOST_MADE:,} characters in all")

    def keep(self, value: Any) -> Any:
        """Count what was made, which can't be much larger than what it was made of."""
        self.ask(size_of(value))
        return value

    def joined(self, pieces: Iterable[str]) -> str:
        """The pieces as one text. They are counted while they come, since a loop may be making them."""
        kept: list[str] = []
        length = 0
        for piece in pieces:
            length += len(piece)
            if length > LONGEST_TEXT:
                self.ask(length)
            kept.append(piece)
        self.ask(length)
        return "".join(kept)


def size_of(value: Any) -> int:
    """How large a value is when it is written out. Stops counting beyond `LONGEST_TEXT`: a list may hold another many
    times over, which holds a third."""
    size, waiting = 0, [value]
    while waiting and size <= LONGEST_TEXT:
        one = waiting.pop()
        size += 1
        if isinstance(one, (str, bytes)):
            size += len(one)
        elif isinstance(one, dict):
            size += 2 * PER_ITEM * len(cast("dict[Any, Any]", one))
            for pair in cast("dict[Any, Any]", one).items():
                waiting.extend(pair)
        elif isinstance(one, (list, tuple, set, frozenset)):
            items = cast("list[Any]", one)
            size += PER_ITEM * len(items)
            if size <= LONGEST_TEXT:
                waiting.extend(items)
        elif isinstance(one, int):
            size += one.bit_length() // 4
    return size
