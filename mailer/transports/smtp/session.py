"""One SMTP conversation under a deadline: connecting, TLS, login, commands and replies.

Built on `smtplib`, whose reading is replaced: its timeouts restart with every byte, so a relay that answers one byte
a second would hold it for ever. `replies.classify` judges replies; `pool` sends the mails themselves.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from mailer.transports.base import ReplyClass, TransportRefused, TransportUnavailable
from mailer.transports.replies.classify import Reply, SmtpStep, classify, read_reply
from mailer.transports.smtp.reply_reader import NotSmtp, ReplyReader

CHUNK_BYTES = 16384  # one TLS record


class Lost(OSError):
    """The conversation broke: closed, silent past the deadline, or not SMTP.

    `sent_bytes`: how much of the last `send` may have gone out. `timed_out`: it was the deadline. `pipeline`: it broke
    among several commands sent at once, and the relay may have lost some of them.
    """

    def __init__(self, why: str, *, sent_bytes: int = 0, timed_out: bool = False, pipeline: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.sent_bytes = sent_bytes
        self.timed_out = timed_out
        self.pipeline = pipeline


@dataclass(frozen=True, slots=True)
class Relay:
    """Where to connect and how. `security` as in settings; `context` verifies the relay's certificate."""

    host: str
    port: int
    security: str
    username: str
    password: str
    timeout_seconds: float
    context: ssl.SSLContext | None
    pipelining: bool = True  # whether to use it where it is offered

    def __repr__(self) -> str:
        return f"{self.host}:{self.port}"


class Talk(smtplib.SMTP):
    """An SMTP client whose waiting is bounded by `deadline`, a moment of `time.monotonic`."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        super().__init__(local_hostname=_greeting_name(sock))  # without a host this doesn't connect
        self.sock = sock
        self.deadline = deadline
        self.pipelining = False
        self.reader = ReplyReader()
        self._armed_seconds = 0.0  # the timeout the socket was given last

    def send(self, s: Any) -> None:
        """Send all of `s` (bytes or ASCII text). Raises `Lost`, which says how much certainly never left."""
        view = memoryview(s.encode("ascii") if isinstance(s, str) else s)
        sock, sent = self._socket(), 0
        encrypted = isinstance(sock, ssl.SSLSocket)
        try:
            while sent < len(view):
                self._arm(sock)
                sent += sock.send(view[sent : sent + CHUNK_BYTES] if encrypted else view[sent:])
        except OSError as error:
            # How much of a failed TLS record arrived is unknown; a plain send that failed took nothing.
            gone = min(len(view), sent + CHUNK_BYTES) if encrypted else sent
            raise Lost(why(error), sent_bytes=gone, timed_out=isinstance(error, TimeoutError)) from error

    def getreply(self) -> tuple[int, bytes]:
        """One reply: its number and its lines joined by newlines. Raises `Lost`."""
        try:
            while (reply := self.reader.take()) is None:
                self._read()
        except NotSmtp:
            raise Lost("what it answered is not SMTP") from None
        return reply

    def reply(self) -> Reply:
        """One reply as values."""
        return read_reply(*self.getreply())

    def command(self, line: str) -> Reply:
        """Send one command and wait for its reply."""
        self.send(f"{line}\r\n")
        return self.reply()

    def begin_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Switch to TLS after the server said 220 (RFC 3207)."""
        if self.reader:
            # Somebody injected replies before the encryption, to have them trusted after it (CVE-2011-0411).
            raise Lost("it answered more than it was asked before encryption began")
        sock = self._socket()
        sock.settimeout(self._remaining())
        self.sock = context.wrap_socket(sock, server_hostname=host)
        self._armed_seconds = 0.0
        # What was said in the clear no longer counts (RFC 3207 §4.2).
        self.helo_resp = None
        self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def leave(self) -> None:
        """Say QUIT and close, waiting at most a second: the mails are already handed over."""
        self.deadline = time.monotonic() + 1.0
        with contextlib.suppress(OSError):
            self.command("QUIT")
        self.close()

    def _read(self) -> None:
        sock = self._socket()
        try:
            self._arm(sock)
            chunk = sock.recv(8192)
        except OSError as error:
            raise Lost(why(error), timed_out=isinstance(error, TimeoutError)) from error
        if not chunk:
            raise Lost("it closed the connection")
        self.reader.feed(chunk)

    def _arm(self, sock: socket.socket) -> None:
        """Bound the next wait by the deadline, to a tenth: each change of a timeout is a system call."""
        remaining = self._remaining()
        if not remaining <= self._armed_seconds <= 1.1 * remaining:
            sock.settimeout(remaining)
            self._armed_seconds = remaining

    def _remaining(self) -> float:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        return remaining

    def _socket(self) -> socket.socket:
        if self.sock is None:
            raise Lost("the connection is closed")
        return self.sock


def open_talk(relay: Relay) -> Talk:
    """Connect, encrypt and log in, all within the relay's timeout.

    Raises `TransportUnavailable` for what may pass, `TransportRefused` for what staff must fix. A relay that should
    encrypt and doesn't is refused: falling back to plain text is what an attacker in between would want.
    """
    deadline = time.monotonic() + relay.timeout_seconds
    sock = _connect(relay)
    talk: Talk | None = None
    try:
        with _translated(relay):
            if relay.security == "tls":
                sock = _wrap(relay, sock, deadline)
            talk = Talk(sock, deadline)
            _introduce(relay, talk)
            return talk
    except BaseException:
        if talk is not None:
            talk.close()
        sock.close()
        raise


def _introduce(relay: Relay, talk: Talk) -> None:
    _expect(relay, talk.reply(), SmtpStep.CONNECT)
    _expect(relay, read_reply(*talk.ehlo()), SmtpStep.EHLO)
    if relay.security == "starttls":
        if not talk.has_extn("starttls"):
            raise TransportRefused(
                f"the relay {relay} doesn't offer STARTTLS, and mail is not sent to it unencrypted",
                remedy='Set smtp.security to "tls" (usually with port 465) if it speaks TLS from the start.',
            )
        _expect(relay, talk.command("STARTTLS"), SmtpStep.STARTTLS)
        assert relay.context is not None
        talk.begin_tls(relay.context, relay.host)
        _expect(relay, read_reply(*talk.ehlo()), SmtpStep.EHLO)
    talk.pipelining = relay.pipelining and talk.has_extn("pipelining")
    if relay.username:
        _log_in(relay, talk)


def _log_in(relay: Relay, talk: Talk) -> None:
    offered = talk.esmtp_features.get("auth", "").upper().split()
    if not offered:
        raise TransportRefused(
            f"the relay {relay} offers no login", remedy="Leave smtp.username empty, or use the port meant for clients."
        )
    ways = (("PLAIN", talk.auth_plain), ("LOGIN", talk.auth_login), ("CRAM-MD5", talk.auth_cram_md5))
    chosen = next(((name, way) for name, way in ways if name in offered), None)
    if chosen is None:
        raise TransportRefused(
            f"the relay {relay} offers no way to log in that we know, only {' '.join(offered)[:200]}"
        )
    talk.user, talk.password = relay.username, relay.password
    try:
        # Once: `login` would try each way in turn, and a few wrong logins lock an account.
        talk.auth(*chosen)
    except UnicodeEncodeError:
        raise TransportRefused("the SMTP login may only have ASCII characters") from None
    except smtplib.SMTPAuthenticationError as error:
        raw = error.smtp_error
        said = _without_secrets(relay, raw if isinstance(raw, bytes) else raw.encode())
        reply = read_reply(error.smtp_code, said)
        _expect(relay, reply, SmtpStep.AUTH)
        raise TransportRefused(f"the relay {relay} answered the login with {reply.number}") from None
    except (smtplib.SMTPException, ValueError) as error:  # too many questions, or one that isn't Base64
        raise TransportRefused(f"the relay {relay} doesn't follow the login protocol") from error


def _without_secrets(relay: Relay, said: bytes) -> bytes:
    """What a relay said, without the password it may repeat: as it is, or as it was sent. Before blanks are folded and
    the words cut, or a part of it would be left."""
    both = f"\0{relay.username}\0{relay.password}"
    spellings = [relay.password, *(b64encode(text.encode()).decode() for text in (both, relay.password))]
    if relay.password:  # an empty one reveals nothing, and would match between any two letters
        for secret in sorted(spellings, key=len, reverse=True):
            said = said.replace(secret.encode(), b"...")
    return said


def _expect(relay: Relay, reply: Reply, step: SmtpStep) -> None:
    """Raise what an answer other than 2xx to a step of the introduction means."""
    if 200 <= reply.number < 300:
        return
    said = f"the relay {relay} answered at {step}: {reply}"
    if reply.number < 500:
        raise TransportUnavailable(said, remedy="The relay asks us to try again later; sending goes on by itself.")
    if step is SmtpStep.AUTH:
        raise TransportRefused(said, remedy="Check smtp.username and the password (MAILER_SMTP_PASSWORD).")
    ours = classify(reply, step) is ReplyClass.OURS
    raise TransportRefused(
        said, remedy="Check the [smtp] settings." if ours else "Ask the relay's operator why it refuses our mail."
    )


def _connect(relay: Relay) -> socket.socket:
    try:
        sock = socket.create_connection((relay.host, relay.port), timeout=relay.timeout_seconds)
    except socket.gaierror as error:
        raise TransportUnavailable(
            f"the name of the relay {relay} can't be resolved: {error.strerror}", remedy="Check smtp.host."
        ) from error
    except OSError as error:
        raise TransportUnavailable(
            f"the relay {relay} can't be reached: {why(error)}", remedy="Check smtp.host and smtp.port."
        ) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _wrap(relay: Relay, sock: socket.socket, deadline: float) -> socket.socket:
    assert relay.context is not None
    sock.settimeout(max(0.001, deadline - time.monotonic()))
    return relay.context.wrap_socket(sock, server_hostname=relay.host)


@contextlib.contextmanager
def _translated(relay: Relay) -> Generator[None]:
    """Translates the errors of opening a conversation into our messages."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise TransportRefused(
            f"the certificate of the relay {relay} can't be trusted: {error.verify_message}",
            remedy="If its authority is your own, name its certificate in smtp.ca_file.",
        ) from error
    except ssl.SSLError as error:
        raise TransportUnavailable(
            f"no encrypted connection to the relay {relay}: {error.reason or 'the handshake failed'}",
            remedy='smtp.security is "starttls" on most relays\' port 587 and "tls" on port 465.',
        ) from error
    except OSError as error:
        raise TransportUnavailable(f"the relay {relay} broke off during the greeting: {why(error)}") from error


def _greeting_name(sock: socket.socket) -> str:
    """Our name in EHLO: a full host name or an address literal (RFC 5321 §4.1.4), without asking the DNS."""
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    address = str(sock.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def why(error: OSError) -> str:
    """A message on what broke a conversation."""
    if isinstance(error, Lost):
        return error.why
    if isinstance(error, TimeoutError):
        return "no complete answer in time"
    return error.strerror or str(error)
