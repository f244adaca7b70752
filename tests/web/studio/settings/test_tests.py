"""What is tried out from the settings: the bounce mailbox, the program that hears of signatures, a warm-up plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from mailer.delivery.webhooks.deliver import signature
from mailer.settings import read_secrets, read_settings
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Role
from mailer.store.jobs import WEBHOOK_CALL, add, claim, count_jobs, retry
from mailer.store.tables.states import JobState
from mailer.web.studio.settings.pace import steps
from tests.delivery.webhooks.test_deliver import Receiver, receiver
from tests.servers.imap_server import Box, ImapServer
from tests.servers.relay import Relay
from tests.web.studio.conftest import House
from tests.web.studio.settings.test_forms import save

__all__ = ["receiver"]
pytestmark = pytest.mark.sqlite  # what is in the database is for tests/store and tests/editing/settings

WEBHOOK, BOUNCES, PACE = "/settings/webhook", "/settings/bounces", "/settings/pace"


def press(house: House, path: str, **typed: str) -> str:
    reply = house.post(path, urlencode(typed).encode(), cookie=house.sign_in(Role.ADMIN))
    return (
        house.get(reply.headers["location"], cookie=house.sign_in(Role.ADMIN)).text
        if reply.status == 303
        else reply.text
    )


@pytest.fixture
def told(house: House, receiver: Receiver) -> Receiver:
    """A house whose signatures go to the receiver."""
    shown = save(
        house, WEBHOOK, webhook__url=receiver.webhook.url, webhook__private="on", webhook__timeout_seconds="20"
    )
    key = read_secrets(house.workspace.root, {}).webhook_key
    assert shown.status == 200
    assert len(key) >= 32
    assert shown.text.count(f"<code>{key}</code>") == 1, "it is shown once"
    assert key not in house.get(WEBHOOK, cookie=house.sign_in(Role.ADMIN)).text
    return receiver


def test_a_test_call_is_signed_and_its_refusal_is_said(house: House, told: Receiver) -> None:
    assert "It took the test." in press(house, f"{WEBHOOK}/test")
    (call,) = told.calls
    key = read_secrets(house.workspace.root, {}).webhook_key.encode()
    assert json.loads(call.body)["event"] == "test"
    stamp = call.headers["mailer-timestamp"]
    assert call.headers["mailer-signature"] == signature(key, timestamp=stamp, body=call.body)
    told.statuses = [500]
    assert "It did not take the test: HTTP 500." in press(house, f"{WEBHOOK}/test")


def test_another_key_takes_the_place_of_the_first(house: House, told: Receiver) -> None:
    before = read_secrets(house.workspace.root, {}).webhook_key
    page = press(house, f"{WEBHOOK}/key")
    after = read_secrets(house.workspace.root, {}).webhook_key
    assert before != after
    assert after in page
    with house.studio.database.read() as connection:
        log = [f"{one.action} {one.detail}" for one in entries(connection, AuditFilter(subject="settings"))]
    assert log[0] == "secret written webhook_key"
    assert after not in str(log)


def test_calls_that_were_given_up_are_sent_once_more(house: House) -> None:
    database, now = house.studio.database, house.studio.clock()
    with database.write() as connection:
        for body in (b"{}", b""):  # one that was emptied of whom it was about stays where it is
            add(connection, WEBHOOK_CALL, body, at=now)
    late = now + timedelta(days=4)
    for _ in range(2):
        job = claim(database, WEBHOOK_CALL, now=late)
        assert job is not None
        with database.write() as connection:
            assert retry(connection, job, now=late, detail="HTTP 500") is JobState.FAILED
    assert "2 calls were given up" in house.get(WEBHOOK, cookie=house.sign_in(Role.ADMIN)).text
    assert "1 call was given up after three days without success. 1 wait." in press(house, f"{WEBHOOK}/again")
    with database.read() as connection:
        assert count_jobs(connection, WEBHOOK_CALL) == {JobState.QUEUED: 1, JobState.FAILED: 1}
    job = claim(database, WEBHOOK_CALL, now=late)
    assert job is not None
    with database.write() as connection:
        assert retry(connection, job, now=late, detail="HTTP 500") is JobState.FAILED, "one more try, not three days"


@pytest.fixture
def mailbox(house: House) -> Iterator[tuple[Box, Relay]]:
    """A bounce mailbox on this machine, and a relay that mails to it."""
    box = Box({})
    with ImapServer(box) as imap, Relay() as relay:
        assert save(house, BOUNCES, bounces__address=box.user, bounces__imap=imap.url).status == 303
        path = house.workspace.root / "mailer.toml"
        smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {relay.port}\nsecurity = "none"\n'
        path.write_text(f'transport = "smtp"\n{path.read_text(encoding="utf-8")}\n{smtp}', encoding="utf-8")
        yield box, relay


def test_the_bounce_mailbox_is_mailed_and_read(house: House, mailbox: tuple[Box, Relay]) -> None:
    box, relay = mailbox
    assert "There is no IMAP password" in press(house, f"{BOUNCES}/test")
    assert "Saved." in press(house, f"{BOUNCES}/password", password=box.password)
    assert box.password not in house.get(BOUNCES, cookie=house.sign_in(Role.ADMIN)).text
    assert "a mail is on its way to it" in press(house, f"{BOUNCES}/test")
    (mail,) = relay.received
    assert re.fullmatch(r"bounces\+check-[0-9a-f]{16}@example\.org", mail.recipient)
    assert "It has not arrived yet." in press(house, f"{BOUNCES}/look")
    box.mails[1] = mail.content
    assert "It arrived, tag and all." in press(house, f"{BOUNCES}/look")
    assert not box.seen, "it was only looked at"


def test_a_plan_doubles_until_the_whole_list_and_is_saved_by_its_form(house: House) -> None:
    assert steps(50_000) == [200, 400, 800, 1600, 3200, 6400, 12800, 25600]
    assert steps(1) == [200]
    assert len(steps(10**9)) == 16
    page = press(house, f"{PACE}/plan", largest="1,500")
    assert "A plan for 1,500 people is in the form." in page
    assert "200\n400\n800</textarea>" in page
    assert read_settings(house.workspace.root, {}).pace.warm_up == ()
    assert "is in the form" not in press(house, f"{PACE}/plan", largest="many")


def test_lists_with_a_sender_of_their_own_are_named(house: House) -> None:
    path = house.workspace.lists / "supporters.toml"
    path.write_text(f'{path.read_text(encoding="utf-8")}from = "Rhiannon <r@example.org>"\n', encoding="utf-8")
    assert "Rhiannon &lt;r@example.org&gt;" in house.get("/settings/senders", cookie=house.sign_in(Role.ADMIN)).text
