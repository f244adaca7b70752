"""Hands mails to an SMTP relay (RFC 5321): one transaction a mail, many mails a connection.

Configures the relay from its settings, and offers one connection for a few mails. A campaign's connections run side by
side in `pool`; `transaction` is one mail's conversation, and `replies.classify` judges the replies.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailer.transports.base import Envelope, Fate, Mailing, Outcome, TransportRefused, TransportUnavailable
from mailer.transports.loopback import on_this_machine
from mailer.transports.mime.message import Skeleton, Unmailable
from mailer.transports.smtp.limits import SessionLimits, read_limits
from mailer.transports.smtp.pool import SmtpLoop
from mailer.transports.smtp.session import Lost, Relay, Talk, open_talk
from mailer.transports.smtp.settings import Smtp
from mailer.transports.smtp.transaction import END_OF_DATA

LOOK_SECONDS = 60.0
ANNOUNCES_NOTHING = SessionLimits()
PIPELINE_SECONDS = 10.0  # for three answers that cost a relay nothing


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """What a relay offered when it let us in. `size_limit_bytes` is 0 when it names none (RFC 1870).

    `loses_commands`: it offers pipelining, and didn't answer all of what was sent at once.
    """

    host: str
    port: int
    security: str
    tls_version: str | None
    username: str
    pipelining: bool
    size_limit_bytes: int
    limits: SessionLimits = ANNOUNCES_NOTHING
    loses_commands: bool = False

    def in_words(self) -> str:
        how = f"encrypted by {self.security.upper()} ({self.tls_version})" if self.tls_version else "unencrypted"
        login = f", logged in as {self.username}" if self.username else ""
        pipelining = "pipelining" if self.pipelining else "no pipelining, so a mail takes more round trips"
        size = f", mails of up to {self.size_limit_bytes / 1e6:,.1f} MB" if self.size_limit_bytes else ""
        mails = f", {self.limits.mails:,} mails a session" if self.limits.mails else ""
        return f"the relay {self.host}:{self.port} answers, {how}{login}; {pipelining}{size}{mails}"


class SmtpTransport:
    """A relay set up by its settings. No step waits longer than its timeout; one hand-over at most six timeouts."""

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
        return SmtpConnection(self.loop(mailing))

    def loop(self, mailing: Mailing) -> SmtpLoop:
        """Conversations side by side. Raises `TransportRefused` for a mailing that can't be sent by SMTP."""
        try:
            skeleton = Skeleton(mailing, end=END_OF_DATA)
        except Unmailable as error:
            raise TransportRefused(error.message, remedy=error.remedy) from error
        return SmtpLoop(self._relay(), skeleton)

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
            limits=read_limits(talk.esmtp_features.get("limits", "")),
            loses_commands=talk.pipelining and not _answers_all(talk),
        )
        talk.leave()
        return facts

    def _relay(self) -> Relay:
        given = self._settings
        if given.username and not self._password:
            # A login without it would fail, and a few failures lock an account.
            raise TransportRefused(
                "smtp.username is set and there is no password",
                remedy='Put smtp_password = "…" into secrets.toml, or set MAILER_SMTP_PASSWORD for cron too. For a '
                "relay that wants no login, leave smtp.username empty.",
            )
        context = self._context() if given.security != "none" else None
        if context is None and given.username and not on_this_machine(given.host):
            raise TransportRefused(
                "the SMTP password would travel unencrypted", remedy='Set smtp.security to "starttls" or "tls".'
            )
        return Relay(
            host=given.host,
            port=given.port,
            security=given.security,
            username=given.username,
            password=self._password,
            timeout_seconds=given.timeout_seconds,
            context=context,
            pipelining=given.pipelining,
        )

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.ca_file:
            try:
                context.load_verify_locations(cafile=str(self._root / self._settings.ca_file))
            except (OSError, ssl.SSLError) as error:
                raise TransportRefused(
                    f"the certificate authority {self._settings.ca_file} can't be read",
                    remedy="smtp.ca_file names a PEM file, relative to the workspace.",
                ) from error
        return context


def _answers_all(talk: Talk) -> bool:
    """Whether commands that are sent at once (RFC 2920) are all answered. None of these names anybody."""
    talk.deadline = min(talk.deadline, time.monotonic() + PIPELINE_SECONDS)
    try:
        talk.send("RSET\r\nRSET\r\nNOOP\r\n")
        return all(200 <= talk.reply().number < 300 for _ in range(3))
    except Lost:
        return False


class SmtpConnection:
    """One blocking conversation for one mailing. When it breaks, the next hand-over opens another."""

    def __init__(self, loop: SmtpLoop) -> None:
        self._loop = loop
        loop.open(0)
        try:
            self._answer()
        except BaseException:
            loop.close()
            raise

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """One outcome for each. Raises `TransportUnavailable` or `TransportRefused` when none was handed over."""
        outcomes: list[Outcome] = []
        for envelope in envelopes:
            self._loop.begin(0, envelope)
            try:
                outcome = self._answer()
            except (TransportUnavailable, TransportRefused) as error:
                if not outcomes:
                    raise
                left = len(envelopes) - len(outcomes)
                return [*outcomes, *(Outcome(Fate.DEFERRED, detail=error.message) for _ in range(left))]
            assert outcome is not None
            outcomes.append(outcome)
        return outcomes

    def close(self) -> None:
        self._loop.close()

    def _answer(self) -> Outcome | None:
        while not (answers := self._loop.wait(LOOK_SECONDS)):
            pass  # each step has its deadline
        if answers[0].trouble is not None:
            raise answers[0].trouble
        return answers[0].outcome
