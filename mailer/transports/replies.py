"""What an SMTP reply means: whose fault it is, and so what becomes of the mail. A table, and how it is read.

RFC 5321 §4.2.1 and RFC 3463 give the first digit and the enhanced code; where providers use one code for two things,
their words decide. Speaking SMTP is left to `smtp`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from mailer.transports.envelope import Fate, Outcome, ReplyClass

HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS


class Step(StrEnum):
    """At which command a reply came: the same code means different things at MAIL and at RCPT."""

    CONNECT = "connecting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    END = "the end of the message"


# The most exact entry wins: 5.7.1, then 5.7, then 5. "x" stands for 4 and 5 alike.
ENHANCED: dict[str, ReplyClass] = {
    "5.1.1": HARD,  # no such mailbox
    "5.1.2": HARD,  # no such domain
    "5.1.3": HARD,  # not an address
    "5.1.6": HARD,  # moved, no forwarding address
    "5.1.10": HARD,  # the domain takes no mail: null MX, RFC 7505
    "5.2.1": HARD,  # disabled; but see LIMITED
    "x.1.7": OURS,  # the sender's address is malformed
    "x.1.8": OURS,  # the sender's domain doesn't exist
    "x.1": SOFT,  # other troubles with an address
    "x.2.3": POLICY,  # longer than this mailbox takes
    "x.2": SOFT,  # full (x.2.2) and other states of a mailbox
    "x.3.4": POLICY,  # too big for the system
    "x.3": SOFT,  # the receiving system
    "x.4": SOFT,  # network and routing
    "x.5": OURS,  # protocol: we said something wrong
    "x.6": POLICY,  # content
    "x.7.8": OURS,  # login refused, RFC 4954
    "x.7.9": OURS,  # login method too weak
    "x.7": POLICY,  # authentication of the mail, reputation, content
}

# Replies without an enhanced code, by their number.
PLAIN: dict[int, ReplyClass] = {
    421: SOFT, 432: OURS, 450: SOFT, 451: SOFT, 452: SOFT, 454: SOFT, 455: OURS,
    500: OURS, 501: OURS, 502: OURS, 503: OURS, 504: OURS, 521: HARD, 530: OURS, 534: OURS, 535: OURS, 538: OURS,
    550: SOFT, 551: HARD, 552: SOFT, 553: HARD, 554: POLICY, 555: OURS, 556: HARD,
}  # fmt: skip

LOGIN = (530, 534, 535, 538)  # RFC 4954: a login is missing or wrong, whatever the enhanced code

# 550 and its kin say many things: these words at RCPT mean that there is no such person …
UNKNOWN = re.compile(
    r"(?:user|mailbox|recipient|address|account)\b[^.;]{0,40}?"
    r"\b(?:unknown|not found|doesn't exist|does not exist|disabled|inactive|invalid|no longer)"
    r"|no such (?:user|mailbox|recipient|address|account|person)|unknown (?:user|mailbox|recipient)"
    r"|user doesn't have an? .{1,40} account"
    r"|invalid (?:recipient|mailbox)|no mailbox here|not our customer",
    re.IGNORECASE,
)
# … these that a limit was passed, whatever the code (Gmail's 5.2.1 has both meanings) …
LIMITED = re.compile(r"\brate\b|too (?:many|much|fast)|additional messages|quota|over ?limit|try again", re.IGNORECASE)
# … and these that our reputation or the content is the matter.
BLOCKED = re.compile(r"spam|black ?list|block|reputation|policy|denied|reject|spf|dkim|dmarc|junk", re.IGNORECASE)

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")
# The same anywhere in the words of a report: a reply it quotes, or qmail's "(#5.1.1)".
_QUOTED_NUMBER = re.compile(r"(?<![\d.])([45]\d\d)(?=[ -])")
_QUOTED_CODE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_VAGUE = re.compile(r"[45]\.0\.0|")  # says no more than the number does
_QUEUED = re.compile(r"queued as (\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: the number, the enhanced code or "", and the words on one line."""

    number: int
    enhanced: str
    words: str

    @property
    def code(self) -> str:
        """As the provider wrote it: "550 5.1.1"."""
        return f"{self.number} {self.enhanced}".strip()

    @property
    def said(self) -> str:
        """The words without the code at their beginning, which whoever shows both has said already."""
        return self.words.removeprefix(self.enhanced).strip()

    def __str__(self) -> str:
        return f"{self.number} {self.words}".strip()


def read_reply(number: int, text: bytes) -> Reply:
    """The reply as values. Its words are cut at 500 characters and cleaned of control characters."""
    words = text.decode("utf-8", "replace")
    if not (words.isascii() and words.isprintable()):
        words = re.sub(r"[^ -~]+", " ", words)
    words = " ".join(words.split())[:500]
    found = _ENHANCED.match(words)
    # A code that contradicts the number, such as "250 5.1.1", is not one.
    return Reply(number, found.group() if found and found.group(1) == str(number)[0] else "", words)


def classify(reply: Reply, step: Step) -> ReplyClass:
    """Whose fault a refusal (4xx or 5xx) at `step` is."""
    if reply.number in LOGIN:
        return OURS
    found = _by_enhanced(reply) if reply.enhanced else PLAIN.get(reply.number, SOFT)
    if step not in (Step.RCPT, Step.DATA, Step.END):
        return _before_anybody(reply, found)
    if reply.enhanced == "5.2.1" and LIMITED.search(reply.words):
        return SOFT
    if reply.number < 500:
        return SOFT if found is HARD else found
    if not reply.enhanced and reply.number in (550, 551, 552, 553, 554):
        return _by_words(reply, step, found)
    return found


def classify_report(status: str, words: str) -> ReplyClass:
    """Whose fault it is that a mail came back later, by the same table. `status` is the enhanced code of a report
    (RFC 3464 §2.3.4) or "", `words` its diagnostic text, in which there may be a better one."""
    quoted = _QUOTED_CODE.search(words)
    code = status if not _VAGUE.fullmatch(status) else quoted.group() if quoted else ""
    if not re.fullmatch(r"[45]\.\d{1,3}\.\d{1,3}", code) or _VAGUE.fullmatch(code):
        code = ""
    first = code[:1] or status[:1]
    number = next((n for n in _QUOTED_NUMBER.findall(words) if not first or n.startswith(first)), "")
    # 550 and 450 mean nothing of their own.
    reply = Reply(int(number or ("450" if first == "4" else "550")), code, words)
    found = classify(reply, Step.RCPT)
    if found is not OURS:
        return found
    # The mail was taken when it was sent, so it wasn't our login or our syntax: 5.5.0 is what Outlook.com says of
    # mailboxes that aren't there, and 5.7.9 what Yahoo says of mails it doesn't like.
    if reply.number >= 500 and UNKNOWN.search(words):
        return HARD
    return POLICY if code[1:3] == ".7" else SOFT


def _before_anybody(reply: Reply, found: ReplyClass) -> ReplyClass:
    """No recipient has been named yet, so none can be what is wrong."""
    if reply.number == 552 and not reply.enhanced:
        return POLICY  # larger than the relay takes, RFC 1870 §6.1
    vague = found is SOFT and reply.number >= 500 and not reply.enhanced
    return OURS if found is HARD or vague else found


def _by_words(reply: Reply, step: Step, found: ReplyClass) -> ReplyClass:
    if UNKNOWN.search(reply.words):
        return HARD
    if BLOCKED.search(reply.words):
        return POLICY
    if step is not Step.RCPT and found in (HARD, SOFT) and reply.number != 552:
        return POLICY  # the recipient was fine; it was the message that wasn't
    return found


def outcome(reply: Reply, step: Step) -> Outcome:
    """What a reply makes of the mail it was given for."""
    if step is Step.END and 200 <= reply.number < 300:
        queued = _QUEUED.search(reply.words)
        return Outcome(Fate.ACCEPTED, reply.code, reply.said, provider_id=queued.group(1) if queued else "")
    fate = Fate.REFUSED if reply.number >= 500 else Fate.DEFERRED
    return Outcome(fate, reply.code, f"{reply.said} (at {step})".strip(), reply_class=classify(reply, step))


def _by_enhanced(reply: Reply) -> ReplyClass:
    kind, subject, detail = reply.enhanced.split(".")
    for key in (f"{kind}.{subject}.{detail}", f"x.{subject}.{detail}", f"{kind}.{subject}", f"x.{subject}"):
        if key in ENHANCED:
            return ENHANCED[key]
    return PLAIN.get(reply.number, SOFT)
