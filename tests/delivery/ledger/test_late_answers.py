"""What an answer makes of a row: every state of it × the same, an older and a newer attempt × every outcome.

An answer counts for the attempt that it answers. Of that, it is proof: a row that is on the wire or uncertain takes any
answer; one that staff queued again or cancelled meanwhile takes only that the mail was taken; one that has ended takes
none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mailer.delivery.ledger.outcomes import GIVE_UP_AFTER, CampaignStanding, Claim, Done, record
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, events, people, suppressions
from mailer.store.tables.states import CampaignState
from mailer.transports.base import Fate, Outcome, ReplyClass
from tests.delivery.neighbours import among_neighbours

ATTEMPT = 3  # how often everybody here was handed over
WORKER = 4711

OUTCOMES = {
    "accepted": Outcome(Fate.ACCEPTED, "250", "2.0.0 taken", provider_id="id-1"),
    "deferred": Outcome(Fate.DEFERRED, "450 4.2.1", "busy", ReplyClass.SOFT),
    "later": Outcome(Fate.DEFERRED, "429", "too many", ReplyClass.POLICY, retry_after_seconds=7000.0),
    "hard": Outcome(Fate.REFUSED, "550 5.1.1", "no such user", ReplyClass.HARD),
    "policy": Outcome(Fate.REFUSED, "550 5.7.1", "looks like spam", ReplyClass.POLICY),
    "soft": Outcome(Fate.REFUSED, "552 5.2.2", "mailbox full", ReplyClass.SOFT),
    "ours": Outcome(Fate.REFUSED, "530 5.7.0", "log in first", ReplyClass.OURS),
    "unheard": Outcome(Fate.UNCERTAIN, "", "the connection was lost after the last byte"),
    "returned": None,  # surely nothing was handed over
}

# The row's new state; "-": it stays as it was, to the last column.
SAME_ATTEMPT = """
row         accepted  deferred  later   hard    policy  soft    ours    unheard    returned
queued      sent      -         -       -       -       -       -       -          -
sending     sent      queued    queued  failed  failed  failed  queued  uncertain  queued
uncertain   sent      queued    queued  failed  failed  failed  queued  uncertain  queued
sent        -         -         -       -       -       -       -       -          -
cancelled   sent      -         -       -       -       -       -       -          -
failed      -         -         -       -       -       -       -       -          -
skipped     -         -         -       -       -       -       -       -          -
"""
# The same two days after the launch: what is put off again is given up.
TWO_DAYS_LATER = """
row         accepted  deferred  later   hard    policy  soft    ours    unheard    returned
queued      sent      -         -       -       -       -       -       -          -
sending     sent      failed    failed  failed  failed  failed  failed  uncertain  queued
uncertain   sent      failed    failed  failed  failed  failed  failed  uncertain  queued
sent        -         -         -       -       -       -       -       -          -
cancelled   sent      -         -       -       -       -       -       -          -
failed      -         -         -       -       -       -       -       -          -
skipped     -         -         -       -       -       -       -       -          -
"""
# Of a campaign that staff cancelled meanwhile: nobody goes back to its queue.
CANCELLED_CAMPAIGN = """
row         accepted  deferred   later      hard    policy  soft    ours       unheard    returned
queued      sent      -          -          -       -       -       -          -          -
sending     sent      cancelled  cancelled  failed  failed  failed  cancelled  uncertain  cancelled
uncertain   sent      cancelled  cancelled  failed  failed  failed  cancelled  uncertain  cancelled
sent        -         -          -          -       -       -       -          -          -
cancelled   sent      -          -          -       -       -       -          -          -
failed      -         -          -          -       -       -       -          -          -
skipped     -         -          -          -       -       -       -          -          -
"""
ANOTHER_ATTEMPT = """
row         accepted  deferred  later   hard    policy  soft    ours    unheard    returned
queued      -         -         -       -       -       -       -       -          -
sending     -         -         -       -       -       -       -       -          -
uncertain   -         -         -       -       -       -       -       -          -
sent        -         -         -       -       -       -       -       -          -
cancelled   -         -         -       -       -       -       -       -          -
failed      -         -         -       -       -       -       -       -          -
skipped     -         -         -       -       -       -       -       -          -
"""
# How long whoever is queued again waits: the third try in a row, the provider's own time, or no time at all.
WAITS = {
    "deferred": timedelta(minutes=16),
    "later": timedelta(seconds=7000),
    "ours": timedelta(minutes=16),
    "returned": timedelta(0),
}

Cell = tuple[str, str]  # the row's state, the outcome's name
Row = dict[str, Any]


def read_table(table: str) -> dict[Cell, str]:
    """The expected state by row and outcome."""
    (_, *outcomes), *rows = (line.split() for line in table.strip().splitlines())
    return {(state, name): new for state, *cells in rows for name, new in zip(outcomes, cells, strict=True)}


CELLS = list(read_table(SAME_ATTEMPT))


class Ledger:
    """One person for each cell, in that cell's state, between two other campaigns."""

    def __init__(self, database: Database, campaign: int, now: datetime) -> None:
        self.database = database
        self.campaign = campaign
        self.now = now
        of_it = select(deliveries.c.id, deliveries.c.person_id).where(deliveries.c.campaign_id == campaign)
        with database.write() as connection:
            rows = connection.execute(of_it.order_by(deliveries.c.id)).all()
            self.cells: dict[Cell, tuple[int, int]] = {
                cell: (row.id, row.person_id) for cell, row in zip(CELLS, rows, strict=True)
            }
            for (state, _), (delivery_id, _) in self.cells.items():
                values = {"worker_id": WORKER if state in ("queued", "sending") else None, "state": state}
                earlier = {
                    "attempt": ATTEMPT,
                    "code": "was",
                    "detail": "it was",
                    "changed_at": now - timedelta(hours=1),
                }
                connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(values | earlier))

    def rows(self) -> dict[Cell, Row]:
        names = {delivery_id: cell for cell, (delivery_id, _) in self.cells.items()}
        with self.database.read() as connection:
            found = connection.execute(select(deliveries).where(deliveries.c.campaign_id == self.campaign))
            return {names[row.id]: dict(row._mapping) for row in found}

    def done(self, cell: Cell, attempt: int) -> Done:
        delivery_id, person_id = self.cells[cell]
        return Done(Claim(delivery_id, person_id, attempt), OUTCOMES[cell[1]])

    def answer(
        self,
        *,
        attempt: int,
        state: CampaignState = CampaignState.SENDING,
        together: bool,
        since: datetime | None = None,
    ) -> None:
        """Everybody's answer, in one transaction for all or in one for each."""
        standing = CampaignStanding(self.campaign, state, "", since or self.now)
        done = [self.done(cell, attempt) for cell in CELLS]
        for part in [done] if together else [[one] for one in done]:
            with self.database.write() as connection:
                record(connection, standing, part, self.now)

    def expected(self, table: str) -> dict[Cell, Row]:
        """Every row as the table has it."""
        rows = self.rows()
        for cell, new in read_table(table).items():
            outcome = OUTCOMES[cell[1]]
            if new != "-":
                rows[cell] |= {
                    "state": new,
                    "worker_id": None,
                    "not_before": self.now + (WAITS[cell[1]] if new == "queued" else timedelta(0)),
                    "code": outcome.code if outcome else "",
                    "detail": outcome.detail if outcome else "",
                    "reply_class": (outcome and outcome.reply_class) or "",
                    "provider_id": outcome.provider_id if outcome else "",
                    "changed_at": self.now,
                }
        return rows


@pytest.fixture
def ledger(database: Database, now: datetime) -> Iterator[Ledger]:
    with among_neighbours(database, count=len(CELLS), now=now) as campaign:
        yield Ledger(database, campaign, now)


def test_the_tables_name_every_state_and_outcome() -> None:
    states = {"queued", "sending", "uncertain", "sent", "cancelled", "failed", "skipped"}
    for table in (SAME_ATTEMPT, TWO_DAYS_LATER, CANCELLED_CAMPAIGN, ANOTHER_ATTEMPT):
        assert set(read_table(table)) == {(state, outcome) for state in states for outcome in OUTCOMES}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("state", [CampaignState.SENDING, CampaignState.PAUSED, CampaignState.FINISHED])
def test_the_same_attempt(ledger: Ledger, state: CampaignState, together: bool) -> None:
    expected = ledger.expected(SAME_ATTEMPT)
    ledger.answer(attempt=ATTEMPT, state=state, together=together)
    assert ledger.rows() == expected


@pytest.mark.parametrize("together", [True, False])
def test_the_same_attempt_in_a_cancelled_campaign(ledger: Ledger, together: bool) -> None:
    expected = ledger.expected(CANCELLED_CAMPAIGN)
    ledger.answer(attempt=ATTEMPT, state=CampaignState.CANCELLED, together=together)
    assert ledger.rows() == expected


@pytest.mark.parametrize("together", [True, False])
def test_the_same_attempt_when_it_has_gone_on_for_too_long(ledger: Ledger, together: bool) -> None:
    expected = ledger.expected(TWO_DAYS_LATER)
    long_ago = ledger.now - GIVE_UP_AFTER - timedelta(seconds=1)
    ledger.answer(attempt=ATTEMPT, together=together, since=long_ago)
    assert ledger.rows() == expected


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("attempt", [ATTEMPT - 1, ATTEMPT - 2, ATTEMPT + 1])
@pytest.mark.parametrize("state", [CampaignState.SENDING, CampaignState.CANCELLED])
def test_an_older_or_a_newer_attempt(ledger: Ledger, attempt: int, state: CampaignState, together: bool) -> None:
    expected = ledger.expected(ANOTHER_ATTEMPT)
    ledger.answer(attempt=attempt, state=state, together=together)
    assert ledger.rows() == expected


def test_what_is_noted_beside_the_rows(ledger: Ledger) -> None:
    """Each deferral leaves a note; an address that does not exist is suppressed, and no other."""
    ledger.answer(attempt=ATTEMPT, together=True)
    by_outcome = {name: [cell for cell in CELLS if cell[1] == name] for name in OUTCOMES}
    with ledger.database.read() as connection:
        noted = connection.execute(
            select(events.c.delivery_id, events.c.kind, events.c.detail, events.c.at)
            .where(events.c.campaign_id == ledger.campaign)
            .order_by(events.c.id)
        ).all()
        hashes = dict(connection.execute(select(people.c.id, people.c.address_hash)).all())
        suppressed = connection.execute(select(suppressions)).all()
    words = {"deferred": "450 4.2.1 busy", "later": "429 too many"}
    expected = [
        (ledger.cells[cell][0], "deferred", words[name], ledger.now) for name in words for cell in by_outcome[name]
    ]
    assert sorted(map(tuple, noted)) == sorted(expected)
    assert {(row.address_hash, row.list_id, row.reason, row.at, row.source) for row in suppressed} == {
        (hashes[ledger.cells[cell][1]], 0, "bounced", ledger.now, "550 5.1.1 no such user")
        for cell in by_outcome["hard"]
    }


def test_long_words_of_a_relay_are_cut(ledger: Ledger) -> None:
    words = "x" * 600
    cell = ("sending", "deferred")
    delivery_id, person_id = ledger.cells[cell]
    hard = ("sending", "hard")
    other_id, other = ledger.cells[hard]
    done = [
        Done(Claim(delivery_id, person_id, ATTEMPT), Outcome(Fate.DEFERRED, "450", words)),
        Done(Claim(other_id, other, ATTEMPT), Outcome(Fate.REFUSED, "550", words, ReplyClass.HARD)),
    ]
    with ledger.database.write() as connection:
        record(connection, CampaignStanding(ledger.campaign, CampaignState.SENDING, "", ledger.now), done, ledger.now)
    assert ledger.rows()[cell]["detail"] == words[:500]
    with ledger.database.read() as connection:
        note = connection.execute(select(events.c.detail).where(events.c.delivery_id == delivery_id)).scalar_one()
        assert note == ("450 " + words)[:500]
        assert connection.execute(select(suppressions.c.source)).scalar_one() == ("550 " + words)[:200]


def test_nobody_who_was_forgotten_is_suppressed(ledger: Ledger) -> None:
    delivery_id, _ = ledger.cells["sending", "hard"]
    gone = Done(Claim(delivery_id, 0, ATTEMPT), OUTCOMES["hard"])
    with ledger.database.write() as connection:
        record(connection, CampaignStanding(ledger.campaign, CampaignState.SENDING, "", ledger.now), [gone], ledger.now)
    assert ledger.rows()["sending", "hard"]["state"] == "failed"
    with ledger.database.read() as connection:
        assert not connection.execute(select(suppressions)).all()


def test_whose_soft_refusals_are_counted(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who failed with one just now: not whoever is only put off, nor whoever failed for another reason."""
    asked: list[list[int]] = []
    monkeypatch.setattr(
        "mailer.delivery.ledger.outcomes.suppress_worn", lambda _, persons, **__: asked.append(list(persons))
    )
    ledger.answer(attempt=ATTEMPT, together=True)
    assert asked == [sorted(person for cell, (_, person) in ledger.cells.items() if cell[1] == "soft")]
