"""Notices and their courier: each once, tried again when surely not taken, never by itself when nobody can know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes, policy

import pytest
from PIL import Image
from sqlalchemy import Row, select

from mailer.delivery.notices import text
from mailer.delivery.notices.queue import Notice, NoticeKind, queue
from mailer.delivery.notices.sender import Courier
from mailer.delivery.notices.text import put_into_words
from mailer.delivery.sending.cleanup import tidy
from mailer.locale.language import LANGUAGES, Language
from mailer.store.engine.database import Database, open_database
from mailer.store.job_thread import JobThread
from mailer.store.jobs import JOB_LEASE, NOTICE, claim, finish
from mailer.store.tables.core import images
from mailer.store.tables.jobs import jobs
from mailer.transports.base import Envelope, Fate, Mailing, Outcome, TransportRefused, TransportUnavailable
from mailer.workspace import Workspace
from tests.conformance import html_faults
from tests.delivery.sending.test_troubled_transports import API_KEY, by_sendgrid, by_smtp
from tests.servers.relay import HangUp, Relay, Say, Step
from tests.servers.sendgrid_fake import SendgridFake

TAKEN = Outcome(Fate.ACCEPTED, "250", "ok")
LATER = Outcome(Fate.DEFERRED, "451 4.7.1", "greylisted: mary@example.org")


class Post:
    """A transport that answers as it is told, one answer after another, and keeps what it was given."""

    name, batch, connections = "post", 1, 1

    def __init__(self, *answers: Outcome | Exception) -> None:
        self.answers = list(answers)
        self.given: list[tuple[Mailing, Envelope]] = []

    def connect(self, mailing: Mailing) -> Post:
        self.mailing = mailing
        return self

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        (envelope,) = envelopes
        self.given.append((self.mailing, envelope))
        answer = self.answers.pop(0) if self.answers else TAKEN
        if isinstance(answer, Exception):
            raise answer
        return [answer]

    def close(self) -> None: ...

    def loop(self, mailing: Mailing) -> None:
        return None

    def probe(self) -> str:
        return ""


class World:
    """A workspace's courier with a clock that is moved."""

    def __init__(self, workspace: Workspace, database: Database, now: datetime) -> None:
        self.workspace, self.database, self.now = workspace, database, now

    def add(self, count: int = 1, kind: NoticeKind = NoticeKind.CONFIRM_JOIN) -> None:
        with self.database.write() as connection:
            for number in range(count):
                notice = Notice(kind, f"mary{number}@example.org", "fr", ["supporters"], 2**61 + number)
                queue(connection, notice, at=self.now)

    def run(self, *answers: Outcome | Exception) -> Post:
        post = Post(*answers)
        self.courier(post).deliver_due()
        return post

    def courier(self, post: Post) -> Courier:
        return Courier(self.workspace, self.database, clock=lambda: self.now, transport=post)

    def rows(self) -> list[Row[tuple[object, ...]]]:
        with self.database.read() as connection:
            return list(connection.execute(select(jobs).order_by(jobs.c.id)).all())

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]


@pytest.fixture
def world(workspace: Workspace, database: Database, now: datetime) -> World:
    return World(workspace, database, now)


def test_a_notice_is_handed_over_once(world: World) -> None:
    world.add(3)
    post = world.run()
    assert sorted(envelope.address for _, envelope in post.given) == [f"mary{n}@example.org" for n in range(3)]
    assert world.states() == ["done"] * 3
    assert world.run().given == []
    mailing, envelope = post.given[0]
    assert mailing.from_address == "appeals@example.org"
    assert dict(mailing.headers) == {"Auto-Submitted": "auto-generated"}
    assert len({dict(one.headers)["Message-ID"] for _, one in post.given}) == 3
    assert "https://mail.example.org/confirm/" in str(mailing.text[0])
    assert envelope.values == ()


def test_what_was_surely_not_taken_is_tried_again_as_the_same_mail(world: World) -> None:
    world.add()
    first = world.run(LATER)
    assert world.states() == ["queued"]
    assert world.run().given == [], "not before its time"
    world.now += timedelta(minutes=1)
    second = world.run(TransportUnavailable("refused"))
    world.now += timedelta(minutes=2)
    third = world.run()
    assert world.states() == ["done"]
    ids = {dict(post.given[0][1].headers)["Message-ID"] for post in (first, second, third)}
    assert len(ids) == 1


@pytest.mark.parametrize("trouble", [LATER, TransportRefused("the login is wrong"), TransportUnavailable("down")])
def test_after_two_days_it_is_given_up(world: World, trouble: Outcome | Exception) -> None:
    world.add()
    begin = world.now
    while world.states() == ["queued"]:
        assert world.now <= begin + NOTICE.give_up
        world.run(trouble)
        world.now += timedelta(minutes=30)
    assert world.states() == ["failed"]
    assert world.now > begin + NOTICE.give_up - NOTICE.pauses[-1]


def test_a_transport_that_is_down_is_not_asked_for_each(world: World) -> None:
    world.add(5)
    assert len(world.run(*[TransportUnavailable("down")] * 5).given) == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Outcome(Fate.REFUSED, "550 5.1.1", "no such user"), "failed"),
        (Outcome(Fate.UNCERTAIN), "uncertain"),
        (RuntimeError("?"), "uncertain"),
    ],
)
def test_refused_and_uncertain_ones_are_left_alone(world: World, answer: Outcome | Exception, state: str) -> None:
    world.add()
    world.run(answer)
    assert world.states() == [state]
    world.now += timedelta(days=1)
    assert world.run().given == []


def test_a_fault_of_ours_before_the_hand_over_costs_nobody_their_notice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(text, "put_into_words", fails)
    world.add()
    assert world.run().given == []
    assert world.states() == ["queued"]
    monkeypatch.undo()
    world.now += NOTICE.pauses[0]
    world.run()
    assert world.states() == ["done"]


def test_a_program_that_died_leaves_it_uncertain_and_never_sends_it_twice(world: World) -> None:
    world.add()
    claimed = claim(world.database, NOTICE, now=world.now)
    assert claimed
    assert world.states() == ["running"], "committed before the first byte leaves"
    world.now += JOB_LEASE - timedelta(seconds=1)
    assert world.run().given == []
    assert world.states() == ["running"]
    world.now += timedelta(seconds=1)
    assert world.run().given == []
    assert world.states() == ["uncertain"]
    with world.database.write() as connection:
        assert finish(connection, claimed, now=world.now), "it had not died after all"
    assert world.states() == ["done"]


def test_two_couriers_never_take_the_same_one(world: World) -> None:
    world.add(6)
    other = open_database(world.workspace.settings.database_url)
    taken = [claim(base, NOTICE, now=world.now) for base in (world.database, other) * 4]
    other.close()
    assert sorted(one.id for one in taken if one) == [row.id for row in world.rows()]
    assert world.states() == ["running"] * 6


def test_the_thread_hands_over_when_it_is_called_and_lives_through_trouble(world: World) -> None:
    post = Post()
    thread = JobThread("notices", world.courier(post).deliver_due, look_seconds=60)
    thread.start()
    world.add(2)
    thread.wake()
    while "done" not in world.states()[1:]:
        thread.wake()
    thread.stop()
    assert world.states() == ["done", "done"]
    assert len(post.given) == 2


def test_addresses_are_emptied_after_a_week_and_rows_deleted_later(world: World) -> None:
    world.add(2)
    world.run(LATER)
    assert tidy(world.database, now=world.now) is False
    world.now += NOTICE.clear + timedelta(seconds=1)
    assert tidy(world.database, now=world.now) is True
    assert sorted((row.state, row.address != "", row.detail != "") for row in world.rows()) == [
        ("done", False, False),
        ("queued", True, True),
    ]
    world.now += NOTICE.keep
    tidy(world.database, now=world.now)
    assert world.states() == ["queued"]


def test_a_relay_gets_it_whole_and_is_asked_again_when_it_puts_us_off(world: World) -> None:
    world.add(1, NoticeKind.WELCOME)
    with Relay() as relay:
        relay.on(Step.RCPT, Say("450 4.2.1 greylisted"), times=1)
        courier = Courier(by_smtp(world.workspace, relay), world.database, clock=lambda: world.now)
        courier.deliver_due()
        assert world.states() == ["queued"]
        world.now += timedelta(minutes=1)
        courier.deliver_due()
        assert world.states() == ["done"]
        (received,) = relay.received
    assert received.recipient == "mary0@example.org"
    mail = message_from_bytes(received.content, policy=policy.default)
    assert "Supporters" in mail["Subject"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.walk()][1:] == ["text/plain", "text/html"]


def test_a_relay_that_refuses_our_sender_fails_no_notice(world: World) -> None:
    world.add()
    with Relay() as relay:
        relay.on(Step.RCPT, Say("550 5.1.8 Sender address rejected: Domain not found"), times=1)
        courier = Courier(by_smtp(world.workspace, relay), world.database, clock=lambda: world.now)
        courier.deliver_due()
        assert world.states() == ["queued"]
        world.now += timedelta(minutes=1)
        courier.deliver_due()
        assert world.states() == ["done"]


def test_a_relay_that_hangs_up_after_the_last_byte_leaves_it_uncertain(world: World) -> None:
    world.add()
    with Relay() as relay:
        relay.on(Step.END, HangUp(recorded=True))
        courier = Courier(by_smtp(world.workspace, relay), world.database, clock=lambda: world.now)
        courier.deliver_due()
        courier.deliver_due()
        assert world.states() == ["uncertain"]
        assert len(relay.received) == 1


def test_sendgrid_takes_it_without_any_header_of_a_list(world: World) -> None:
    world.add()
    with SendgridFake(api_key=API_KEY) as fake:
        Courier(by_sendgrid(world.workspace, fake), world.database, clock=lambda: world.now).deliver_due()
        assert world.states() == ["done"]
        assert [mail.recipient for mail in fake.accepted] == ["mary0@example.org"]
        assert "list-unsubscribe" not in json.dumps(fake.requests).lower()
        assert "auto-generated" in json.dumps(fake.requests)


def test_a_notice_about_a_list_that_is_gone_calls_it_by_its_name(world: World) -> None:
    world.add()
    (world.workspace.lists / "supporters.toml").unlink()
    ((mailing, _),) = world.run().given
    assert "supporters" in str(mailing.subject)
    assert world.states() == ["done"]


def test_without_a_sender_a_notice_waits_until_there_is_one(world: World) -> None:
    world.add()
    told, settings = world.workspace, world.workspace.settings
    world.workspace = replace(told, settings=replace(settings, sender=replace(settings.sender, from_="")))
    assert world.run().given == []
    assert world.states() == ["queued"]
    world.workspace, world.now = told, world.now + timedelta(minutes=1)
    assert len(world.run().given) == 1


@pytest.mark.sqlite
def test_logs_name_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.add()
    world.run(LATER)
    assert "451 4.7.1" in caplog.text
    assert "mary" not in caplog.text


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("kind", list(NoticeKind))
def test_every_kind_can_be_said_in_every_language(workspace: Workspace, kind: NoticeKind, code: str) -> None:
    titles, url = ["A <b> & B", "News"], "https://mail.example.org/confirm/x"
    said = {"by": "A <b> & B", "newsletter": "News\n\n-> <b>"}
    words = put_into_words(kind, Language(code), settings=workspace.settings, titles=titles, url=url, said=said)
    assert words.subject
    assert "\n" not in words.subject
    assert f'lang="{code}"' in words.html
    assert html_faults(words.html, mail=True) == []
    assert "<b>" not in words.html
    without = (NoticeKind.WELCOME, NoticeKind.ALREADY, NoticeKind.ADDRESS_TAKEN, NoticeKind.ADDRESS_CHANGED)
    has_button = kind not in without
    assert (url in words.text) == (f'href="{url}"' in words.html) == has_button
    assert "1 Example Street" in words.text
    assert "<script" not in words.html
    assert "src=" not in words.html


def test_the_logo_is_on_the_band_and_is_served(world: World) -> None:
    Image.new("RGB", (144, 144), "#ee6a45").save(world.workspace.root / "logo.png")
    world.workspace = branded(world.workspace, "logo.png")
    world.add()
    ((mailing, _),) = world.run().given
    html = str(mailing.html[0])
    assert 'width="36" height="36"' in html
    with world.database.read() as connection:
        (digest,) = connection.execute(select(images.c.digest)).scalars()
    assert f'src="https://mail.example.org/i/{digest}/logo.png"' in html
    assert "<bdi>Example Campaigns</bdi>" in html, "a square logo has the name beside it"


@pytest.mark.parametrize("logo", ["", "missing.png", "https://elsewhere.example/logo.png"])
def test_without_a_logo_that_can_be_shown_the_name_is_there(world: World, logo: str) -> None:
    world.workspace = branded(world.workspace, logo)
    world.add()
    ((mailing, _),) = world.run().given
    assert "<img" not in str(mailing.html[0])
    assert "<bdi>Example Campaigns</bdi>" in str(mailing.html[0])


def branded(workspace: Workspace, logo: str) -> Workspace:
    settings = workspace.settings
    return replace(workspace, settings=replace(settings, brand=replace(settings.brand, logo=logo)))
