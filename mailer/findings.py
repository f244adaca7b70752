"""What a look at one part of the surroundings found: well, a warning or bad, in a sentence, with the remedy.

Each floor judges its own part and returns these values; `mailer doctor` puts them together and shows them. What stops a
command is an error (`errors`), not a finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from mailer.errors import Fault, MailerError, faults_of


class Severity(StrEnum):
    """How much a finding matters."""

    WELL = "well"
    WARNING = "warning"  # mails go out, but somebody should look; or it could not be found out
    BAD = "bad"  # mails would not go out, would not arrive, or what comes back would be lost


@dataclass(frozen=True, slots=True)
class Finding:
    """`found` says what is wrong and who is affected, `todo` what to do about it ("" when nothing)."""

    part: str  # database, keys, transport …: what it is shown under
    level: Severity
    found: str
    todo: str = ""


def well(part: str, found: str) -> Finding:
    return Finding(part, Severity.WELL, found)


def warning(part: str, found: str, todo: str = "") -> Finding:
    return Finding(part, Severity.WARNING, found, todo)


def bad(part: str, found: str, todo: str = "") -> Finding:
    return Finding(part, Severity.BAD, found, todo)


def from_error(part: str, error: MailerError, level: Severity = Severity.BAD) -> list[Finding]:
    """An error as findings: one for each of its faults."""
    return [_from_fault(part, fault, level) for fault in faults_of(error)]


def _from_fault(part: str, fault: Fault, level: Severity) -> Finding:
    where = f"{fault.place}: " if fault.place else ""
    return Finding(part, Severity.WARNING if fault.warning else level, f"{where}{fault.message}", fault.hint or "")


def at_most(level: Severity, findings: Iterable[Finding]) -> list[Finding]:
    """The findings, none of them worse than `level`."""
    order = list(Severity)
    return [replace(one, level=min(one.level, level, key=order.index)) for one in findings]


def worst(findings: Iterable[Finding]) -> Severity:
    """The worst level among the findings; well when there is none."""
    order = list(Severity)
    return max((one.level for one in findings), key=order.index, default=Severity.WELL)
