"""A non-blocking connection to a relay: it sends what the socket takes and reads what is there.

`transaction` decides what to say; its owner (`pool`) watches the socket and the deadline.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

from mailer.transports.smtp.limits import read_limits
from mailer.transports.smtp.reply_reader import NotSmtp
from mailer.transports.smtp.session import CHUNK_BYTES, Lost, Talk, why
from mailer.transports.smtp.transaction import REPLY, Ended, Offer, Steps, Turn, Way, transaction

FOREVER = float("inf")
NOTHING = memoryview(b"")
WAITING = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Conversation:
    """One mail at a time. `start` and `go_on` return how it ended, or None while it goes on.

    They raise `Lost` when it broke and surely nothing was taken, and `TransportRefused`. After either, and when the
    end says so, it takes no other mail.
    """

    def __init__(self, talk: Talk, *, relay: str, pipelining: bool, timeout_seconds: float) -> None:
        assert talk.sock is not None
        self.sock = talk.sock
        self.sock.setblocking(False)
        self.talk = talk
        self.begun = 0  # mails
        self.accepts_mail = False  # whether it ever has accepted a MAIL command
        self.deadline = FOREVER  # of the turn at hand, a moment of `time.monotonic`
        self._encrypted = isinstance(self.sock, ssl.SSLSocket)
        self._limits = read_limits(talk.esmtp_features.get("limits", ""))
        self._domains: set[str] = set()  # of recipients
        self._offer = Offer(relay, pipelining, talk.has_extn("size"), timeout_seconds)
        self._steps: Steps | None = None
        self._out = NOTHING  # of the turn, what has not been sent yet
        self._said_bytes = 0
        self._answer_seconds: float | None = None

    @property
    def busy(self) -> bool:
        """Whether a mail is being handed over."""
        return self._steps is not None

    @property
    def has_more_to_say(self) -> bool:
        """Whether to go on as soon as the socket takes more."""
        return bool(self._out)

    def takes(self, way: Way) -> bool:
        """Whether another mail, to this recipient, is within what the relay announced for one session."""
        limits, domains = self._limits, self._domains
        if limits.mails is not None and self.begun >= limits.mails:
            return False
        return limits.recipient_domains is None or way.domain in domains or len(domains) < limits.recipient_domains

    def start(self, way: Way, content: bytes) -> Ended | None:
        """Begin a mail's transaction."""
        try:
            self._read()
        except OSError as error:
            return self._broke(error)
        if self.talk.reader:
            raise Lost("it answered what it was not asked")  # and that would be taken for an answer to this mail
        self.begun += 1
        if self._limits.recipient_domains is not None:
            self._domains.add(way.domain)
        self._steps = steps = transaction(self._offer, way, content)
        return self._follow(lambda: next(steps))

    def go_on(self) -> Ended | None:
        """Something can be sent or read."""
        try:
            if self._out:
                self._send()
            self._read()
        except OSError as error:
            return self._broke(error)
        if self._steps is not None:
            return self._follow(None)
        if self.talk.reader:
            # A relay that speaks unprompted is about to close (421, RFC 5321 §3.8).
            raise Lost("it ended the conversation")
        return None  # TLS alone had something to say: session tickets come at any time (RFC 8446 §4.6.1)

    def give_up(self) -> Ended | None:
        """The deadline has passed."""
        return self._broke(TimeoutError())

    def _follow(self, first: Callable[[], Turn] | None) -> Ended | None:
        """Take the transaction on, as far as there are replies."""
        steps = self._steps
        assert steps is not None
        try:
            if first is not None:
                self._say(first())
            while not self._out and (reply := self.talk.reader.take()) is not None:
                self._say(steps.send(reply))
        except StopIteration as stop:
            return self._over(stop.value)
        except Lost:  # the transaction's own last word
            self._steps, self.deadline = None, FOREVER
            raise
        except NotSmtp:
            return self._broke(Lost("what it answered is not SMTP"))
        except OSError as error:
            return self._broke(error)
        return None

    def _say(self, turn: Turn) -> None:
        if turn is REPLY:
            return
        if turn.seconds is not None:
            self.deadline = time.monotonic() + turn.seconds
        self._answer_seconds = turn.answer_seconds
        self._said_bytes = 0
        if turn.data:
            self._out = memoryview(turn.data)
            self._send()

    def _send(self) -> None:
        """Send what the socket takes. Raises `OSError`."""
        try:
            while self._out:
                sent = self.sock.send(self._out[:CHUNK_BYTES] if self._encrypted else self._out)
                self._said_bytes += sent
                self._out = self._out[sent:] if sent < len(self._out) else NOTHING
        except WAITING:
            return
        if self._answer_seconds is not None:
            self.deadline = time.monotonic() + self._answer_seconds

    def _read(self) -> None:
        """Keep what has arrived. Raises `OSError`."""
        try:
            while True:
                chunk = self.sock.recv(CHUNK_BYTES)
                if not chunk:
                    raise Lost("it closed the connection")
                self.talk.reader.feed(chunk)
                if not self._encrypted:  # a selector doesn't see what is already decrypted
                    return
        except WAITING:
            return

    def _broke(self, error: OSError) -> Ended | None:
        """Tell the transaction, which knows what that means for the mail."""
        timed_out = isinstance(error, TimeoutError) or (isinstance(error, Lost) and error.timed_out)
        # How much of a failed TLS record arrived is unknown; a plain send that failed took nothing.
        perhaps = min(len(self._out), CHUNK_BYTES) if self._encrypted else 0
        lost = Lost(why(error), sent_bytes=self._said_bytes + perhaps, timed_out=timed_out)
        if self._steps is None:
            raise lost
        steps = self._steps
        try:
            steps.throw(lost)
        except StopIteration as stop:
            ended: Ended = stop.value
            return self._over(ended._replace(usable=False))
        finally:
            self._steps, self.deadline = None, FOREVER
        raise lost  # a transaction that goes on without its conversation

    def _over(self, ended: Ended) -> Ended:
        self._steps, self.deadline, self._out = None, FOREVER, NOTHING
        self.accepts_mail = self.accepts_mail or ended.begun
        return ended
