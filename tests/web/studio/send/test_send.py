"""The Send room by HTTP: problems in the button's place, the number, one order of many tries, the hold and its stop."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Connection, Row, delete, insert, select, update

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns import lifecycle, orders
from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.sending.run import note_run
from mailer.review import approvals
from mailer.review.planned import planned_time
from mailer.staff.actor import terminal
from mailer.staff.rights import EVERY_RIGHT, Role
from mailer.store.tables.core import people, subscriptions, workers
from mailer.store.tables.staff import audit_log
from tests.patience import HANG_SECONDS, until
from tests.web.client import Reply
from tests.web.studio.conftest import BODY, FRONT, HERE, SLUG, Clock, House

ROOM = f"{HERE}send"
TEN = timedelta(minutes=10)
LONDON = 'timezone = "Europe/London"\n'


def page_of(house: House, cookie: str | None = None) -> str:
    """The page with everything found, its spaces as one."""
    return shown(house.get(f"{ROOM}?whole", cookie=cookie))


def shown(reply: Reply) -> str:
    return unescape(re.sub(r"\s+", " ", reply.text))


def form_of(house: House, **changed: str) -> dict[str, str]:
    """What the browser sends when somebody types the number of three people."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page_of(house)))
    return {**fields, "number": "3", **changed}


def send(house: House, form: dict[str, str], *, to: str = ROOM, cookie: str | None = None) -> Reply:
    return house.post(to, urlencode(form).encode(), cookie=cookie)


def campaign(house: House) -> Row[Any] | None:
    with house.studio.database.read() as connection:
        return lifecycle.find_campaign(connection, SLUG)


def decisions(house: House) -> list[str]:
    with house.studio.database.read() as connection:
        query = select(audit_log.c.action).where(audit_log.c.action.in_(orders.DECISIONS)).order_by(audit_log.c.id)
        return list(connection.execute(query).scalars())


def set_up(house: House, settings: str, *, above: str = "") -> None:
    """More settings: `above` those there are, and at their end."""
    file = house.workspace.root / "mailer.toml"
    file.write_text(above + file.read_text(encoding="utf-8") + settings, encoding="utf-8")


def approve(house: House, *, by: str = "Tom") -> None:
    """As it is now, by somebody who wrote none of it."""
    workspace, database, now = house.studio.reader.read(), house.studio.database, house.studio.clock()
    with database.read() as connection:
        leaves = planned_time(connection, SLUG)
    content = content_of(prepare(database, read_source(workspace.newsletter(SLUG))).plan, leaves=leaves)
    with database.write() as connection:
        approvals.approve(
            connection, orders.Actor(by, EVERY_RIGHT), content, seen=content.digest,
            settings=workspace.settings.studio, at=now,
        )  # fmt: skip


def test_problems_are_where_the_button_would_be(house: House) -> None:
    house.write(BODY, FRONT.replace("subject:", "subjekt:"))
    found = page_of(house)
    assert "before this can leave" in found
    assert f'href="{HERE}#field-subject"' in found
    assert 'name="number"' not in found
    house.write()
    found = page_of(house)
    assert "Nothing is in the way" in found
    assert "3 people" in found
    assert 'name="number"' in found


@pytest.mark.parametrize(
    ("typed", "told"), [("", "Type how many"), ("42", "3 people get this"), ("three", "3 people get this")]
)
@pytest.mark.sqlite
def test_another_number_sends_nothing_and_says_so_at_the_field(house: House, typed: str, told: str) -> None:
    reply = send(house, form_of(house, number=typed))
    assert reply.status == 422
    assert f'role="alert">{told}' in shown(reply)
    assert 'aria-invalid="true"' in reply.text
    assert campaign(house) is None


def test_sent_now_it_counts_down_first(house: House, clock: Clock, now: datetime) -> None:
    reply = send(house, form_of(house))
    assert (reply.status, reply.headers["location"]) == (303, ROOM)
    row = campaign(house)
    assert row is not None
    assert (row.state, row.due_at, row.launched_at) == ("scheduled", now + TEN, None)
    clock.at += timedelta(minutes=2)
    found = page_of(house)
    assert "Leaves at 09:10" in found
    assert 'data-left="480"' in found
    assert "Nothing has been sent yet. It goes to 3 people." in found
    assert lifecycle.launch_due(house.studio.database, now=now + TEN - timedelta(seconds=1)) == []
    (left,) = lifecycle.launch_due(house.studio.database, now=now + TEN)
    assert left.counts["chosen"] == 3


def test_sent_twice_it_is_one_order(house: House, clock: Clock, now: datetime) -> None:
    form = form_of(house)
    assert send(house, form).status == 303
    clock.at += timedelta(minutes=5)
    assert send(house, form).status == 303  # the Back button, or a second press
    row = campaign(house)
    assert row is not None
    assert row.due_at == now + TEN  # and the hold didn't begin again
    assert decisions(house) == ["newsletter scheduled"]


def test_two_senders_at_once_are_one_order(house: House) -> None:
    form = form_of(house)
    house.sign_in(Role.ADMIN)
    cookies = [house.sign_in(Role.SENDER, name) for name in ("Amina", "Tom", "Siân", "Rhiannon")]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda cookie: send(house, form, cookie=cookie), cookies))
    assert {reply.status for reply in replies} <= {303, 503}, [shown(reply) for reply in replies]
    assert 303 in {reply.status for reply in replies}
    assert decisions(house) == ["newsletter scheduled"]


def test_a_form_from_before_the_stop_orders_nothing(house: House) -> None:
    form = form_of(house)
    send(house, form)
    assert house.post(f"{ROOM}/stop").status == 303
    assert campaign(house) is None
    found = page_of(house)
    assert "Stopped" in found
    assert "by <bdi>this machine</bdi>" in found
    reply = send(house, form)
    assert reply.status == 422
    assert "Somebody scheduled or stopped it" in shown(reply)
    assert campaign(house) is None
    assert send(house, form_of(house)).status == 303  # seen again, it may be sent again
    assert campaign(house) is not None


def test_what_changed_after_the_page_was_opened_is_not_sent(house: House) -> None:
    form = form_of(house)
    house.write(BODY.replace("Ask them", "Tell them"))
    reply = send(house, form)
    assert reply.status == 422
    assert "It was changed after you opened this page" in shown(reply)
    assert campaign(house) is None


def test_who_left_after_the_page_was_opened_is_not_counted(house: House) -> None:
    form = form_of(house)
    with house.studio.database.write() as connection:
        connection.execute(delete(subscriptions).where(subscriptions.c.person_id == 3))
    with house.studio.database.write() as connection:
        connection.execute(update(subscriptions).where(subscriptions.c.person_id == 2).values(status="unsubscribed"))
    reply = send(house, form)
    assert reply.status == 422
    assert "1 person gets this, not 3" in shown(reply)
    assert "of 2 people. Left out: Unsubscribed (1)" in shown(reply)
    assert campaign(house) is None


def test_what_is_scheduled_leaves_at_its_time_with_the_hold_before_it(house: House, clock: Clock) -> None:
    set_up(house, "", above=LONDON)
    nine = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert send(house, {"when": "at", "day": "2026-12-01", "clock": "09:00"}, to=f"{ROOM}/time").status == 303
    found = page_of(house)
    assert "Tue 1 Dec, 09:00 London (in 7 days)" in found
    assert "Schedule for Tue 1 Dec, 09:00" in found
    assert "From 08:50 that day it counts down" in found
    assert send(house, form_of(house)).status == 303
    row = campaign(house)
    assert row is not None
    assert (row.due_at, row.zone) == (nine, "Europe/London")
    assert "Take it off the schedule" in page_of(house)
    clock.at = nine - timedelta(minutes=4)
    found = page_of(house)
    assert "Leaves at 09:00" in found
    assert "Stop it" in found
    house.post(f"{ROOM}/stop")
    assert campaign(house) is None
    assert "is too soon" in page_of(house)  # its time is still 09:00


def test_a_hold_may_begin_the_day_before_or_not_at_all(house: House) -> None:
    set_up(house, "", above=LONDON)
    assert send(house, {"when": "at", "day": "2026-12-01", "clock": "00:05"}, to=f"{ROOM}/time").status == 303
    assert "From Mon 30 Nov, 23:55 it counts down, and" in page_of(house)
    set_up(house, '[studio]\nhold = "0s"\n')
    assert "Until then <bdi>you</bdi> can stop it" in page_of(house)
    assert send(house, {"when": "now"}, to=f"{ROOM}/time").status == 303
    found = page_of(house)
    assert "It leaves at once. Once it does, <bdi>you</bdi> can stop it" in found
    assert "0 seconds" not in found
    assert "1 second" not in found


@pytest.mark.parametrize(
    ("day", "clock_shows", "told"),
    [
        ("2027-03-28", "01:30", "does not exist in Europe/London: the clocks are put forward"),
        ("2026-11-24", "09:05", "less than 10m away"),
        ("2026-11-24", "08:00", "is past"),
        ("", "09:00", "It needs a day and a time"),
        ("2026-13-41", "x", ""),
    ],
)
@pytest.mark.sqlite
def test_a_time_that_cannot_be_is_refused_in_its_place(house: House, day: str, clock_shows: str, told: str) -> None:
    set_up(house, "", above=LONDON)
    reply = send(house, {"when": "at", "day": day, "clock": clock_shows}, to=f"{ROOM}/time")
    assert reply.status == 422
    assert 'id="h-clock" role="alert"' in reply.text
    assert told in shown(reply)
    with house.studio.database.read() as connection:
        assert planned_time(connection, SLUG) is None


@pytest.mark.sqlite
def test_a_time_that_the_clocks_show_twice_is_said(house: House) -> None:
    set_up(house, "", above=LONDON)
    send(house, {"when": "at", "day": "2027-10-31", "clock": "01:30"}, to=f"{ROOM}/time")
    assert "The clocks show that time twice: the first is meant" in page_of(house)
    send(house, {"when": "now"}, to=f"{ROOM}/time")
    assert "As soon as you send it" in page_of(house)


def test_nothing_leaves_without_approval_of_exactly_this(house: House) -> None:
    set_up(house, "\n[studio]\napprovals = 1\n")
    assert "It isn’t approved yet" in page_of(house)
    approve(house)
    form = form_of(house)
    assert "Tom</bdi>, for exactly this" in page_of(house)
    send(house, {"when": "at", "day": "2026-12-01", "clock": "09:00"}, to=f"{ROOM}/time")
    assert "no longer counts" in page_of(house)  # another time is another newsletter
    assert send(house, form).status == 422
    assert campaign(house) is None
    send(house, {"when": "now"}, to=f"{ROOM}/time")
    assert send(house, form).status == 303
    house.write(BODY.replace("Ask them", "Tell them"))
    assert "It was changed since, so it will not leave" in page_of(house)


@pytest.mark.sqlite
def test_who_may_not_send_sees_who_may(house: House) -> None:
    house.sign_in(Role.SENDER, "Amina")
    writer, approver = house.sign_in(Role.WRITER), house.sign_in(Role.APPROVER, "Tom")
    found = page_of(house, writer)
    assert "Only senders can do this: Amina" in found
    assert 'name="number"' not in found
    form = form_of(house, known="0")
    assert send(house, form, cookie=writer).status == 403
    assert campaign(house) is None
    sender = house.sign_in(Role.SENDER, "Amina")
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page_of(house, sender)))
    assert send(house, {**form, "number": "3"}, cookie=sender).status == 303
    assert house.post(f"{ROOM}/stop", cookie=writer).status == 403
    assert "Stop it" not in page_of(house, writer)
    assert "Amina and you</bdi> can stop it" in page_of(house, approver)
    assert house.post(f"{ROOM}/stop", cookie=approver).status == 303
    assert campaign(house) is None


def test_it_says_when_nothing_runs(house: House, clock: Clock) -> None:
    assert "Nothing that sends has run here yet" in page_of(house)
    note_run(house.studio.database, now=clock())
    assert "Nothing that sends" not in page_of(house)
    send(house, form_of(house))
    assert "Nothing that sends" not in house.get("/").text
    clock.at += timedelta(hours=3)
    assert "Nothing that sends has run for 3 hours" in page_of(house)
    assert "Nothing that sends has run for 3 hours" in shown(house.get("/"))
    with house.studio.database.write() as connection:  # in the midst of a send that takes that long
        connection.execute(insert(workers).values(id=1, name="here", lease_until=clock() + timedelta(minutes=2)))
    assert "Nothing that sends" not in page_of(house)
    assert "Nothing that sends" not in house.get("/").text


@pytest.mark.sqlite
def test_what_did_not_leave_says_why_and_can_be_sent(house: House, clock: Clock) -> None:
    send(house, form_of(house))
    clock.at += timedelta(hours=5)
    lifecycle.launch_due(house.studio.database, now=clock())
    found = page_of(house)
    assert "It did not leave, and nobody got it" in found
    assert "no `mailer run` came within 2 h of its time" in found or "No `mailer run` came" in found
    assert send(house, form_of(house)).status == 303
    row = campaign(house)
    assert row is not None
    assert (row.state, row.due_at) == ("scheduled", clock() + TEN)


@pytest.mark.sqlite
def test_what_was_cancelled_before_it_left_can_be_sent(house: House, clock: Clock) -> None:
    send(house, form_of(house))
    orders.cancel(house.studio.database, SLUG, terminal(), now=clock())
    assert "It did not leave, and nobody got it" in page_of(house)
    assert f'href="{HERE}review"' in page_of(house), "and approved again first"
    assert send(house, form_of(house)).status == 303
    row = campaign(house)
    assert row is not None
    assert row.state == "scheduled"


@pytest.mark.sqlite
def test_each_room_and_the_front_page_stop_what_leaves_in_minutes(house: House) -> None:
    button = f'action="{ROOM}/stop"'
    assert button not in house.get(HERE).text
    send(house, form_of(house))
    viewer, approver = house.sign_in(Role.VIEWER), house.sign_in(Role.APPROVER)
    for path in (HERE, f"{HERE}history", "/"):
        assert button in house.get(path, cookie=approver).text, path
        assert button not in house.get(path, cookie=viewer).text, path
    assert house.get(ROOM, cookie=approver).text.count(button) == 1


@pytest.mark.parametrize(
    ("hold", "told"), [("2m", "Leaving in 2 min"), ("45m", "Leaving in 45 min"), ("3h", "Leaving in 3 hours")]
)
@pytest.mark.sqlite
def test_what_counts_down_is_known_by_the_hold(house: House, hold: str, told: str) -> None:
    set_up(house, f'\n[studio]\nhold = "{hold}"\n')
    send(house, form_of(house))
    for path in (HERE, "/"):
        found = house.get(path).text
        assert told in found
        assert f'action="{ROOM}/stop"' in found


@pytest.mark.sqlite
def test_what_does_not_count_down_yet_is_scheduled(house: House) -> None:
    set_up(house, '\n[studio]\nhold = "2m"\n')
    send(house, {"when": "at", "day": "2026-11-24", "clock": "09:05"}, to=f"{ROOM}/time")
    assert send(house, form_of(house)).status == 303
    for path in (HERE, "/"):
        found = house.get(path).text
        assert "Scheduled</span>" in found
        assert f'action="{ROOM}/stop"' not in found


@pytest.mark.parametrize(
    ("left", "told"),
    [((), "Its list is empty"), ((1,), "The one person on its list is left out"),
     ((1, 2), "2 people are on its list, and each is left out")],
)  # fmt: skip
@pytest.mark.sqlite
def test_an_audience_of_nobody_says_why(house: House, left: tuple[int, ...], told: str) -> None:
    column = subscriptions.c.person_id
    with house.studio.database.write() as connection:
        connection.execute(delete(subscriptions).where(column.not_in(left)))
    with house.studio.database.write() as connection:
        connection.execute(update(subscriptions).where(column.in_(left)).values(status="unsubscribed"))
    assert told in page_of(house)


@pytest.mark.sqlite
def test_a_sender_of_other_lists_is_told_so(house: House) -> None:
    found = page_of(house, house.sign_in(Role.SENDER, lists=["others"]))
    assert "This belongs to a list that your account doesn’t work with." in found
    assert "Only senders" not in found


@pytest.mark.sqlite
def test_once_it_left_the_room_leads_on(house: House, clock: Clock) -> None:
    form = form_of(house)
    send(house, form)
    clock.at += TEN
    lifecycle.launch_due(house.studio.database, now=clock())
    for reply in (house.get(ROOM), send(house, form), house.post(f"{ROOM}/stop")):
        assert reply.status == 303
        assert reply.headers["location"] in (ROOM, HERE, f"{HERE}following")
    row = campaign(house)
    assert row is not None
    assert row.state == "sending"


@pytest.mark.sqlite
def test_without_script_the_page_waits_for_the_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailer.web.studio.send.examine.QUICK_SECONDS", 0.0)
    monkeypatch.setattr("mailer.web.studio.send.examine.Examinations.shown", lambda *_given, **_named: None)
    found = house.get(ROOM)
    assert found.status == 200
    assert "Looking at everybody" in found.text
    assert '<noscript><meta http-equiv="refresh" content="0;url=?whole=1"></noscript>' in found.text


def test_a_stop_takes_what_was_just_put_in_its_place(house: House, now: datetime) -> None:
    """A stop that waited for the one who scheduled it again must not say "stopped" and let that leave."""
    workspace, database = house.workspace, house.studio.database
    plan = prepare(database, read_source(workspace.newsletter(SLUG))).plan
    replaced, go_on = threading.Event(), threading.Event()

    def schedule(within: lifecycle.Within = lifecycle.nothing_more) -> None:
        late = timedelta(hours=2)
        lifecycle.schedule(database, plan, due_at=now + TEN, zone="", late=late, now=now, by=terminal(), within=within)

    def slowly(_connection: Connection, _campaign: int) -> None:
        replaced.set()
        assert go_on.wait(HANG_SECONDS)

    schedule()
    with ThreadPoolExecutor(2) as pool:
        again = pool.submit(schedule, slowly)
        assert replaced.wait(HANG_SECONDS)
        stopped = pool.submit(orders.stop, database, SLUG, terminal(), now=now)
        if not database.is_sqlite:  # there both write one after the other anyway
            until(lambda: _somebody_waits(house))
        go_on.set()
        again.result()
        stopped.result()
    assert campaign(house) is None
    assert decisions(house)[-1] == "newsletter taken off the schedule"


def _somebody_waits(house: House) -> bool:
    with house.studio.database.read() as connection:
        return bool(connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar())


@pytest.mark.sqlite
def test_by_local_time_each_zone_is_shown_and_ordered(house: House) -> None:
    set_up(house, "", above=LONDON)
    with house.studio.database.write() as connection:
        connection.execute(update(people).values(country="", timezone=""))
        known = {"timezone": "Asia/Kolkata", "timezone_source": "import"}
        connection.execute(update(people).where(people.c.id == 1).values(known))
        connection.execute(update(people).where(people.c.id == 2).values(country="US"))
    local = {"when": "local", "day": "2026-12-01", "clock": "09:00", "spread": "3"}
    assert send(house, local, to=f"{ROOM}/time").status == 303
    found = page_of(house)
    assert "09:00 where each person is" in found
    assert "Spread over 3 hours" in found
    assert "Guessed for 1 from where they live. Not known of 1." in found
    for zone, moment in (
        ("Kolkata", "Tue 1 Dec, 03:30"),
        ("New York", "Tue 1 Dec, 14:00"),
        ("London", "Tue 1 Dec, 09"),
    ):
        assert re.search(rf'{zone}</th><td class="n">1</td><td>{moment}', found), zone
    assert send(house, form_of(house)).status == 303
    row = campaign(house)
    assert row is not None
    assert (row.local_at, row.spread_seconds, row.state) == ("2026-12-01T09:00", 10_800, "scheduled")
    assert row.due_at == datetime(2026, 11, 30, 19, tzinfo=UTC), "when the first clocks show it"
    assert "Leaves at 09:00 where each person is" in page_of(house)


@pytest.mark.sqlite
def test_an_hour_that_is_past_somewhere_is_in_the_way(house: House) -> None:
    with house.studio.database.write() as connection:
        connection.execute(update(people).values(timezone="Asia/Kolkata", timezone_source="own"))
    today = {"when": "local", "day": "2026-11-24", "clock": "09:30"}
    assert send(house, today, to=f"{ROOM}/time").status == 303
    assert "09:30 of 24 November 2026 is past already in Asia/Kolkata (3 people)" in page_of(house)
    assert send(house, {**today, "past": "leave-out"}, to=f"{ROOM}/time").status == 303
    found = page_of(house)
    assert "Nothing is in the way" in found
    assert "past: left out" in found
    assert send(house, {**today, "spread": "99"}, to=f"{ROOM}/time").status == 422
