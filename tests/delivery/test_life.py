"""The life of a delivery as a state machine against the real store: whatever workers, relays and staff do in whatever
order, nobody is mailed twice and nobody is lost.

The model keeps what only the relay knows: whose mail it took, and how often. Staff's own decision to resend is the one
way to a second mail, and the model allows no more than one for each such decision.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from sqlalchemy import Connection, select

from mailer.audience.consent import leave, list_id
from mailer.delivery import campaigns as steps
from mailer.delivery.ledger import LEASE, CampaignStopped, LeaseLost, Worker, settle_expired
from mailer.delivery.recording import Claim, Done
from mailer.delivery.status import campaign_statuses
from mailer.errors import MailerError
from mailer.store.database import open_database
from mailer.store.tables import campaigns, deliveries
from mailer.transports.envelope import Fate, Outcome, ReplyClass
from tests.databases import emptied, on_postgresql
from tests.delivery.world import Clock, add_people, launch, worker

PEOPLE = 5
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
        add_people(self.database, PEOPLE, now=self.clock.now)
        self.campaign = launch(self.database, count=PEOPLE, now=self.clock.now)
        self.taken: dict[int, int] = {}  # delivery → how often the relay took it
        self.resent: dict[int, int] = {}  # delivery → how often staff had it resent
        self.counted: set[int] = set()  # counted as sent by staff

    def teardown(self) -> None:
        self.database.close()

    @rule(target=workers)
    def start(self) -> Worker:
        return worker(self.database, self.campaign, self.clock)

    @rule(target=claims, who=workers, limit=st.integers(1, PEOPLE))
    def claim(self, who: Worker, limit: int) -> object:
        with suppress(LeaseLost, CampaignStopped):
            return multiple(*((who, claim) for claim in who.claim(limit)))
        return multiple()

    @rule(target=begun, one=consumes(claims))
    def begin(self, one: tuple[Worker, Claim]) -> object:
        who, claim = one
        with suppress(LeaseLost, CampaignStopped):
            return multiple(*((who, started) for started in who.exchange((), [claim]).claims))
        return multiple()

    @rule(one=consumes(begun), outcome=st.sampled_from(OUTCOMES), really=st.booleans())
    def answer(self, one: tuple[Worker, Claim], outcome: Outcome | None, really: bool) -> None:
        """The relay answers; when it doesn't, only it knows whether it took the mail."""
        who, claim = one
        accepted = outcome is not None and outcome.fate is Fate.ACCEPTED
        if accepted or (really and outcome is not None and outcome.fate is Fate.UNCERTAIN):
            self._take(claim)
        with suppress(LeaseLost, CampaignStopped):
            who.exchange([Done(claim, outcome)], ())

    @rule(one=consumes(begun), really=st.booleans())
    def die(self, one: tuple[Worker, Claim], really: bool) -> None:
        """The program dies with the mail on the wire; its answer is never heard."""
        if really:
            self._take(one[1])

    @rule(who=workers)
    def release(self, who: Worker) -> None:
        who.release()

    @rule(minutes=st.sampled_from([0, 1, 2, 5, 60, 300]))
    def wait(self, minutes: int) -> None:
        self.clock.now += timedelta(minutes=minutes)

    @rule()
    def settle(self) -> None:
        self.clock.now += LEASE * 2
        settle_expired(self.database, self.clock.now)

    @rule()
    def pause(self) -> None:
        steps.pause(self.database, self.campaign, "staff")

    @rule()
    def resume(self) -> None:
        steps.resume(self.database, self.campaign, now=self.clock.now)

    @rule(n=st.integers(1, PEOPLE))
    def leave(self, n: int) -> None:
        with self.database.write() as connection:
            number = list_id(connection, "supporters")
            leave(connection, person_id=n, list_ids=[number], how="link", source="appeal", at=self.clock.now)

    @rule(resend=st.booleans())
    def resolve(self, resend: bool) -> None:
        with self.database.read() as connection:
            uncertain = [delivery for delivery, state in _states(connection).items() if state == "uncertain"]
        try:
            steps.resolve_uncertain(self.database, self.campaign, resend=resend, now=self.clock.now)
        except MailerError as refused:
            assert "is cancelled" in refused.message
            return
        for delivery in uncertain:
            if resend:
                self.resent[delivery] = self.resent.get(delivery, 0) + 1
            else:
                self.counted.add(delivery)

    @rule()
    def cancel(self) -> None:
        steps.cancel(self.database, self.campaign, now=self.clock.now)

    @rule()
    def finish(self) -> None:
        steps.finish_if_done(self.database, self.campaign, now=self.clock.now)

    @invariant()
    def the_promise_is_kept(self) -> None:
        """All that is promised, of one look at the database: looking takes most of this test's time."""
        with self.database.read() as connection:
            states = _states(connection)
            (status,) = campaign_statuses(connection)
            campaign = connection.execute(select(campaigns.c.state)).scalar_one()
        self.nobody_is_mailed_twice()
        self.nobody_is_lost(states)
        assert status.people == Counter(states.values()), "the status counts everybody where they are"
        if campaign in ("finished", "cancelled"):
            assert "queued" not in states.values(), "finished means finished"

    def nobody_is_mailed_twice(self) -> None:
        for delivery, times in self.taken.items():
            assert times <= 1 + self.resent.get(delivery, 0)

    def nobody_is_lost(self, states: dict[int, str]) -> None:
        assert len(states) == PEOPLE
        for delivery, state in states.items():
            taken = self.taken.get(delivery, 0)
            if state == "sent":
                assert taken or delivery in self.counted
            if state in NOT_MAILED and not self.resent.get(delivery):
                assert not taken, state

    def _take(self, claim: Claim) -> None:
        self.taken[claim.id] = self.taken.get(claim.id, 0) + 1


def _states(connection: Connection) -> dict[int, str]:
    return {row.id: row.state for row in connection.execute(select(deliveries.c.id, deliveries.c.state))}


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
