"""A campaign that tries two versions, and what people do with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from mailer.compose.message import REST, Message
from mailer.delivery.experiments.kept import KeptTest, find_test
from mailer.delivery.sending import sender
from mailer.delivery.sending.run import Runner, RunReport
from mailer.delivery.sending.run_control import Stop
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, events, hits
from mailer.store.tables.inbound import signatures, statements
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.tracking.bot_rules import RULES
from mailer.workspace import Workspace
from tests.delivery.sending.test_languages import Sorted, subject
from tests.delivery.world import ACCEPTED, TESTED, Clock, add_people, launch

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@dataclass
class Trial:
    """Everything that a test of a test wants to do."""

    workspace: Workspace
    database: Database
    clock: Clock
    patch: pytest.MonkeyPatch
    campaign_id: int = 0
    transport: Sorted = field(default_factory=lambda: Sorted(lambda _: ACCEPTED, batch=7))

    def launch(self, people: int, message: Message = TESTED) -> int:
        add_people(self.database, people, now=self.clock.now)
        self.campaign_id = launch(self.database, count=people, now=self.clock.now, message=message)
        return self.campaign_id

    def run(self, after: timedelta = timedelta()) -> RunReport:
        self.clock.now += after
        self.patch.setattr(sender, "make_transport", lambda *_, **__: self.transport)
        return Runner(self.workspace, self.database, clock=self.clock, stop=Stop()).run()

    @property
    def test(self) -> KeptTest:
        with self.database.read() as connection:
            found = find_test(connection, self.campaign_id)
        assert found is not None
        return found

    @property
    def campaign(self) -> Any:
        with self.database.read() as connection:
            return connection.execute(select(campaigns).where(campaigns.c.id == self.campaign_id)).one()

    def rows(self) -> list[Any]:
        with self.database.read() as connection:
            mine = select(deliveries).where(deliveries.c.campaign_id == self.campaign_id)
            return list(connection.execute(mine.order_by(deliveries.c.id)))

    def of(self, arm: str) -> list[int]:
        return [row.id for row in self.rows() if row.arm == arm]

    def sign(self, deliveries_: Iterable[int], *, n: int, tracked: bool = True) -> None:
        people = {row.id: row.person_id for row in self.rows()}
        with self.database.write() as connection:
            known = connection.execute(select(statements.c.id)).scalar()
            if known is None:
                known = connection.execute(
                    insert(statements).values(text="We ask.", page="appeal").returning(statements.c.id)
                ).scalar_one()
            for number in deliveries_:
                connection.execute(
                    insert(signatures).values(
                        page="appeal", person_id=people[number], statement_id=known, signed_at=self.clock.now,
                        changed_at=self.clock.now, campaign_id=self.campaign_id, n=n,
                        delivery_id=number if tracked else None,
                    )
                )  # fmt: skip

    def click(self, deliveries_: Iterable[int], *, n: int, agent: str = BROWSER) -> None:
        """Each from a network of their own, some time after the mail, as people do."""
        at = self.clock.now + HOUR
        rows = [
            {
                "campaign_id": self.campaign_id, "delivery_id": number, "n": n, "at": at + (number % 999) * SECOND,
                "method": "GET", "headers": {"user-agent": agent}, "network": str(number).encode(),
                "verdict": "human", "rules": RULES,
            }
            for number in deliveries_
        ]  # fmt: skip
        with self.database.write() as connection:
            connection.execute(insert(hits), rows)

    def note(self, deliveries_: Iterable[int], kind: str) -> None:
        rows = [
            {"campaign_id": self.campaign_id, "delivery_id": one, "at": self.clock.now, "kind": kind}
            for one in deliveries_
        ]
        with self.database.write() as connection:
            connection.execute(insert(events), rows)

    def change(self, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(update(campaigns).where(campaigns.c.id == self.campaign_id).values(values))

    @property
    def mailed(self) -> dict[str, Counter[str]]:
        """How many mails left with which subject, by the arm of those who got them."""
        arms = {row.id: row.arm for row in self.rows()}
        found: dict[str, Counter[str]] = {}
        for mailing, envelope in self.transport.sent:
            found.setdefault(arms[envelope.delivery_id], Counter())[subject(mailing).partition(":")[0]] += 1
        return found

    def assert_nobody_twice_and_nobody_lost(self, people: int) -> None:
        given = [envelope.address for _, envelope in self.transport.sent]
        assert len(given) == len(set(given)) == people
        assert self.campaign.state == CampaignState.FINISHED
        assert {row.state for row in self.rows()} == {DeliveryState.SENT}
        assert all(row.stage == (row.arm == REST) for row in self.rows())


@pytest.fixture
def trial(workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Trial:
    return Trial(workspace, database, Clock(now), monkeypatch)
