"""Following a newsletter that leaves: it is told as it happens, paused and stopped by who may, and decided on once."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.lifecycle import pause, schedule
from mailer.delivery.campaigns.plan import compile_newsletter
from mailer.delivery.campaigns.status import CampaignStatus, campaign_statuses
from mailer.delivery.ledger.guard import GuardRails
from mailer.delivery.sending.run import Runner, note_run
from mailer.delivery.sending.run_control import Stop
from mailer.settings import Guard
from mailer.staff.actor import Actor
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import EVERY_RIGHT, Role
from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.transports.base import Fate, Outcome, ReplyClass
from tests.web.studio.conftest import HERE, SLUG, House
from tests.web.studio.sendings import heard_until, hearing, launch, more_people, send, set_state

FOLLOWING = f"{HERE}following"
PEOPLE = 300


def status(house: House) -> CampaignStatus:
    with house.studio.database.read() as connection:
        return campaign_statuses(connection, slug=SLUG)[0]


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def mails(house: House) -> list[str]:
    """The addresses that the outbox holds, one for each mail."""
    found = (house.workspace.root / "outbox" / "new").iterdir()
    texts = (path.read_text(encoding="utf-8") for path in found)
    return [found[1] for text in texts if (found := re.search(r"^To: .*?<?([\w.]+@[\w.]+)>?$", text, re.MULTILINE))]


def test_events_follow_a_real_send_and_a_pause_stops_it(house: House) -> None:
    """The pause comes in the middle of the send: after it only what was on the line still leaves."""
    more_people(house.studio, range(4, PEOPLE + 1))
    launch(house.studio)
    paused_at: list[int] = []

    def watch(_slug: str, tally: object) -> None:
        if not paused_at and (sent := getattr(tally, "sent", 0)) >= 5:
            assert house.post(f"{FOLLOWING}/pause").status == 303
            paused_at.append(sent)

    with hearing(house, f"{FOLLOWING}/moves") as heard:
        assert heard_until(heard, lambda event: True).startswith("sending")
        run = Runner(
            house.workspace, house.studio.database, clock=house.studio.clock, stop=Stop(), progress=watch
        )  # fmt: skip
        run.run()
        assert heard_until(heard, lambda event: event.startswith("paused"))
        now = status(house)
        assert now.state is CampaignState.PAUSED
        assert 0 < now.people[DeliveryState.SENT] < PEOPLE
        assert "Paused" in words(house.get(FOLLOWING).text)
        assert house.post(f"{FOLLOWING}/resume").status == 303
        assert heard_until(heard, lambda event: event.startswith("sending"))
        send(house.studio)
        assert heard_until(heard, lambda event: event.startswith("finished"))
    assert sorted(mails(house)) == sorted(f"mary{n}@example.org" for n in range(1, PEOPLE + 1))


def test_a_pressed_button_is_in_the_log_by_name(house: House) -> None:
    cookie = house.sign_in(Role.APPROVER)
    launch(house.studio)
    for deed in ("pause", "pause", "resume", "stop", "stop"):
        assert house.post(f"{FOLLOWING}/{deed}", cookie=cookie).headers["location"] == FOLLOWING
    with house.studio.database.read() as connection:
        log = [(one.by, one.action) for one in entries(connection, AuditFilter(subject=f"newsletter {SLUG}"))]
    deeds = ("newsletter cancelled", "newsletter resumed", "newsletter paused")
    assert log == [("approver@example.org", deed) for deed in deeds]
    assert status(house).state is CampaignState.CANCELLED
    assert send(house.studio).tallies == {}


def test_stop_mails_nobody_more(house: House) -> None:
    launch(house.studio)
    house.post(f"{FOLLOWING}/stop")
    send(house.studio)
    assert status(house).people == {DeliveryState.CANCELLED: 3}
    assert "0 people had their turn, 3 get nothing." in words(house.get(FOLLOWING).text)


@pytest.mark.parametrize(("choice", "state"), [("sent", DeliveryState.SENT), ("again", DeliveryState.QUEUED)])
def test_a_decision_is_about_those_the_page_showed(house: House, choice: str, state: DeliveryState) -> None:
    campaign = launch(house.studio)
    send(house.studio)
    set_state(house.studio, campaign, (1,), DeliveryState.UNCERTAIN)
    text = house.get(FOLLOWING).text
    assert "Decide about 1 person" in text
    until = re.search(r'name="until" value="([^"]+)"', text)
    assert until
    later = house.studio.clock() + timedelta(seconds=1)
    set_state(house.studio, campaign, (2,), DeliveryState.UNCERTAIN, changed_at=later)
    body = f"choice={choice}&until={quote(until[1])}".encode()
    assert house.post(f"{FOLLOWING}/decide", body).status == 303
    with house.studio.database.read() as connection:
        found = connection.execute(select(deliveries.c.person_id, deliveries.c.state)).all()
    assert {row.person_id: row.state for row in found} == {1: state, 2: DeliveryState.UNCERTAIN, 3: DeliveryState.SENT}


@pytest.mark.parametrize("body", [b"", b"choice=again", b"choice=x&until=2026-11-24T09:00:00%2B00:00",
                                  b"choice=again&until=2026-11-24T09:00:00", b"choice=again&until=x"])  # fmt: skip
@pytest.mark.sqlite
def test_a_decision_without_what_it_is_about_changes_nothing(house: House, body: bytes) -> None:
    campaign = launch(house.studio)
    set_state(house.studio, campaign, (1,), DeliveryState.UNCERTAIN)
    assert house.post(f"{FOLLOWING}/decide", body).status == 400
    assert status(house).people[DeliveryState.UNCERTAIN] == 1


@pytest.mark.parametrize(
    ("choice", "state", "left"),
    [("now", DeliveryState.QUEUED, None), ("left out", DeliveryState.SKIPPED, None), ("next day", "", "queued")],
)
@pytest.mark.sqlite
def test_people_whose_hour_was_past_are_decided_about(house: House, choice: str, state: str, left: str | None) -> None:
    campaign = launch(house.studio)
    send(house.studio)
    if left:
        with house.studio.database.write() as connection:
            connection.execute(update(campaigns).values(local_at="2026-11-24T09:00", zone="Europe/London"))
    set_state(house.studio, campaign, (1,), DeliveryState.HELD)
    found = house.get(FOLLOWING)
    assert "Decide about 1 person" in words(found.text)
    assert ("When their clocks show 09:00 again" in found.text) is bool(left)
    assert "wait for" in words(house.get("/inbox").text)
    until = re.search(r'following/held"><input type="hidden" name="until" value="([^"]+)"', found.text)
    assert until
    body = f"choice={quote(choice)}&until={quote(until[1])}".encode()
    assert house.post(f"{FOLLOWING}/held", b"choice=x&until=x").status == 400
    assert house.post(f"{FOLLOWING}/held", body).status == 303
    assert status(house).people.get(DeliveryState.HELD) is None
    assert status(house).people[DeliveryState(state or left or "")] == 1


def test_names_are_for_those_who_may_see_them(house: House) -> None:
    campaign = launch(house.studio)
    said = {"detail": "550 5.1.1 <mary2@example.org> unknown", "reply_class": "hard"}
    set_state(house.studio, campaign, (1,), DeliveryState.UNCERTAIN)
    set_state(house.studio, campaign, (2,), DeliveryState.FAILED, **said)
    sender, approver, viewer = (house.sign_in(role) for role in (Role.SENDER, Role.APPROVER, Role.VIEWER))
    assert "mary1@example.org" in house.get(f"{FOLLOWING}/people/uncertain", cookie=sender).text
    assert "mary2@example.org" in house.get(f"{FOLLOWING}/people/failed", cookie=sender).text
    assert house.get(f"{FOLLOWING}/people/queued", cookie=sender).status == 404
    for cookie in (approver, viewer):
        assert house.get(f"{FOLLOWING}/people/uncertain", cookie=cookie).status == 403
        text = house.get(FOLLOWING, cookie=cookie).text
        assert not re.search(r"mary\d", text)
        assert "May or may not have got it" in text
    assert 'value="again"' in house.get(FOLLOWING, cookie=approver).text
    assert "<form" not in house.get(FOLLOWING, cookie=viewer).text.partition("<main")[2].partition("<dialog")[0]


def test_who_was_missed_by_our_own_fault_gets_it_after_all(house: House) -> None:
    campaign = launch(house.studio)
    send(house.studio)
    set_state(house.studio, campaign, (3,), DeliveryState.FAILED, reply_class="ours")
    assert "Missed it through our own fault" in house.get(FOLLOWING).text
    assert house.post(f"{FOLLOWING}/retry").status == 303
    assert status(house).people[DeliveryState.QUEUED] == 1


@pytest.mark.sqlite
def test_it_says_who_sent_it_though_others_acted_since(house: House) -> None:
    plan = compile_newsletter(house.studio.database, read_source(house.workspace.newsletter(SLUG))).plan
    assert plan
    amina, now = Actor("amina@example.org", EVERY_RIGHT), house.studio.clock()
    schedule(house.studio.database, plan, due_at=now, zone="", late=timedelta(hours=2), now=now, by=amina)
    assert send(house.studio).tallies
    set_state(house.studio, status(house).campaign_id or 0, (3,), DeliveryState.FAILED, reply_class="ours")
    assert house.post(f"{FOLLOWING}/retry", cookie=house.sign_in(Role.SENDER)).status == 303
    assert "Started 09:00 by amina@example.org" in words(house.get(FOLLOWING, cookie=house.sign_in(Role.VIEWER)).text)


@pytest.mark.sqlite
def test_a_guard_rails_reason_is_told_without_commands_or_addresses(house: House) -> None:
    campaign = launch(house.studio)
    rails = GuardRails(Guard(), slug=SLUG, transport="smtp")
    refused = Outcome(
        Fate.REFUSED, code="535", detail="no mary1@example.org", reply_class=ReplyClass.OURS, refuses_us=True
    )
    halt = rails.note(refused)
    assert halt
    pause(house.studio.database, campaign, halt.reason, now=house.studio.clock())
    text = words(house.get(FOLLOWING).text.partition("<main")[2])
    assert "The smtp transport refuses our sender or host" in text
    assert "Correct the login or the sender it names." in text
    assert not re.search(r"mailer (doctor|resume)|mary1@", text)


@pytest.mark.sqlite
def test_before_it_leaves_the_way_leads_to_send(house: House) -> None:
    assert house.get(FOLLOWING).status == 404
    plan = compile_newsletter(house.studio.database, read_source(house.workspace.newsletter(SLUG))).plan
    assert plan
    now = house.studio.clock()
    schedule(house.studio.database, plan, due_at=now + timedelta(hours=3), zone="UTC", late=timedelta(hours=2), now=now)
    assert house.get(FOLLOWING).headers["location"] == f"{HERE}send"
    for deed in ("pause", "resume"):
        assert house.post(f"{FOLLOWING}/{deed}").status == 303
    assert status(house).state is CampaignState.SCHEDULED


@pytest.mark.sqlite
def test_where_nothing_runs_no_time_is_promised(house: House) -> None:
    campaign = launch(house.studio)
    assert "3 people still wait for it." in words(house.get(FOLLOWING).text)
    set_state(house.studio, campaign, (1, 2), DeliveryState.SENT)
    assert "Nothing is leaving 2 of 3 sent. 1 person still waits for it." in words(house.get(FOLLOWING).text)
    note_run(house.studio.database, now=house.studio.clock())
    assert "It is leaving" in words(house.get(FOLLOWING).text)


@pytest.mark.sqlite
def test_a_warm_up_that_is_through_for_today_is_said(house: House) -> None:
    settings = house.workspace.root / "mailer.toml"
    settings.write_text(f"{settings.read_text(encoding='utf-8')}\n[pace]\nwarm_up = [1, 100]\n", encoding="utf-8")
    launch(house.studio)
    send(house.studio)
    assert status(house).people == {DeliveryState.SENT: 1, DeliveryState.QUEUED: 2}
    assert "still being warmed up: 1 a day by now. It goes on tomorrow, 00:00" in words(house.get(FOLLOWING).text)


@pytest.mark.sqlite
def test_buttons_lead_back_to_where_they_were_and_nowhere_else(house: House) -> None:
    launch(house.studio)
    assert house.post(f"{FOLLOWING}/pause", b"back=/").headers["location"] == "/"
    assert house.post(f"{FOLLOWING}/resume", b"back=//evil.example").headers["location"] == "/"
