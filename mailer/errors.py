"""What can go wrong, said once: a message, where it is, and what to do about it.

Every error a user may meet derives from `MailerError`; the command line shows its three parts and exits 1.
Checks that find many things at once return `Fault` values and raise them together as `FaultsFound`.
No message ever carries a secret.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is: a file as its reader names it (relative to the workspace) and a line from 1."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing found wrong. A warning is worth saying but stops nothing."""

    message: str
    place: Place | None = None
    hint: str | None = None
    warning: bool = False
    rule: str = ""  # the rule of `mailer check` that speaks of it, where it is not just compose.fault

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        kind = "warning: " if self.warning else ""
        remedy = f"\n    {self.hint}" if self.hint else ""
        return f"{where}{kind}{self.message}{remedy}"


class MailerError(Exception):
    """The base of all errors meant for people: what happened, where, and the remedy."""

    def __init__(self, message: str, *, hint: str | None = None, place: Place | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place

    @property
    def fault(self) -> Fault:
        """The same as a value, for collecting beside others."""
        return Fault(self.message, place=self.place, hint=self.hint)

    def __str__(self) -> str:
        return str(self.fault)


class FaultsFound(MailerError):
    """Several faults, found in one pass; at least one is not a warning."""

    def __init__(self, message: str, faults: Sequence[Fault]) -> None:
        super().__init__(message)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {fault}" for fault in self.faults)])


def faults_of(error: MailerError) -> tuple[Fault, ...]:
    """Each fault that an error tells of."""
    return error.faults if isinstance(error, FaultsFound) else (error.fault,)


def raise_faults(message: str, faults: Iterable[Fault]) -> None:
    """Raise `FaultsFound` when any of `faults` is more than a warning."""
    found = tuple(faults)
    if any(not fault.warning for fault in found):
        raise FaultsFound(message, found)


def nearest(name: str, known: Collection[str]) -> str:
    """A remedy for a name that isn't known: the likeliest of `known`, or what there is."""
    from difflib import get_close_matches  # here, since most runs make no mistake

    near = get_close_matches(name, list(known), n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    shown = sorted(known)
    return f"Known: {', '.join(shown[:20])}{' …' if len(shown) > 20 else ''}." if shown else "There is none."
