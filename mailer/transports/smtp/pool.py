"""Many SMTP conversations side by side in one thread: an idle one never holds up the others.

Opening and leaving a conversation are rare and wait for the other side: `session` does both in separate threads.
Between the two, `transaction` decides what to say and `pipeline` handles the bytes of one connection.
"""

from __future__ import annotations

import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mailer.errors import MailerError
from mailer.transports.base import (
    Envelope,
    Fate,
    LoopEvent,
    Outcome,
    ReplyClass,
    TransportRefused,
    TransportUnavailable,
)
from mailer.transports.mime.headers import ascii_address
from mailer.transports.mime.message import Skeleton, Unmailable
from mailer.transports.smtp.pipeline import Conversation
from mailer.transports.smtp.session import Lost, Relay, Talk, open_talk
from mailer.transports.smtp.transaction import Ended, Way

READ = selectors.EVENT_READ
BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE
LOOK_SECONDS = 0.2  # between checks of the deadlines; one may be noticed this late
LEAVE_SECONDS = 1.5  # for all QUITs together


@dataclass(slots=True)
class _Place:
    """A conversation by its number: open or not, and the mail it has."""

    number: int
    conversation: Conversation | None = None
    mail: tuple[Way, bytes] | None = None  # being handed over now, or once the conversation is open
    again: bool = False  # whether it is tried a second time
    watched: int = READ


class SmtpLoop:
    """Conversations with one relay for one mailing, by number. Used by one thread.

    Each is opened with `open`, takes one mail at a time with `begin`, and answers through `wait`. A broken one is
    reopened for its next mail.
    """

    def __init__(self, relay: Relay, skeleton: Skeleton) -> None:
        self._relay = relay
        self._skeleton = skeleton
        self._places: dict[int, _Place] = {}
        self._selector = selectors.DefaultSelector()
        self._opened: queue.SimpleQueue[tuple[int, Talk | BaseException]] = queue.SimpleQueue()
        self._bell, self._ring = socket.socketpair()  # rung by the threads that open
        self._bell.setblocking(False)
        self._selector.register(self._bell, READ, None)
        self._answers: list[LoopEvent] = []
        self._leaving: list[threading.Thread] = []
        self._closed = False
        self._pipelining = True  # until the relay loses what is sent at once
        self._look_at = 0.0  # when to look for deadlines that have passed, a moment of `time.monotonic`

    def open(self, number: int) -> None:
        """Begin to connect; `wait` reports when it is ready, or why it isn't."""
        self._places[number] = _Place(number)
        self._connect(number)

    def begin(self, number: int, envelope: Envelope) -> None:
        """Begin to hand a mail over; `wait` reports its outcome."""
        place = self._places[number]
        try:
            content = self._skeleton.fill(envelope)
            sender = ascii_address(envelope.return_path) if envelope.return_path else self._skeleton.from_address
            place.mail = Way(sender, ascii_address(envelope.address)), content
        except Unmailable as error:
            self._answers.append(LoopEvent(number, Outcome(Fate.REFUSED, detail=error.message)))
            return
        place.again = False
        if place.conversation is None:
            self._connect(number)
        elif not place.conversation.takes(place.mail[0]):
            self._renew(place)
        else:
            self._start(place)

    def wait(self, seconds: float) -> Sequence[LoopEvent]:
        """The answers so far; waits at most `seconds` for the first."""
        # Read what has arrived before checking deadlines: the loop itself may have been held up for a while.
        for key, _ in self._selector.select(0 if self._answers else min(seconds, LOOK_SECONDS)):
            place: _Place | None = key.data
            if place is None:
                self._meet()
            elif place.conversation is not None:
                self._hear(place, place.conversation.go_on)
        if (now := time.monotonic()) >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            for place in self._places.values():
                if place.conversation is not None and place.conversation.deadline < now:
                    self._hear(place, place.conversation.give_up)
        answers, self._answers = self._answers, []
        return answers

    def shut(self, number: int) -> None:
        """Drop a conversation; its next mail opens another."""
        self._drop(self._places[number])

    def leave(self, numbers: Sequence[int]) -> None:
        """Say QUIT on these connections, and forget them. Doesn't wait."""
        for number in numbers:
            place = self._places.pop(number, None)
            if place is not None and place.conversation is not None:
                thread = threading.Thread(target=self._detach(place).leave, daemon=True)
                thread.start()
                self._leaving.append(thread)

    def close(self) -> None:
        """End everything: QUIT on idle connections, and drop the busy ones."""
        self._closed = True
        for place in self._places.values():
            if place.conversation is not None and place.conversation.busy:
                self._drop(place)
        self.leave(list(self._places))
        until = time.monotonic() + LEAVE_SECONDS
        for thread in self._leaving:
            thread.join(max(0.0, until - time.monotonic()))
        self._selector.close()
        self._bell.close()
        self._ring.close()

    def _connect(self, number: int, *, after: Talk | None = None) -> None:
        threading.Thread(target=self._open, args=(number, after), name=f"open-{number}", daemon=True).start()

    def _renew(self, place: _Place) -> None:
        """End the session, then begin another for the waiting mail. Not both at once: relays count connections."""
        self._connect(place.number, after=self._detach(place))

    def _open(self, number: int, after: Talk | None) -> None:
        """Runs in its own thread."""
        try:
            if after is not None:
                after.leave()
            met: Talk | BaseException = open_talk(self._relay)
        except BaseException as error:  # noqa: BLE001 - raised in the loop's thread
            met = error
        if self._closed:
            if isinstance(met, Talk):
                met.close()
            return
        self._opened.put((number, met))
        with suppress(OSError):  # the loop has ended meanwhile
            self._ring.send(b"!")

    def _meet(self) -> None:
        """Take over the connections that the threads have opened."""
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        with suppress(queue.Empty):
            while True:
                number, met = self._opened.get_nowait()
                place = self._places.get(number)
                if isinstance(met, Talk):
                    if place is None or place.conversation is not None:
                        met.close()
                    else:
                        self._take_over(place, met)
                elif not isinstance(met, TransportUnavailable | TransportRefused):
                    raise met
                elif place is not None:
                    self._fail(place, met)

    def _take_over(self, place: _Place, talk: Talk) -> None:
        seconds = self._relay.timeout_seconds
        pipelining = talk.pipelining and self._pipelining
        relay = str(self._relay)
        place.conversation = Conversation(talk, relay=relay, pipelining=pipelining, timeout_seconds=seconds)
        place.watched = READ
        self._selector.register(place.conversation.sock, READ, place)
        if place.mail is None:
            self._answers.append(LoopEvent(place.number))
        else:
            self._start(place)

    def _start(self, place: _Place) -> None:
        assert place.conversation is not None
        assert place.mail is not None
        conversation, (way, content) = place.conversation, place.mail
        place.again = place.again or not conversation.begun  # on a fresh connection, try only once
        self._hear(place, lambda: conversation.start(way, content))

    def _hear(self, place: _Place, act: Callable[[], Ended | None]) -> None:
        """Continue a conversation, and act on the result."""
        try:
            ended = act()
        except Lost as lost:
            self._lost(place, lost)
        except TransportRefused as error:
            self._fail(place, error)
        else:
            if ended is not None:
                self._end(place, ended)
            conversation = place.conversation
            if conversation is not None:
                wanted = BOTH if conversation.has_more_to_say else READ
                if wanted != place.watched:
                    place.watched = wanted
                    self._selector.modify(conversation.sock, wanted, place)

    def _lost(self, place: _Place, lost: Lost) -> None:
        """It broke, and surely nothing was taken.

        Relays silently close connections that were idle or had many mails: try once more on a new one.
        """
        self._drop(place)
        if place.mail is None:
            return  # between two mails; the next one opens another
        if lost.pipeline and (place.again or lost.timed_out):
            # It offers PIPELINING and loses commands, as some filters in front of relays do.
            self._pipelining = False
            place.again = True
            self._connect(place.number)
            return
        if not place.again and not lost.timed_out:
            place.again = True
            self._connect(place.number)
            return
        broke_off = Outcome(Fate.DEFERRED, detail=f"the relay broke off: {lost.why}", reply_class=ReplyClass.SOFT)
        self._end(place, Ended(broke_off, usable=False))

    def _end(self, place: _Place, ended: Ended) -> None:
        conversation = place.conversation
        if ended.full and not place.again and conversation is not None and conversation.accepts_mail:
            place.again = True
            self._renew(place)
            return
        if not ended.usable:
            self._drop(place)
        place.mail = None
        self._answers.append(LoopEvent(place.number, ended.outcome))

    def _fail(self, place: _Place, error: MailerError) -> None:
        """Nothing was handed over."""
        self._drop(place)
        place.mail = None
        self._answers.append(LoopEvent(place.number, trouble=error))

    def _drop(self, place: _Place) -> None:
        if place.conversation is not None:
            self._detach(place).close()

    def _detach(self, place: _Place) -> Talk:
        assert place.conversation is not None
        talk = place.conversation.talk
        self._selector.unregister(place.conversation.sock)
        place.conversation = None
        return talk
