"""One connection at work: asks the engine for people, hands their envelopes over, and tells what became of them.

It never touches the database. It hands over only what the engine has recorded the intent of.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from mailer.delivery.ledger import LEASE
from mailer.delivery.postman import Postman
from mailer.delivery.recipients import Recipient
from mailer.delivery.recording import Claim, Done
from mailer.errors import MailerError
from mailer.transports.envelope import (
    Connection,
    Envelope,
    Fate,
    Outcome,
    Transport,
    TransportRefused,
    TransportUnavailable,
)

BOOT_CLOCK: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
Addressed = tuple[Claim, Recipient | None]  # nobody: they were deleted since the claim


@dataclass(frozen=True, slots=True)
class Assignment:
    """People whose intent is recorded, or the word to wait or to end."""

    people: Sequence[Addressed] = ()
    begun_at: float = 0.0  # `boot_seconds` when the intents were committed
    wait_seconds: float = 0.0
    end: bool = False


@dataclass(slots=True)
class Request:
    """A connection's word to the engine: what it has done, what went wrong; it wants more unless there is trouble."""

    done: list[Done]
    trouble: MailerError | None = None
    reply: queue.SimpleQueue[Assignment] = field(default_factory=queue.SimpleQueue[Assignment])


class Sender:
    """The loop of one connection, run in a thread."""

    def __init__(
        self,
        requests: queue.SimpleQueue[Request],
        *,
        transport: Transport,
        postman: Postman,
        clock: Callable[[], datetime],
        wake: threading.Event,
    ) -> None:
        self._requests = requests
        self._transport = transport
        self._postman = postman
        self._clock = clock
        self._wake = wake

    def run(self) -> None:
        """Work until the engine says to end."""
        mailing = self._postman.mailing()
        connection: Connection | None = None
        done: list[Done] = []
        trouble: MailerError | None = None
        while True:
            if connection is None and trouble is None:
                try:
                    connection = self._transport.connect(mailing)
                except (TransportUnavailable, TransportRefused) as error:
                    trouble = error
            assignment = self._ask(done, trouble)
            done, trouble = [], None
            if assignment.end:
                break
            if assignment.wait_seconds:
                self._wake.wait(assignment.wait_seconds)
            elif connection is not None:
                done, trouble = self._hand_over(connection, assignment)
                if trouble is not None:
                    _close(connection)
                    connection = None
        if connection is not None:
            _close(connection)

    def _ask(self, done: list[Done], trouble: MailerError | None) -> Assignment:
        request = Request(done, trouble)
        self._requests.put(request)
        return request.reply.get()

    def _hand_over(self, connection: Connection, assignment: Assignment) -> tuple[list[Done], MailerError | None]:
        claims = [claim for claim, _ in assignment.people]
        if boot_seconds() - assignment.begun_at > LEASE.total_seconds() / 2:
            # This process was frozen since the intent was recorded; others may have taken over, so nothing leaves.
            return [Done(claim, None) for claim in claims], None
        answers: dict[int, Outcome] = {}
        envelopes = [envelope for pair in assignment.people if (envelope := self._envelope(pair, answers))]
        try:
            outcomes = connection.hand_over(envelopes) if envelopes else ()
        except (TransportUnavailable, TransportRefused) as error:
            return [Done(claim, answers.get(claim.id)) for claim in claims], error
        except Exception as error:  # noqa: BLE001  a fault of ours in mid-air: nobody can tell what left
            what = f"the program failed while handing over: {error!r}"
            unknown = Outcome(Fate.UNCERTAIN, detail=what)
            failed = TransportRefused(what, hint="Please report this; the others stay queued.")
            return [Done(claim, answers.get(claim.id, unknown)) for claim in claims], failed
        for envelope, outcome in zip(envelopes, outcomes, strict=True):
            answers[envelope.delivery_id] = outcome
        return [Done(claim, answers[claim.id]) for claim in claims], None

    def _envelope(self, pair: Addressed, answers: dict[int, Outcome]) -> Envelope | None:
        """The envelope of one person; one that can't be made is that person's refusal, and the others go on."""
        claim, recipient = pair
        if recipient is None:
            answers[claim.id] = Outcome(Fate.REFUSED, detail="the person is no longer known")
            return None
        try:
            return self._postman.envelope(
                claim.id,
                attempt=claim.attempt,
                address=recipient.address,
                supporter=recipient.fields,
                now=self._clock(),
                tracked=recipient.tracked,
            )
        except MailerError as error:
            answers[claim.id] = Outcome(Fate.REFUSED, detail=f"this person's mail can't be made: {error.message}")
            return None


def boot_seconds() -> float:
    """Seconds since the machine started, those spent asleep or frozen included."""
    return time.clock_gettime(BOOT_CLOCK)


def _close(connection: Connection) -> None:
    with suppress(MailerError, OSError):
        connection.close()
