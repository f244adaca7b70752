"""Mails of automations that wait for somebody: seen on Today and in the Inbox, decided at their automation."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert, select, update

from mailer.automations.control import orders
from mailer.automations.control.planned import plan_automation
from mailer.staff.actor import terminal
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.store.tables.core import EPOCH, campaigns, deliveries, guard_evidence, people
from mailer.workspace import Newsletter
from tests.web.studio.automations.test_room import fill_in, form, make
from tests.web.studio.conftest import House
from tests.web.studio.today.test_today import today

MAIL, HERE = "ours.1.hello", "/automations/ours/mails/ours.1.hello"
RAIL = "2 of 40 complained; everybody who was not mailed yet stays queued. Look why; then: mailer resume ours.1.hello"


def started(house: House, **hello: object) -> None:
    """An automation with two people whose mail of the first step is in doubt. `hello`: how its campaign is."""
    fill_in(make(house))
    now, database = house.studio.clock(), house.studio.database
    planned = plan_automation(database, Newsletter(house.workspace, "ours"), now=now, everyone=False)
    orders.start(database, planned, terminal(), settings=house.workspace.settings.studio, now=now)
    with database.write() as connection:
        number = connection.execute(select(campaigns.c.id).where(campaigns.c.slug == MAIL)).scalar_one()
        who = connection.execute(select(people.c.id).order_by(people.c.id).limit(2)).scalars().all()
        row = {"campaign_id": number, "state": "uncertain", "not_before": now, "changed_at": now}
        rows = [row | {"id": number * 10**9 + n, "person_id": one, "entry": n + 1} for n, one in enumerate(who)]
        connection.execute(insert(deliveries), rows)
        counts = {"total": 2, "chosen": 2}
        connection.execute(update(campaigns).where(campaigns.c.id == number).values(counts=counts, **hello))


def words(house: House, path: str, cookie: str | None = None) -> str:
    text = house.get(path, cookie=cookie).text.partition("<main")[2].partition("<dialog")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def states(house: House) -> list[str]:
    with house.studio.database.read() as connection:
        return list(connection.execute(select(deliveries.c.state)).scalars())


def test_uncertain_people_of_a_step_are_shown_and_decided(house: House) -> None:
    started(house)
    approver, writer = house.sign_in(Role.APPROVER), house.sign_in(Role.WRITER, "Wyn")
    assert "Decide about 2 people They may or may not have got “Ours: Hello”" in today(house, approver)
    assert f'href="/automations/ours#{MAIL}"' in house.get("/", cookie=approver).text
    assert "Decide about" not in today(house, writer)
    assert "2 people may or may not have got “ Ours: Hello ”" in words(house, "/inbox", approver)
    assert "Ours: Hello" not in words(house, "/inbox", writer)
    assert "Count as sent Send again" in words(house, "/automations/ours", approver)
    assert "Count as sent" not in words(house, "/automations/ours", writer)
    until = re.findall(r'name="until" value="([^"]+)"', house.get("/automations/ours", cookie=approver).text)[0]
    for wrong in ({"choice": "again"}, {"choice": "x", "until": until}, {"choice": "again", "until": until[:19]}):
        assert house.post(f"{HERE}/decide", form(**wrong), cookie=approver).status == 400, wrong
    assert house.post(f"{HERE}/decide", form(choice="again", until=until), cookie=writer).status == 403
    other = HERE.replace("ours.1.hello", "library")
    assert house.post(f"{other}/decide", form(choice="again", until=until), cookie=approver).status == 404
    assert states(house) == ["uncertain"] * 2
    done = house.post(f"{HERE}/decide", form(choice="sent", until=until), cookie=approver)
    assert (done.status, done.headers["location"], states(house)) == (303, "/automations/ours", ["sent"] * 2)
    assert "Decide about" not in today(house, approver)
    with house.studio.database.read() as connection:
        (known,) = entries(connection, AuditFilter(actions=("uncertain mails counted as sent",)))
    assert known.subject == f"newsletter {MAIL}"


@pytest.mark.sqlite
def test_a_step_that_a_guard_rail_paused_goes_on_from_its_automation(house: House) -> None:
    started(house, state="paused", why=RAIL)
    sender = house.sign_in(Role.SENDER)
    assert "“Ours: Hello” is paused 2 of 40 complained. People of the automation wait before it." in today(
        house, sender
    )
    assert "“ Ours: Hello ” is paused. 2 of 40 complained. People wait before it. Go on" in words(
        house, "/automations/ours", sender
    )
    assert house.post(f"{HERE}/resume", cookie=sender).status == 303
    assert "is paused" not in today(house, sender)


@pytest.mark.sqlite
def test_a_step_whose_mail_server_fails_is_told(house: House) -> None:
    started(house)
    with house.studio.database.write() as connection:
        number = connection.execute(select(campaigns.c.id).where(campaigns.c.slug == MAIL)).scalar_one()
        connection.execute(insert(guard_evidence).values(campaign_id=number, since=EPOCH, troubles=2))
    assert "“Ours: Hello” can’t leave: the mail server doesn’t answer" in today(house)


@pytest.mark.sqlite
def test_who_is_limited_to_lists_decides_about_no_other(house: House) -> None:
    started(house)
    other = house.sign_in(Role.ADMIN, "Other", lists=["x"])
    assert "Decide about" not in today(house, other)
    assert house.post(f"{HERE}/resume", cookie=other).status == 403


@pytest.mark.sqlite
def test_one_whose_folder_is_gone_is_told_all_the_same(house: House) -> None:
    started(house)
    (house.workspace.newsletters / "ours" / "automation.toml").unlink()
    assert "Decide about 2 people They may or may not have got “ours: Hello”" in today(house)
