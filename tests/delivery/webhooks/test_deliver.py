"""The outgoing webhook against a real HTTP server that takes calls, refuses them, hangs and answers rubbish."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from sqlalchemy import select

from mailer.audience.petition.signatures import SignatureOrigin, sign, signer
from mailer.delivery.webhooks import deliver as webhook_module
from mailer.delivery.webhooks.deliver import CallRound, examine_webhook, post, tell_due
from mailer.delivery.webhooks.events import tell_signature
from mailer.diagnostics import Level
from mailer.errors import MailerError
from mailer.settings import Secrets, Settings
from mailer.settings.schema import Webhook
from mailer.store.engine.database import Database
from mailer.store.jobs import JOB_LEASE, WEBHOOK_CALL, claim, count_jobs
from mailer.store.tables.inbound import signatures
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import JobState
from mailer.workspace import Workspace
from tests.audience.world import signing_as
from tests.patience import HANG_SECONDS

KEY = b"a-webhook-key-for-tests-that-is-long-enough"
ADDRESS_KEY = b"an-address-key-for-tests-that-is-long-enough"


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What the other side got, and how it answers: one status for each call, the last for all others."""

    port: int = 0
    calls: list[Call] = field(default_factory=list[Call])
    statuses: list[int] = field(default_factory=lambda: [204])
    drip: bool = False

    @property
    def webhook(self) -> Webhook:
        url = f"http://127.0.0.1:{self.port}/crm?x=1"
        return Webhook(url=url, timeout_seconds=0.3 if self.drip else HANG_SECONDS, private=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()
    gone = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.calls.append(Call(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if state.drip:  # a byte at a time, each well within the time for one
                while not gone.wait(0.05):
                    try:
                        self.wfile.write(b"H")
                        self.wfile.flush()
                    except OSError:
                        return
            status = state.statuses.pop(0) if len(state.statuses) > 1 else state.statuses[0]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{state.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            state.calls.append(Call(self.path, {}, b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        gone.set()
        server.shutdown()
        thread.join()


def make_signature(database: Database, settings: Settings, now: datetime, *, address: str = "ana@example.org") -> None:
    who = signing_as("Ana", "Li", country="IE", postcode="D01", comment="Because")
    with database.write() as connection:
        person = signer(connection, address=address, address_key=ADDRESS_KEY, who=who, language="en", at=now)
        signed = sign(
            connection, page="library", statement="Keep it.", person_id=person, who=who,
            origin=SignatureOrigin(source="poster"),
            at=now,
        )  # fmt: skip
        tell_signature(connection, settings=settings, signature_id=signed.id, opt_in=True, new=signed.new, at=now)


def settings_with(workspace: Workspace, webhook: Webhook) -> Settings:
    return replace(workspace.settings, webhook=webhook)


def rows(database: Database):
    with database.read() as connection:
        return connection.execute(select(jobs).order_by(jobs.c.id)).all()


def tell(database: Database, receiver: Receiver, at: datetime) -> CallRound:
    return tell_due(database, webhook=receiver.webhook, key=KEY, clock=lambda: at)


def test_a_signature_is_told_once_and_signed(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    make_signature(database, settings_with(workspace, receiver.webhook), now)
    assert tell(database, receiver, now) == CallRound(sent=1)
    assert tell(database, receiver, now + timedelta(days=1)) == CallRound()
    (call,) = receiver.calls
    assert call.path == "/crm?x=1"
    assert json.loads(call.body) == {
        "event": "signature.made", "at": now.isoformat(), "page": "library", "email": "ana@example.org",
        "first_name": "Ana", "last_name": "Li", "country": "IE", "postcode": "D01", "phone": "",
        "own": {}, "opt_in": True, "source": "poster",
    }  # fmt: skip
    stamp = call.headers["mailer-timestamp"]
    expected = hmac.new(KEY, stamp.encode() + b"." + call.body, hashlib.sha256).hexdigest()
    assert call.headers["mailer-signature"] == f"v1={expected}"
    assert int(stamp) == int(now.timestamp())
    (row,) = rows(database)
    assert (row.state, row.payload, row.person_id) == ("done", b"", None), "what was told is not kept twice"


def test_a_failure_is_told_again_under_the_same_id(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    receiver.statuses = [500, 503, 200]
    make_signature(database, settings_with(workspace, receiver.webhook), now)
    assert tell(database, receiver, now) == CallRound(put_off=1, why="HTTP 500")
    assert tell(database, receiver, now + timedelta(seconds=59)) == CallRound()
    assert tell(database, receiver, now + timedelta(minutes=1)).put_off == 1
    assert tell(database, receiver, now + timedelta(minutes=2, seconds=59)) == CallRound()
    assert tell(database, receiver, now + timedelta(minutes=3)) == CallRound(sent=1)
    assert len({call.headers["mailer-id"] for call in receiver.calls}) == 1
    assert len({call.headers["mailer-signature"] for call in receiver.calls}) == 3, "each is signed for its own moment"


def test_it_is_given_up_after_three_days(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    receiver.statuses = [500]
    make_signature(database, settings_with(workspace, receiver.webhook), now)
    moment, given_up = now, 0
    while not given_up:
        told = tell(database, receiver, moment)
        given_up = told.given_up
        moment = rows(database)[0].due_at if not given_up else moment
    assert timedelta(days=2, hours=17) < moment - now <= WEBHOOK_CALL.give_up
    assert 15 < len(receiver.calls) < 30
    with database.read() as connection:
        assert count_jobs(connection, WEBHOOK_CALL) == {JobState.FAILED: 1}
    assert tell(database, receiver, moment + timedelta(days=9)) == CallRound()


def test_waits_grow_from_a_minute_to_six_hours() -> None:
    waits = WEBHOOK_CALL.pauses
    assert waits[0] == timedelta(minutes=1)
    assert all(later == min(2 * sooner, timedelta(hours=6)) for sooner, later in pairwise(waits))
    assert waits[-1] == timedelta(hours=6)


def test_redirects_are_not_followed(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    receiver.statuses = [302]
    make_signature(database, settings_with(workspace, receiver.webhook), now)
    assert tell(database, receiver, now).why == "HTTP 302"
    assert [call.path for call in receiver.calls] == ["/crm?x=1"]


def test_a_side_that_drips_its_answer_is_cut_off(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    receiver.drip = True
    make_signature(database, settings_with(workspace, receiver.webhook), now)
    # It would drip for ever, so that this ends at all is what is tested.
    assert tell(database, receiver, now) == CallRound(put_off=1, why="no answer in time")


def test_a_side_that_is_down_is_left_alone_after_three(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = Webhook(url=f"http://127.0.0.1:{closed.getsockname()[1]}/", private=True)
        settings = settings_with(workspace, nowhere)
        for number in range(5):
            make_signature(database, settings, now, address=f"p{number}@example.org")
        told = tell_due(database, webhook=nowhere, key=KEY, clock=lambda: now)
    assert told == CallRound(put_off=3, why="ConnectionRefusedError")
    with database.read() as connection:
        assert count_jobs(connection, WEBHOOK_CALL) == {JobState.QUEUED: 5}


def test_overlapping_runs_tell_each_thing_once(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    settings = settings_with(workspace, receiver.webhook)
    for number in range(12):
        make_signature(database, settings, now, address=f"p{number}@example.org")
    runs = [threading.Thread(target=tell, args=(database, receiver, now)) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(receiver.calls) == len({call.headers["mailer-id"] for call in receiver.calls}) == 12
    assert {row.state for row in rows(database)} == {"done"}


def test_what_a_dead_program_had_claimed_is_told_later(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    make_signature(database, settings_with(workspace, receiver.webhook), now)
    assert claim(database, WEBHOOK_CALL, now=now) is not None
    assert tell(database, receiver, now + JOB_LEASE / 2) == CallRound()
    assert tell(database, receiver, now + JOB_LEASE) == CallRound(sent=1)


def test_nothing_is_told_of_what_was_rolled_back(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    settings = settings_with(workspace, receiver.webhook)
    make_signature(database, settings, now)
    with database.read() as connection:
        number = connection.execute(select(signatures.c.id)).scalar_one()

    def sign_again_and_fail() -> None:
        with database.write() as connection:
            tell_signature(connection, settings=settings, signature_id=number, opt_in=False, new=False, at=now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        sign_again_and_fail()
    assert [row.topic for row in rows(database)] == ["signature.made"]


def test_a_repeat_is_told_as_such(workspace: Workspace, database: Database, receiver: Receiver, now: datetime) -> None:
    settings = settings_with(workspace, receiver.webhook)
    make_signature(database, settings, now)
    make_signature(database, settings, now)
    assert tell(database, receiver, now).sent == 2
    told = [json.loads(call.body)["event"] for call in receiver.calls]
    assert told == ["signature.made", "signature.changed"]


def test_no_key_no_start() -> None:
    with pytest.raises(MailerError, match="no webhook key"):
        Secrets().require_webhook()
    assert Secrets(webhook_key=KEY.decode()).require_webhook() == KEY


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"]
)
def test_nothing_is_told_into_a_private_network_unless_it_is_ones_own(receiver: Receiver, host: str) -> None:
    inside = Webhook(url=f"http://{host}:{receiver.port}/crm")
    why = post(inside, key=KEY, call_id="1", body=b'{"event":"x"}', at=datetime.now(UTC))
    assert why == "it leads into a private network; if it is your own, set webhook.private = true"
    assert receiver.calls == []
    (finding,) = examine_webhook(inside)
    assert finding.level is Level.ERROR
    assert "webhook.private = true" in finding.remedy


def test_a_name_that_leads_elsewhere_the_second_time_is_asked_for_once(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    monkeypatch.setattr(webhook_module, "resolve_host", resolve)
    theirs = Webhook(url=f"http://crm.libraryfriends.ngo:{receiver.port}/crm", private=True)
    assert post(theirs, key=KEY, call_id="1", body=b'{"event":"x"}', at=datetime.now(UTC)) == ""
    assert asked == ["crm.libraryfriends.ngo"]
    assert receiver.calls[0].headers["host"].startswith("crm.libraryfriends.ngo")


def test_doctor_is_told_whether_a_webhook_can_be_called(receiver: Receiver) -> None:
    assert examine_webhook(Webhook()) == []
    assert [one.level for one in examine_webhook(receiver.webhook)] == [Level.OK]
    assert [one.level for one in examine_webhook(Webhook(url="https://no-such-name.invalid/"))] == [Level.WARNING]


def test_a_call_that_only_a_setting_can_let_through_calls_for_staff(
    workspace: Workspace, database: Database, receiver: Receiver, now: datetime
) -> None:
    inside = replace(receiver.webhook, private=False)
    make_signature(database, settings_with(workspace, inside), now)
    told = tell_due(database, webhook=inside, key=KEY, clock=lambda: now)
    assert (told.put_off, told.sent, told.wants_setting) == (1, 0, True)
    later = now + WEBHOOK_CALL.pauses[0]
    told = tell_due(database, webhook=receiver.webhook, key=KEY, clock=lambda: later)
    assert (told.put_off, told.sent, told.wants_setting) == (0, 1, False)
