"""Replies in the Inbox: read by who may see people, answered, handed over, and obeyed by one press of a person."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from sqlalchemy import select

from mailer.delivery.feedback.bounce_mailbox import take
from mailer.settings import Bounces
from mailer.staff.accounts import find_account
from mailer.staff.rights import Role
from mailer.store.tables.core import consent_sources
from mailer.store.tables.inbound import replies
from mailer.tracking.return_path import return_path
from mailer.tracking.tokens import Named, Purpose, Signer
from tests.patience import until
from tests.web.studio.conftest import SLUG, House
from tests.web.studio.inbox.came_back import leave, numbers_of, on_the_list, words

MAILBOX = "replies@example.org"
HERE = "/inbox/replies"


def write_back(house: House, *mails: tuple[str, str], numbers: dict[int, int]) -> None:
    """Mails to the mailbox for replies: who writes, as `3` for person 3 by token or an address without, and what."""
    signer = Signer(house.workspace.secrets.require_signing())
    raw: list[bytes] = []
    for place, (who, said) in enumerate(mails):
        to, sender = MAILBOX, who
        if who.isdigit():
            to = return_path(MAILBOX, signer.sign(Purpose.REPLY, Named(numbers[int(who)])))
            sender = f"Mary {who} <mary{who}@example.org>"
        head = f"From: {sender}\nTo: {to}\nSubject: Re: Ask & them\nMessage-ID: <{place}@x>\n"
        raw.append(f"{head}Content-Type: text/plain; charset=utf-8\n\n{said}\n".encode())
    with house.studio.database.write() as connection:
        take(connection, raw, signer=signer, soft=Bounces(), replies=MAILBOX, now=house.studio.clock())


@pytest.fixture
def answered(house: House) -> House:
    numbers = numbers_of(house, leave(house))
    write_back(
        house, ("1", "Well done! <b>Where</b> do I sign?\nMary"), ("2", "Please remove me."),
        ("3", "I am out of the office."),
        ("Joe <joe@example.net>", "Who are you?"), ("mary4@example.org", "Take me off this list"), numbers=numbers,
    )  # fmt: skip
    return house


def states(house: House) -> dict[int, str]:
    with house.studio.database.read() as connection:
        return {row.id: row.state for row in connection.execute(select(replies.c.id, replies.c.state))}


def test_they_are_told_apart_and_wait_where_they_should(answered: House) -> None:
    assert "Answer 4 replies" in words(answered.get("/").text)
    assert "4 replies to answer" in words(answered.get("/inbox").text)
    text = words(answered.get(HERE).text)
    assert all(said in text for said in ("Well done!", "Please remove me.", "Who are you?"))
    assert "out of the office" not in text
    assert "out of the office" in words(answered.get(f"{HERE}?view=automatic").text)
    assert "Well done!" not in words(answered.get(f"{HERE}?view=remove").text)
    assert "None." in words(answered.get(f"{HERE}?view=mine").text)
    assert answered.get(f"{HERE}?view=x").status == answered.get(f"{HERE}?before=x").status == 404
    assert answered.get(f"{HERE}/99").status == answered.get(f"{HERE}/x").status == 404
    assert on_the_list(answered) == set(range(1, 13)), "nobody left by themselves"


def test_an_answer_leaves_from_ones_own_mail_program_and_is_told(answered: House) -> None:
    text = answered.get(f"{HERE}/1").text
    assert "&lt;b&gt;Where&lt;/b&gt; do I sign?" in text
    found = re.search(r'href="(mailto:[^"]+)"', text)
    assert found
    parts = urlsplit(found[1].replace("&amp;", "&"))
    fields = parse_qs(parts.query)
    assert unquote(parts.path) == "mary1@example.org"
    assert fields["subject"] == ["Re: Ask & them"]
    assert "> Well done! <b>Where</b>" in fields["body"][0]
    assert answered.post(f"{HERE}/1", b"choice=answered").headers["location"] == HERE
    assert states(answered)[1] == "answered"
    assert "Well done!" not in words(answered.get(HERE).text)
    assert answered.post(f"{HERE}/1", b"choice=wait").status == 303
    assert answered.post(f"{HERE}/1", b"choice=done").status == 303
    assert states(answered)[1] == "done"
    assert "Reply answered" in words(answered.get("/audit").text)
    assert answered.post(f"{HERE}/1", b"choice=x").status == 400
    until(lambda: "Wrote back" in answered.get(f"/newsletters/{SLUG}/results").text)


def test_please_remove_me_is_one_press(answered: House) -> None:
    assert "Take them off the newsletter’s lists" in words(answered.get(f"{HERE}/2").text)
    assert answered.post(f"{HERE}/2", b"choice=remove").status == 303
    assert "Take them off all lists" in words(answered.get(f"{HERE}/5").text)
    assert answered.post(f"{HERE}/5", b"choice=remove").status == 303
    assert on_the_list(answered) == set(range(1, 13)) - {2, 4}
    assert {states(answered)[n] for n in (2, 5)} == {"done"}
    with answered.studio.database.read() as connection:
        found = connection.execute(select(consent_sources.c.how, consent_sources.c.source)).all()
    assert {tuple(row) for row in found if row.how == "mail"} == {("mail", SLUG), ("mail", "a reply")}
    assert answered.post(f"{HERE}/4", b"choice=remove").status == 422, "nobody knows who that is"


def test_it_is_handed_to_who_may_read_it(answered: House) -> None:
    amina, tom = answered.sign_in(Role.ADMIN, "Amina"), answered.sign_in(Role.SENDER, "Tom")
    writer = answered.sign_in(Role.WRITER, "Wim")
    with answered.studio.database.read() as connection:
        ids = {role: find_account(connection, f"{role}@example.org") for role in ("sendertom", "writerwim")}
    sender, other = ids["sendertom"], ids["writerwim"]
    assert sender
    assert other
    text = answered.get(f"{HERE}/1", cookie=amina).text
    assert "Tom</option>" in text
    assert "Wim</option>" not in text
    body = f"choice=hand&to={other.id}".encode()
    assert answered.post(f"{HERE}/1", body, cookie=amina).status == 422
    assert answered.post(f"{HERE}/1", f"choice=hand&to={sender.id}".encode(), cookie=amina).status == 303
    assert "Well done!" in words(answered.get(f"{HERE}?view=mine", cookie=tom).text)
    assert "Answer 4 replies" in words(answered.get("/", cookie=tom).text)
    assert "Answer 3 replies" in words(answered.get("/", cookie=amina).text)
    assert answered.post(f"{HERE}/1", b"choice=hand&to=", cookie=tom).status == 303
    assert "Answer 4 replies" in words(answered.get("/", cookie=amina).text)
    for path in (HERE, f"{HERE}/1"):
        assert answered.get(path, cookie=writer).status == 403
    assert "replies" not in words(answered.get("/inbox", cookie=writer).text)


@pytest.mark.sqlite
def test_who_is_limited_to_lists_reads_replies_to_their_newsletters(answered: House) -> None:
    ours, others = (answered.sign_in(Role.SENDER, name, lists=(name,)) for name in ("supporters", "others"))
    text = words(answered.get(HERE, cookie=ours).text)
    assert "Well done!" in text
    assert "Who are you?" not in text
    assert "Answer 2 replies" in words(answered.get("/", cookie=ours).text)
    assert answered.get(f"{HERE}/4", cookie=ours).status == 404
    assert answered.get(f"{HERE}/1", cookie=others).status == 404
    assert answered.post(f"{HERE}/2", b"choice=remove", cookie=others).status == 404


@pytest.mark.sqlite
def test_a_room_without_a_mailbox_says_where_replies_go(house: House) -> None:
    assert "Replies don’t come here yet." in words(house.get(HERE).text)
    settings = house.workspace.root / "mailer.toml"
    more = f'\n[replies]\naddress = "{MAILBOX}"\n'
    settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")
    assert "Nobody waits for an answer." in words(house.get(HERE).text)
