"""A stand-in for SendGrid's v3 Mail Send over HTTP: it checks requests as documented, fills in substitutions, and
remembers whom it took mail for. It misbehaves when told to.

    with SendgridFake(api_key="SG.test") as fake:
        fake.on(Answer(429, headers={"X-RateLimit-Reset": "1790000030"}), times=1)
        ...                       # post to fake.url
        fake.accepted             # one for each person, as their mail would read, and when it was taken

As a process of its own, for tests that kill the sender:

    python -m tests.servers.sendgrid_fake --port-file PORT --log LOG --api-key SG.test
    read_port(path), read_log(path)

It knows nothing about the mailer; the limits come from Twilio's pages, each time the smaller where they disagree:
https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors and …/mail-send/mail-send.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import re
import signal
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from tests.patience import HANG_SECONDS
from tests.servers.relay import read_port, write_port

__all__ = ["Accepted", "Answer", "Break", "Delay", "SendgridFake", "Stall", "read_log", "read_port"]

HOST = "127.0.0.1"
ADDRESS = re.compile(r"[!#$%&'*+/=?^_`{|}~.A-Za-z0-9-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
RESERVED = ("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
            "to", "from", "subject", "reply-to", "cc", "bcc")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer this status instead; `accepted` says whether the mails were taken all the same."""

    status: int
    errors: Sequence[Mapping[str, Any]] = ({"message": "as the test told", "field": None, "help": None},)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """Never answer, before or after reading the body; `accepted` says whether the mails were taken."""

    read_body: bool = True
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Break:
    """Close the connection without an answer, before or after reading the body."""

    read_body: bool = True
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """Read the body, wait, then go on as if nothing had been."""

    seconds: float


Act = Answer | Stall | Break | Delay


@dataclass(slots=True)
class Rule:
    """One thing the fake was told, and how often it did it."""

    act: Act
    times: int | None
    skip: int
    when: Callable[[Sequence[str]], bool] | None
    share: float
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Accepted:
    """One person's mail as SendGrid would send it. `request` is the X-Message-Id of its request.

    Both times are UNIX seconds: when the request's headers were read, and when its mails were taken.
    """

    recipient: str
    name: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    custom_args: dict[str, str]
    request: str
    began_at: float = 0.0
    accepted_at: float = 0.0


class Invalid(Exception):
    """The request breaks a documented rule; `where` is the field of SendGrid's error."""

    def __init__(self, message: str, where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where


class SendgridFake:
    """The API, listening on `url`. Start it with `with`; `on` tells it how to answer."""

    def __init__(
        self,
        *,
        api_key: str = "SG.test",
        log: Path | None = None,
        context: ssl.SSLContext | None = None,
        seed: str = "",  # of the dice that rules with a share throw
    ) -> None:
        self.api_key = api_key
        self.unknown: set[str] = set()  # addresses to call invalid, as SendGrid does with some that look right
        self.requests: list[dict[str, Any]] = []  # the bodies of all requests that were read, in order
        self.connections = 0  # how many were opened
        self.leaves_silently = False  # close each connection after an answer and say nothing of it, as idle ones are
        self.takes_gzip = False  # an account where support enabled it
        self._left = threading.Semaphore(0)
        self._accepted: list[Accepted] = []
        self._rules: list[Rule] = []
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if log else None
        self.stopping = threading.Event()
        fake = self

        class Handler(_Handler):
            server_fake = fake

        self._server = _Server((HOST, 0), Handler)
        self._server.fake = self
        self._scheme = "https" if context else "http"
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="sendgrid", daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"{self._scheme}://{HOST}:{self.port}"

    @property
    def accepted(self) -> list[Accepted]:
        """Everyone whose mail was taken, in order: a copy."""
        with self._lock:
            return list(self._accepted)

    def on(
        self,
        act: Act,
        *,
        times: int | None = None,
        skip: int = 0,
        when: Callable[[Sequence[str]], bool] | None = None,
        share: float = 1.0,
    ) -> Rule:
        """Act so: always or `times` times, after letting `skip` pass, on all requests or `when` the recipients fit,
        each time or by chance in a `share` of the times."""
        rule = Rule(act, times, skip, when, share)
        with self._lock:
            self._rules.append(rule)
        return rule

    def wait_until_left(self) -> None:
        """Wait until one more connection is closed."""
        assert self._left.acquire(timeout=HANG_SECONDS)

    def left(self) -> None:
        self._left.release()

    def behave(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def take(self, recipients: Sequence[str] | None) -> Act | None:
        """The rule to follow; before the body is read, with None, only one that doesn't read it."""
        with self._lock:
            for rule in self._rules:
                early = isinstance(rule.act, Stall | Break) and not rule.act.read_body
                if early != (recipients is None) or (rule.when is not None and not rule.when(recipients or ())):
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.share < 1 and self._dice.random() >= rule.share:
                    continue
                if rule.times is not None:
                    if not rule.times:
                        continue
                    rule.times -= 1
                rule.taken += 1
                return rule.act
        return None

    def accept(self, body: Mapping[str, Any], began_at: float) -> str:
        """Take the mails of a valid request; returns its X-Message-Id."""
        with self._lock:
            request = f"fake-{len(self.requests):06d}"
            now = time.time()
            for mail in (replace(mail, began_at=began_at, accepted_at=now) for mail in mails(body, request)):
                self._accepted.append(mail)
                if self._log is not None:
                    os.write(self._log, json.dumps(asdict(mail)).encode() + b"\n")
        return request

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(HANG_SECONDS)
        if self._log is not None:
            os.close(self._log)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    fake: SendgridFake

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.fake.left()


class _Handler(BaseHTTPRequestHandler):
    server_fake: SendgridFake
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.server_fake.connections += 1

    def do_POST(self) -> None:
        fake = self.server_fake
        began_at = time.time()
        self.close_connection = fake.leaves_silently
        unread = fake.take(None)
        if unread is not None:
            self.close_connection = True
            if isinstance(unread, Stall):
                fake.stopping.wait()
            return
        body = self._body()
        if body is None:
            return
        act = fake.take([p["to"][0]["email"] for p in body["personalizations"]])
        if isinstance(act, Delay):
            fake.stopping.wait(act.seconds)
            act = None
        if act is not None and act.accepted:
            fake.accept(body, began_at)
        match act:
            case Answer():
                self._answer(act.status, {"errors": list(act.errors)}, act.headers)
            case Stall() | Break():
                self.close_connection = True
                if isinstance(act, Stall):
                    fake.stopping.wait()
            case None if body.get("mail_settings", {}).get("sandbox_mode", {}).get("enable") is True:
                self._answer(200, None, {})
            case None:
                self._answer(202, None, {"X-Message-Id": fake.accept(body, began_at)})

    def _body(self) -> dict[str, Any] | None:
        """The request, read and checked; None when it was answered already."""
        fake = self.server_fake
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Authorization") != f"Bearer {fake.api_key}":
            return self._errors(401, "The provided authorization grant is invalid, expired, or revoked")
        if self.path != "/v3/mail/send":
            return self._errors(404, "resource not found")
        if self.headers.get("Content-Encoding") == "gzip":
            if not fake.takes_gzip:
                return self._errors(415, "Content-Encoding is not supported")
            raw = gzip.decompress(raw)
        try:
            body: dict[str, Any] = json.loads(raw)
            fake.requests.append(body)
            check(body, fake.unknown)
        except Invalid as error:
            return self._errors(400, error.message, error.where)
        except ValueError:
            return self._errors(400, "Bad Request")
        return body

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
        """Say nothing: tests read what was accepted."""

    def _errors(self, status: int, message: str, where: str | None = None) -> None:
        self._answer(status, {"errors": [{"message": message, "field": where, "help": None}]}, {})

    def _answer(self, status: int, data: Any, headers: Mapping[str, str]) -> None:
        content = b"" if data is None else json.dumps(data).encode()
        self.send_response_only(status)
        if "Date" not in headers:
            self.send_header("Date", self.date_time_string())
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def mails(body: Mapping[str, Any], request: str) -> list[Accepted]:
    """What each person would get. Substitution happens in an order of its own, since none is promised."""
    content = {part["type"]: part["value"] for part in body["content"]}
    found: list[Accepted] = []
    for one in body["personalizations"]:
        pairs = list(one.get("substitutions", {}).items())
        random.Random(str(one["to"])).shuffle(pairs)

        def filled(text: str, pairs: Sequence[tuple[str, str]] = pairs) -> str:
            for key, value in pairs:
                text = text.replace(key, value)
            return text

        found.append(
            Accepted(
                recipient=one["to"][0]["email"],
                name=one["to"][0].get("name", ""),
                subject=filled(one.get("subject", body.get("subject", ""))),
                text=filled(content.get("text/plain", "")),
                html=filled(content.get("text/html", "")),
                headers={**body.get("headers", {}), **one.get("headers", {})},
                custom_args={**body.get("custom_args", {}), **one.get("custom_args", {})},
                request=request,
            )
        )
    return found


def check(body: Mapping[str, Any], unknown: Collection[str] = ()) -> None:
    """Raise `Invalid` for the first documented rule that the request breaks."""
    people = body.get("personalizations")
    if not isinstance(people, list) or not 1 <= len(people) <= 1000:
        raise Invalid("The personalizations field is required and must have 1 to 1000 objects.", "personalizations")
    seen: set[str] = set()
    substitutions = substitution_bytes = 0
    for n, one in enumerate(people):
        _check_person(one, n, body)
        email = one["to"][0]["email"].lower()
        if email in unknown:
            raise Invalid("Does not contain a valid address.", f"personalizations.{n}.to.0.email")
        if email in seen:
            raise Invalid("Each email address should be unique", f"personalizations.{n}.to")
        seen.add(email)
        given = one.get("substitutions", {})
        substitutions += len(given)
        substitution_bytes += sum(len(k.encode()) + len(v.encode()) for k, v in given.items())
    if substitutions > 10_000 or substitution_bytes > 50_000:
        raise Invalid("The substitutions of the request exceed its limits.", "personalizations")
    _check_address(body.get("from"), "from")
    if "reply_to" in body:
        _check_address(body["reply_to"], "reply_to")
    if not isinstance(body.get("subject"), str) or not body["subject"]:
        raise Invalid("The subject is required.", "subject")
    _check_headers(body.get("headers", {}), "headers")
    order = {"text/plain": 0, "text/html": 1}
    kinds = [part["type"] for part in body.get("content", [])]
    if not kinds or any(not part["value"] for part in body["content"]):
        raise Invalid("The content value must be a string at least one character in length.", "content.0.value")
    if kinds != sorted(kinds, key=lambda kind: order.get(kind, 2)):
        raise Invalid("If present, text/plain and text/html may only be provided once, in this order.", "content")


def _check_person(one: Mapping[str, Any], n: int, body: Mapping[str, Any]) -> None:
    where = f"personalizations.{n}"
    to = one.get("to")
    if not isinstance(to, list) or len(to) != 1:
        raise Invalid("Each person's mail has one recipient: more would see each other.", f"{where}.to")
    _check_address(to[0], f"{where}.to.0")
    given = one.get("substitutions", {})
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in given.items()):
        raise Invalid("Bad Request")
    if len(given) > 150:
        raise Invalid("You are limited to 150 substitutions per personalization.", f"{where}.substitutions")
    if sum(len(key.encode()) + len(value.encode()) for key, value in given.items()) > 10_000:
        raise Invalid("The substitutions exceed 10000 bytes.", f"{where}.substitutions")
    if any(c in key for key in given for c in "<>& "):
        raise Invalid("This substitution tag would be missed.", f"{where}.substitutions")
    arguments = {**body.get("custom_args", {}), **one.get("custom_args", {})}
    if not all(isinstance(value, str) for value in arguments.values()):
        raise Invalid("Bad Request")
    if sum(len(key.encode()) + len(value.encode()) for key, value in arguments.items()) > 10_000:
        raise Invalid("The custom args exceed 10000 bytes.", f"{where}.custom_args")
    _check_headers(one.get("headers", {}), f"{where}.headers")


def _check_address(value: Any, where: str) -> None:
    if not isinstance(value, dict) or not ADDRESS.fullmatch(str(value.get("email", ""))):
        raise Invalid("Does not contain a valid address.", f"{where}.email")
    if any(c in value.get("name", "") for c in ";,"):
        raise Invalid("The name may not contain ; or ,", f"{where}.name")


def _check_headers(headers: Mapping[str, Any], where: str) -> None:
    for name, value in headers.items():
        if name.lower() in RESERVED or not name.isascii() or " " in name:
            raise Invalid(f"The header {name} is reserved or malformed.", f"{where}.{name}")
        if not isinstance(value, str) or re.search(r"[\r\n]", value):
            raise Invalid("Bad Request")


def read_log(path: Path) -> list[Accepted]:
    """What a fake's log says it took. A last line still being written doesn't count."""
    if not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    return [Accepted(**json.loads(line)) for line in lines if line.endswith(b"\n")]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A stand-in for SendGrid's Mail Send.")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--api-key", default="SG.test")
    given = parser.parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with SendgridFake(api_key=given.api_key, log=given.log) as fake:
        write_port(given.port_file, fake.port)
        stopping.wait()


if __name__ == "__main__":
    main()
