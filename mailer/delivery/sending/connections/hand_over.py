"""A transport's connections as the engine sees them: each asks for people, and tells what became of them.

What is said between the engine and them, and how one person's mail is made. How the connections are driven is
`threaded` for transports that wait for each answer, and `event_loop` for those that needn't. Neither touches the
database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from mailer.delivery.ledger.ledger import LEASE
from mailer.delivery.ledger.outcomes import Claim, Done
from mailer.delivery.ledger.recipients import Recipient
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.errors import MailerError
from mailer.transports.base import Envelope, Fate, Outcome, TransportRefused

BOOT_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
Addressed = tuple[Claim, Recipient | None]  # nobody: they were deleted since the claim


class ConnectionReport(NamedTuple):
    """What a connection reports: its results and errors. It wants more people unless there is trouble."""

    number: int
    done: Sequence[Done] = ()
    trouble: MailerError | None = None


class Connections(Protocol):
    """All connections of one transport, for one campaign. They hand over only what they are given, once."""

    def start(self) -> None:
        """Begin to connect; each reports when it is ready."""
        ...

    def wait(self, seconds: float) -> list[ConnectionReport]:
        """The reports there are; waits at most this long for the first."""
        ...

    def give(self, number: int, people: Sequence[Addressed], *, begun_at: float) -> None:
        """People to mail, whose intents were committed at `begun_at` (`boot_seconds`). It will report."""
        ...

    def rest(self, number: int, seconds: float) -> None:
        """Connect again after a while. It will report."""
        ...

    def hurry(self) -> None:
        """Cut all rests short."""
        ...

    def leave(self, numbers: Sequence[int]) -> None:
        """These have nobody left to mail, and close."""
        ...

    def close(self) -> None:
        """End. What is in the middle of a hand-over is broken off or left to itself."""
        ...


@dataclass(slots=True)
class Made:
    """The mails of some people, and the outcomes that are known without handing anything over."""

    claims: list[Claim]
    envelopes: list[Envelope] = field(default_factory=list[Envelope])
    answers: dict[int, Outcome | None] = field(default_factory=dict[int, Outcome | None])

    def take(self, outcomes: Sequence[Outcome]) -> None:
        """One outcome for each envelope."""
        for envelope, outcome in zip(self.envelopes, outcomes, strict=True):
            self.answers[envelope.delivery_id] = outcome

    def done(self, otherwise: Outcome | None = None) -> list[Done]:
        """What is known of everybody; `otherwise` of those who have no answer. None: surely nothing left."""
        return [Done(claim, self.answers.get(claim.id, otherwise)) for claim in self.claims]


class Maker:
    """Makes the mails of those a connection was given."""

    def __init__(self, builder: EnvelopeBuilder, clock: Callable[[], datetime]) -> None:
        self._builder = builder
        self._clock = clock

    def make(self, people: Sequence[Addressed], *, begun_at: float) -> Made:
        """Their mails. One that can't be made counts as refused; the others go on."""
        made = Made([claim for claim, _ in people])
        if boot_seconds() - begun_at > LEASE.total_seconds() / 2:
            # This process was frozen since the intent was recorded; others may have taken over, so nothing leaves.
            return made
        now = self._clock()
        for claim, recipient in people:
            if recipient is None:
                made.answers[claim.id] = Outcome(Fate.REFUSED, detail="the person is no longer known")
                continue
            try:
                envelope = self._builder.envelope(
                    claim.id,
                    attempt=claim.attempt,
                    address=recipient.address,
                    supporter=recipient.fields,
                    now=now,
                    tracked=recipient.tracked,
                )
            except MailerError as error:
                detail = f"this person's mail can't be made: {error.message}"
                made.answers[claim.id] = Outcome(Fate.REFUSED, detail=detail)
            else:
                made.envelopes.append(envelope)
        return made


def our_fault(error: Exception) -> tuple[Outcome, MailerError]:
    """A fault of ours during a hand-over: nobody can tell what left, and the next would fail the same way."""
    what = f"the program failed while handing over: {error!r}"
    remedy = "Please report this; the others stay queued."
    return Outcome(Fate.UNCERTAIN, detail=what), TransportRefused(what, remedy=remedy)


def boot_seconds() -> float:
    """Seconds since the machine started, those spent asleep or frozen included."""
    return time.clock_gettime(BOOT_CLOCK)
