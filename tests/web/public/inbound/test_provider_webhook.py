"""The webhook over real HTTP: what is signed is kept, answered and applied; all else is refused alike."""

from __future__ import annotations

import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Row, select, update

from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, suppressions
from mailer.store.tables.jobs import jobs
from mailer.transports.events import delivery_mark
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.sendgrid.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER
from mailer.transports.ses.settings import Ses
from mailer.web.public.app import create_app
from mailer.web.public.inbound.provider_webhook import LONGEST_BODY_BYTES, MOST_AT_ONCE
from mailer.workspace import Workspace
from tests.patience import HANG_SECONDS, until
from tests.reports.builders import delivery_id
from tests.servers.sns_fake import HOST, TOPIC, SnsFake, headers_of, post
from tests.transports.test_http_client import authority
from tests.transports.test_http_kept import proxying
from tests.web.client import Reply, fetch, serving
from tests.web.conftest import seed

__all__ = ["authority"]

PATH = "/hooks/sendgrid"
STAMP = "1764000000"


@dataclass(frozen=True, slots=True)
class Hook:
    """A served webhook, with the key that it believes."""

    port: int
    database: Database
    key: EllipticCurvePrivateKey

    def post(self, body: bytes, *, key: EllipticCurvePrivateKey | None = None, stamp: str = STAMP) -> Reply:
        signature = b64encode((key or self.key).sign(stamp.encode() + body, ECDSA(SHA256()))).decode()
        headers = {SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: stamp, "Content-Type": "application/json"}
        return fetch(self.port, PATH, method="POST", body=body, headers=headers)

    def posts(self) -> list[Row[Any]]:
        with self.database.read() as connection:
            return list(connection.execute(select(jobs).order_by(jobs.c.id)).all())

    def wait_until(self, done: Callable[[], bool]) -> None:
        until(done, why="it to be applied")


def public(key: EllipticCurvePrivateKey) -> str:
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@contextmanager
def hooked(workspace: Workspace, database: Database, now: datetime, **options: object) -> Generator[Hook]:
    key = generate_private_key(SECP256R1())
    chosen: dict[str, Any] = {"webhook_keys": (public(generate_private_key(SECP256R1())), public(key)), **options}
    settings = workspace.settings.using(replace(workspace.settings.section(Sendgrid), **chosen))
    with serving(create_app(replace(workspace, settings=settings), database, clock=lambda: now)) as port:
        yield Hook(port, database, key)


@pytest.fixture
def hook(workspace: Workspace, database: Database, now: datetime) -> Iterator[Hook]:
    seed(database, now)
    with database.write() as connection:
        connection.execute(update(deliveries).values(changed_at=now))
    with hooked(workspace, database, now) as served:
        yield served


def bounce(number: int = 1) -> bytes:
    entry = {
        "email": f"mary{number}@example.org", "event": "bounce", "timestamp": int(STAMP), "type": "bounce",
        "bounce_classification": "Invalid Address", "status": "5.1.1", "reason": "no such user",
        "sg_event_id": "x", "c": f"{delivery_id(number):x}.1",
    }  # fmt: skip
    return json.dumps([entry]).encode()


def test_a_signed_post_is_kept_answered_and_applied(hook: Hook) -> None:
    reply = hook.post(bounce())
    assert (reply.status, reply.body) == (204, b"")
    hook.wait_until(lambda: hook.posts()[0].done_at is not None)
    assert hook.posts()[0].payload == bounce()
    with hook.database.read() as connection:
        assert len(connection.execute(select(suppressions)).all()) == 1


def test_only_so_many_are_read_at_once_and_the_others_come_again(hook: Hook) -> None:
    headers = {"Host": "x", SIGNATURE_HEADER: "x", TIMESTAMP_HEADER: "1", "Content-Length": "9"}
    head = "\r\n".join([f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", "["])
    with ExitStack() as slow:
        for _ in range(MOST_AT_ONCE):
            opened = slow.enter_context(socket.create_connection(("127.0.0.1", hook.port)))
            opened.sendall(head.encode())
        hook.wait_until(lambda: hook.post(bounce()).status == 503)
        kept = len(hook.posts())
    hook.wait_until(lambda: hook.post(bounce()).status == 204)
    assert len(hook.posts()) == kept + 1


def test_posts_by_many_apply_while_others_come(hook: Hook) -> None:
    for _ in range(20):
        assert hook.post(bounce(2)).status == 204
    hook.wait_until(lambda: all(row.done_at for row in hook.posts()))
    with hook.database.read() as connection:
        assert len(connection.execute(select(suppressions)).all()) == 1


def test_another_providers_post_is_believed_by_its_own_means_and_applied(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    seed(database, now)
    secrets = replace(workspace.secrets, providers={"postmark_webhook_password": "a-password-of-length"})
    told = {"RecordType": "Bounce", "Type": "HardBounce", "Details": "no such user", "Email": "mary1@example.org",
            "Metadata": {"mailer": delivery_mark(delivery_id(1), 1)}}  # fmt: skip
    login = b64encode(b"mailer:a-password-of-length").decode()
    with serving(create_app(replace(workspace, secrets=secrets), database, clock=lambda: now)) as port:
        for authorization, status in (("", 403), ("Basic bWFpbGVyOg==", 403), (f"Basic {login}", 204)):
            headers = {"Authorization": authorization}
            body = json.dumps(told).encode()
            assert fetch(port, "/hooks/postmark", method="POST", body=body, headers=headers).status == status

        def suppressed() -> bool:
            with database.read() as connection:
                return len(connection.execute(select(suppressions)).all()) == 1

        until(suppressed, why="the bounce to be applied")


@pytest.fixture
def sns(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SnsFake]:
    """The site of SNS under its own name, to which a proxy of the environment leads, with a certificate of our own."""
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    with SnsFake(tls=context) as site, proxying(site.port, []) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.host}:{proxy.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        yield site


def test_a_topic_is_confirmed_and_its_events_are_applied(
    sns: SnsFake, workspace: Workspace, database: Database, now: datetime
) -> None:
    seed(database, now)
    recipient = {"emailAddress": "mary1@example.org", "status": "5.1.1", "diagnosticCode": "smtp; 550 no such user"}
    mail = {"destination": ["mary1@example.org"], "tags": {"mailer": [f"{delivery_id(1):x}-1"]}}
    bounced = {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [recipient]}
    event = json.dumps({"eventType": "Bounce", "mail": mail, "bounce": bounced})
    chosen = replace(workspace, settings=workspace.settings.using(Ses(topic_arn=TOPIC)))
    with serving(create_app(chosen, database, clock=lambda: now)) as port:

        def told(fields: dict[str, str]) -> int:
            body = json.dumps(fields).encode()
            return fetch(port, "/hooks/ses", method="POST", body=body, headers=headers_of(fields)).status

        sns.status = 503  # theirs fails: the post must come again, where 403 would lose it
        assert told(post(event)) == 503
        sns.status = 200
        assert told(post("x", kind="SubscriptionConfirmation")) == 204
        assert sns.asked[-1].startswith("/?Action=ConfirmSubscription&TopicArn=arn")
        assert told(post(event) | {"Message": "{}"}) == 403
        assert told(post(event, TopicArn=TOPIC.replace("mail", "evil"))) == 403
        for number in ("m-1", "m-1", "m-2"):  # repeated by SNS, or by somebody who overheard it
            assert told(post(event, MessageId=number)) == 204

        def applied() -> bool:
            with database.read() as connection:
                return all(row.done_at for row in connection.execute(select(jobs)))

        until(applied, why="the posts to be applied")
        with database.read() as connection:
            assert len(connection.execute(select(suppressions)).all()) == 1
            assert {row.detail for row in connection.execute(select(jobs))} == {""}


def test_only_a_provider_with_a_webhook_has_an_address(hook: Hook) -> None:
    answers = {
        name: fetch(hook.port, f"/hooks/{name}", method="POST", body=b"[]").status
        for name in ("sendgrid", "smtp", "outbox", "pigeon", "../hooks", "")
    }
    assert answers == {"sendgrid": 403, "smtp": 404, "outbox": 404, "pigeon": 404, "../hooks": 404, "": 404}


def test_whatever_is_not_signed_is_refused_alike(hook: Hook) -> None:
    body = bounce()
    replies = [
        hook.post(body, key=generate_private_key(SECP256R1())),
        fetch(hook.port, PATH, method="POST", body=body),
        fetch(hook.port, PATH, method="POST", body=body, headers={SIGNATURE_HEADER: "%", TIMESTAMP_HEADER: STAMP}),
        fetch(hook.port, PATH, method="POST", body=body, headers={SIGNATURE_HEADER: "AAAA", TIMESTAMP_HEADER: ""}),
    ]
    assert {(reply.status, reply.body) for reply in replies} == {(403, b"")}
    assert hook.posts() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_a_post_is_a_post(hook: Hook, method: str) -> None:
    assert fetch(hook.port, PATH, method=method).status == 405


def test_without_a_key_nobody_is_believed(workspace: Workspace, database: Database, now: datetime) -> None:
    with hooked(workspace, database, now, webhook_keys=()) as hook:
        assert hook.post(b"[]").status == 403
        assert hook.posts() == []


def test_only_an_explicit_setting_takes_what_is_not_signed(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    with hooked(workspace, database, now, webhook_keys=(), webhook_unsigned=True) as hook:
        assert fetch(hook.port, PATH, method="POST", body=b"[]").status == 204
        assert len(hook.posts()) == 1


def test_a_key_that_is_none_is_said_at_the_start(workspace: Workspace, database: Database, now: datetime) -> None:
    with pytest.raises(MailerError, match="number 1"), hooked(workspace, database, now, webhook_keys=("nonsense",)):
        pass


def test_a_body_that_is_too_long_is_not_read_to_its_end(hook: Hook) -> None:
    with socket.create_connection(("127.0.0.1", hook.port), timeout=HANG_SECONDS) as raw:
        start = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{SIGNATURE_HEADER}: AAAA\r\n{TIMESTAMP_HEADER}: 1\r\n"
        raw.sendall(f"{start}Content-Length: {10 * LONGEST_BODY_BYTES}\r\n\r\n".encode())
        try:
            for _ in range(10 * LONGEST_BODY_BYTES // 65536):
                raw.sendall(b" " * 65536)
        except (BrokenPipeError, ConnectionResetError):
            return  # it hung up on us, which is an answer too
        assert raw.recv(100).startswith(b"HTTP/1.1 413")
    assert hook.posts() == []


def test_a_post_that_is_no_json_is_kept_with_its_trouble(hook: Hook) -> None:
    assert hook.post(b"\xff not json").status == 204
    hook.wait_until(lambda: hook.posts()[0].done_at is not None)
    assert hook.posts()[0].detail == "the body is not JSON"
