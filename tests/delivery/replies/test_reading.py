"""Each mail of the mailbox ends in one class, is kept once whatever dies half-way, and changes nobody by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Row, Table, delete, select

from mailer.audience.consent.changes import forget
from mailer.audience.people.data_export import everything
from mailer.delivery.feedback.bounce_mailbox import Judged, take
from mailer.delivery.feedback.dsn import read
from mailer.delivery.replies.kept import blank_old, count_waiting, find_reply, list_replies
from mailer.reports.figures import figures
from mailer.settings import Bounces
from mailer.staff.actor import Actor, terminal
from mailer.staff.rights import EVERY_RIGHT
from mailer.store.engine.database import Database
from mailer.store.tables.core import events, subscriptions, suppressions
from mailer.store.tables.inbound import replies, returned_mails
from mailer.store.tables.states import ReplyKind, ReplyState, ReturnedKind
from mailer.tracking.return_path import return_path
from mailer.tracking.tokens import Named, Purpose, Signer
from tests.reports.builders import (
    ADDRESS_KEY,
    SLUG,
    add_campaign,
    add_deliveries,
    add_people,
    delivery_id,
    make_message,
)

SIGNER = Signer([b"a-signing-key-for-tests-that-is-long-enough"])
MAILBOX = "replies@example.org"
RETURNED = Path(__file__).parent.parent / "feedback" / "returned"
QUOTED = "\n\nOn Tuesday we wrote:\n> Ask them.\n> Unsubscribe: https://mail.example.org/u/x\n"


def tagged(number: int = 1, *, proof: bool = False, purpose: Purpose = Purpose.REPLY) -> str:
    return return_path(MAILBOX, SIGNER.sign(purpose, Named(delivery_id(number), proof=proof)))


def answer(
    words: str = "Well done!" + QUOTED, *, to: str = "", sender: str = "Mary <mary1@example.org>", **headers: str
) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to or tagged(), "Re: Ask them"
    mail["Message-ID"] = headers.pop("message_id", f"<{abs(hash((words, to)))}@example.net>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(words)
    return mail.as_bytes()


@pytest.fixture
def world(database: Database, now: datetime) -> Database:
    with database.write() as connection:
        add_people(connection, 3, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, [1, 2, 3], now=now, changed_at=now)
    return database


def put(world: Database, *mails: bytes, now: datetime) -> list[Judged]:
    with world.write() as connection:
        return take(connection, mails, signer=SIGNER, soft=Bounces(), replies=MAILBOX, now=now)


def rows(connection: Connection, table: Table) -> list[Row[Any]]:
    return list(connection.execute(select(table).order_by(*table.primary_key)).all())


def test_a_reply_is_kept_with_its_words_alone_and_by_whom(world: Database, now: datetime) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Mary <other@example.net>", tagged(2), "Re: Ask them"
    mail["Message-ID"] = "<1@example.net>"
    mail.set_content("Here is my picture." + QUOTED)
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="bridge .png")
    (judged,) = put(world, mail.as_bytes(), now=now)
    assert judged.kind is ReturnedKind.REPLY
    with world.read() as connection:
        (one,) = list_replies(connection, terminal(), most=9)
        assert (one.kind, one.state, one.words) == (ReplyKind.HUMAN, ReplyState.NEW, "Here is my picture.")
        assert (one.address, one.sender, one.slug) == ("mary2@example.org", "Mary <other@example.net>", SLUG)
        assert [name.split() for name in one.attachments] == [["bridge", ".png"]]
        assert (one.is_proven, one.answer_to) == (True, "other@example.net")
        assert rows(connection, events) == rows(connection, suppressions) == []
        assert figures(connection, SLUG).replied == 1
        assert rows(connection, returned_mails)[0].sender == "", "the words are in one place"


KINDS: dict[str, tuple[bytes, ReturnedKind, ReplyKind | None]] = {
    "human": (answer(), ReturnedKind.REPLY, ReplyKind.HUMAN),
    "please": (answer("Please remove me from your list." + QUOTED), ReturnedKind.REPLY, ReplyKind.REMOVE),
    "by header": (answer(Auto_Submitted="auto-replied"), ReturnedKind.AUTO_REPLY, ReplyKind.AUTOMATIC),
    "by older header": (answer(X_Autoreply="yes"), ReturnedKind.AUTO_REPLY, ReplyKind.AUTOMATIC),
    "not automatic": (answer(Auto_Submitted="no"), ReturnedKind.REPLY, ReplyKind.HUMAN),
    "by words": (answer("I am out of the office until May."), ReturnedKind.AUTO_REPLY, ReplyKind.AUTOMATIC),
    "from nobody": (b"Return-Path: <>\n" + answer(), ReturnedKind.AUTO_REPLY, ReplyKind.AUTOMATIC),
    "no token": (answer(to=MAILBOX), ReturnedKind.REPLY, ReplyKind.HUMAN),
    "a token of another purpose": (
        answer(to=tagged(purpose=Purpose.OPEN)), ReturnedKind.REPLY, ReplyKind.HUMAN,
    ),
    "a subject that speaks of failure": (
        answer().replace(b"Re: Ask them", b"Re: Delivery failure: what the government promised"),
        ReturnedKind.REPLY, ReplyKind.HUMAN,
    ),
    "a proof": (answer(to=tagged(proof=True)), ReturnedKind.REPLY, ReplyKind.HUMAN),
    "elsewhere": (answer(to="info@example.org"), ReturnedKind.UNKNOWN, None),
    "unsubscribe by token": (
        answer(f"unsubscribe {SIGNER.sign(Purpose.UNSUBSCRIBE, Named(delivery_id(3)))}"),
        ReturnedKind.UNSUBSCRIBE, None,
    ),
    "a bounce that came to the Reply-To": (
        answer("550 5.1.1 no such user\n", sender="MAILER-DAEMON@example.net"), ReturnedKind.BOUNCE, None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_told_and_acts_on_nobody_who_did_not_say_so_by_token(
    world: Database, now: datetime, name: str
) -> None:
    mail, kind, reply_kind = KINDS[name]
    (judged,) = put(world, mail, now=now)
    assert judged.kind is kind
    with world.read() as connection:
        assert [ReplyKind(row.kind) for row in rows(connection, replies)] == ([reply_kind] if reply_kind else [])
        left = [row.person_id for row in rows(connection, subscriptions) if row.status == "unsubscribed"]
        assert left == ([3] if kind is ReturnedKind.UNSUBSCRIBE else [])
        assert count_waiting(connection, terminal()) == (reply_kind in (ReplyKind.HUMAN, ReplyKind.REMOVE))


def test_without_a_token_it_says_who_it_may_be_and_is_read_by_who_may_read_all(world: Database, now: datetime) -> None:
    put(world, answer(to=MAILBOX), answer("Hello", to=MAILBOX, sender="x <nobody@example.net>"), now=now)
    limited = Actor("kim", EVERY_RIGHT, frozenset({"supporters"}))
    with world.read() as connection:
        found = list_replies(connection, terminal(), most=9)
        assert [(one.address, one.is_proven, one.slug) for one in found] == [
            (None, False, ""), ("mary1@example.org", False, ""),
        ]  # fmt: skip
        assert list_replies(connection, limited, most=9) == []
        assert find_reply(connection, limited, found[0].id) is None
        assert figures(connection, SLUG).replied == 0


def test_copies_count_once_and_people_once(world: Database, now: datetime) -> None:
    one, other = answer(message_id="<1@x>"), answer("More to say.", message_id="<2@x>")
    put(world, one, b"Received: by another.example\n" + one, one, other, now=now)
    put(world, one, other, now=now)
    with world.read() as connection:
        assert len(rows(connection, replies)) == 2
        assert len(rows(connection, returned_mails)) == 3
        assert figures(connection, SLUG).replied == 1


def test_a_reply_goes_with_its_person_and_with_time(world: Database, now: datetime) -> None:
    put(
        world,
        answer("secret wish"),
        answer("secret too", to=MAILBOX),
        answer("stays", to=tagged(2), sender="Ann <mary2@example.org>"),
        now=now,
    )
    with world.write() as connection:
        told = everything(connection, "mary1@example.org", address_key=ADDRESS_KEY)
        assert [one["words"] for one in told["replies"]] == ["secret wish"]
        assert forget(connection, address="mary1@example.org")
        assert [(row.words, row.sender) for row in rows(connection, replies)] == [
            ("", ""), ("", ""), ("stays", "Ann <mary2@example.org>"),
        ]  # fmt: skip
        blank_old(connection, now=now + timedelta(days=365, seconds=1), keep=timedelta(days=365))
        assert {(row.words, row.sender, row.state) for row in rows(connection, replies)} == {("", "", "done")}
        assert figures(connection, SLUG).replied == 2, "they still count"


EVERYTHING = [mail for mail, _, _ in KINDS.values()] + [path.read_bytes() for path in sorted(RETURNED.glob("*.eml"))]
ANY_MAIL = st.one_of(
    st.sampled_from(EVERYTHING),
    st.tuples(st.sampled_from(EVERYTHING), st.binary(max_size=40), st.integers(0, 2000)).map(
        lambda one: one[0][: one[2]] + one[1] + one[0][one[2] :]
    ),
    st.binary(max_size=200),
)


@pytest.mark.sqlite
@settings(max_examples=40)
@given(batches=st.lists(st.lists(ANY_MAIL, max_size=5), min_size=1, max_size=4), dies=st.integers(0, 12))
def test_every_mail_ends_in_one_class_and_nothing_is_lost_or_counted_twice(
    seeded: Database, batches: list[list[bytes]], dies: int
) -> None:
    """Read in batches by a program that dies somewhere within one, and again until each batch was marked."""
    now = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
    with seeded.write() as connection:
        for table in (replies, returned_mails, events, suppressions):
            connection.execute(delete(table))
    steps = 0

    class Died(Exception):
        pass

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == dies:
            raise Died

    todo = list(batches)
    while todo:
        try:
            with seeded.write() as connection:
                for mail in todo[0]:
                    take(connection, [mail], signer=SIGNER, soft=Bounces(), replies=MAILBOX, now=now)
                    step()
            step()  # committed, and not yet marked as read
            todo.pop(0)
        except Died:
            continue
    with seeded.read() as connection:
        kept = rows(connection, returned_mails)
        written = {(read(mail, SIGNER, replies=MAILBOX).reply is not None) for batch in batches for mail in batch}
        mails = {mail for batch in batches for mail in batch}
        assert len(kept) <= len(mails)
        assert all(ReturnedKind(row.kind) for row in kept)
        assert bool(rows(connection, replies)) is (True in written)
        once = {key_of(mail) for mail in mails} - {None}
        assert len(rows(connection, replies)) == len(once)


def key_of(mail: bytes) -> object:
    """What makes two replies one: the Message-ID and what it answers, or the very bytes."""
    found = read(mail, SIGNER, replies=MAILBOX)
    if found.reply is None:
        return None
    number = found.named.id if found.named and not found.named.proof and found.named.id in KNOWN else None
    return (found.reply.message_id, number) if found.reply.message_id else mail.replace(b"\r\n", b"\n")


KNOWN = {delivery_id(number) for number in (1, 2, 3)}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Database:
    from mailer.store.engine.database import open_database

    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('replies') / 'law.db'}")
    now = datetime.fromisoformat("2026-11-24T09:00:00+00:00")
    with database.write() as connection:
        add_people(connection, 3, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, [1, 2, 3], now=now, changed_at=now)
    return database
