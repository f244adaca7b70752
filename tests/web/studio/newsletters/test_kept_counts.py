"""Counts of long queues: shown again for a while, made again beside the page, and never of another state."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, update

from mailer.delivery.campaigns.status import campaign_statuses, count_states
from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.web.studio.newsletters import kept_counts
from mailer.web.studio.newsletters.kept_counts import OLDEST_SECONDS, REST, People, StateCounts
from tests.audience.world import add_campaign, deliver
from tests.patience import until
from tests.web.studio.conftest import SLUG, House

TOOK = 0.125  # seconds for a count


@dataclass
class Counting:
    """A clock that stays, and counts that take TOOK by it."""

    at: float = 0.0
    counts: list[int | None] = field(default_factory=list[int | None])

    def __call__(self) -> float:
        return self.at

    def count(self, connection: Connection, campaign_id: int | None = None) -> People:
        self.counts.append(campaign_id)
        self.at += TOOK
        return count_states(connection, campaign_id)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    found = Counting()
    monkeypatch.setattr(kept_counts, "count_states", found.count)
    return found


@pytest.fixture
def number(house: House) -> int:
    """A campaign of three, one of them mailed."""
    with house.studio.database.write() as connection:
        number = add_campaign(connection, 1, SLUG)
        for person, state in ((1, DeliveryState.SENT), (2, DeliveryState.QUEUED), (3, DeliveryState.QUEUED)):
            deliver(connection, number, person, number=person, state=state)
        connection.execute(update(campaigns).values(state=CampaignState.SENDING.value))
    return number


def queued(house: House, counts: StateCounts, number: int | None) -> int:
    with house.studio.database.read() as connection:
        (status,) = campaign_statuses(connection, slug=SLUG if number else None, count=counts.count)
    return status.people.get(DeliveryState.QUEUED, 0)


def send(house: House, person: int) -> None:
    with house.studio.database.write() as connection:
        sent = update(deliveries).where(deliveries.c.person_id == person).values(state=DeliveryState.SENT.value)
        connection.execute(sent)


def test_few_are_counted_for_every_page(house: House, counting: Counting, number: int) -> None:
    counts = StateCounts(house.studio, clock=counting)
    assert queued(house, counts, number) == 2
    send(house, 2)
    assert queued(house, counts, number) == 1
    assert len(counting.counts) == 2


@pytest.mark.parametrize("one", [True, False])
def test_many_are_shown_again_and_counted_beside_the_page(
    house: House, counting: Counting, number: int, one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_counts, "LONG", 1)
    counts, asked = StateCounts(house.studio, clock=counting), number if one else None
    assert queued(house, counts, asked) == 2
    send(house, 2)
    counting.at += REST * TOOK - 0.25
    assert queued(house, counts, asked) == 2
    counting.at += 0.25
    until(lambda: queued(house, counts, asked) == 1)
    assert counting.counts == [asked, asked]


def test_no_page_shows_an_old_count(
    house: House, counting: Counting, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_counts, "LONG", 1)
    counts = StateCounts(house.studio, clock=counting)
    assert queued(house, counts, number) == 2
    send(house, 2)
    counting.at += OLDEST_SECONDS + TOOK
    assert queued(house, counts, number) == 1


def test_a_decision_and_another_state_are_seen_at_once(
    house: House, counting: Counting, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_counts, "LONG", 1)
    counts = StateCounts(house.studio, clock=counting)
    assert queued(house, counts, number) == 2
    send(house, 2)
    counts.forget()
    assert queued(house, counts, number) == 1
    send(house, 3)
    with house.studio.database.write() as connection:
        connection.execute(update(campaigns).values(state=CampaignState.FINISHED.value))
    assert queued(house, counts, number) == 0


def test_a_count_from_before_a_decision_is_not_kept(
    house: House, counting: Counting, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was under way in another thread meanwhile."""
    monkeypatch.setattr(kept_counts, "LONG", 1)
    counts = StateCounts(house.studio, clock=counting)

    def slow(connection: Connection, campaign_id: int | None = None) -> People:
        counts.forget()
        return count_states(connection, campaign_id)

    with monkeypatch.context() as patched:
        patched.setattr(kept_counts, "count_states", slow)
        assert queued(house, counts, number) == 2
    send(house, 2)
    assert queued(house, counts, number) == 1
