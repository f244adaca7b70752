"""One mail's transaction with a relay (RFC 5321 §3.3) as a generator: what to say next, given what was answered.

It knows no sockets: whoever drives it (`smtp_loop`) sends what it says, hands it the replies one by one, and throws
`Lost` into it when the conversation breaks. What is certain is kept apart from what isn't: broken before the final dot
has left, surely nothing was taken; after it and before the answer, nobody knows.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from mailer.transports.envelope import Fate, Outcome, ReplyClass, TransportRefused
from mailer.transports.replies import Reply, Step, outcome, read_reply
from mailer.transports.smtp_talk import Lost

# After the final dot a relay may scan for long, and giving up early would leave the mail uncertain. RFC 5321
# §4.5.3.2.6 would have ten minutes.
ANSWER_FACTOR = 4
END_OF_DATA = b".\r\n"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a relay said it can do, and how long to wait for each of its steps. `relay` names it for messages."""

    relay: str
    pipelining: bool
    size: bool
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Way:
    """From whom a mail goes to whom; both ASCII."""

    sender: str
    recipient: str

    @property
    def sender_in_words(self) -> str:
        """Without the tag, which is a person's token."""
        local, _, domain = self.sender.rpartition("@")
        return f"{local.partition('+')[0]}@{domain}"


@dataclass(frozen=True, slots=True)
class Turn:
    """Say `data`, then wait for one reply. All of it within `seconds`; None: within what is left of the turn before.

    `answer_seconds`: once all was said, the reply may take so long instead.
    """

    data: bytes = b""
    seconds: float | None = None
    answer_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a transaction; `usable` says whether the conversation can take another."""

    outcome: Outcome
    usable: bool = True


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
    number, words = yield turns[0]
    if number // 100 != 2:
        return (yield from _refused(offer, way, Step.MAIL, read_reply(number, words)))
    number, words = yield turns[1]
    if number // 100 != 2:
        return (yield from _refused(offer, way, Step.RCPT, read_reply(number, words)))
    number, words = yield turns[2]
    if number // 100 != 3:
        return (yield from _refused(offer, way, Step.DATA, read_reply(number, words)))
    return (yield from _message(offer, content))


def _message(offer: Offer, content: bytes) -> Steps:
    # `mime` writes no line that begins with a dot, so nothing is left to do for transparency (RFC 5321 §4.5.2).
    try:
        number, words = yield Turn(content, offer.timeout_seconds, answer_seconds=ANSWER_FACTOR * offer.timeout_seconds)
    except Lost as lost:
        if lost.sent_bytes <= len(content) - len(END_OF_DATA):
            raise  # no relay has seen the end of it
        return _uncertain(lost.why)
    reply = read_reply(number, words)
    if number // 100 not in (2, 4, 5):
        return _uncertain(f"it answered {reply}")
    return Ended(outcome(reply, Step.END), usable=number != 421)


def _uncertain(why: str) -> Ended:
    detail = f"the whole mail was sent, then the answer was missing: {why}"
    return Ended(Outcome(Fate.UNCERTAIN, detail=detail), usable=False)


def _refused(offer: Offer, way: Way, step: Step, reply: Reply) -> Steps:
    """The end after a refusal. Raises `TransportRefused` when it is us whom the relay doesn't want."""
    still_to_come = (Step.MAIL, Step.RCPT, Step.DATA)[::-1].index(step) if offer.pipelining else 0
    usable = yield from _set_back(reply, still_to_come=still_to_come)
    result = outcome(reply, step)
    if step is Step.MAIL and result.reply_class is ReplyClass.OURS and result.fate is Fate.REFUSED:
        raise TransportRefused(
            f"the relay {offer.relay} doesn't let us send from {way.sender_in_words}: {reply}",
            hint="Check the sender's address and the [smtp] login.",
        )
    return Ended(result, usable)


def _set_back(reply: Reply, *, still_to_come: int) -> Generator[Turn, tuple[int, bytes], bool]:
    """After a refusal: make the conversation ready for the next mail. False when it can't be."""
    if reply.number == 421 or reply.number < 400:
        return False
    try:
        for left in range(still_to_come, 0, -1):
            number, _ = yield REPLY
            if left == 1 and number // 100 == 3:
                # It waits for a message without a recipient: RFC 2920 §3.1 has us end it at once.
                yield Turn(END_OF_DATA)
        number, _ = yield Turn(b"RSET\r\n")
    except Lost:
        return False
    return number // 100 == 2
