"""How many mails an SMTP session takes: what the relay announces (LIMITS, RFC 9422), and how it says that it is full.

Ending a session and opening the next is left to `pool`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailer.transports.replies.classify import Reply, SmtpStep

# Codes that say nothing about the sender, a person or the relay's own state.
_UNSPECIFIC = re.compile(r"4\.(?:0\.0|4\.\d+|5\.0)")
_TOO_MANY = re.compile(r"[45]\.5\.3")  # from OpenSMTPD, KumoMTA and Momentum when a session is full
_SESSION = re.compile(
    r"\b(?:messages?|e-?mails?|transactions?)\s+(?:(?:sent|allowed|accepted|delivered)\s+)?"
    r"(?:per|in|on|over|during|for)\s+(?:(?:this|the|a|an|one|same|single|each|current|smtp)\s+)*(?:session|connection)\b"
    r"|\bbatch limit\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Of one session; None: not announced. `mails` counts MAIL commands, those that were refused as well."""

    mails: int | None = None
    recipient_domains: int | None = None


def read_limits(parameters: str) -> SessionLimits:
    """What follows LIMITS in an EHLO reply. Other limits, and values other than a number above 0, are ignored."""
    found: dict[str, int] = {}
    for word in parameters.upper().split():
        name, _, value = word.partition("=")
        if value.isascii() and value.isdecimal() and len(value) <= 6 and int(value):
            found[name] = int(value)
    return SessionLimits(found.get("MAILMAX"), found.get("RCPTDOMAINMAX"))


def session_is_full(reply: Reply, step: SmtpStep) -> bool:
    """Whether a refusal may mean that this session has had enough mails, so that another one would take this mail.

    At MAIL no person has been named, and an unspecific "later" is worth a new session. At the other steps the code or
    the words must say so. Only when the session has taken mail before is there anything to it.
    """
    if step not in (SmtpStep.MAIL, SmtpStep.RCPT, SmtpStep.DATA):
        return False
    if _SESSION.search(reply.words) or _TOO_MANY.fullmatch(reply.enhanced):
        return True
    if step is not SmtpStep.MAIL or reply.number not in (421, 450, 451, 452):
        return False
    return not reply.enhanced or bool(_UNSPECIFIC.fullmatch(reply.enhanced))
