"""Bounces, spam reports and unclear mails in the Inbox: counts for all, names and decisions for who may."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from mailer.staff.rights import Role
from mailer.store.tables.core import deliveries, events, suppressions
from mailer.store.tables.inbound import returned_mails
from mailer.store.tables.states import DeliveryState
from mailer.web import counted_beside
from tests.patience import HANG_SECONDS
from tests.web.studio.conftest import House
from tests.web.studio.inbox.came_back import leave, numbers_of, words
from tests.web.studio.sendings import set_state

OURS, NOBODYS = "a" * 64, "b" * 64


@pytest.fixture
def returned(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Somebody bounced, somebody said “spam”, two mails are unclear: one about person 3, one about nobody."""
    monkeypatch.setattr(counted_beside, "A_PAGE_WAITS_SECONDS", HANG_SECONDS)
    campaign = leave(house)
    numbers, now = numbers_of(house, campaign), house.studio.clock()
    with house.studio.database.write() as connection:
        for person, kind, reply_class in ((1, "bounced", "hard"), (2, "complained", "")):
            row = {"campaign_id": campaign, "delivery_id": numbers[person], "at": now, "kind": kind}
            connection.execute(insert(events).values(row | {"reply_class": reply_class, "detail": "unknown"}))
        mail = {"at": now, "kind": "unknown", "decision": "open", "sender": "Post <post@example.net>", "why": "odd"}
        connection.execute(
            insert(returned_mails),
            [
                mail | {"digest": OURS, "delivery_id": numbers[3], "subject": "Moved away"},
                mail | {"digest": NOBODYS, "delivery_id": None, "subject": "Cheap watches"},
            ],
        )
    return house


def open_mails(house: House) -> list[str]:
    mine = returned_mails.c.decision == "open"
    with house.studio.database.read() as connection:
        return list(connection.execute(select(returned_mails.c.subject).where(mine).order_by("digest")).scalars())


def test_counts_are_for_all_and_names_for_who_may_see_them(returned: House) -> None:
    viewer, sender = returned.sign_in(Role.VIEWER), returned.sign_in(Role.SENDER)
    text = words(returned.get("/inbox/bounces?class=hard", cookie=sender).text)
    assert "No such address Nobody lives there. We don’t write to them again. 1 See them" in text
    assert "mary1@example.org" in text
    assert "example.org 1 0 0 0 1" in text
    assert "mary2@example.org" in words(returned.get("/inbox/complaints", cookie=sender).text)
    for path in ("/inbox/bounces?class=hard", "/inbox/complaints", "/inbox"):
        text = returned.get(path, cookie=viewer).text
        assert "example.org" not in words(text)
        assert "example.net" not in text
    assert "1 person said “spam”" in words(returned.get("/inbox/complaints", cookie=viewer).text)
    assert returned.get("/inbox/bounces?class=x", cookie=viewer).status == 404


def test_an_unclear_mail_does_what_a_report_of_a_server_would(returned: House) -> None:
    text = words(returned.get("/inbox").text)
    assert "2 mails that nobody can be sure of" in text
    assert "Look at 2 mails" in words(returned.get("/").text)
    assert returned.post("/inbox/unclear", f"choice=gone&mail={OURS}".encode()).status == 303
    assert open_mails(returned) == ["Cheap watches"]
    with returned.studio.database.read() as connection:
        assert connection.execute(select(suppressions.c.reason)).scalars().all() == ["bounced"]
        bounced = deliveries.c.feedback == "bounced"
        assert connection.execute(select(deliveries.c.person_id).where(bounced)).scalars().all() == [3]
    assert "nobody lives there" in words(returned.get("/audit?q=returned").text)
    assert returned.post("/inbox/unclear", f"choice=gone&mail={OURS}".encode()).status == 303, "a second press is none"


def test_what_names_nobody_can_only_be_put_away(returned: House) -> None:
    assert returned.post("/inbox/unclear", f"choice=gone&mail={NOBODYS}".encode()).status == 422
    assert len(open_mails(returned)) == 2
    assert returned.post("/inbox/unclear", f"choice=nothing&mail={NOBODYS}&mail={OURS}".encode()).status == 303
    assert open_mails(returned) == []
    assert returned.post("/inbox/unclear", b"choice=x&mail=1").status == 400
    assert returned.post("/inbox/unclear", b"choice=nothing").status == 400
    assert "Nothing waits for you." in words(returned.get("/inbox").text)


@pytest.mark.sqlite
def test_who_is_limited_to_lists_decides_about_theirs(returned: House) -> None:
    ours, others = (returned.sign_in(Role.SENDER, name, lists=(name,)) for name in ("supporters", "others"))
    body = f"choice=nothing&mail={NOBODYS}&mail={OURS}".encode()
    assert returned.post("/inbox/unclear", body, cookie=others).status == 303
    assert len(open_mails(returned)) == 2
    assert "Cheap watches" not in words(returned.get("/inbox", cookie=ours).text)
    assert "1 mail that nobody" in words(returned.get("/inbox", cookie=ours).text)
    assert returned.post("/inbox/unclear", body, cookie=ours).status == 303
    assert open_mails(returned) == ["Cheap watches"]


@pytest.mark.sqlite
def test_uncertain_people_are_here_as_well(house: House) -> None:
    campaign = leave(house)
    set_state(house.studio, campaign, (1, 2), DeliveryState.UNCERTAIN)
    assert "2 people may or may not have got “ Our appeal ”" in words(house.get("/inbox").text)
    assert "may or may not" not in words(house.get("/inbox", cookie=house.sign_in(Role.VIEWER)).text)
