"""What there is to say of a file, a newsletter or the surroundings: one value, however it was found.

The compiler, the settings and the lists return `Diagnostic` values, the rules of `mailer check` and the parts of
`mailer doctor` too; an error (`errors.MailerError`) carries one or several. Why a rule matters is said by the rule, in
`checking.registry`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How serious it is, the most serious first."""

    ERROR = "error"  # nothing is mailed, read or changed until it is fixed (or waived, where that is possible)
    WARNING = "warning"  # somebody should look at it; or it could not be found out
    NOTE = "note"  # good to know
    OK = "ok"  # looked at and found in order


SERIOUSNESS = {level: at for at, level in enumerate(Level)}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is: a file as its reader names it (relative to the workspace) and a line from 1; or, where no
    line says it, a part of what was looked at: subject, HTML, database, transport … With both, of what that file makes.
    """

    file: str = ""
    line: int | None = None
    part: str = ""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}, {self.part}" if self.file and self.part else self.part or where


@dataclass(frozen=True, slots=True)
class Fix:
    """What certainly puts it right: at its place `words` become `put`."""

    words: str
    put: str


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """What to publish in the DNS: at `name` a record of `kind` (TXT, MX …) that says `value`."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing found: what it is and who is affected, where, and what to do about it ("" when nothing)."""

    message: str
    place: Place | None = None
    remedy: str = ""
    level: Level = Level.ERROR
    rule: str = ""  # the rule of `mailer check` that speaks of it, where it is not just compose.fault
    waived: str = ""  # the reason the author gave for leaving it; "" when it is not waived
    fix: Fix | None = None
    record: DnsRecord | None = None  # of the DNS, which puts it right

    @property
    def stops(self) -> bool:
        """Whether nothing goes on until it is fixed."""
        return self.level is Level.ERROR and not self.waived

    @property
    def part(self) -> str:
        return self.place.part if self.place else ""

    @property
    def sentence(self) -> str:
        """The message behind its place."""
        return f"{self.place}: {self.message}" if self.place else self.message

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        kind = "" if self.level is Level.ERROR else f"{self.level}: "
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{where}{kind}{self.message}{remedy}"


def well(message: str) -> Diagnostic:
    """Something of the surroundings that is in order."""
    return Diagnostic(message, level=Level.OK)


def warning(message: str, remedy: str = "", *, record: DnsRecord | None = None) -> Diagnostic:
    """Something of the surroundings that somebody should look at; mails go out."""
    return Diagnostic(message, remedy=remedy, level=Level.WARNING, record=record)


def bad(message: str, remedy: str = "", *, record: DnsRecord | None = None) -> Diagnostic:
    """Something without which mails would not go out, would not arrive, or what comes back would be lost."""
    return Diagnostic(message, remedy=remedy, record=record)


def of_part(part: str, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What was found in one part of the surroundings; a diagnostic that has its place keeps it."""
    return [one if one.place else replace(one, place=Place(part=part)) for one in diagnostics]


def in_part(part: str, diagnostics: Iterable[Diagnostic], level: Level = Level.ERROR) -> list[Diagnostic]:
    """What was found in files, as found in one part of the surroundings; none worse than `level`."""
    place = Place(part=part)
    return at_most(level, (replace(one, message=one.sentence, place=place) for one in diagnostics))


def at_most(level: Level, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The diagnostics, none of them worse than `level`."""
    return [replace(one, level=max(one.level, level, key=SERIOUSNESS.__getitem__)) for one in diagnostics]


def worst(diagnostics: Iterable[Diagnostic]) -> Level:
    """The worst level among them; OK when there is none."""
    return min((one.level for one in diagnostics), key=SERIOUSNESS.__getitem__, default=Level.OK)


def worst_first(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Errors, warnings, notes and last what is waived; among equals in the order of their places."""
    return sorted(diagnostics, key=_rank)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics in the order of their places; those without one first."""
    return tuple(sorted(diagnostics, key=lambda one: (one.place.file, one.place.line or 0) if one.place else ("", 0)))


def _rank(one: Diagnostic) -> tuple[bool, int, str, int, str]:
    file, line = (one.place.file, one.place.line or 0) if one.place and one.place.file else ("~", 0)
    return bool(one.waived), SERIOUSNESS[one.level], file, line, one.rule


def as_data(one: Diagnostic) -> dict[str, Any]:
    """The diagnostic as JSON data."""
    place = one.place or Place()
    return {
        "rule": one.rule, "level": one.level.value, "file": place.file or None, "line": place.line,
        "part": place.part or None, "message": one.message, "todo": one.remedy or None, "waived": one.waived or None,
    }  # fmt: skip
