"""A real SMTP relay for tests: it takes mail, remembers each message durably, and misbehaves when told to.

In a thread, for most tests:

    with Relay(tls="starttls", login=("user", "password")) as relay:
        relay.on(Step.RCPT, Say("550 5.1.1 no such user"), recipient="gone@example.org")
        ...                       # send to relay.host, relay.port, trusting relay.ca_file
        relay.received            # what was accepted, in order, and when
        relay.go_down(), relay.come_back()      # on the same port

As a process of its own, for tests that kill the sender and must ask somebody else what arrived:

    python -m tests.servers.relay --port-file PORT --log LOG [--bodies] [--tls starttls] [--login USER:PASSWORD]
                                  [--answer "rcpt=450 4.2.1 busy"]

    read_port(path)               # waits for the process to be there
    read_log(path)                # what was accepted, in order: one JSON line for each, written before the 250

Built on aiosmtpd, with certificates by trustme. It knows nothing about the mailer.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import logging
import os
import random
import re
import signal
import ssl
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.patience import HANG_SECONDS, until

HOST = "127.0.0.1"
logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells of its own deprecations there
MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class Step(StrEnum):
    """The places of an SMTP conversation at which a relay may answer otherwise."""

    CONNECT = "connect"  # instead of the greeting
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # instead of 354
    MIDDLE = "middle"  # after 354 and the first bytes of the message; a HangUp only
    END = "end"  # after the final dot
    RSET = "rset"


@dataclass(frozen=True, slots=True)
class Say:
    """Answer this line. A 421 closes the connection, as RFC 5321 §3.8 asks."""

    reply: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Break the connection without a word. At the end of DATA, `recorded` says whether the mail was kept."""

    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Dribble:
    """Answer one byte at a time, with a pause before each."""

    reply: str
    pause_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Silence:
    """Never answer; keep the connection open. At the end of DATA, `recorded` says whether the mail was kept."""

    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait, then go on as if nothing had been."""

    seconds: float


Act = Say | HangUp | Dribble | Silence | Delay


@dataclass(slots=True)
class Rule:
    """One thing the relay was told, and how often it did it."""

    step: Step
    act: Act
    times: int | None
    skip: int
    recipient: str | None
    share: float
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Received:
    """One accepted message for one recipient. `content` is empty unless bodies are kept.

    Both times are UNIX seconds: when its MAIL command was read, and when the relay took it, just before the 250.
    """

    recipient: str
    sender: str
    message_id: str
    size_bytes: int
    content: bytes = b""
    began_at: float = 0.0
    accepted_at: float = 0.0


class _Session(SMTP):
    """One conversation of the relay, which asks the script before each answer."""

    line_length_limit = 1001  # RFC 5321 §4.5.3.1.6, with the transparent dot: a longer line is refused

    def __init__(self, relay: Relay, **options: Any) -> None:
        super().__init__(relay, hostname="relay.example.org", ident="test relay", **options)
        # Set here, since aiosmtpd knows only STARTTLS as security and warns about a login over implicit TLS.
        self._auth_required = relay.login is not None
        self._relay = relay
        self._greeted = False
        self.began_at = 0.0
        self._mails = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._relay.opened(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._relay.closed(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        transport = self._original_transport or self.transport
        if transport is not None:
            # asyncio's transport for TLS can't be aborted once it has ended by itself (CPython 3.11, sslproto.py).
            with contextlib.suppress(AttributeError):
                transport.abort()  # pyright: ignore - both kinds of transport have it

    async def push(self, status: Any) -> None:
        if not self._greeted:
            self._greeted = True
            if await self.acted(Step.CONNECT, None):
                return
        if self._relay.loses_commands:
            await asyncio.sleep(0)
            self._reader._buffer.clear()  # pyright: ignore - what has arrived by now
        await super().push(status)

    async def acted(self, step: Step, argument: str | None) -> bool:
        """Whether the script answered in the relay's place."""
        rule = self._relay.take(step, argument)
        if rule is None:
            return False
        await self.act(rule.act)
        return not isinstance(rule.act, Delay)

    async def act(self, act: Act) -> None:
        match act:
            case Say(reply):
                await super().push(reply)
                if reply.startswith("421") and self.transport is not None:
                    self.transport.close()
            case HangUp():
                self.hang_up()
                await asyncio.Event().wait()  # until the loss of the connection cancels this
            case Dribble(reply, pause):
                for byte in reply.encode("ascii") + b"\r\n":
                    await asyncio.sleep(pause)
                    self._writer.write(bytes((byte,)))
                    await self._writer.drain()
            case Silence():
                await asyncio.Event().wait()  # until the connection goes, which cancels this
            case Delay(seconds):
                await asyncio.sleep(seconds)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd finds commands by these names
        if not await self.acted(Step.EHLO, hostname):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if not await self.acted(Step.STARTTLS, arg):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        if not await self.acted(Step.AUTH, arg):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        self.began_at = time.time()
        if await self.acted(Step.MAIL, arg):
            return
        if self._relay.session_mails is not None and self._mails >= self._relay.session_mails:
            await self.act(Say(self._relay.full))
            return
        self._mails += 1
        await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        if not await self.acted(Step.RCPT, arg):
            await super().smtp_RCPT(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        if not await self.acted(Step.RSET, arg):
            await super().smtp_RSET(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        assert self.envelope is not None
        recipient = ",".join(self.envelope.rcpt_tos)
        if await self.acted(Step.DATA, recipient):
            return
        if self._relay.take(Step.MIDDLE, recipient):
            await super().push("354 go ahead")
            await self._reader.readuntil(b"\r\n")
            await self.act(HangUp())
        await super().smtp_DATA(arg)


class Relay:
    """The relay, and what it has taken. Start it with `with`; `on` tells it how to answer."""

    def __init__(
        self,
        *,
        tls: str = "none",  # "none", "starttls" or "tls"
        login: tuple[str, str] | None = None,  # demanded when given
        bodies: bool = True,
        log: Path | None = None,
        pipelining: bool = True,
        limits: str = "",  # what it announces of a session (RFC 9422), such as "MAILMAX=20"
        session_mails: int | None = None,  # how many MAIL commands it accepts in one session …
        full: str = "452 4.5.3 Too many messages sent",  # … and what it says to the next
        loses_commands: bool = False,  # forgets what was sent before it answered, as some filters do
        size_limit_bytes: int = 33554432,
        names: tuple[str, ...] = (HOST, "localhost"),  # which its certificate is for
        seed: str = "",  # of the dice that rules with a share throw
    ) -> None:
        self.host = HOST
        self.port = 0
        self.bodies = bodies
        self.commands: list[str] = []
        self.most_connections = 0
        self.connections_made = 0
        self._received: list[Received] = []
        self._rules: list[Rule] = []
        self._dice = random.Random(seed)
        self.login = login
        self._tls = tls
        self._names = names
        self._pipelining = pipelining
        self._limits = limits
        self.session_mails = session_mails
        self.full = full
        self.loses_commands = loses_commands
        self._size_limit = size_limit_bytes
        self._sessions: set[_Session] = set()
        self._lock = threading.Lock()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if log else None
        self._folder = tempfile.TemporaryDirectory(prefix="relay-")
        self.ca_file = Path(self._folder.name) / "ca.pem"
        self._context = self._certificates() if tls != "none" else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)

    # What tests ask and tell

    @property
    def received(self) -> list[Received]:
        """The accepted messages, in order of arrival: a copy."""
        with self._lock:
            return list(self._received)

    @property
    def accepted(self) -> int:
        """How many messages were accepted so far."""
        return len(self._received)

    def on(
        self,
        step: Step,
        act: Act,
        *,
        times: int | None = None,
        skip: int = 0,
        recipient: str | None = None,
        share: float = 1.0,
    ) -> Rule:
        """Answer `act` at `step`: always or `times` times, after letting `skip` pass, for all or one recipient, each
        time or by chance in a `share` of the times."""
        rule = Rule(step, act, times, skip, recipient, share)
        with self._lock:
            self._rules.append(rule)
        return rule

    def behave(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._rules.clear()

    def hang_up_on_all(self) -> None:
        """Break all open connections, as a restart of the relay does."""
        self._loop.call_soon_threadsafe(lambda: [session.hang_up() for session in list(self._sessions)])

    def go_down(self) -> None:
        """Break all open connections and refuse new ones."""
        asyncio.run_coroutine_threadsafe(self._go_down(), self._loop).result(HANG_SECONDS)

    async def _go_down(self) -> None:
        self._server.close()
        for session in list(self._sessions):
            session.hang_up()

    def come_back(self) -> None:
        """Listen again, on the same port."""
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(HANG_SECONDS)

    # What the conversations ask and tell

    def take(self, step: Step, argument: str | None) -> Rule | None:
        with self._lock:
            self.commands.append(step)
            for rule in self._rules:
                if rule.step != step or (rule.recipient is not None and rule.recipient not in (argument or "")):
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
                return rule
        return None

    def opened(self, session: _Session) -> None:
        if session not in self._sessions:
            self.connections_made += 1
        self._sessions.add(session)
        self.most_connections = max(self.most_connections, len(self._sessions))

    def closed(self, session: _Session) -> None:
        self._sessions.discard(session)

    async def handle_EHLO(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        extra = ["250-PIPELINING"] if self._pipelining else []
        extra += [f"250-LIMITS {self._limits}"] if self._limits else []
        return [responses[0], *extra, "250-ENHANCEDSTATUSCODES", *responses[1:]]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        recipients = ",".join(envelope.rcpt_tos)
        rule = self.take(Step.END, recipients)
        if rule is not None and isinstance(rule.act, Delay):
            await server.act(rule.act)
            rule = None
        if rule is None or getattr(rule.act, "recorded", False):
            self._record(envelope, server.began_at)
        if rule is not None:
            if isinstance(rule.act, Say):
                return rule.act.reply
            await server.act(rule.act)
            await asyncio.Event().wait()
        return f"250 2.0.0 Ok: queued as {len(self._received):08X}"

    def _record(self, envelope: Any, began_at: float) -> None:
        content: bytes = envelope.original_content
        found = MESSAGE_ID.search(content)
        for recipient in envelope.rcpt_tos:
            one = Received(
                recipient=recipient,
                sender=envelope.mail_from,
                message_id=found.group(1).decode("ascii", "replace") if found else "",
                size_bytes=len(content),
                content=content if self.bodies else b"",
                began_at=began_at,
                accepted_at=time.time(),
            )
            with self._lock:
                self._received.append(one)
            if self._log is not None:
                os.write(self._log, _line(one))

    def _check_login(self, server: Any, session: Any, envelope: Any, mechanism: str, auth_data: Any) -> AuthResult:
        user, password = self.login or ("", "")
        right = self.login is not None and auth_data == LoginPassword(user.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    # Life

    def _certificates(self) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*self._names).configure_cert(context)
        return context

    def _session(self) -> _Session:
        return _Session(
            self,
            loop=self._loop,
            data_size_limit=self._size_limit,
            tls_context=self._context if self._tls == "starttls" else None,
            require_starttls=self._tls == "starttls",
            auth_require_tls=self._tls == "starttls",
            authenticator=self._check_login,
        )

    async def _listen(self) -> asyncio.Server:
        context = self._context if self._tls == "tls" else None
        return await self._loop.create_server(self._session, HOST, self.port, ssl=context)

    def start(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(HANG_SECONDS)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(HANG_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(HANG_SECONDS)
        self._loop.close()
        if self._log is not None:
            os.close(self._log)
        self._folder.cleanup()

    async def _end(self) -> None:
        self._server.close()
        for session in list(self._sessions):
            session.hang_up()
        for _ in range(3):  # let the aborted transports tell their protocols
            await asyncio.sleep(0)
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _line(one: Received) -> bytes:
    data = {
        "recipient": one.recipient,
        "sender": one.sender,
        "message_id": one.message_id,
        "size_bytes": one.size_bytes,
        "began_at": one.began_at,
        "accepted_at": one.accepted_at,
        "content": base64.b64encode(one.content).decode(),
    }
    return json.dumps(data).encode() + b"\n"


def read_log(path: Path) -> list[Received]:
    """What a relay's log says it accepted. A last line still being written doesn't count."""
    if not path.exists():
        return []
    found: list[Received] = []
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            data: dict[str, Any] = json.loads(line)
            data["content"] = base64.b64decode(data["content"])
            found.append(Received(**data))
    return found


def read_port(path: Path) -> int:
    """The port a server process wrote into its --port-file, as soon as it is there."""
    until(path.exists, why=f"a server to write {path.name}")
    return int(path.read_text())


def write_port(path: Path, port: int) -> None:
    """Tell the port so that a reader sees all of it or nothing."""
    draft = path.with_suffix(".draft")
    draft.write_text(str(port))
    draft.rename(path)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="A relay for tests.")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--bodies", action="store_true", help="keep the messages in the log, not only their names")
    parser.add_argument("--tls", choices=("none", "starttls", "tls"), default="none")
    parser.add_argument("--ca-file", type=Path, help="write the certificate authority here")
    parser.add_argument("--login", help="USER:PASSWORD")
    parser.add_argument("--answer", action="append", default=[], help="STEP=REPLY, such as 'rcpt=450 4.2.1 busy'")
    given = parser.parse_args(arguments)
    user, _, password = (given.login or "").partition(":")
    relay = Relay(tls=given.tls, login=(user, password) if user else None, bodies=given.bodies, log=given.log)
    for answer in given.answer:
        step, _, reply = answer.partition("=")
        relay.on(Step(step), Say(reply))
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with relay:
        if given.ca_file and given.tls != "none":
            given.ca_file.write_bytes(relay.ca_file.read_bytes())
        write_port(given.port_file, relay.port)
        stopping.wait()


if __name__ == "__main__":
    main()
