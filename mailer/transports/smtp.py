"""Handing mails to an SMTP relay (RFC 5321): one transaction a mail, many mails a connection.

What is certain is kept apart from what isn't: a connection lost before the final dot has left is *deferred*; after
it and before the answer, *uncertain*. The conversation itself is `smtp_talk`, the meaning of replies `replies`.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailer.settings.values import Smtp
from mailer.transports.envelope import (
    Envelope,
    Fate,
    Mailing,
    Outcome,
    ReplyClass,
    TransportRefused,
    TransportUnavailable,
)
from mailer.transports.headers import ascii_address
from mailer.transports.loopback import on_this_machine
from mailer.transports.mime import Skeleton, Unmailable
from mailer.transports.replies import Reply, Step, outcome, read_reply
from mailer.transports.smtp_talk import Lost, Relay, Talk, open_talk

# After the final dot a relay may scan for long, and giving up early would leave the mail uncertain. RFC 5321
# §4.5.3.2.6 would have ten minutes.
ANSWER_FACTOR = 4


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """What a relay offered when it let us in. `size_limit_bytes` is 0 when it names none (RFC 1870)."""

    host: str
    port: int
    security: str
    tls_version: str | None
    username: str
    pipelining: bool
    size_limit_bytes: int

    def in_words(self) -> str:
        how = f"encrypted by {self.security.upper()} ({self.tls_version})" if self.tls_version else "unencrypted"
        login = f", logged in as {self.username}" if self.username else ""
        pipelining = "pipelining" if self.pipelining else "no pipelining, so a mail takes more round trips"
        size = f", mails of up to {self.size_limit_bytes / 1e6:,.1f} MB" if self.size_limit_bytes else ""
        return f"the relay {self.host}:{self.port} answers, {how}{login}; {pipelining}{size}"


class SmtpTransport:
    """A relay by its settings. No step waits longer than its timeout; one hand-over at most six timeouts."""

    name = "smtp"
    batch = 1

    def __init__(self, settings: Smtp, *, password: str = "", root: Path = Path()) -> None:
        self.connections = settings.connections
        self._settings = settings
        self._password = password
        self._root = root

    def __repr__(self) -> str:
        return f"SmtpTransport({self._settings.host}:{self._settings.port})"

    def connect(self, mailing: Mailing) -> SmtpConnection:
        """Open, encrypt and log in. Raises `TransportUnavailable` or `TransportRefused`."""
        try:
            skeleton = Skeleton(mailing)
        except Unmailable as error:
            raise TransportRefused(error.message, hint=error.hint) from error
        return SmtpConnection(self._relay(), skeleton)

    def probe(self) -> str:
        return self.look().in_words()

    def look(self) -> RelayFacts:
        """Open, encrypt and log in, and leave again. Raises as `connect` does."""
        relay = self._relay()
        talk = open_talk(relay)
        sock = talk.sock
        size = talk.esmtp_features.get("size", "")
        facts = RelayFacts(
            host=relay.host,
            port=relay.port,
            security=relay.security,
            tls_version=sock.version() if isinstance(sock, ssl.SSLSocket) else None,
            username=relay.username,
            pipelining=talk.pipelining,
            size_limit_bytes=int(size) if size.isdecimal() else 0,
        )
        talk.leave()
        return facts

    def _relay(self) -> Relay:
        given = self._settings
        context = self._context() if given.security != "none" else None
        if context is None and given.username and not on_this_machine(given.host):
            raise TransportRefused(
                "the SMTP password would travel unencrypted", hint='Set smtp.security to "starttls" or "tls".'
            )
        return Relay(
            host=given.host,
            port=given.port,
            security=given.security,
            username=given.username,
            password=self._password,
            timeout_seconds=given.timeout_seconds,
            context=context,
        )

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.ca_file:
            try:
                context.load_verify_locations(cafile=str(self._root / self._settings.ca_file))
            except (OSError, ssl.SSLError) as error:
                raise TransportRefused(
                    f"the certificate authority {self._settings.ca_file} can't be read",
                    hint="smtp.ca_file names a PEM file, relative to the workspace.",
                ) from error
        return context


@dataclass(frozen=True, slots=True)
class _Way:
    """From whom a mail goes to whom (RFC 5321 §3.3); both ASCII."""

    sender: str
    recipient: str

    @property
    def sender_in_words(self) -> str:
        """Without the tag, which is a person's token."""
        local, _, domain = self.sender.rpartition("@")
        return f"{local.partition('+')[0]}@{domain}"


class SmtpConnection:
    """An open conversation for one mailing. When it breaks, the next hand-over opens another."""

    def __init__(self, relay: Relay, skeleton: Skeleton) -> None:
        self._relay = relay
        self._skeleton = skeleton
        self._talk: Talk | None = open_talk(relay)
        self._used = False

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """One outcome for each. Raises `TransportUnavailable` or `TransportRefused` when none was handed over."""
        outcomes: list[Outcome] = []
        for envelope in envelopes:
            try:
                content = self._skeleton.fill(envelope)
                way = _Way(
                    ascii_address(envelope.return_path) if envelope.return_path else self._skeleton.from_address,
                    ascii_address(envelope.address),
                )
                outcomes.append(self._deliver(way, content))
            except Unmailable as error:
                outcomes.append(Outcome(Fate.REFUSED, detail=error.message))
            except (TransportUnavailable, TransportRefused) as error:
                if not outcomes:
                    raise
                left = len(envelopes) - len(outcomes)
                return [*outcomes, *(Outcome(Fate.DEFERRED, detail=error.message) for _ in range(left))]
        return outcomes

    def close(self) -> None:
        if self._talk is not None:
            self._talk.leave()
            self._talk = None

    def _deliver(self, way: _Way, content: bytes) -> Outcome:
        reused = self._used and self._talk is not None
        try:
            return self._transaction(way, content)
        except Lost as lost:
            self._drop()
            if not reused or lost.timed_out:
                return Outcome(Fate.DEFERRED, detail=f"the relay broke off: {lost.why}", reply_class=ReplyClass.SOFT)
        # Relays close connections that were idle or had many mails, and say so to nobody. Nothing was taken: once more.
        try:
            return self._transaction(way, content)
        except Lost as lost:
            self._drop()
            return Outcome(Fate.DEFERRED, detail=f"the relay broke off: {lost.why}", reply_class=ReplyClass.SOFT)

    def _transaction(self, way: _Way, content: bytes) -> Outcome:
        """MAIL, RCPT, DATA and the message. Raises `Lost` while surely nothing was taken."""
        if self._talk is None:
            self._talk = open_talk(self._relay)
        talk = self._talk
        self._used = True
        talk.deadline = time.monotonic() + self._relay.timeout_seconds
        refusal = self._announce(talk, way, len(content))
        return refusal if refusal is not None else self._message(talk, content)

    def _announce(self, talk: Talk, way: _Way, size_bytes: int) -> Outcome | None:
        """Everything before the message; None when the relay waits for it. One round trip when pipelined (RFC 2920)."""
        size = f" SIZE={size_bytes}" if talk.has_extn("size") else ""
        commands = (
            (Step.MAIL, f"MAIL FROM:<{way.sender}>{size}\r\n"),
            (Step.RCPT, f"RCPT TO:<{way.recipient}>\r\n"),
            (Step.DATA, "DATA\r\n"),
        )
        if talk.pipelining:
            talk.send("".join(line for _, line in commands))
        for place, (step, line) in enumerate(commands):
            if not talk.pipelining:
                talk.send(line)
            number, words = talk.getreply()
            if number // 100 == (3 if step is Step.DATA else 2):
                continue
            reply = read_reply(number, words)
            self._set_back(talk, reply, still_to_come=len(commands) - place - 1 if talk.pipelining else 0)
            result = outcome(reply, step)
            if step is Step.MAIL and result.reply_class is ReplyClass.OURS and result.fate is Fate.REFUSED:
                raise TransportRefused(
                    f"the relay {self._relay} doesn't let us send from {way.sender_in_words}: {reply}",
                    hint="Check the sender's address and the [smtp] login.",
                )
            return result
        return None

    def _set_back(self, talk: Talk, reply: Reply, *, still_to_come: int) -> None:
        """After a refusal: make the connection ready for the next mail, or give it up."""
        if reply.number == 421 or reply.number < 400:
            self._drop()
            return
        try:
            for left in range(still_to_come, 0, -1):
                answer = talk.reply()
                if left == 1 and answer.number // 100 == 3:
                    # It waits for a message without a recipient: RFC 2920 §3.1 has us end it at once.
                    talk.command(".")
            if talk.command("RSET").number // 100 != 2:
                self._drop()
        except Lost:
            self._drop()

    def _message(self, talk: Talk, content: bytes) -> Outcome:
        # `mime` writes no line that begins with a dot, so nothing is left to do for transparency (RFC 5321 §4.5.2).
        talk.deadline = time.monotonic() + self._relay.timeout_seconds
        try:
            talk.send(content + b".\r\n")
        except Lost as lost:
            if lost.sent_bytes <= len(content):
                raise  # no relay has seen the end of it
            return self._uncertain(lost.why)
        talk.deadline = time.monotonic() + ANSWER_FACTOR * self._relay.timeout_seconds
        try:
            reply = talk.reply()
        except Lost as lost:
            return self._uncertain(lost.why)
        if reply.number == 421 or reply.number // 100 not in (2, 4, 5):
            self._drop()
        if reply.number // 100 not in (2, 4, 5):
            return self._uncertain(f"it answered {reply}")
        return outcome(reply, Step.END)

    def _uncertain(self, why: str) -> Outcome:
        self._drop()
        return Outcome(Fate.UNCERTAIN, detail=f"the whole mail was sent, then the answer was missing: {why}")

    def _drop(self) -> None:
        if self._talk is not None:
            self._talk.close()
            self._talk = None
