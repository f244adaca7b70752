"""The front page: what leaves with its buttons, what waits for whom, what went wrong and what to do about it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import insert

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.lifecycle import pause, schedule
from mailer.delivery.campaigns.plan import compile_newsletter
from mailer.delivery.sending.run import note_run
from mailer.staff import audit
from mailer.staff.actor import terminal
from mailer.staff.rights import Role
from mailer.store.admin.backup import LOGGED_AS
from mailer.store.jobs import WEBHOOK_CALL
from mailer.store.tables.core import EPOCH, guard_evidence
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import CampaignState, DeliveryState, JobState
from tests.web.studio.conftest import SLUG, Clock, House
from tests.web.studio.following.test_following import status
from tests.web.studio.sendings import ask_links, launch, more_people, send, set_state, sign


def today(house: House, cookie: str | None = None) -> str:
    text = house.get("/", cookie=cookie).text.partition("<main")[2].partition("<dialog")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def backed_up(house: House, ago: timedelta) -> None:
    with house.studio.database.write() as connection:
        at = house.studio.clock() - ago
        audit.record(connection, terminal(), "database backed up", at=at, subject=LOGGED_AS)


def test_what_leaves_is_paused_from_here(house: House) -> None:
    launch(house.studio)
    assert "One newsletter is leaving now." in today(house)
    assert "Pause Follow" in today(house)
    answer = house.post(f"/newsletters/{SLUG}/following/pause", b"back=/")
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert "is leaving now." not in today(house)
    assert "Go on Follow" in today(house)
    assert "“Our appeal” is paused 3 people still wait for it." in today(house)
    assert status(house).state is CampaignState.PAUSED


@pytest.mark.parametrize(("lists", "may"), [(("supporters",), True), (("others",), False)])
@pytest.mark.sqlite
def test_buttons_are_for_who_may_press_them(house: House, lists: tuple[str, ...], may: bool) -> None:
    launch(house.studio)
    assert "Pause" not in today(house, house.sign_in(Role.VIEWER))
    assert ("Pause" in today(house, house.sign_in(Role.SENDER, lists=lists))) is may


def test_uncertain_people_wait_for_who_may_decide(house: House) -> None:
    campaign = launch(house.studio)
    send(house.studio)
    set_state(house.studio, campaign, (1, 2), DeliveryState.UNCERTAIN)
    assert "Decide about 2 people" in today(house, house.sign_in(Role.APPROVER))
    assert "Decide about" not in today(house, house.sign_in(Role.WRITER))


def test_a_fault_of_ours_is_told_with_what_to_do(house: House) -> None:
    campaign = launch(house.studio)
    send(house.studio)
    set_state(house.studio, campaign, (1,), DeliveryState.FAILED, reply_class="ours")
    assert "1 person missed “Our appeal” through our own fault" in today(house)
    set_state(house.studio, campaign, (1,), DeliveryState.FAILED, reply_class="hard")
    assert "through our own fault" not in today(house)


@pytest.mark.sqlite
def test_what_counts_down_is_stopped_from_here(house: House) -> None:
    plan = compile_newsletter(house.studio.database, read_source(house.workspace.newsletter(SLUG))).plan
    assert plan
    now, minutes = house.studio.clock(), timedelta(minutes=8)
    schedule(house.studio.database, plan, due_at=now + minutes, zone="UTC", late=timedelta(hours=2), now=now)
    assert "Leaving in 8 min Look Stop it" in today(house)
    assert "Stop it" not in today(house, house.sign_in(Role.WRITER))
    approver = house.sign_in(Role.APPROVER)
    assert house.post(f"/newsletters/{SLUG}/send/stop", cookie=approver).status == 303
    assert "Leaving in" not in today(house, approver)


@pytest.mark.sqlite
def test_a_time_is_promised_only_while_something_sends(house: House, clock: Clock) -> None:
    more_people(house.studio, range(4, 301))
    campaign = launch(house.studio)
    set_state(house.studio, campaign, tuple(range(1, 31)), DeliveryState.SENT)
    clock.at += timedelta(minutes=1)
    for path in ("/", "/newsletters"):
        assert "minutes left" not in house.get(path).text, path
    note_run(house.studio.database, now=clock())
    for path in ("/", "/newsletters"):
        assert "9 minutes left" in house.get(path).text, path
    with house.studio.database.write() as connection:
        connection.execute(insert(guard_evidence).values(campaign_id=campaign, since=EPOCH, troubles=2))
    for path in ("/", "/newsletters"):
        assert "minutes left" not in house.get(path).text, path


@pytest.mark.sqlite
def test_a_mail_server_that_fails_is_told(house: House) -> None:
    campaign = launch(house.studio)
    with house.studio.database.write() as connection:
        connection.execute(insert(guard_evidence).values(campaign_id=campaign, since=house.studio.clock(), troubles=2))
    assert "the mail server doesn’t answer" in today(house)


@pytest.mark.sqlite
def test_a_servers_words_name_nobody(house: House) -> None:
    campaign = launch(house.studio)
    pause(house.studio.database, campaign, "no such user mary1@example.org", now=house.studio.clock())
    assert "mary1" not in today(house, house.sign_in(Role.VIEWER))


@pytest.mark.sqlite
def test_work_that_was_given_up_is_told_to_admins(house: House) -> None:
    now = house.studio.clock()
    with house.studio.database.write() as connection:
        for number, ago in enumerate((timedelta(hours=3), timedelta(days=9))):
            connection.execute(
                insert(jobs).values(
                    kind=WEBHOOK_CALL.name, key=str(number), state=JobState.FAILED, due_at=now, created_at=now,
                    done_at=now - ago, payload=b"",
                )
            )  # fmt: skip
    assert "1 message to another program were given up" not in today(house)
    assert "1 message to another program was given up" in today(house)
    assert "another program" not in today(house, house.sign_in(Role.SENDER))


def test_the_age_of_the_last_backup_is_told(house: House) -> None:
    assert "backup" not in today(house).lower()  # nothing was sent yet
    launch(house.studio)
    assert "No backup is known" in today(house)
    backed_up(house, timedelta(days=9))
    assert "The last backup is 9 days old" in today(house)
    backed_up(house, timedelta(hours=6))
    assert "Backed up 6 hours ago." in today(house)
    assert "backup is" not in today(house)
    assert "acked up" not in today(house, house.sign_in(Role.SENDER))


@pytest.mark.sqlite
def test_the_last_one_leads_to_its_results(house: House) -> None:
    campaign = launch(house.studio)
    send(house.studio)
    sign(house.studio, campaign, 1, n=ask_links(house.studio, campaign)[0])
    text = house.get("/").text
    assert "333</b>" in text
    assert f'href="/newsletters/{SLUG}/results"' in text
