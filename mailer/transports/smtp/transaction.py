"""One mail's transaction with a relay (RFC 5321 §3.3) as a generator: what to say next, given the replies so far.

It knows no sockets: its driver (`pool`) sends what it says, hands it the replies one by one, and throws `Lost` into it
when the conversation breaks. It keeps the certain apart from the uncertain: if the conversation breaks before the final
dot has left, surely nothing was taken; if after it and before the answer, nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

from mailer.transports.base import Fate, Outcome, ReplyClass, TransportRefused
from mailer.transports.replies.classify import Reply, SmtpStep, outcome, read_reply
from mailer.transports.smtp.limits import session_is_full
from mailer.transports.smtp.session import Lost

# After the final dot a relay may scan for long, and giving up early would leave the mail uncertain. RFC 5321
# §4.5.3.2.6 would have ten minutes.
ANSWER_FACTOR = 4
END_OF_DATA = b".\r\n"
RESET_SECONDS = 5.0  # for RSET, when the mail's outcome is already known
# Exim says "synchronization error", others name pipelining.
_PIPELINE = re.compile(r"pipelin|synchroni[sz]ation", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a relay said it can do, and how long to wait for each of its steps. `relay` names it for messages."""

    relay: str
    pipelining: bool
    size: bool
    timeout_seconds: float


class Way(NamedTuple):
    """The envelope's sender and recipient; both ASCII."""

    sender: str
    recipient: str

    @property
    def domain(self) -> str:
        """Of the recipient."""
        return self.recipient.rpartition("@")[2].lower()

    @property
    def sender_in_words(self) -> str:
        """Without the tag, which is a person's token."""
        local, _, domain = self.sender.rpartition("@")
        return f"{local.partition('+')[0]}@{domain}"


class Turn(NamedTuple):
    """Say `data`, then wait for one reply. All of it within `seconds`; None: within what is left of the turn before.

    `answer_seconds`: once all was said, the reply may take so long instead.
    """

    data: bytes = b""
    seconds: float | None = None
    answer_seconds: float | None = None


class Ended(NamedTuple):
    """The end of a transaction; `usable` says whether the conversation can take another.

    `full`: the session may have had its number of mails, and another would take this one. `begun`: MAIL was accepted.
    """

    outcome: Outcome
    usable: bool = True
    full: bool = False
    begun: bool = True


Steps = Generator[Turn, tuple[int, bytes], Ended]
REPLY = Turn()


def transaction(offer: Offer, way: Way, content: bytes) -> Steps:
    """MAIL, RCPT, DATA and the message, which `content` is with `END_OF_DATA` after it.

    Raises `Lost` while surely nothing was taken, and `TransportRefused`.
    """
    size = f" SIZE={len(content) - len(END_OF_DATA)}" if offer.size else ""
    mail = f"MAIL FROM:<{way.sender}>{size}\r\n"
    rcpt = f"RCPT TO:<{way.recipient}>\r\n"
    if offer.pipelining:  # one round trip for all three (RFC 2920)
        turns = (Turn(f"{mail}{rcpt}DATA\r\n".encode("ascii"), offer.timeout_seconds), REPLY, REPLY)
    else:
        turns = (Turn(mail.encode("ascii"), offer.timeout_seconds), Turn(rcpt.encode("ascii")), Turn(b"DATA\r\n"))
    answered = 0
    try:
        for step, turn, wanted in zip((SmtpStep.MAIL, SmtpStep.RCPT, SmtpStep.DATA), turns, (2, 2, 3), strict=True):
            number, words = yield turn
            answered += 1
            if number // 100 != wanted:
                return (yield from _refused(offer, way, step, read_reply(number, words)))
    except Lost as lost:
        # A relay that closes before it answers anything closed for another reason.
        lost.pipeline = lost.pipeline or (offer.pipelining and bool(answered or lost.timed_out))
        raise
    return (yield from _message(offer, content))


def _message(offer: Offer, content: bytes) -> Steps:
    # `mime.message` writes no line that begins with a dot, so nothing is left to do for transparency (RFC 5321 §4.5.2).
    try:
        number, words = yield Turn(content, offer.timeout_seconds, answer_seconds=ANSWER_FACTOR * offer.timeout_seconds)
    except Lost as lost:
        if lost.sent_bytes <= len(content) - len(END_OF_DATA):
            raise  # no relay has seen the end of it
        return _uncertain(lost.why)
    reply = read_reply(number, words)
    if number // 100 not in (2, 4, 5):
        return _uncertain(f"it answered {reply}")
    if number // 100 == 2:
        return Ended(outcome(reply, SmtpStep.END))
    # A relay that refuses in the middle of a message may take the rest for commands, and answer every line. None of it
    # is an answer to the next mail: what comes is the answer to RSET, or the conversation ends.
    return Ended(outcome(reply, SmtpStep.END), usable=(yield from _set_back(reply, still_to_come=0)))


def _uncertain(why: str) -> Ended:
    detail = f"the whole mail was sent, then the answer was missing: {why}"
    return Ended(Outcome(Fate.UNCERTAIN, detail=detail), usable=False)


def _refused(offer: Offer, way: Way, step: SmtpStep, reply: Reply) -> Steps:
    """The end after a refusal. Raises `TransportRefused` when the relay doesn't want us, and `Lost` when the
    answer can't be one to this command: then nobody may be judged by it."""
    if reply.number < 400:
        raise Lost(f"it answered {step} with {reply}", pipeline=offer.pipelining)
    if offer.pipelining and (reply.number == 503 or _PIPELINE.search(reply.words)):  # we sent what it claims to miss
        raise Lost(f"it lost commands that were sent at once: {reply}", pipeline=True)
    still_to_come = (SmtpStep.MAIL, SmtpStep.RCPT, SmtpStep.DATA)[::-1].index(step) if offer.pipelining else 0
    usable = yield from _set_back(reply, still_to_come=still_to_come)
    result, begun = outcome(reply, step), step is not SmtpStep.MAIL
    if session_is_full(reply, step):
        later = result._replace(fate=Fate.DEFERRED, reply_class=ReplyClass.SOFT)
        return Ended(later, usable, full=True, begun=begun)
    if step is SmtpStep.MAIL and result.reply_class is ReplyClass.OURS and result.fate is Fate.REFUSED:
        raise TransportRefused(
            f"the relay {offer.relay} doesn't let us send from {way.sender_in_words}: {reply}",
            remedy="Check the sender's address and the [smtp] login.",
        )
    return Ended(result, usable, begun=begun)


def _set_back(reply: Reply, *, still_to_come: int) -> Generator[Turn, tuple[int, bytes], bool]:
    """After a refusal: make the conversation ready for the next mail. False when it can't be."""
    if reply.number == 421:
        return False
    try:
        for left in range(still_to_come, 0, -1):
            number, _ = yield REPLY
            if left == 1 and number // 100 == 3:
                # It waits for a message without a recipient: RFC 2920 §3.1 has us end it at once.
                yield Turn(END_OF_DATA)
        number, _ = yield Turn(b"RSET\r\n", RESET_SECONDS)
    except Lost:
        return False
    return number // 100 == 2
