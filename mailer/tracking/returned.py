"""A mail from the mailbox for bounces read into values: what it is, what it says, and whose token it carries. Pure.

Delivery reports (RFC 3464), complaints (ARF, RFC 5965), wishes to leave, automatic answers, and what a library for odd
formats finds. Anybody can write such a mail, so only our signed token says whom it is about; where a token may stand is
decided here, by kind. Every mail is hostile: it is cut, its parts are counted, and what can't be read is *unknown*.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.parser import HeaderParser
from typing import cast

from flufl.bounce import all_failures  # pyright: ignore[reportUnknownVariableType] - it has half its types

from mailer.store.states import ReturnedKind
from mailer.tracking.return_path import tokens_in
from mailer.tracking.sendgrid_events import without_addresses
from mailer.tracking.tokens import BadToken, Named, Purpose, Signer

# What is looked at of a mail. The report stands before the mail that it returns, which may be as large as it likes.
LOOKED_AT_BYTES = 400_000
MOST_BOUNDARIES = 30  # of a mail; a report with a returned mail inside has about five
MOST_PARTS = 200
LONGEST_LINE_OF_TEXT = 1_000
TEXT_BYTES = 20_000  # of what people and odd programs write

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it would log what it fails at, and so addresses

RECIPIENTS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
_BOUNDARY = re.compile(rb"boundary\*?\d{0,3}\*?\s{0,20}=", re.IGNORECASE)
_LEAVING_URL = re.compile(r"/u/([A-Za-z0-9_-]{32})(?![A-Za-z0-9_-])")
_WISH = re.compile(r"(?:^|\s)unsubscribe[:\s]\s*([A-Za-z0-9_-]{32})(?![A-Za-z0-9_-])", re.IGNORECASE)
_BARE_WISH = re.compile(r"\s*(?:unsubscribe\s+)?([A-Za-z0-9_-]{32})\s*", re.IGNORECASE)
_AUTOMATIC = re.compile(
    r"\s*(?:auto(?:matic)?[ -]?(?:reply|response|matische)|auto:|out of (?:the )?office|abwesenheit|réponse automatique"
    r"|respuesta automática|vacation)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Returned:
    """What a mail says. `named` is None when it carries no token of ours where one of its kind may stand."""

    kind: ReturnedKind
    named: Named | None = None
    status: str = ""  # the enhanced code of a bounce, RFC 3463
    words: str = ""  # its diagnostic text, without addresses; or why the mail is unknown
    odd: bool = False  # not by RFC 3464: the words are all there is
    sender: str = ""
    subject: str = ""


def digest(raw: bytes) -> str:
    """What a mail is known by, wherever it is read: over its beginning, with one spelling of line ends."""
    return hashlib.sha256(raw[:LOOKED_AT_BYTES].replace(b"\r\n", b"\n")).hexdigest()


def read(raw: bytes, signer: Signer) -> Returned:
    """Read one mail. Never raises for what stands in it."""
    raw = raw[:LOOKED_AT_BYTES]
    if len(_BOUNDARY.findall(raw)) > MOST_BOUNDARIES:
        return Returned(ReturnedKind.UNKNOWN, words="it has too many parts inside one another")
    try:
        # RFC 6533 reports are read like RFC 3464's.
        message = message_from_bytes(raw.replace(b"message/global-delivery-status", b"message/delivery-status"))
        found = _read(message, signer)
        about = {"sender": _header(message, "From"), "subject": _header(message, "Subject")}
        return replace(found, **about)
    except (Exception, RecursionError) as error:  # noqa: BLE001 - the standard library's parser raises what it likes
        return Returned(ReturnedKind.UNKNOWN, words=f"it can't be read: {type(error).__name__}")


def _read(message: Message, signer: Signer) -> Returned:
    report_type = str(message.get_param("report-type", "")).lower()
    if message.get_content_type() == "multipart/report" and report_type == "feedback-report":
        return _complaint(message, signer)
    reports = [part for part in _parts(message) if part.get_content_type() == "message/delivery-status"]
    if reports:
        return _delivery_report(message, reports[0], signer)
    automatic = _is_automatic(message)
    if not automatic and (named := _wish(message, signer)) is not None:
        return Returned(ReturnedKind.UNSUBSCRIBE, named)
    odd = _odd(message, signer)
    if automatic and odd.kind is ReturnedKind.UNKNOWN:
        return Returned(ReturnedKind.AUTO_REPLY, _recipient(message, signer))
    return odd


def _delivery_report(message: Message, part: Message, signer: Signer) -> Returned:
    named = _recipient(message, signer) or _inside(message, signer)
    blocks = [block for block in _blocks(part) if "action" in block or "status" in block]
    failed = [block for block in blocks if _field(block, "Action").lower().startswith("failed")]
    if not failed:
        actions = ", ".join(sorted({_field(block, "Action").lower()[:20] for block in blocks})) or "nothing"
        return Returned(ReturnedKind.DELAY, named, words=f"it reports {without_addresses(actions)}")
    status = re.match(r"[245]\.\d{1,3}\.\d{1,3}", _field(failed[0], "Status"))
    diagnostic = _field(failed[0], "Diagnostic-Code")
    words = diagnostic.partition(";")[2].strip() or diagnostic
    return Returned(ReturnedKind.BOUNCE, named, status=status.group() if status else "", words=without_addresses(words))


def _complaint(message: Message, signer: Signer) -> Returned:
    """ARF: the token stands in the mail that came back, since the report goes to one mailbox for all."""
    fields = next((part for part in _parts(message) if part.get_content_type() == "message/feedback-report"), None)
    block = HeaderParser().parsestr(_text(fields)) if fields is not None else Message()
    kind = _field(block, "Feedback-Type").lower()
    named = _inside(message, signer) or _first(tokens_in(_field(block, "Original-Mail-From")), Purpose.RETURN, signer)
    if kind not in ("abuse", "fraud"):
        return Returned(ReturnedKind.UNKNOWN, named, words=f"feedback of the type {without_addresses(kind)[:40]!r}")
    return Returned(ReturnedKind.COMPLAINT, named)


def _wish(message: Message, signer: Signer) -> Named | None:
    """A mail to leave: the token alone or after the word, in the subject or on a line of the text that isn't quoted. A
    token in an address is none: somebody may have answered with our mail below."""
    subject = _header(message, "Subject")
    found = _BARE_WISH.fullmatch(subject) or _WISH.search(subject)
    if found and (named := _named(found.group(1), Purpose.UNSUBSCRIBE, signer)):
        return named
    for line in _first_text(message).splitlines()[:50]:
        bare = _BARE_WISH.fullmatch(line[:LONGEST_LINE_OF_TEXT])
        if bare and (named := _named(bare.group(1), Purpose.UNSUBSCRIBE, signer)):
            return named
    return None


def _is_automatic(message: Message) -> bool:
    """RFC 3834 §5, and what programs wrote before it."""
    submitted = _field(message, "Auto-Submitted").lower()
    return (
        (bool(submitted) and not submitted.startswith("no"))
        or any(name in message for name in ("X-Autoreply", "X-Autorespond", "X-Autogenerated", "X-Mail-Autoreply"))
        or _field(message, "Precedence").lower() in ("auto_reply", "auto-reply")
        or _AUTOMATIC.match(_header(message, "Subject")) is not None
    )


def _odd(message: Message, signer: Signer) -> Returned:
    """Other ways to say that a mail came back. Asked only of mails with our token, since guessing costs time."""
    named = _recipient(message, signer)
    if named is None:
        return Returned(ReturnedKind.UNKNOWN, words="it carries no token of ours")
    text = _first_text(message)
    temporary, permanent = all_failures(message)
    if temporary and not permanent:
        return Returned(ReturnedKind.DELAY, named, words="it is still being tried")
    if permanent:
        # qmail's "--- Below this line is a copy of the message" and its kind.
        said = re.split(r"\n-{2,}[^\n]{0,40}(?:copy|original|returned)", text, maxsplit=1)[0]
        return Returned(ReturnedKind.BOUNCE, named, words=without_addresses(said[-2_000:]), odd=True)
    return Returned(ReturnedKind.UNKNOWN, named, words="it is no report that is known")


def _recipient(message: Message, signer: Signer) -> Named | None:
    """By the token in the address it came to."""
    for name in RECIPIENTS:
        for value in message.get_all(name, [])[:5]:
            if found := _first(tokens_in(str(value)[:LONGEST_LINE_OF_TEXT]), Purpose.RETURN, signer):
                return found
    return None


def _inside(message: Message, signer: Signer) -> Named | None:
    """By the headers of the mail that came back: its return path, or its List-Unsubscribe."""
    for part in _parts(message):
        kind = part.get_content_type()
        if kind == "message/rfc822" and part.is_multipart():
            headers = cast(Message, part.get_payload(0))
        elif kind in ("text/rfc822-headers", "message/rfc822-headers"):
            headers = HeaderParser().parsestr(_text(part))
        else:
            continue
        token = tokens_in(_field(headers, "Return-Path"))
        url = re.sub(r"\s+", "", _field(headers, "List-Unsubscribe")[: 4 * LONGEST_LINE_OF_TEXT])
        found = _first(token, Purpose.RETURN, signer) or _first(_LEAVING_URL.findall(url), Purpose.UNSUBSCRIBE, signer)
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


def _parts(message: Message) -> Iterator[Message]:
    """The parts of the mail itself, not those of the mail that it returns."""
    payload = message.get_payload()
    if message.get_content_maintype() == "multipart" and isinstance(payload, list):
        for part in cast(list[Message], payload)[:MOST_PARTS]:
            yield from _parts(part)
    else:
        yield message


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    return cast(list[Message], payload)[:MOST_PARTS] if isinstance(payload, list) else []


def _first_text(message: Message) -> str:
    text = next((part for part in _parts(message) if part.get_content_type() == "text/plain"), None)
    return _text(text) if text is not None else ""


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if payload is None:  # message/* that the parser took apart
        inner = part.get_payload()
        return cast(list[Message], inner)[0].as_string()[:TEXT_BYTES] if isinstance(inner, list) and inner else ""
    return cast(bytes, payload)[:TEXT_BYTES].decode("utf-8", "replace")


def _field(message: Message, name: str) -> str:
    """A header that programs write, unfolded; "" when it is missing."""
    return re.sub(r"\s+", " ", str(message.get(name, ""))[: 8 * LONGEST_LINE_OF_TEXT]).strip()


def _header(message: Message, name: str) -> str:
    """A header for people, decoded as far as it can be."""
    raw = _field(message, name)[:LONGEST_LINE_OF_TEXT]
    words: list[str] = []
    try:
        for chunk, charset in decode_header(raw):
            words.append(chunk.decode(charset or "utf-8", "replace") if isinstance(chunk, bytes) else chunk)
    except (LookupError, ValueError, TypeError):
        words = [raw]
    text = "".join(words).encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).strip()[:200]
