"""The values that a message takes from its data: read once, then the same for its check, its approval and everybody
who gets it.

Texts are words and nothing more; `for_templates` makes of them what Jinja sees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from types import SimpleNamespace
from typing import Any, cast

from mailer.compose.data.entries import plain
from mailer.compose.data.sources import DATA

LARGEST = 500_000  # characters of all values of a message
DEEPEST = 12  # lists and objects within one another
MOST_BITS = 256  # of a whole number
LONGEST_TEXT = 20_000


class TooMuchData(ValueError):
    """The values are more than a message may hold; the message says what."""


@dataclass(frozen=True, slots=True)
class FrozenData:
    """The values by the names of their sources: JSON, as small as what is shown.

    `new_items`: how many entries are new since the last issue, where the message asks for those: with 0 of them there
    is nothing to mail. None where it doesn't ask. `seen`: what to hand in when the next issue is read.
    """

    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    new_items: int | None = None
    seen: tuple[str, ...] = ()
    asked: str = ""  # which sources were asked, and how: two messages that ask the same have the same

    def to_json(self) -> dict[str, Any]:
        """As JSON data; the same values give the same."""
        return {"values": dict(self.values), "new_items": self.new_items, "seen": list(self.seen), "asked": self.asked}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FrozenData:
        """What `to_json` described."""
        return cls(data["values"], data["new_items"], tuple(data["seen"]), data["asked"])

    def for_templates(self, *, marker: str) -> dict[str, SimpleNamespace]:
        """The values as Jinja sees them: `data.news`, `item.title`. A name such as `items` is a field and no method.

        `marker`: how the message's own markers begin. No text may hold that, or it would be taken for one of them.
        """
        pattern = re.compile(re.escape(marker), re.IGNORECASE)
        return {DATA: SimpleNamespace(**{name: _seen(one, pattern) for name, one in self.values.items()})}


def sound(value: object, *, depth: int = 0) -> Any:
    """A value of somebody's JSON or table as it may be kept: texts on one line, missing ones empty, numbers as they
    are. Raises `TooMuchData` for what no message needs."""
    if depth > DEEPEST:
        raise TooMuchData(f"its values are nested more than {DEEPEST} deep")
    match value:
        case None:
            return ""
        case bool():
            return value
        case int():
            return value if value.bit_length() <= MOST_BITS else ""
        case float():
            return value if isfinite(value) else ""
        case str():
            return plain(value)[:LONGEST_TEXT]
        case dict():
            named = cast("dict[Any, Any]", value)
            return {plain(str(key)): sound(one, depth=depth + 1) for key, one in named.items()}
        case list():
            return [sound(one, depth=depth + 1) for one in cast("list[Any]", value)]
        case _:
            return plain(str(value))


def size_of(value: object) -> int:
    """How many characters a value has, names included."""
    match value:
        case dict():
            return sum(len(key) + size_of(one) for key, one in cast("dict[str, Any]", value).items())
        case list():
            return sum(map(size_of, cast("list[Any]", value))) + 1
        case _:
            return len(str(value)) + 1


def _seen(value: Any, marker: re.Pattern[str]) -> Any:
    match value:
        case str():
            while marker.search(value):
                value = marker.sub("", value)
            return value
        case dict():
            named = cast("Mapping[str, Any]", value)
            return SimpleNamespace(**{name: _seen(one, marker) for name, one in named.items()})
        case list() | tuple():
            return [_seen(one, marker) for one in cast("Sequence[Any]", value)]
        case _:
            return value
