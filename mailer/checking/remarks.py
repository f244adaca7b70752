"""What the preflight says of one thing: which rule, how grave, where, what is wrong, why it matters, and the remedy.

`findings.Finding` is `mailer doctor`'s: it speaks of the surroundings and also says what is in order; a remark speaks
of a newsletter, names its rule so that it can be waived, and points at a line.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailer.errors import Place


class Level(StrEnum):
    """How serious a remark is, the most serious first."""

    ERROR = "error"  # nothing is mailed until it is fixed or waived
    WARNING = "warning"  # somebody should look at it
    NOTE = "note"  # good to know


LEVELS = tuple(Level)


@dataclass(frozen=True, slots=True)
class Remark:
    """`part` says where it is when no line of a file does: subject, HTML, text, audience …"""

    rule: str
    level: Level
    message: str
    why: str = ""
    todo: str = ""
    place: Place | None = None
    part: str = ""
    waived: str = ""  # the reason the author gave for leaving it; "" when it is not waived

    @property
    def where(self) -> str:
        """The file and line, or the part of the mail."""
        return str(self.place) if self.place else self.part

    @property
    def stops(self) -> bool:
        """Whether it keeps the newsletter from being mailed."""
        return self.level is Level.ERROR and not self.waived


def worst_first(remarks: Iterable[Remark]) -> list[Remark]:
    """Errors, warnings, notes and last what is waived; among equals in the order of their places."""
    return sorted(remarks, key=_rank)


def _rank(remark: Remark) -> tuple[bool, int, str, int, str]:
    file, line = (remark.place.file, remark.place.line or 0) if remark.place else ("~", 0)
    return bool(remark.waived), LEVELS.index(remark.level), file, line, remark.rule


def as_data(remark: Remark) -> dict[str, Any]:
    """The remark as JSON data."""
    place = remark.place
    return {
        "rule": remark.rule, "level": remark.level.value, "file": place.file if place else None,
        "line": place.line if place else None, "part": remark.part or None, "message": remark.message,
        "why": remark.why or None, "todo": remark.todo or None, "waived": remark.waived or None,
    }  # fmt: skip
