"""Recognises bounces written in prose, not in the form of RFC 3464, by qmail, Exim, DragonFly's dma, OpenSMTPD and
gateways. Tells them apart from people's automatic replies, which come from an empty sender too.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from email.message import Message
from enum import Enum, auto

from flufl.bounce import all_failures  # pyright: ignore[reportUnknownVariableType] - it has half its types

from mailer.delivery.feedback.mail_parts import TEXT_BYTES, field, first_text, header

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it would log what it can't parse, addresses included

_SYSTEM = re.compile(
    r"mailer-?daemon|post ?master|mail ?(?:delivery|system|administrator|server|router)|delivery (?:sub)?system"
    r"|daemon\b|\bmta\b|mdaemon|mail-?er\b|smtp",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"undeliver|un(?:able to|successful) deliver|failure notice|failed mail|nondeliverable|unzustellbar"
    r"|deliver\w* (?:status|fail|problem|error|report|unsuccess|has failed|notif|incomplete)"
    r"|(?:mail|message|delivery|mail delivery) (?:fail|could not|status|error|rejected|not delivered|bounced)"
    r"|returned (?:mail|to sender|e-?mail)|non.?(?:remis|deliver|distribu)|no entregad|mancato recapito|niet bezorg"
    r"|nicht zugestellt|배달|配信|退信|недоставлен",
    re.IGNORECASE,
)
_AUTOMATIC = re.compile(
    r"\s*(?:auto(?:matic)?[ -]?(?:reply|response|antwort)|automatische|auto:|out of (?:the )?office|abwesen|vacation"
    r"|away from|réponse auto|respuesta auto|risposta auto)",
    re.IGNORECASE,
)
# Where a copy of our mail begins.
_COPY = re.compile(
    r"\n[ \t]*(?:-{2,}(?![^\n]{0,20}transcript)[^\n]{0,60}(?:copy|original|returned|below|follows|unsent)"
    r"|-{2,}[^\n]{0,60}message header|\|?-{5,}[^\n]{0,20}message (?:header|text)|message headers follow"
    r"|(?:below|following) is (?:a copy|the original)|original message (?:headers|follows|below)"
    r"|(?:unsent|returned|rejected|original) message(?: text| header\w*)?(?: below)?:"
    r"|your (?:original )?message (?:reads|text|follows))",
    re.IGNORECASE,
)
# A refusal as a server words it: "550 5.1.1", "550-…", "(#5.1.1)"; from a mail system also "550 words".
_EXACT = re.compile(
    r"(?<![\d.-])5[0-5]\d[ -]{1,2}[\[(#]?5\.\d{1,3}\.\d{1,3}(?!\d)|\(#?5\.\d{1,3}\.\d{1,3}\)|#<?5\.\d{1,3}\.\d{1,3}"
)
_REFUSAL = re.compile(r"(?<![\d.-])5[0-5]\d[ -]{1,3}[A-Za-z<\"'(\[#]|(?<![\d.])5\.[1-7]\.\d{1,3}(?![\d.]*\d)")
_DELAY = re.compile(
    r"\b(?:delayed|has not (?:yet )?been delivered|not yet (?:been )?delivered"
    r"|still (?:being )?(?:trying|tried|undelivered)|will (?:be retried|continue|keep trying|try again)"
    r"|delivery attempts will continue|warning (?:only|message)|no action is required|temporarily delayed"
    r"|do not need to resend)\b",
    re.IGNORECASE,
)
# Exchange and others repeat our own subject, which may be about anything.
_SUBJECT_LINE = re.compile(
    r"^[ \t]*(?:subject|betreff|objet|asunto|oggetto)[ \t]*:[^\n]*(?:\n[ \t]{4,}[^\n:]*$)?", re.I | re.M
)


class Odd(Enum):
    """What such a mail is."""

    BOUNCE = auto()
    DELAY = auto()
    AUTOMATIC = auto()  # a person's automatic reply
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True)
class OddMail:
    """What it is, and its words up to the copy of our mail."""

    kind: Odd
    words: str = ""


def from_a_system(message: Message) -> bool:
    """Whether a mail server wrote it about a delivery, judging by its sender or its subject."""
    subject = header(message, "Subject")
    return says_it_is_a_system(message) or bool(_FAILURE.search(subject) and not _AUTOMATIC.match(subject))


def says_it_is_a_system(message: Message) -> bool:
    """Whether its sender is a mail system, or its headers say so."""
    known = ("X-Failed-Recipients", "X-MS-Exchange-Message-Is-Ndr")
    return _SYSTEM.search(header(message, "From")) is not None or any(name in message for name in known)


def read_odd(message: Message) -> OddMail:
    """What a mail with our token is, if it is neither a report nor a request to unsubscribe."""
    text = first_text(message)
    said = _SUBJECT_LINE.sub("", _COPY.split("\n" + text, maxsplit=1)[0]).strip()[-TEXT_BYTES:]
    exact = _EXACT.search(said) is not None
    if not from_a_system(message):
        # Vacation programs write from an empty sender too (RFC 3834 §3.3), and people give their phone numbers.
        if is_from_nobody(message) and exact:
            return OddMail(Odd.BOUNCE, said)
        return OddMail(Odd.AUTOMATIC if is_automatic(message) else Odd.UNCLEAR, said)
    if not exact and _DELAY.search(f"{header(message, 'Subject')}\n{said}"):
        return OddMail(Odd.DELAY, said)
    temporary, permanent = all_failures(message)
    if exact or permanent or (says_it_is_a_system(message) and _REFUSAL.search(said)):
        return OddMail(Odd.BOUNCE, said)
    return OddMail(Odd.DELAY if temporary else Odd.UNCLEAR, said)


def is_from_nobody(message: Message) -> bool:
    """Whether it came from the empty sender, as far as the mailbox's server recorded it (RFC 5321 §4.5.5)."""
    return any(field(message, name) in ("<>", "< >") for name in ("Return-Path", "X-Return-Path", "X-Envelope-From"))


def is_automatic(message: Message) -> bool:
    """Whether it is an automatic reply, by RFC 3834 §5 and the headers in use before it."""
    submitted = field(message, "Auto-Submitted").lower()
    return (
        (bool(submitted) and not submitted.startswith("no"))
        or any(name in message for name in ("X-Autoreply", "X-Autorespond", "X-Autogenerated", "X-Mail-Autoreply"))
        or field(message, "Precedence").lower() in ("auto_reply", "auto-reply")
        or _AUTOMATIC.match(header(message, "Subject")) is not None
    )
