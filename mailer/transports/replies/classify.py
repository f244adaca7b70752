"""Classifies refusals, whether SMTP replies, bounce reports or provider events: who a refusal is about, whose fault it
is, and so what becomes of the mail.

Combines the tables `phrases` (words) and `codes` (codes and numbers). Speaking SMTP is left to `smtp.transport`,
reading reports to `tracking`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from mailer.transports.base import Fate, Outcome, ReplyClass
from mailer.transports.replies.codes import LOGIN, PLAIN, by_code, is_generic
from mailer.transports.replies.phrases import US, About, Phrase, spoken_of

HARD, SOFT, POLICY, OURS = ReplyClass.HARD, ReplyClass.SOFT, ReplyClass.POLICY, ReplyClass.OURS


class SmtpStep(StrEnum):
    """The command that a reply answers: the same code means different things at MAIL and at RCPT."""

    CONNECT = "connecting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    END = "the end of the message"


NAMED = (SmtpStep.RCPT, SmtpStep.DATA, SmtpStep.END)  # from here on a recipient has been named

OF_US = {"1.7": About.SENDER, "1.8": About.SENDER, "7.60": About.SENDER, "7.25": About.CLIENT}  # codes without x

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")
# The same anywhere in the words of a report: a reply it quotes, or qmail's "(#5.1.1)".
_QUOTED_NUMBER = re.compile(r"(?:^|[\s:;,'\"(<>=.-])([45][0-5]\d)(?=[ -]|$)")
_QUOTED_CODE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_CODE = re.compile(r"[45]\.\d{1,3}\.\d{1,3}")
_AT = re.compile(
    r"(?:in reply to|after|in response to|response to) (?:the )?(mail from|rcpt to|end of data|data|pipelined)",
    re.IGNORECASE,
)
_QUEUED = re.compile(r"queued as (\S+)", re.IGNORECASE)


class Reply(NamedTuple):
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
        """The words without the code at their beginning, for callers that show the code as well."""
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


def classify(reply: Reply, step: SmtpStep) -> ReplyClass:
    """Whose fault a refusal (4xx or 5xx) at `step` is."""
    return judge(reply, step).reply_class


@dataclass(frozen=True, slots=True)
class ReplyVerdict:
    """Who a refusal is about, and whose fault it is. `sure`: the words or the code say so, not the number alone."""

    about: About
    reply_class: ReplyClass
    sure: bool = True


def judge(reply: Reply, step: SmtpStep) -> ReplyVerdict:
    """Who a refusal (4xx or 5xx) at `step` is about, and whose fault it is.

    The words decide first, then the code, then the number (`phrases`, `codes`): people wrote the words for people, and
    many servers give one code for everything. Two rules override both: a refused login is our fault whatever the words
    say, and a temporary refusal, or one before a recipient was named, condemns no address.
    """
    if reply.number in LOGIN:
        return ReplyVerdict(About.RELAY, OURS)
    found = _judge(reply, step)
    vague = found.about is About.POLICY and reply.enhanced in ("", "5.0.0")
    if step not in NAMED and reply.number >= 500 and (found.reply_class is HARD or vague):
        return ReplyVerdict(About.SENDER, OURS, sure=found.sure)  # nobody was named yet, so the refusal is of us
    if found.reply_class is not HARD:
        return found
    return found if reply.number >= 500 else ReplyVerdict(found.about, SOFT, sure=found.sure)


def _judge(reply: Reply, step: SmtpStep) -> ReplyVerdict:
    phrase = spoken_of(reply.words)
    code = by_code(reply.enhanced) if reply.enhanced else None
    telling = code is not None and not is_generic(reply.enhanced)
    if reply.number < 500 and code is POLICY and phrase is not None and phrase.about in (About.RATE, About.SYSTEM):
        return ReplyVerdict(phrase.about, POLICY)  # 4.7.x: our mail is being put off; the mailbox isn't at fault
    if phrase is not None and not (telling and (phrase.weak or _contradicts(phrase, reply.enhanced, code))):
        return ReplyVerdict(phrase.about, phrase.reply_class)
    if code is not None:
        return ReplyVerdict(_about(reply.enhanced), code, sure=telling)
    found = PLAIN.get(reply.number, SOFT)
    if step in (SmtpStep.DATA, SmtpStep.END) and found in (HARD, SOFT) and reply.number in (550, 551, 553, 554):
        found = POLICY  # the recipient was fine, the message wasn't
    elif step not in NAMED and reply.number >= 500:
        # Larger than the relay takes, RFC 1870 §6.1; otherwise the refusal is of us.
        found = POLICY if reply.number == 552 else OURS if found is SOFT else found
    return ReplyVerdict(About.NOBODY, found, sure=False)


def _contradicts(phrase: Phrase, enhanced: str, code: ReplyClass | None) -> bool:
    """A telling code of a full mailbox, a size or our own right to send beats words that sound like a missing person,
    and words of a rule in general say less than any such code."""
    if phrase.reply_class is HARD:
        return code is not HARD
    return phrase.about is About.POLICY and code is OURS and enhanced[1:3] in (".1", ".7")


def _about(enhanced: str) -> About:
    """Who a code by itself is about (RFC 3463 §3)."""
    if by_code(enhanced) is OURS:
        return OF_US.get(enhanced[2:], About.NOBODY)
    subjects = {"1": About.RECIPIENT, "2": About.MAILBOX, "6": About.CONTENT, "7": About.POLICY}
    return subjects.get(enhanced.split(".")[1], About.SYSTEM)


def judge_report(status: str, words: str) -> ReplyVerdict:
    """Classifies a mail that came back later, by the same tables. `status` is the enhanced code of a report
    (RFC 3464 §2.3.4) or "", `words` its diagnostic text, in which there may be a better one."""
    reply = _quoted(status, words)
    found = judge(reply, _step_of(words))
    if found.reply_class is not OURS or found.about in US:
        return found
    # The mail was taken when it was sent, so it wasn't our login or our syntax: servers of all kinds say 5.5.0 of
    # mailboxes that aren't there, and Yahoo 5.7.9 of mails that it doesn't like.
    kind = POLICY if reply.enhanced[1:3] == ".7" else SOFT
    return ReplyVerdict(About.NOBODY, kind, sure=False)


def _quoted(status: str, words: str) -> Reply:
    """The reply that a report quotes. A code in its words comes from the server that refused, so it beats the
    report's own, and a specific code beats a generic one."""
    codes = [code for code in _QUOTED_CODE.findall(words) if by_code(code) is not None]
    exact = [code for code in codes if not is_generic(code)]
    own = status if _CODE.fullmatch(status) else ""
    code = exact[-1] if exact else own if own and not is_generic(own) else codes[-1] if codes else own
    numbers = [int(number) for number in _QUOTED_NUMBER.findall(words)]
    for_good = [number for number in numbers if number >= 500]
    if numbers:
        number = for_good[-1] if for_good else numbers[-1]
    else:
        number = 450 if (code or status).startswith("4") else 550
    if number in LOGIN:  # said to the server that reports, which isn't ours
        number = 550
    return Reply(number, code, words)


def _step_of(words: str) -> SmtpStep:
    """The command at which the mail was refused, if the report says (Postfix, Exim)."""
    found = _AT.search(words)
    if found is None:
        return SmtpStep.RCPT
    said = found.group(1).lower()
    return SmtpStep.MAIL if said.startswith("mail") else SmtpStep.RCPT if said.startswith("rcpt") else SmtpStep.END


def outcome(reply: Reply, step: SmtpStep) -> Outcome:
    """The outcome of the mail that a reply was given for."""
    if step is SmtpStep.END and 200 <= reply.number < 300:
        queued = _QUEUED.search(reply.words)
        return Outcome(Fate.ACCEPTED, reply.code, reply.said, provider_id=queued.group(1) if queued else "")
    fate = Fate.REFUSED if reply.number >= 500 else Fate.DEFERRED
    found = judge(reply, step)
    return Outcome(
        fate,
        reply.code,
        f"{reply.said} (at {step})".strip(),
        reply_class=found.reply_class,
        refuses_us=fate is Fate.REFUSED and found.reply_class is OURS and found.about in US,
    )
