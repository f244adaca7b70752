"""Mail at an hour of each person's own zone: frozen at the launch, held when it is late, decided by staff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, select, update

from mailer.audience.selection.spec import Audience
from mailer.compose.message import Message, PlannedTest
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.held import HeldChoice, decide_held
from mailer.delivery.campaigns.status import campaign_statuses
from mailer.delivery.campaigns.timed import HOUR_PAST, launches_at, refuse_unfit
from mailer.delivery.ledger.ledger import Bounds
from mailer.delivery.ledger.outcomes import Done
from mailer.delivery.ledger.reopen import HOUR_OVER
from mailer.delivery.schedule.local_hours import columns_of
from mailer.delivery.sending.run import Runner, RunReport
from mailer.delivery.sending.run_control import Stop
from mailer.errors import MailerError
from mailer.experiments.cohorts import PlannedCohorts
from mailer.review.content import PlannedTime
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.states import CampaignState, DeliveryState, PastHour
from mailer.timezones.local_time import instant_of
from mailer.transports.base import Fate, Outcome
from mailer.workspace import Workspace
from tests.delivery.world import ACCEPTED, MESSAGE, NOWHERE, TRANSLATED, Clock, add_people, states, worker

LATE = timedelta(hours=2)
NOON = datetime(2026, 3, 27, 12, tzinfo=UTC)  # two days before the clocks of Europe are put forward
KIRITIMATI, KOLKATA, BERLIN, NEW_YORK, HONOLULU, PAGO = (
    "Pacific/Kiritimati", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Pacific/Honolulu", "Pacific/Pago_Pago",
)  # fmt: skip
ZONES = (KIRITIMATI, KOLKATA, BERLIN, NEW_YORK, HONOLULU, PAGO)
Freeze = Callable[..., int]


def at(text: str, zone: str) -> datetime:
    return instant_of(datetime.fromisoformat(text), ZoneInfo(zone))


@pytest.fixture
def everywhere(database: Database) -> list[int]:
    """One person in each of the zones, then two with a country alone, and one about whose place nothing is known."""
    ids = add_people(database, len(ZONES) + 3, now=NOON)
    with database.write() as connection:
        for number, zone in zip(ids, ZONES, strict=False):
            known = {"timezone": zone, "timezone_source": "import"}
            connection.execute(update(people).where(people.c.id == number).values(known))
        connection.execute(update(people).where(people.c.id == ids[-3]).values(country="JP"))
        connection.execute(
            update(people).where(people.c.id == ids[-2]).values(country="US", attributes={"state": "CA", "zip": "1"})
        )
    return ids


@pytest.fixture
def schedule(database: Database) -> Freeze:
    """Schedule and launch a newsletter for 09:00 of a day; the campaign's id."""

    def scheduled(
        wall: str = "2026-03-29T09:00", *, now: datetime = NOON, launched: datetime | None = None,
        zone: str = "Europe/London", past: PastHour = PastHour.REFUSE, spread: timedelta = timedelta(),
        local: bool = True, message: Message = MESSAGE,
    ) -> int:  # fmt: skip
        leaves = PlannedTime(at(wall, zone), zone, local, past, spread)
        due = launches_at(leaves, message, earliest=now)
        plan = Plan(message, Audience(include=("supporters",)), NOWHERE, transport="outbox")
        kept = columns_of(leaves)
        number = steps.schedule(
            database, plan, due_at=due, zone=zone, late=LATE, now=now,
            within=lambda connection, number: _keep(connection, number, kept),
        )  # fmt: skip
        (row,) = steps.launch_due(database, now=launched or due)
        assert row.state == CampaignState.SENDING
        return number

    return scheduled


def _keep(connection: Connection, campaign: int, kept: dict[str, Any]) -> None:
    connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(kept))


def rows(database: Database, campaign: int) -> dict[int, tuple[str, str, datetime, datetime | None]]:
    d = deliveries.c
    with database.read() as connection:
        found = connection.execute(
            select(d.person_id, d.state, d.code, d.not_before, d.not_after).where(d.campaign_id == campaign)
        )
        return {row[0]: tuple(row[1:]) for row in found}


def test_each_person_s_moment_is_frozen(database: Database, everywhere: list[int], schedule: Freeze) -> None:
    found = rows(database, schedule())
    zones = (*ZONES, "Asia/Tokyo", "America/Los_Angeles", "Europe/London")
    for number, zone in zip(everywhere, zones, strict=True):
        hour = at("2026-03-29 09:00", zone)
        assert found[number] == ("queued", "", hour, hour + LATE), zone
    # Somebody who moves later is mailed once, at the old hour.
    with database.write() as connection:
        connection.execute(update(people).values(timezone=HONOLULU, timezone_source="own"))
    assert rows(database, _campaign(database)) == found


def _campaign(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(campaigns.c.id)).scalar_one()


def test_it_is_launched_when_the_first_clocks_show_the_hour(database: Database, everywhere: list[int]) -> None:
    leaves = PlannedTime(at("2026-03-29 09:00", BERLIN), BERLIN, local=True)
    first = launches_at(leaves, MESSAGE, earliest=NOON)
    assert first == at("2026-03-29 09:00", KIRITIMATI)
    assert launches_at(leaves, MESSAGE, earliest=first + LATE) == first + LATE, "not before it may"


def test_a_gap_lands_after_it_and_of_two_the_first_is_meant(database: Database, schedule: Freeze) -> None:
    (berlin,) = add_people(database, 1, now=NOON)
    with database.write() as connection:
        connection.execute(update(people).values(timezone=BERLIN))
    gap = rows(database, schedule("2026-03-29T02:30"))[berlin]
    assert gap[2].astimezone(ZoneInfo(BERLIN)).strftime("%H:%M") == "03:30"
    with database.write() as connection:
        connection.execute(deliveries.delete())
        connection.execute(campaigns.delete())
    fold = rows(database, schedule("2026-10-25T02:30"))[berlin]
    assert fold[2] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("past", list(PastHour))
def test_hours_that_are_past_at_the_launch(
    database: Database, everywhere: list[int], schedule: Freeze, past: PastHour
) -> None:
    """At noon UTC of the day nine o'clock is past from Kiritimati to Berlin, and ahead in America."""
    now = datetime(2026, 3, 29, 12, tzinfo=UTC)
    found = rows(database, schedule(now=now, past=past))
    kolkata, honolulu = found[everywhere[1]], found[everywhere[4]]
    hour = at("2026-03-29 09:00", KOLKATA)
    assert honolulu[0] == "queued"
    assert (
        kolkata
        == {
            PastHour.REFUSE: ("queued", "", hour, hour + LATE),  # so it is held when its turn comes
            PastHour.AT_ONCE: ("queued", "", now, now + LATE),
            PastHour.LEAVE_OUT: ("skipped", HOUR_PAST, hour, hour + LATE),
        }[past]
    )


def test_a_run_that_comes_a_minute_late_leaves_nobody_out(
    database: Database, everywhere: list[int], schedule: Freeze
) -> None:
    due = at("2026-03-29 09:00", KIRITIMATI)
    found = rows(database, schedule(past=PastHour.LEAVE_OUT, launched=due + timedelta(minutes=1)))
    assert found[everywhere[0]] == ("queued", "", due, due + LATE)


def test_an_outage_over_the_launch_holds_only_those_whose_hour_was_in_it(
    database: Database, everywhere: list[int], schedule: Freeze
) -> None:
    launched = at("2026-03-29 09:00", BERLIN) + timedelta(hours=1)
    campaign = schedule(launched=launched)
    late, clock = {KIRITIMATI, KOLKATA}, Clock(launched)
    assert _work(database, campaign, clock) == {"Europe/Berlin", "Europe/London"}, "an hour late, or just on time"
    found = rows(database, campaign)
    held = {ZONES[place] for place, number in enumerate(everywhere[:6]) if found[number][0] == "held"}
    assert held == late
    assert found[everywhere[6]][0] == "held", "Tokyo"
    assert states(database)["held"] == 3


def _work(database: Database, campaign: int, clock: Clock) -> set[str]:
    """What a worker sends of what is due; the zones of those who got it."""
    sender = worker(database, campaign, clock)
    sender.bounds = Bounds(late=LATE)
    begun = sender.exchange([], sender.claim(100)).claims
    sender.release([Done(claim, ACCEPTED) for claim in begun])
    with database.read() as connection:
        zone = select(people.c.timezone).where(people.c.id.in_([claim.person_id for claim in begun]))
        return {one or "Europe/London" for one in connection.execute(zone).scalars()}


def test_who_waited_too_long_after_the_claim_is_held(
    database: Database, everywhere: list[int], schedule: Freeze
) -> None:
    campaign, clock = schedule(), Clock(at("2026-03-29 09:00", KIRITIMATI))
    sender = worker(database, campaign, clock)
    claims = sender.claim(100)
    assert len(claims) == 1
    clock.now += LATE + timedelta(seconds=1)
    sender.renew()
    begun = sender.exchange([], claims)
    assert not begun.claims
    assert rows(database, campaign)[everywhere[0]][0] == "held"
    sender.release()
    assert states(database) == {"held": 1, "queued": 8}


def test_who_was_put_off_past_the_hour_is_held(database: Database, everywhere: list[int], schedule: Freeze) -> None:
    campaign, clock = schedule(), Clock(at("2026-03-29 09:00", KIRITIMATI))
    sender = worker(database, campaign, clock)
    (claim,) = sender.exchange([], sender.claim(100)).claims
    sender.release([Done(claim, Outcome(Fate.DEFERRED, "451", "later", retry_after_seconds=3 * 3600))])
    clock.now += timedelta(hours=3, seconds=1)
    sender = worker(database, campaign, clock)
    due = sender.claim(100)
    assert [one.id for one in due] == [claim.id]
    assert not sender.exchange([], due).claims
    sender.release()
    assert rows(database, campaign)[everywhere[0]][0] == "held"


def test_the_campaign_ends_with_people_held_and_tells_of_them(
    database: Database, everywhere: list[int], schedule: Freeze
) -> None:
    campaign = schedule(launched=at("2026-03-29 09:00", PAGO) + timedelta(days=1))
    assert not _work(database, campaign, Clock(at("2026-03-29 09:00", PAGO) + timedelta(days=1)))
    now = at("2026-03-29 09:00", PAGO) + timedelta(days=1, hours=1)
    assert steps.finish_if_done(database, campaign, now=now)
    with database.read() as connection:
        (status,) = campaign_statuses(connection)
    assert status.people == {DeliveryState.HELD: 9}
    with database.read() as connection:
        details = connection.execute(select(deliveries.c.detail).distinct()).scalars().all()
    assert details == [HOUR_OVER]


@pytest.mark.parametrize("choice", list(HeldChoice))
def test_staff_decide_about_those_who_are_held(
    database: Database, everywhere: list[int], schedule: Freeze, choice: HeldChoice
) -> None:
    launched = at("2026-03-28 09:00", PAGO) + timedelta(days=1)
    campaign = schedule("2026-03-28T09:00", launched=launched)
    _work(database, campaign, Clock(launched))
    steps.finish_if_done(database, campaign, now=launched)
    assert decide_held(database, campaign, choice, now=launched, until=launched - timedelta(seconds=1)) == 0
    assert decide_held(database, campaign, choice, now=launched) == 9
    found = rows(database, campaign)
    with database.read() as connection:
        (status,) = campaign_statuses(connection)
    if choice is HeldChoice.LEAVE_OUT:
        assert status.state is CampaignState.FINISHED
        assert {row[:2] for row in found.values()} == {("skipped", HOUR_PAST)}
        return
    assert status.state is CampaignState.SENDING
    if choice is HeldChoice.NOW:
        assert set(found.values()) == {("queued", "", launched, None)}
        assert len(_work(database, campaign, Clock(launched + timedelta(hours=9)))) == 7, "zones"
        return
    for place, number in enumerate(everywhere[:6]):
        hour = at("2026-03-30 09:00", ZONES[place])
        hour = hour if hour > launched else at("2026-03-31 09:00", ZONES[place])
        assert found[number] == ("queued", "", hour, hour + LATE), ZONES[place]


def test_a_cancelled_campaign_mails_nobody_who_was_held(
    database: Database, everywhere: list[int], schedule: Freeze
) -> None:
    launched = at("2026-03-29 09:00", BERLIN) + timedelta(hours=1)
    campaign = schedule(launched=launched)
    _work(database, campaign, Clock(launched))
    steps.cancel(database, campaign, now=launched)
    assert set(states(database)) == {"sent", "cancelled"}


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("message", [MESSAGE, TRANSLATED])
def test_mails_are_spread_evenly(database: Database, schedule: Freeze, local: bool, message: Message) -> None:
    ids = add_people(database, 30, now=NOON)
    with database.write() as connection:
        connection.execute(update(people).where(people.c.id.in_(ids[:12])).values(timezone=BERLIN))
        connection.execute(update(people).where(people.c.id.in_(ids[::2])).values(language="fr"))
    found = rows(database, schedule(spread=timedelta(hours=3), local=local, message=message))
    groups = [ids[:12], ids[12:]] if local else [ids]
    for group in groups:
        first = at("2026-03-29 09:00", BERLIN if local and group[0] == ids[0] else "Europe/London")
        moments = sorted(found[number][2] for number in group)
        assert moments == [first + n * timedelta(hours=3) / len(group) for n in range(len(group))]
    if local:
        assert all(row[3] == row[2] + LATE for row in found.values())
    else:
        assert {row[3] for row in found.values()} == {None}


def test_a_newsletter_that_cannot_leave_by_local_time_is_refused(database: Database, everywhere: list[int]) -> None:
    everybody = Audience(include=("supporters",))
    nine = PlannedTime(at("2026-03-29 09:00", BERLIN), BERLIN, local=True)
    first = at("2026-03-29 09:00", KIRITIMATI)
    refuse_unfit(database, MESSAGE, everybody, nine, due_at=first)
    later = first + timedelta(minutes=1)
    with pytest.raises(MailerError, match=r"09:00 of 29 March 2026 is past already in Pacific/Kiritimati \(1 person\)"):
        refuse_unfit(database, MESSAGE, everybody, nine, due_at=later)
    for past in (PastHour.AT_ONCE, PastHour.LEAVE_OUT):
        refuse_unfit(database, MESSAGE, everybody, replace(nine, past=past), due_at=later)
    trial = replace(MESSAGE, variants=(MESSAGE,), test=PlannedTest())
    assert launches_at(nine, trial, earliest=NOON) == NOON, "the sample goes ahead"
    refuse_unfit(database, trial, everybody, nine, due_at=first - timedelta(hours=4))
    with pytest.raises(MailerError, match="would not be decided by 2026-03-28 19:00 UTC"):
        refuse_unfit(database, trial, everybody, nine, due_at=first - timedelta(hours=4) + timedelta(seconds=1))
    with pytest.raises(MailerError, match="down the list"):
        refuse_unfit(database, MESSAGE, replace(everybody, down_the_list=PlannedCohorts()), nine, due_at=first)


def test_a_run_before_the_next_hour_finds_nothing_to_do(
    database: Database, workspace: Workspace, everywhere: list[int], schedule: Freeze, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a day of runs that cron starts each minute: none of them brings what sends."""
    campaign = schedule()
    clock = Clock(at("2026-03-29 09:00", KIRITIMATI) - timedelta(minutes=1))
    began: list[datetime] = []
    monkeypatch.setattr(Runner, "_sender", lambda _self: began.append(clock.now))
    runner = Runner(workspace, database, clock=clock, stop=Stop())
    assert runner.run() == RunReport()
    assert not began
    clock.now += timedelta(minutes=1)
    _work(database, campaign, clock)
    clock.now += timedelta(minutes=1)
    assert runner.run() == RunReport()
    assert not began, "the next hour is Tokyo's"
    clock.now = at("2026-03-29 09:00", "Asia/Tokyo")
    with pytest.raises(AttributeError):  # there is no sender
        runner.run()
    assert began == [clock.now]


def test_plans_come_back_as_they_were_kept() -> None:
    nine = PlannedTime(at("2026-03-29 09:00", BERLIN), BERLIN)
    assert set(nine.as_json()) == {"at", "zone"}, "so approvals that were given before hold"
    for one in (nine, replace(nine, local=True, past=PastHour.LEAVE_OUT, spread=timedelta(hours=3))):
        assert PlannedTime.from_json(one.as_json()) == one
