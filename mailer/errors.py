"""What stops a command, said once: a message, where it is, and what to do about it.

Every error a user may meet derives from `MailerError`; the command line shows it and exits 1. Checks that find many
things at once return `Diagnostic` values and raise them together with `raise_errors`. No message ever carries a secret.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mailer.diagnostics import Diagnostic, Place


class MailerError(Exception):
    """The base of all errors meant for people: what happened, where, and the remedy; or several such diagnostics."""

    def __init__(
        self, message: str, *, remedy: str = "", place: Place | None = None, diagnostics: Iterable[Diagnostic] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.place = place
        self._several = tuple(diagnostics)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Each thing that it tells of: the several it was raised with, or itself."""
        return self._several or (Diagnostic(self.message, self.place, self.remedy),)

    def __str__(self) -> str:
        if self._several:
            return "\n".join([self.message, *(f"  {one}" for one in self._several)])
        return str(self.diagnostics[0])


def raise_errors(message: str, diagnostics: Iterable[Diagnostic]) -> None:
    """Raise `MailerError` with all of `diagnostics` when any of them is more than a warning."""
    found = tuple(diagnostics)
    if any(one.stops for one in found):
        raise MailerError(message, diagnostics=found)


def nearest(name: str, known: Collection[str]) -> str:
    """A remedy for a name that isn't known: the likeliest of `known`, or what there is."""
    from difflib import get_close_matches  # here, since most runs make no mistake

    near = get_close_matches(name, list(known), n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    shown = sorted(known)
    return f"Known: {', '.join(shown[:20])}{' …' if len(shown) > 20 else ''}." if shown else "There is none."
