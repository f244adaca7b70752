"""A group for a year: its people, what they do with each mail, and a clock that leaps from one thing due to the next.

Everything that staff do goes through the command line, and everything that is due through what `mailer run` does. The
transport is the one thing that isn't real: it takes each mail, notes when and for which address, and lets the reader
decide what they do with it.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from sqlalchemy import Select, bindparam, func, insert, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import forget, list_id, subscribe
from mailer.audience.petition.signatures import Particulars, SignatureOrigin, sign
from mailer.cli import cli
from mailer.cli.campaign import run
from mailer.delivery.sending import sender
from mailer.delivery.sending.run_control import Stop
from mailer.delivery.subscriptions.unsubscribe import leave_campaign
from mailer.store.engine.by_campaign import campaign_of
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.series import issues
from mailer.store.tables.types import Instant
from mailer.tracking.classify import judge_new
from mailer.tracking.hits import make_hit, record_hits
from mailer.transports.base import Envelope, Fate, Mailing, Outcome
from mailer.workspace import Workspace

LONGEST_LEAP = timedelta(hours=12)  # an automation looks each minute for who comes in; here it looks less often
ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati", "")
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
LISTS = "supporters"
PAGE = "library"


class Mailed(NamedTuple):
    """One mail that the transport took."""

    at: datetime
    address: str
    delivery_id: int

    @property
    def campaign_id(self) -> int:
        return campaign_of(self.delivery_id)


@dataclass
class Habits:
    """How likely a reader of a mail does what."""

    clicks: float = 0.20
    signs: float = 0.05
    leaves: float = 0.01
    is_forgotten: float = 0.002


@dataclass
class Year:
    """The group, and what is known of it from outside: mails that arrived, people who left, signatures."""

    workspace: Workspace
    database: Database
    now: datetime
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    habits: Habits = field(default_factory=Habits)
    mails: list[Mailed] = field(default_factory=list[Mailed])
    gone: dict[str, datetime] = field(default_factory=dict[str, datetime])  # left, or were forgotten, at
    signed_by: Counter[int] = field(default_factory=Counter[int])  # campaign → signatures that its mails brought
    left_by: dict[int, int] = field(default_factory=dict[int, int])  # campaign → people who left by its mails
    _pending: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list[Any])
    _turns: Iterator[int] = field(default_factory=count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # The clock

    def at(self, moment: datetime, what: Callable[[], None]) -> None:
        heapq.heappush(self._pending, (moment, next(self._turns), what))

    def run_until(self, end: datetime) -> int:
        """Leap from one thing due to the next, with a run at each. Returns the number of runs."""
        runs = 0
        while self.now < end:
            while self._pending and self._pending[0][0] <= self.now:
                heapq.heappop(self._pending)[2]()
            run._run_once(self.workspace, self.database, Stop(), as_json=False)  # pyright: ignore[reportPrivateUsage]
            judge_new(self.database)
            runs += 1
            self.now = min(end, max(self.now + timedelta(seconds=1), self._next()))
        return runs

    def _next(self) -> datetime:
        ahead = [self.now + LONGEST_LEAP, *(one[0] for one in self._pending[:1])]
        with self.database.read() as connection:
            for query in NEXT:
                moment = connection.execute(query, {"now": self.now}).scalar()
                if moment is not None:
                    ahead.append(moment)
        return min(ahead)

    # Staff

    def mailer(self, *arguments: str, answer: str = "") -> str:
        environ = {"MAILER_WORKSPACE": str(self.workspace.root)}
        done = CliRunner().invoke(cli, arguments, env=environ, input=answer)
        assert done.exit_code == 0, f"{done.output}\n{done.exception}"
        return done.output

    def write(self, slug: str, *, front: str = "", name: str = "message.md") -> Path:
        folder = self.workspace.newsletters / slug
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_text(
            f"---\nsubject: News of {slug}\npreheader: What happened, and one thing that you can do.\nlist: {LISTS}\n"
            f"template: update\nlanguage: en\nsignature: The team\naction:\n  url: https://example.org/library\n"
            f"  label: Sign the petition\n{front}---\n\n"
            'Dear {{ supporter.first_name | default("friend") }},\n\nthe council votes on Friday. '
            "It has asked for our opinion, so let us tell it.\n\n::: ask\n:::\n",
            encoding="utf-8",
        )
        return path

    # People

    def join(self, number: int, *, how: str = "form") -> None:
        """Somebody new. `number`: their own, which no one had before."""
        address = f"person{number}@example.org"
        with self.database.write() as connection:
            person = connection.execute(
                insert(people)
                .values(
                    address=address, address_hash=self._hash(address), first_name=f"First{number}",
                    timezone=self.dice.choice(ZONES), timezone_source="own", created_at=self.now, updated_at=self.now,
                )
                .returning(people.c.id)
            ).scalar_one()  # fmt: skip
            subscribe(
                connection, person_id=person, list_id=list_id(connection, LISTS), how=how, source="join page",
                wording="Yes", at=self.now,
            )  # fmt: skip

    def _hash(self, address: str) -> bytes:
        return address_hash(address, self.workspace.secrets.require_address_key())

    # The transport

    def take(self, envelope: Envelope) -> Outcome:
        with self._lock:
            self.mails.append(Mailed(self.now, envelope.address, envelope.delivery_id))
            self._react(self.mails[-1])
        return Outcome(Fate.ACCEPTED)

    def _react(self, mail: Mailed) -> None:
        """Decide at once, and do it some hours later, in the main thread."""
        hours = timedelta(hours=self.dice.uniform(0.1, 30))
        chance, habits = self.dice.random(), self.habits
        if chance < habits.is_forgotten:
            self.at(mail.at + hours, lambda: self._forget(mail))
        elif chance < habits.is_forgotten + habits.leaves:
            self.at(mail.at + hours, lambda: self._leave(mail))
        elif chance < habits.is_forgotten + habits.leaves + habits.clicks:
            self.at(mail.at + hours, lambda: self._click(mail))
            if self.dice.random() < habits.signs / habits.clicks:
                self.at(mail.at + hours + timedelta(minutes=2), lambda: self._sign(mail))

    def _forget(self, mail: Mailed) -> None:
        with self.database.write() as connection:
            forget(connection, address=mail.address)
        self.gone.setdefault(mail.address, self.now)

    def _leave(self, mail: Mailed) -> None:
        if mail.address not in self.gone:
            with self.database.write() as connection:
                leave_campaign(connection, delivery_id=mail.delivery_id, how="one-click", at=self.now)
            self.left_by[mail.campaign_id] = self.left_by.get(mail.campaign_id, 0) + 1
            self.gone[mail.address] = self.now

    def _click(self, mail: Mailed) -> None:
        hit = make_hit(
            campaign_id=mail.campaign_id, delivery_id=mail.delivery_id, n=1, at=self.now, method="GET",
            headers=BROWSER, address="192.0.2.7", key=self.workspace.secrets.require_address_key(),
        )  # fmt: skip
        with self.database.write() as connection:
            record_hits(connection, [hit])

    def _sign(self, mail: Mailed) -> None:
        with self.database.write() as connection:
            person = connection.execute(select(people.c.id).where(people.c.address == mail.address)).scalar()
            if person is not None:
                origin = SignatureOrigin(campaign_id=mail.campaign_id, delivery_id=mail.delivery_id, n=1)
                signed = sign(
                    connection, page=PAGE, statement="Keep it open", person_id=person, who=Particulars({}),
                    origin=origin, at=self.now,
                )  # fmt: skip
                if signed.new:
                    self.signed_by[mail.campaign_id] += 1


class Taking:
    """The transport: hands each mail to the year."""

    name = "outbox"
    batch = 50
    connections = 1

    def __init__(self, year: Year) -> None:
        self._year = year

    def connect(self, mailing: Mailing) -> Taking:
        return self

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        return [self._year.take(envelope) for envelope in envelopes]

    def close(self) -> None:
        pass

    def loop(self, mailing: Mailing) -> None:
        return None

    def probe(self) -> str:
        return "takes everything"


@contextmanager
def fast_clock(year: Year) -> Generator[None]:
    """The command line's clock and transport are the year's."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return year.now

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mailer.cli.context.datetime", Clock)
        patch.setattr(sender, "make_transport", lambda *_args, **_more: Taking(year))
        yield


def _next_of(column: Any, *where: Any) -> Select[Any]:
    """The first moment after now, where nothing is written."""
    return select(func.min(column)).where(column > bindparam("now", type_=Instant()), *where)


NEXT = (
    _next_of(deliveries.c.not_before, deliveries.c.state == "queued"),
    _next_of(campaigns.c.due_at, campaigns.c.state == "scheduled"),
    _next_of(campaign_tests.c.decide_at, campaign_tests.c.decided_at.is_(None)),
    _next_of(issues.c.wake_at, issues.c.state == "planned"),
)
