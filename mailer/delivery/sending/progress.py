"""What one run of the engine did: counts, and why it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailer.delivery.ledger.outcomes import is_for_good
from mailer.transports.base import Fate, Outcome


@dataclass(slots=True)
class SendCounts:
    """Counts of people. `ended` says why sending stopped before the queue was empty, `pause` why it must not go on."""

    sent: int = 0
    deferred: int = 0  # put off, and queued again
    failed: int = 0  # refused for good, or given up on
    uncertain: int = 0
    skipped: int = 0
    returned: int = 0  # put back without an attempt: surely nothing left
    ended: str = ""
    pause: str = ""
    trouble: bool = False

    def count(self, outcome: Outcome | None, people: int = 1, *, given_up: int = 0) -> None:
        """Count what the ledger makes of an answer that `people` got; `given_up` of them are tried no more."""
        if outcome is None:
            self.returned += people
        elif outcome.fate is Fate.ACCEPTED:
            self.sent += people
        elif outcome.fate is Fate.UNCERTAIN:
            self.uncertain += people
        elif is_for_good(outcome):
            self.failed += people
        else:
            self.failed += given_up
            self.deferred += people - given_up

    def end(self, reason: str, *, trouble: bool = False) -> None:
        """Sending stops; the first reason given is the one that counts."""
        self.ended = self.ended or reason
        self.trouble = self.trouble or trouble

    def add(self, other: SendCounts) -> None:
        """Add another run's counts to these."""
        for name in ("sent", "deferred", "failed", "uncertain", "skipped", "returned"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.end(other.ended, trouble=other.trouble)
        self.pause = self.pause or other.pause


@dataclass(frozen=True, slots=True)
class Observer:
    """Watches a run: `progress` gets the counts regularly, `say` a sentence when staff should know something."""

    progress: Callable[[SendCounts], None] = lambda tally: None
    say: Callable[[str], None] = lambda words: None


UNOBSERVED = Observer()
