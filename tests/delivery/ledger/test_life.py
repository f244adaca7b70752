"""The life of a delivery as a state machine against the real store: whatever workers, relays and staff do in whatever
order, nobody is mailed twice and nobody is lost.

The model keeps what only the relay knows: whose mail it took, and how often. Staff's own decision to resend is the one
way to a second mail, and the model allows no more than one for each such decision.

Two campaigns go to overlapping people at once. Whatever is done to one must leave the rows of the other as they are.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from sqlalchemy import Connection, select

from mailer.audience.consent.changes import leave, list_id
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.campaigns.retry_failed import resolve_uncertain
from mailer.delivery.campaigns.status import campaign_statuses
from mailer.delivery.ledger.ledger import LEASE, CampaignStopped, LeaseLost, Worker
from mailer.delivery.ledger.outcomes import Claim, Done
from mailer.delivery.ledger.reopen import settle_expired
from mailer.errors import MailerError
from mailer.store.engine.database import open_database
from mailer.store.tables.core import deliveries
from mailer.transports.base import Fate, Outcome, ReplyClass
from tests.databases import emptied, on_postgresql
from tests.delivery.neighbours import rows_of
from tests.delivery.world import Clock, add_people, launch, worker

PEOPLE = {"appeal": 4, "update": 5}  # who joined between the two launches gets the second only
SLUGS = tuple(PEOPLE)
OUTCOMES = (
    Outcome(Fate.ACCEPTED),
    Outcome(Fate.DEFERRED, "450 4.2.1"),
    Outcome(Fate.REFUSED, "550 5.7.1", reply_class=ReplyClass.POLICY),
    Outcome(Fate.UNCERTAIN),
    None,
)
NOT_MAILED = ("queued", "failed", "skipped", "cancelled")


class Life(RuleBasedStateMachine):
    """Rules are what can happen; invariants are the promise."""

    workers = Bundle("workers")
    claims = Bundle("claims")  # put aside, intent not recorded
    begun = Bundle("begun")  # on the wire
    empty_database: Callable[[], str]  # makes one, or empties one, and names it

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock(datetime(2026, 11, 24, 9, tzinfo=UTC))
        self.database = open_database(self.empty_database())
        self.campaigns: dict[str, int] = {}
        known = 0
        for slug, people in PEOPLE.items():
            add_people(self.database, people - known, now=self.clock.now, first=known)
            known = people
            self.campaigns[slug] = launch(self.database, count=people, now=self.clock.now, slug=slug)
        self.taken: dict[int, int] = {}  # delivery → how often the relay took it
        self.resent: dict[int, int] = {}  # delivery → how often staff had it resent
        self.counted: set[int] = set()  # counted as sent by staff

    def teardown(self) -> None:
        self.database.close()

    @contextmanager
    def only(self, campaign: int) -> Generator[None, None, None]:
        """What happens here may change one campaign alone."""
        others = [number for number in self.campaigns.values() if number != campaign]
        before = rows_of(self.database, others)
        yield
        assert rows_of(self.database, others) == before, "another campaign was touched"

    @rule(target=workers, slug=st.sampled_from(SLUGS))
    def start(self, slug: str) -> Worker:
        return worker(self.database, self.campaigns[slug], self.clock)

    @rule(target=claims, who=workers, limit=st.integers(1, PEOPLE["update"]))
    def claim(self, who: Worker, limit: int) -> object:
        with self.only(who.campaign_id), suppress(LeaseLost, CampaignStopped):
            return multiple(*((who, claim) for claim in who.claim(limit)))
        return multiple()

    @rule(target=begun, one=consumes(claims))
    def begin(self, one: tuple[Worker, Claim]) -> object:
        who, claim = one
        with self.only(who.campaign_id), suppress(LeaseLost, CampaignStopped):
            return multiple(*((who, started) for started in who.exchange((), [claim]).claims))
        return multiple()

    @rule(one=consumes(begun), outcome=st.sampled_from(OUTCOMES), really=st.booleans())
    def answer(self, one: tuple[Worker, Claim], outcome: Outcome | None, really: bool) -> None:
        """The relay answers; when it doesn't, only it knows whether it took the mail."""
        who, claim = one
        accepted = outcome is not None and outcome.fate is Fate.ACCEPTED
        if accepted or (really and outcome is not None and outcome.fate is Fate.UNCERTAIN):
            self._take(claim)
        with self.only(who.campaign_id), suppress(LeaseLost, CampaignStopped):
            who.exchange([Done(claim, outcome)], ())

    @rule(one=consumes(begun), really=st.booleans())
    def die(self, one: tuple[Worker, Claim], really: bool) -> None:
        """The program dies with the mail on the wire; its answer is never heard."""
        if really:
            self._take(one[1])

    @rule(who=workers)
    def release(self, who: Worker) -> None:
        with self.only(who.campaign_id):
            who.release()

    @rule(minutes=st.sampled_from([0, 1, 2, 5, 60, 300]))
    def wait(self, minutes: int) -> None:
        self.clock.now += timedelta(minutes=minutes)

    @rule()
    def settle(self) -> None:
        self.clock.now += LEASE * 2
        settle_expired(self.database, self.clock.now)

    @rule(who=workers)
    def renew(self, who: Worker) -> None:
        with self.only(who.campaign_id), suppress(LeaseLost):
            who.renew()

    @rule(slug=st.sampled_from(SLUGS))
    def pause(self, slug: str) -> None:
        with self.only(self.campaigns[slug]):
            steps.pause(self.database, self.campaigns[slug], "staff", now=self.clock.now)

    @rule(slug=st.sampled_from(SLUGS))
    def resume(self, slug: str) -> None:
        with self.only(self.campaigns[slug]):
            steps.resume(self.database, self.campaigns[slug], now=self.clock.now)

    @rule(n=st.integers(1, PEOPLE["update"]))
    def leave(self, n: int) -> None:
        with self.database.write() as connection:
            number = list_id(connection, "supporters")
            leave(connection, person_id=n, list_ids=[number], how="link", source="appeal", at=self.clock.now)

    @rule(slug=st.sampled_from(SLUGS), resend=st.booleans())
    def resolve(self, slug: str, resend: bool) -> None:
        campaign = self.campaigns[slug]
        with self.database.read() as connection:
            uncertain = [delivery for delivery, state in _states(connection, campaign).items() if state == "uncertain"]
        try:
            with self.only(campaign):
                resolve_uncertain(self.database, campaign, resend=resend, now=self.clock.now)
        except MailerError as refused:
            assert "is cancelled" in refused.message
            return
        for delivery in uncertain:
            if resend:
                self.resent[delivery] = self.resent.get(delivery, 0) + 1
            else:
                self.counted.add(delivery)

    @rule(slug=st.sampled_from(SLUGS))
    def cancel(self, slug: str) -> None:
        with self.only(self.campaigns[slug]):
            steps.cancel(self.database, self.campaigns[slug], now=self.clock.now)

    @rule(slug=st.sampled_from(SLUGS))
    def finish(self, slug: str) -> None:
        with self.only(self.campaigns[slug]):
            steps.finish_if_done(self.database, self.campaigns[slug], now=self.clock.now)

    @invariant()
    def the_promise_is_kept(self) -> None:
        """All that is promised, of one look at the database: looking takes most of this test's time."""
        with self.database.read() as connection:
            statuses = {status.slug: status for status in campaign_statuses(connection)}
            states = {slug: _states(connection, campaign) for slug, campaign in self.campaigns.items()}
        self.nobody_is_mailed_twice()
        for slug, people in PEOPLE.items():
            self.nobody_is_lost(states[slug], people)
            assert statuses[slug].people == Counter(states[slug].values()), "the status counts everybody where they are"
            if statuses[slug].state in ("finished", "cancelled"):
                assert "queued" not in states[slug].values(), "finished means finished"

    def nobody_is_mailed_twice(self) -> None:
        for delivery, times in self.taken.items():
            assert times <= 1 + self.resent.get(delivery, 0)

    def nobody_is_lost(self, states: dict[int, str], people: int) -> None:
        assert len(states) == people
        for delivery, state in states.items():
            taken = self.taken.get(delivery, 0)
            if state == "sent":
                assert taken or delivery in self.counted
            if state in NOT_MAILED and not self.resent.get(delivery):
                assert not taken, state

    def _take(self, claim: Claim) -> None:
        self.taken[claim.id] = self.taken.get(claim.id, 0) + 1


def _states(connection: Connection, campaign: int) -> dict[int, str]:
    of_it = select(deliveries.c.id, deliveries.c.state).where(deliveries.c.campaign_id == campaign)
    return {row.id: row.state for row in connection.execute(of_it)}


LONG = settings(max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class TestLifeInSqlite(Life.TestCase):
    settings = LONG

    @pytest.fixture(autouse=True)
    def on_sqlite(self, migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fresh() -> str:
            path = tmp_path / f"{next(numbers)}.db"
            shutil.copyfile(migrated_file, path)
            return f"sqlite:///{path}"

        numbers = count(1)
        monkeypatch.setattr(Life, "empty_database", staticmethod(fresh), raising=False)


@on_postgresql
class TestLifeInPostgresql(Life.TestCase):
    settings = settings(LONG, max_examples=12)

    @pytest.fixture(autouse=True)
    def on_postgresql(self, shared_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Life, "empty_database", staticmethod(lambda: emptied(shared_url)), raising=False)
