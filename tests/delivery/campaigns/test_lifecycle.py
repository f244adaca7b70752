"""What staff and runs do to a campaign: in which of its states it does what, to whom, and to no other campaign."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from mailer.audience.selection.spec import Audience
from mailer.compose.message import Image
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.campaigns.freeze import Plan, create_campaign
from mailer.delivery.campaigns.retry_failed import resolve_uncertain
from mailer.delivery.campaigns.status import campaign_statuses, people_apart
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import (
    EPOCH,
    campaigns,
    deliveries,
    events,
    guard_evidence,
    images,
    links,
    people,
    workers,
)
from mailer.store.tables.states import CampaignState, DeliveryState
from tests.delivery.neighbours import LONG, add_neighbour, among_neighbours, rows_of
from tests.delivery.world import MESSAGE, NOWHERE, add_people, launch, newsletter_in, states

EACH = ("queued", "queued", "sending", "uncertain", "uncertain", "sent", "failed", "skipped", "cancelled")
CLAIMED = 1  # place in EACH
WHY = "said before"
LATER = timedelta(hours=3)

# What each step makes of a campaign: its new state ("-": nothing changes at all; "!": refused, and nothing changes).
TABLE = """
campaign    pause    resume    cancel      finish    resend      count
sending     paused   -         cancelled   -         sending     sending
paused      -        sending   cancelled   -         paused      paused
scheduled   -        -         cancelled   -         scheduled   scheduled
overdue     -        -         cancelled   -         overdue     overdue
cancelled   -        -         -           -         !           cancelled
finished    -        -         -           -         sending     finished
"""
CASES = [
    (row.split()[0], step, new)
    for row in TABLE.strip().splitlines()[1:]
    for step, new in zip(TABLE.split()[1:7], row.split()[1:], strict=True)
]


class Staged:
    """A campaign in a state, with somebody in every state of a delivery."""

    def __init__(self, database: Database, campaign: int, now: datetime) -> None:
        self.database = database
        self.id = campaign
        self.now = now

    def stage(self, state: str, *, each: tuple[str, ...] = EACH) -> None:
        query = select(deliveries.c.id).where(deliveries.c.campaign_id == self.id).order_by(deliveries.c.id)
        with self.database.write() as connection:
            for place, delivery_id in enumerate(connection.execute(query).scalars().all()):
                values: dict[str, Any] = {
                    "state": each[place],
                    "worker_id": 4711 if place == CLAIMED or each[place] == "sending" else None,
                    "attempt": 2,
                    "detail": "as it was",
                    "changed_at": self.now - LATER,
                }
                connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(values))
            ended = self.now - LATER if state in ("finished", "cancelled") else None
            values = {"state": state, "why": WHY, "finished_at": ended}
            connection.execute(update(campaigns).where(campaigns.c.id == self.id).values(values))
            evidence = {"accepted": 5, "refused": 2, "recent": "..x", "troubles": 3, "since": EPOCH}
            connection.execute(insert(guard_evidence).values(campaign_id=self.id, **evidence))

    def work(self) -> None:
        with self.database.write() as connection:
            row = {"id": 4711, "campaign_id": self.id, "name": "a worker", "lease_until": self.now + LONG}
            connection.execute(insert(workers).values(row))

    def do(self, step: str) -> object:
        if step == "pause":
            return steps.pause(self.database, self.id, "a typo", now=self.now)
        if step == "resume":
            return steps.resume(self.database, self.id, now=self.now)
        if step == "cancel":
            return steps.cancel(self.database, self.id, now=self.now)
        if step == "finish":
            return steps.finish_if_done(self.database, self.id, now=self.now)
        return resolve_uncertain(self.database, self.id, resend=step == "resend", now=self.now)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        return rows_of(self.database, [self.id])

    def campaign(self) -> Any:
        with self.database.read() as connection:
            return connection.execute(select(campaigns).where(campaigns.c.id == self.id)).one()

    def people(self) -> list[Any]:
        query = select(deliveries).where(deliveries.c.campaign_id == self.id).order_by(deliveries.c.id)
        with self.database.read() as connection:
            return list(connection.execute(query).all())

    def since(self) -> datetime:
        query = select(guard_evidence.c.since).where(guard_evidence.c.campaign_id == self.id)
        with self.database.read() as connection:
            return connection.execute(query).scalar_one()


@pytest.fixture
def staged(database: Database, now: datetime) -> Iterator[Staged]:
    with among_neighbours(database, count=len(EACH), now=now) as campaign:
        yield Staged(database, campaign, now)


RETURNS: dict[str, object] = {"pause": True, "resume": True, "cancel": 2, "resend": 2, "count": 2}
NOTHING: dict[str, object] = {"pause": False, "resume": False, "cancel": None, "finish": False}
NEW_WHY = {"pause": "a typo", "resume": "", "cancel": "cancelled by staff", "resend": WHY, "count": WHY}


@pytest.mark.parametrize(("state", "step", "new"), CASES)
def test_each_step_in_each_state(staged: Staged, state: str, step: str, new: str) -> None:
    staged.stage(state)
    before = staged.rows()
    if new == "!":
        with pytest.raises(MailerError, match="is cancelled, so it mails nobody again") as refused:
            staged.do(step)
        assert refused.value.remedy == "Decide: --count-as-sent"
        assert staged.rows() == before
        return
    if new == "-":
        assert staged.do(step) == NOTHING[step]
        assert staged.rows() == before
        return
    assert staged.do(step) == RETURNS[step]
    now = staged.campaign()
    reopened = step == "resend" and state == "finished"
    assert (now.state, now.why) == (new, "" if reopened else NEW_WHY[step])
    ended_before = None if reopened or state not in ("finished", "cancelled") else staged.now - LATER
    assert now.finished_at == (staged.now if step == "cancel" else ended_before)
    assert staged.since() == (staged.now if step == "resume" or reopened else EPOCH)
    moved = {"cancel": ("queued", "cancelled"), "resend": ("uncertain", "queued"), "count": ("uncertain", "sent")}
    was, becomes = moved.get(step, ("", ""))
    for place, row in enumerate(staged.people()):
        changed = EACH[place] == was
        assert row.state == (becomes if changed else EACH[place])
        assert row.changed_at == (staged.now if changed else staged.now - LATER)
        claimed = place == CLAIMED or EACH[place] == "sending"
        assert row.worker_id == (4711 if claimed and not changed else None)
        assert row.attempt == 2


@pytest.mark.parametrize(("step", "kind", "words"), [
    ("resend", "resend", "resent by staff's decision"),
    ("count", "counted-as-sent", "counted as sent by staff's decision"),
])  # fmt: skip
def test_a_decision_is_written_beside_each_of_them(staged: Staged, step: str, kind: str, words: str) -> None:
    staged.stage("sending")
    staged.do(step)
    uncertain = [row for row, state in zip(staged.people(), EACH, strict=True) if state == "uncertain"]
    assert {row.detail for row in uncertain} == {words}
    if step == "resend":
        assert {row.not_before for row in uncertain} == {staged.now}
    with staged.database.read() as connection:
        query = select(events.c.delivery_id, events.c.kind, events.c.at).where(events.c.campaign_id == staged.id)
        noted = connection.execute(query.order_by(events.c.delivery_id)).all()
    assert noted == [(row.id, kind, staged.now) for row in uncertain]
    assert staged.do(step) == 0, "a second decision finds nobody"


def test_a_decision_about_nobody_opens_nothing(staged: Staged) -> None:
    staged.stage("finished", each=("sent",) * len(EACH))
    before = staged.rows()
    assert staged.do("resend") == 0
    assert staged.rows() == before


ENDED = ("sent", "failed", "uncertain", "skipped", "cancelled", "sent", "sent", "sent", "sent")


@pytest.mark.parametrize(("state", "finishes"), [
    ("sending", True), ("paused", True), ("scheduled", False), ("overdue", False), ("cancelled", False),
    ("finished", False),
])  # fmt: skip
def test_a_campaign_ends_once_nobody_is_left(staged: Staged, state: str, finishes: bool) -> None:
    staged.stage(state, each=ENDED)
    before = staged.rows()
    assert staged.do("finish") is finishes
    if not finishes:
        assert staged.rows() == before
        return
    after = staged.campaign()
    assert (after.state, after.finished_at, after.why) == ("finished", staged.now, "")
    assert staged.rows()["deliveries"] == before["deliveries"]


@pytest.mark.parametrize("state", ["sending", "paused"])
def test_a_campaign_does_not_end_while_a_worker_is_at_it(staged: Staged, state: str) -> None:
    staged.stage(state, each=ENDED)
    staged.work()
    before = staged.rows()
    assert staged.do("finish") is False
    assert staged.rows() == before


def test_all_paused_campaigns_without_anybody_left_end_together(database: Database, now: datetime) -> None:
    add_people(database, 3, now=now)
    ids = {slug: launch(database, count=3, now=now, slug=slug) for slug in ("a", "b", "sending", "somebody-left")}
    with database.write() as connection:
        done = deliveries.c.campaign_id.in_([ids["a"], ids["b"], ids["sending"]])
        connection.execute(update(deliveries).where(done).values(state="sent"))
        paused = campaigns.c.id != ids["sending"]
        connection.execute(update(campaigns).where(paused).values(state="paused"))
    steps.finish_paused(database, now=now)
    with database.read() as connection:
        found = dict(connection.execute(select(campaigns.c.slug, campaigns.c.state)).all())
    assert found == {"a": "finished", "b": "finished", "sending": "sending", "somebody-left": "paused"}


def test_the_status_counts_each_campaign_for_itself(staged: Staged) -> None:
    staged.stage("sending")
    staged.work()
    with staged.database.read() as connection:
        statuses = {status.slug: status for status in campaign_statuses(connection)}
        uncertain = people_apart(connection, staged.id)
    mine = {"queued": 2, "sending": 1, "uncertain": 2, "sent": 1, "failed": 1, "skipped": 1, "cancelled": 1}
    assert statuses["appeal"].people == mine
    assert (statuses["appeal"].troubles, statuses["appeal"].why) == (3, WHY)
    seven = {"queued": 2, "sending": 1, "uncertain": 1, "sent": 1, "failed": 1, "skipped": 1}
    assert statuses["before"].people == seven
    assert statuses["after"].people == dict.fromkeys(mine, 1) | {"queued": 3}
    assert statuses["after"].troubles == 2
    assert [(one.why, one.since) for one in uncertain] == [("as it was", staged.now - LATER)] * 2
    assert {one.address for one in uncertain} == {"person3@example.org", "person4@example.org"}


# Scheduling


def plan(slug: str = "appeal") -> Plan:
    audience = Audience(include=("supporters",))
    return Plan(replace(MESSAGE, slug=slug), audience, NOWHERE, transport="outbox")


@pytest.fixture
def scheduled(database: Database, now: datetime) -> Iterator[Callable[..., int]]:
    """Schedules "appeal" beside a campaign that is being sent and one that is due as well."""
    add_people(database, 8, now=now)
    other = add_neighbour(database, "other", now=now)
    untouched = rows_of(database, [other])

    def make(due: datetime, *, late: timedelta = timedelta(hours=2), slug: str = "appeal") -> int:
        return steps.schedule(database, plan(slug), due_at=due, zone="Europe/London", late=late, now=now)

    yield make
    assert rows_of(database, [other]) == untouched, "another campaign was touched"


def test_a_scheduled_campaign_says_when_and_mails_nobody(
    database: Database, scheduled: Callable[..., int], now: datetime
) -> None:
    campaign = scheduled(now + LATER, late=timedelta(minutes=30))
    with database.read() as connection:
        row = connection.execute(select(campaigns).where(campaigns.c.id == campaign)).one()
        assert connection.execute(select(links.c.n, links.c.url).where(links.c.campaign_id == campaign)).all() == [
            (1, "https://action.example.org/act")
        ]
    assert (row.state, row.due_at, row.zone, row.late_seconds) == ("scheduled", now + LATER, "Europe/London", 1800)
    assert (row.launched_at, row.finished_at, row.counts, row.transport) == (None, None, {}, "outbox")
    assert (row.created_at, row.digest, row.slug) == (now, MESSAGE.digest, "appeal")
    assert states(database) == {}
    assert 0 < campaign < 2**31


@pytest.mark.parametrize(("after", "state", "people"), [
    (timedelta(microseconds=-1), "scheduled", 0),
    (timedelta(0), "sending", 8),
    (timedelta(hours=2), "sending", 8),
    (timedelta(hours=2, microseconds=1), "overdue", 0),
    (timedelta(days=9), "overdue", 0),
])  # fmt: skip
def test_it_is_launched_when_it_is_due_and_not_when_it_is_too_late(
    database: Database, scheduled: Callable[..., int], now: datetime, after: timedelta, state: str, people: int
) -> None:
    campaign = scheduled(now + LATER)
    moment = now + LATER + after
    changed = steps.launch_due(database, now=moment)
    assert [(row.id, row.state) for row in changed] == [(campaign, state)] * (state != "scheduled")
    with database.read() as connection:
        row = connection.execute(select(campaigns).where(campaigns.c.id == campaign)).one()
    assert row.state == state
    assert row.launched_at == (moment if people else None)
    assert row.why == ("no `mailer run` came within 2 h of its time" if state == "overdue" else "")
    assert states(database) == ({"queued": people} if people else {})
    assert steps.launch_due(database, now=moment) == [], "a second run finds nothing to do"


def test_why_it_is_held_is_written_down(database: Database, scheduled: Callable[..., int], now: datetime) -> None:
    scheduled(now)
    (row,) = steps.launch_due(database, now=now, why_hold=lambda message, _: f"{message.slug} has a fault")
    assert row.state == "overdue"
    assert row.why == ("appeal has a fault. Fix that, then send it (mailer send appeal) or schedule it again")
    assert states(database) == {}


def test_several_that_are_due_are_told_of_in_their_order(
    database: Database, scheduled: Callable[..., int], now: datetime
) -> None:
    minute = timedelta(minutes=1)
    scheduled(now + 2 * minute, slug="third")
    scheduled(now, slug="first")
    scheduled(now + minute, slug="second")
    scheduled(now + LATER, slug="not-yet")
    changed = steps.launch_due(database, now=now + 2 * minute)
    assert [row.slug for row in changed] == ["first", "second", "third"]
    assert {slug: states(database, slug) for slug in ("first", "not-yet")} == {"first": {"queued": 8}, "not-yet": {}}


def test_scheduling_again_takes_the_place_of_the_first(
    database: Database, scheduled: Callable[..., int], now: datetime
) -> None:
    scheduled(now + LATER)
    again = scheduled(now + 2 * LATER)
    with database.read() as connection:
        rows = connection.execute(select(campaigns.c.id, campaigns.c.due_at).where(campaigns.c.slug == "appeal")).all()
    assert rows == [(again, now + 2 * LATER)]
    assert steps.launch_due(database, now=now + LATER) == []


def test_taking_off_the_schedule(database: Database, scheduled: Callable[..., int], now: datetime) -> None:
    scheduled(now + LATER)
    scheduled(now + LATER, slug="stays")
    steps.unschedule(database, "appeal", now=now)
    with database.read() as connection:
        assert steps.find_campaign(connection, "appeal") is None
        assert steps.find_campaign(connection, "stays") is not None
    with pytest.raises(MailerError, match="appeal was neither sent nor scheduled"):
        steps.unschedule(database, "appeal", now=now)


def test_what_is_being_sent_is_not_taken_off_the_schedule(
    database: Database, scheduled: Callable[..., int], now: datetime
) -> None:
    with pytest.raises(MailerError, match="other is sending, not scheduled") as refused:
        steps.unschedule(database, "other", now=now)
    assert refused.value.remedy == "To stop it: mailer pause other"
    scheduled(now)
    steps.launch_due(database, now=now + timedelta(days=1))
    steps.unschedule(database, "appeal", now=now)  # overdue, and nobody was mailed
    with database.read() as connection:
        assert steps.find_campaign(connection, "appeal") is None


@pytest.mark.parametrize("state", ["sending", "paused", "cancelled", "finished"])
def test_what_was_launched_is_neither_scheduled_nor_launched_again(
    database: Database, scheduled: Callable[..., int], now: datetime, state: str
) -> None:
    campaign = scheduled(now)
    steps.launch_due(database, now=now)
    with database.write() as connection:
        connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(state=state))
    before = rows_of(database, [campaign])
    for again in (
        lambda: scheduled(now + LATER),
        lambda: steps.launch_now(database, plan(), expected=8, now=now),
    ):
        with pytest.raises(MailerError, match=f"appeal was launched before and is {state}") as refused:
            again()
        assert "not_mailed_by: [appeal]" in str(refused.value.remedy)
    assert rows_of(database, [campaign]) == before


def test_sending_now_takes_the_place_of_a_schedule(
    database: Database, scheduled: Callable[..., int], now: datetime
) -> None:
    scheduled(now + LATER)
    campaign = steps.launch_now(database, plan(), expected=8, now=now)
    with database.read() as connection:
        row = connection.execute(select(campaigns).where(campaigns.c.slug == "appeal")).one()
        rows = connection.execute(select(deliveries).where(deliveries.c.campaign_id == campaign)).all()
        everybody = set(connection.execute(select(people.c.id)).scalars())
    assert (row.id, row.state, row.due_at, row.launched_at) == (campaign, "sending", None, now)
    assert row.counts["chosen"] == 8
    assert {one.person_id for one in rows} == everybody
    assert {(one.state, one.not_before, one.attempt, one.worker_id) for one in rows} == {("queued", now, 0, None)}
    assert steps.launch_due(database, now=now + LATER) == []


@pytest.mark.parametrize("expected", [0, 7, 9])
def test_another_count_than_agreed_keeps_the_schedule(
    database: Database, scheduled: Callable[..., int], now: datetime, expected: int
) -> None:
    campaign = scheduled(now + LATER)
    before = rows_of(database, [campaign])
    with pytest.raises(steps.CountChanged, match=f"the audience is 8 people, not {expected}") as refused:
        steps.launch_now(database, plan(), expected=expected, now=now)
    assert refused.value.remedy == "Look at it: mailer audience appeal"
    assert rows_of(database, [campaign]) == before


def test_what_was_never_sent_is_asked_for_by_a_name_that_is_near(
    database: Database, scheduled: Callable[..., int], now: datetime
) -> None:
    scheduled(now)
    with database.read() as connection:
        with pytest.raises(MailerError, match="apeal was neither sent nor scheduled") as refused:
            steps.require_campaign(connection, "apeal")
        assert "appeal" in str(refused.value.remedy)
        assert steps.require_campaign(connection, "appeal").slug == "appeal"


def test_pictures_are_stored_once_with_their_content(database: Database, tmp_path: Path, now: datetime) -> None:
    add_people(database, 1, now=now)
    newsletter = newsletter_in(tmp_path)
    newsletter.folder.mkdir(parents=True)
    (newsletter.folder / "dog.png").write_bytes(b"a dog")
    (tmp_path / "logo.png").write_bytes(b"a logo")
    pictures = tuple(
        Image(name, hashlib.sha256(content).hexdigest()[:16], "image/png")
        for name, content in (("dog.png", b"a dog"), ("logo.png", b"a logo"))
    )
    for slug in ("one", "two"):
        message = replace(MESSAGE, slug=slug, images=pictures)
        with_pictures = replace(plan(slug), message=message, newsletter=newsletter)
        steps.launch_now(database, with_pictures, expected=1, now=now)
    with database.read() as connection:
        stored = {row.digest: (row.content_type, row.content) for row in connection.execute(select(images))}
    assert stored == {
        one.digest: ("image/png", content) for one, content in zip(pictures, (b"a dog", b"a logo"), strict=True)
    }


@pytest.mark.parametrize("state", list(DeliveryState))
def test_cancelling_leaves_all_but_the_queue_as_they_are(staged: Staged, state: DeliveryState) -> None:
    staged.stage("sending", each=(state.value,) * len(EACH))
    before = staged.rows()["deliveries"]
    count = staged.do("cancel")
    if state in (DeliveryState.QUEUED, DeliveryState.HELD):
        assert count == len(EACH)
        assert {row.state for row in staged.people()} == {"cancelled"}
    else:
        assert count == 0
        assert staged.rows()["deliveries"] == before
    assert staged.campaign().state == CampaignState.CANCELLED


def test_what_somebody_else_began_a_moment_ago_is_begun_once(database: Database, now: datetime) -> None:
    """Two who send at the same moment have both looked and seen no campaign."""
    with database.write() as connection:
        create_campaign(connection, plan(), state=CampaignState.SENDING, now=now)
    with pytest.raises(MailerError, match="being sent by somebody else"), database.write() as connection:
        create_campaign(connection, plan(), state=CampaignState.SENDING, now=now)
    with database.read() as connection:
        assert len(connection.execute(select(campaigns)).all()) == 1
        assert len(connection.execute(select(links)).all()) == len(MESSAGE.links)
