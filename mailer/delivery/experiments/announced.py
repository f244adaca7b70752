"""What a test is going to do, in words, before its newsletter leaves: who gets what, when it ends, what it buys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from mailer.compose.message import Message
from mailer.counting import counted
from mailer.delivery.experiments.priors import planned_sizes
from mailer.delivery.experiments.tried import in_short, what_differs, what_versions_say
from mailer.experiments.sampling import expected_gain
from mailer.experiments.words import advice, gains, named

FRIDAY_EVENING, SUNDAY = (4, 17), 6  # weekday and hour
A_DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AnnouncedTest:
    """A test that isn't launched yet, for an audience of `people`. `gain`: signatures beyond no test, on average."""

    arms: tuple[str, ...]
    people: int
    share: float
    each: int
    wait: timedelta
    decides: str
    gain: float
    said: tuple[str, ...]  # what each version says where versions differ

    @property
    def rest(self) -> int:
        """The people who get the version that wins."""
        return self.people - self.each * len(self.arms)


def announced(connection: Connection, message: Message, people: int) -> AnnouncedTest | None:
    """The test of a message for so many people; None when it tries nothing."""
    if message.test is None:
        return None
    prior, share, each = planned_sizes(connection, message, people)
    arms = tuple(message.arms)
    tested = each * len(arms) / people if people else 0.0
    gain = expected_gain(people, len(arms), tested, prior)
    said = in_short(what_versions_say(message), what_differs(message))
    wait = timedelta(seconds=message.test.wait_seconds)
    return AnnouncedTest(arms, people, share, each, wait, message.test.decides, gain, tuple(said.values()))


def in_words(test: AnnouncedTest, *, at: datetime, zone: str) -> list[str]:
    """A line for each thing that staff should know before they let it leave `at` this time."""
    decided = (at + test.wait).astimezone(ZoneInfo(zone))
    by = "people who sign" if test.decides == "signatures" else "people who follow the action link"
    return [
        f"{counted(test.each)} each get {_listed(test.arms)}; the version that wins goes to the other {test.rest:,}",
        f"decided once, {test.wait / HOUR:g} h after it leaves ({decided:%a %-d %b %H:%M} {zone}), by {by}",
        *([f"it brings {gains(test.gain)}, on average"] if test.gain >= 1 else []),
        *_remarks(test, at=at.astimezone(ZoneInfo(zone))),
    ]


def _listed(arms: Sequence[str]) -> str:
    return f"{', '.join(map(named, arms[:-1]))} or {named(arms[-1])}"


def _remarks(test: AnnouncedTest, *, at: datetime) -> Iterator[str]:
    if words := advice(test.people, len(test.arms)):
        yield words
    if test.wait < A_DAY and ((at.weekday(), at.hour) >= FRIDAY_EVENING or at.weekday() == SUNDAY):
        yield "at a weekend people act later than on other days: wait: 24h finds out more"
