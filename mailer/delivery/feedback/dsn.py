"""Parses a mail from the bounce mailbox: what kind it is, what it says, and whose token it carries. Pure.

Delivery reports (RFC 3464, RFC 6533), complaints (ARF, RFC 5965), requests to unsubscribe, replies, automatic replies,
and odd formats. Anybody can write such a mail, so only our signed token says who it is about; where a token may be is
decided here, by kind. Every mail is hostile: it is cut short, its parts are counted, and what can't be read is
*unknown*.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import Message
from urllib.parse import unquote

from mailer.delivery.feedback.leave_requests import leaving
from mailer.delivery.feedback.mail_parts import (
    LONGEST_LINE,
    attachment_names,
    blocks,
    field,
    first_text,
    header,
    part_that_begins,
    returned_headers,
    text_of,
)
from mailer.delivery.feedback.prose_bounces import (
    Odd,
    from_a_system,
    is_automatic,
    is_from_nobody,
    read_odd,
    says_it_is_a_system,
)
from mailer.delivery.replies.kept import WrittenReply
from mailer.delivery.replies.words import kind_of, own_words
from mailer.store.tables.states import ReplyKind, ReturnedKind
from mailer.tracking.return_path import tokens_in
from mailer.tracking.tokens import BadToken, Named, Purpose, Signer
from mailer.transports.events import without_addresses

# How much of a mail is read. The report comes before the mail that it returns, which may be of any size.
LOOKED_AT_BYTES = 400_000
MOST_BOUNDARIES = 30  # of a mail; a report with a returned mail inside has about five
MOST_WORDS = 2_000  # characters of prose that are kept to classify by

RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
FEEDBACK_TYPES = ("message/feedback-report",)
# Types that a person causes by pressing a provider's button (RFC 5965 §7.3, and two types in use that it doesn't list).
# "virus", "other" and "not-spam" come from programs or don't say what the person wants, so staff look at them.
COMPLAINTS = ("abuse", "fraud", "opt-out", "opt-out-list", "spam", "unsubscribe")
FAILED = ("failed", "failure", "expired")  # Action (RFC 3464 §2.3.3), and what some programs write instead
PENDING = ("delayed", "delivered", "relayed", "expanded")

_BOUNDARY = re.compile(rb"boundary\*?\d{0,3}\*?\s{0,20}=", re.IGNORECASE)
_STATUS_BEGINS = re.compile(
    r"\s*(?:Reporting-MTA|Final-Recipient|Original-Recipient|Original-Envelope-Id):", re.IGNORECASE
)
_FEEDBACK_BEGINS = re.compile(r"\s*Feedback-Type:", re.IGNORECASE)
_LEAVING = re.compile(r"(?:/u/|unsubscribe[ :=]*)([A-Za-z0-9_-]{32})(?![A-Za-z0-9_-])", re.IGNORECASE)
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}\s?;\s?")  # before a diagnostic, RFC 3464 §2.3.6
_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?!\d)")


@dataclass(frozen=True, slots=True)
class Returned:
    """What a mail says. `named` is None when it has no token of ours where mails of its kind may have one."""

    kind: ReturnedKind
    named: Named | None = None
    status: str = ""  # the enhanced code of a bounce, RFC 3463
    words: str = ""  # its diagnostic text, without addresses; or why the mail is unknown
    prose: str = ""  # its text for people, without addresses, in case the words are not enough
    odd: bool = False  # not in the form of RFC 3464: the words are all there is
    sender: str = ""
    subject: str = ""
    reply: WrittenReply | None = None  # of a mail to an address for replies


def digest(raw: bytes) -> str:
    """The SHA-256 by which a mail is recognised in any mailbox: of its beginning, with line ends made the same."""
    return hashlib.sha256(raw[:LOOKED_AT_BYTES].replace(b"\r\n", b"\n")).hexdigest()


def read(raw: bytes, signer: Signer, *, replies: str = "") -> Returned:
    """Parse one mail. Never raises, whatever the mail contains. `replies`: the mailbox for replies, if there is one."""
    raw = raw[:LOOKED_AT_BYTES]
    if len(_BOUNDARY.findall(raw)) > MOST_BOUNDARIES:
        return Returned(ReturnedKind.UNKNOWN, words="it has too many nested parts")
    try:
        message = message_from_bytes(raw)
        found = _read(message, signer, replies)
        about = {"sender": header(message, "From"), "subject": header(message, "Subject")}
        return replace(found, **about)
    except (Exception, RecursionError) as error:  # noqa: BLE001 - the standard library's parser may raise anything
        return Returned(ReturnedKind.UNKNOWN, words=f"it can't be read: {type(error).__name__}")


def _read(message: Message, signer: Signer, replies: str) -> Returned:
    feedback = part_that_begins(message, FEEDBACK_TYPES, _FEEDBACK_BEGINS)
    if feedback is not None:
        return _complaint(message, feedback, signer)
    report = part_that_begins(message, STATUS_TYPES, _STATUS_BEGINS)
    if report is not None:
        return _delivery_report(message, report, signer)
    if _is_microsofts_complaint(message):
        return Returned(ReturnedKind.COMPLAINT, _inside(message, signer))
    named = leaving(message, signer, in_text=not from_a_system(message))
    if named is not None:
        return Returned(ReturnedKind.UNSUBSCRIBE, named)
    # Only by its sender: people answer to mails whose subject speaks of failure.
    if not says_it_is_a_system(message):
        named = _recipient(message, signer, Purpose.REPLY)
        if named is not None or _came_to(message, replies):
            return _reply(message, named)
    return _odd(message, signer)


def _reply(message: Message, named: Named | None) -> Returned:
    """What somebody, or a program of theirs, answered to a newsletter."""
    words = own_words(first_text(message))
    kind = kind_of(header(message, "Subject"), words, automatic=is_automatic(message) or is_from_nobody(message))
    names = tuple(attachment_names(message))
    reply = WrittenReply(kind, words, field(message, "Message-ID")[:300], names)
    automatic = kind is ReplyKind.AUTOMATIC
    return Returned(ReturnedKind.AUTO_REPLY if automatic else ReturnedKind.REPLY, named, reply=reply)


def _came_to(message: Message, mailbox: str) -> bool:
    """Whether it was written to this mailbox, with any tag or none."""
    if not mailbox:
        return False
    local, _, domain = mailbox.lower().rpartition("@")
    to = re.compile(rf"(?<![\w.+-]){re.escape(local)}(?:\+[^@\s]*)?@{re.escape(domain)}(?![\w.-])", re.IGNORECASE)
    values = (str(value)[:LONGEST_LINE] for name in RECIPIENTS for value in message.get_all(name, [])[:5])
    return any(to.search(value) for value in values)


def _delivery_report(message: Message, part: Message, signer: Signer) -> Returned:
    named = _recipient(message, signer) or _recipient(message, signer, Purpose.REPLY) or _inside(message, signer)
    groups = [group for group in blocks(text_of(part)) if "action" in group or "status" in group]
    failed = [group for group in groups if _has_failed(group)]
    if failed:
        found = _CODE.search(field(failed[0], "Status"))
        words = _diagnostic(failed[0]) or _diagnostic(part)
        prose = without_addresses(_prose(message), longest=MOST_WORDS)
        return Returned(ReturnedKind.BOUNCE, named, found.group() if found else "", without_addresses(words), prose)
    actions = sorted({_action(group) for group in groups})
    words = f"it reports {without_addresses(', '.join(actions)) or 'nothing'}"
    pending = bool(actions) and all(action in PENDING for action in actions)
    return Returned(ReturnedKind.DELAY if pending else ReturnedKind.UNKNOWN, named, words=words)


def _has_failed(group: Message) -> bool:
    """Whether a recipient's group reports failure: by its action, or by its status where a program left that out."""
    return _action(group) in FAILED or ("action" not in group and field(group, "Status").lstrip("#").startswith("5"))


def _action(group: Message) -> str:
    return field(group, "Action").lower().split("(")[0].split(";")[0].strip()[:20]


def _diagnostic(group: Message) -> str:
    """What the refusing server said, without its type ("smtp;"). Cisco's servers and others put it in other fields."""
    for name in ("Diagnostic-Code", "X-Supplementary-Info", "X-Notes-Diagnostic", "X-Actual-Recipient-Error"):
        if found := field(group, name):
            return _TYPE.sub("", found, count=1) if _TYPE.match(found) else found
    return ""


def _prose(message: Message) -> str:
    return read_odd(message).words if first_text(message) else ""


def _complaint(message: Message, part: Message, signer: Signer) -> Returned:
    """ARF: the token is in the mail that came back, since all reports go to the same mailbox."""
    text = text_of(part)
    groups = [group for group in blocks(text) if "feedback-type" in group]
    kind = re.split(r"[\s(;,]", field(groups[0], "Feedback-Type").lower())[0] if groups else ""
    named = _inside(message, signer) or _first(tokens_in(text), Purpose.RETURN, signer)
    if kind not in COMPLAINTS:
        return Returned(ReturnedKind.UNKNOWN, named, words=f"feedback of the type {without_addresses(kind)[:40]!r}")
    return Returned(ReturnedKind.COMPLAINT, named)


def _is_microsofts_complaint(message: Message) -> bool:
    """As their Junk Mail Reporting Program sends it: our mail attached, the reader's address added to its headers."""
    subject = header(message, "Subject").lower()
    return any(
        "x-hmxmroriginalrecipient" in fields or subject.startswith("complaint about message from")
        for _, fields in returned_headers(message)
    )


def _odd(message: Message, signer: Signer) -> Returned:
    """Other ways of saying that a mail came back. Tried only on mails with our token, since guessing takes time."""
    named = _recipient(message, signer) or _recipient(message, signer, Purpose.REPLY)
    if named is None and from_a_system(message):
        named = _inside(message, signer) or _first(tokens_in(first_text(message)), Purpose.RETURN, signer)
    if named is None:
        return Returned(ReturnedKind.UNKNOWN, words="it carries no token of ours")
    found = read_odd(message)
    words = without_addresses(found.words, longest=MOST_WORDS)
    if found.kind is Odd.BOUNCE:
        return Returned(ReturnedKind.BOUNCE, named, words=words, odd=True)
    if found.kind is Odd.DELAY:
        return Returned(ReturnedKind.DELAY, named, words="it is still being tried")
    if found.kind is Odd.AUTOMATIC:
        return Returned(ReturnedKind.AUTO_REPLY, named)
    return Returned(ReturnedKind.UNKNOWN, named, words="it is not a report we know how to read")


def _recipient(message: Message, signer: Signer, purpose: Purpose = Purpose.RETURN) -> Named | None:
    """Who it is about, by the token in the address it came to."""
    for name in RECIPIENTS:
        for value in message.get_all(name, [])[:5]:
            if found := _first(tokens_in(str(value)[:LONGEST_LINE]), purpose, signer):
                return found
    return None


def _inside(message: Message, signer: Signer) -> Named | None:
    """Who it is about, by the returned mail's headers: its return path, in any of them, or its List-Unsubscribe."""
    for head, fields in returned_headers(message):
        url = re.sub(r"\s+(?!unsubscribe)", "", unquote(field(fields, "List-Unsubscribe")[: 4 * LONGEST_LINE]))
        found = _first(tokens_in(head), Purpose.RETURN, signer) or _first(
            _LEAVING.findall(url), Purpose.UNSUBSCRIBE, signer
        )
        if found:
            return found
    return None


def _first(tokens: list[str], purpose: Purpose, signer: Signer) -> Named | None:
    return next((named for token in tokens[:5] if (named := _named(token, purpose, signer))), None)


def _named(token: str, purpose: Purpose, signer: Signer) -> Named | None:
    try:
        return signer.read(purpose, token)
    except BadToken:
        return None
