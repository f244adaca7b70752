"""The mail itself as bytes: multipart/alternative, plain text and HTML, everything in ASCII.

`Skeleton` encodes what a campaign's mails share once; one person's mail is then a join of byte strings. Message-ID,
Date and List-Unsubscribe come from the caller, and getting the bytes anywhere is left to the transports.

No line of a mail begins with a dot and the last one ends in CRLF, so SMTP can send it as it is (RFC 5321 §4.5.2).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from operator import itemgetter

from mailer.compose.message import Parts
from mailer.transports.base import Envelope, Mailing
from mailer.transports.mime.headers import Unmailable, ascii_address, header, mailbox_header, split_mailbox, text_header
from mailer.transports.mime.quoted_printable import quote, quote_value

__all__ = ["Skeleton", "Unmailable", "build", "fill"]

# Made here, each exactly once (RFC 5322 §3.6), or not ours to set.
OURS = frozenset(("from", "to", "cc", "bcc", "subject", "reply-to", "mime-version"))


class Skeleton:
    """A mailing, encoded except for what is personal. Use it for any number of mails, from any number of threads.

    `end` closes each mail, such as SMTP's final dot. Raises `Unmailable` when no mail of this mailing could be sent
    faithfully.
    """

    def __init__(self, mailing: Mailing, *, end: bytes = b"") -> None:
        self.from_address = ascii_address(mailing.from_address)
        self.boundary = f"=_{_digest(mailing)[:32]}"  # "=_" can't occur in quoted-printable text
        self._subject = mailing.subject
        self._constant_subject = None if _slots(mailing.subject) else text_header("Subject", fill(mailing.subject, ()))
        self._before_to = mailbox_header("From", mailing.from_name, self.from_address)
        self._names = _refuse_ours(mailing.headers, frozenset())
        self._reply_name, self._reply_to = "", b""
        if mailing.reply_to:
            self._reply_name, address = split_mailbox(mailing.reply_to)
            self._reply_to = mailbox_header("Reply-To", self._reply_name, address)
        tail = [header(name, value) for name, value in mailing.headers]
        tail.append(b"MIME-Version: 1.0\r\n")
        tail.append(f'Content-Type: multipart/alternative; boundary="{self.boundary}"\r\n'.encode())
        self._after_personal = b"".join(tail)
        self._pieces = self._body(mailing, end)
        self._used = sorted({piece for piece in self._pieces if isinstance(piece, int)})
        self.slots = max([-1, *_slots(mailing.subject), *self._used]) + 1  # how many values a mail needs at least
        # A mail is picked from (headers, *quoted values, *constants) in the order of its pieces.
        self._constants = tuple(piece for piece in self._pieces if isinstance(piece, bytes))
        self._in_order = itemgetter(*self._order())
        self._headers_seen: tuple[str, ...] = ()

    def fill(self, envelope: Envelope) -> bytes:
        """One person's mail, CRLF line ends, no line over 998 bytes. Raises `Unmailable`: then nothing may be sent."""
        values = envelope.values
        if len(values) < self.slots:
            raise Unmailable(f"the message has {self.slots} slots, and only {len(values)} are filled")
        try:
            # Many slots have equal values: an address is in both the HTML and the text.
            chosen = [values[slot] for slot in self._used]
            known = {value: quote_value(value) for value in set(chosen)}
        except UnicodeEncodeError as error:
            raise Unmailable("a value holds half a surrogate pair, which isn't a character") from error
        quoted = [known[value] for value in chosen]
        return b"".join(self._in_order((self._headers(envelope), *quoted, *self._constants)))

    def _headers(self, envelope: Envelope) -> bytes:
        names = tuple([name for name, _ in envelope.headers])
        if names != self._headers_seen:
            _refuse_ours(envelope.headers, self._names)
            self._headers_seen = names
        return b"".join(
            [
                self._before_to,
                mailbox_header("To", envelope.name, ascii_address(envelope.address)),
                self._constant_subject or text_header("Subject", fill(self._subject, envelope.values)),
                *[header(name, value) for name, value in envelope.headers],
                self._answered_at(envelope.reply_to) if envelope.reply_to else self._reply_to,
                self._after_personal,
            ]
        )

    def _answered_at(self, address: str) -> bytes:
        return mailbox_header("Reply-To", self._reply_name, ascii_address(address))

    def _body(self, mailing: Mailing, end: bytes) -> list[bytes | int]:
        """What follows the headers: constant bytes, and numbers of slots."""
        pieces: list[bytes | int] = []
        for kind, parts in (("plain", mailing.text), ("html", mailing.html)):
            constant = (
                f"\r\n--{self.boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n"
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
            )
            text = ""
            for part in parts:
                if isinstance(part, str):
                    text += part
                    continue
                pieces += [constant + _quote_constant(text, more_follows=True), part]
                constant, text = b"", ""
            pieces.append(constant + _quote_constant(text, more_follows=False))
        pieces.append(f"\r\n--{self.boundary}--\r\n".encode() + end)
        return pieces

    def _order(self) -> list[int]:
        """The index of each piece of a mail in the tuple that it is picked from."""
        slot_places = {slot: place for place, slot in enumerate(self._used, 1)}
        order = [0]
        constants = 1 + len(self._used)
        for piece in self._pieces:
            if isinstance(piece, int):
                order.append(slot_places[piece])
            else:
                order.append(constants)
                constants += 1
        return order


def build(mailing: Mailing, envelope: Envelope) -> bytes:
    """One mail alone. For many of one mailing keep a `Skeleton`."""
    return Skeleton(mailing).fill(envelope)


def fill(parts: Parts, values: Sequence[str]) -> str:
    """The text with its slots filled."""
    return "".join(part if isinstance(part, str) else values[part] for part in parts)


def _quote_constant(text: str, *, more_follows: bool) -> bytes:
    try:
        return quote(text, more_follows=more_follows)
    except UnicodeEncodeError as error:
        raise Unmailable("the message holds half a surrogate pair, which isn't a character") from error


def _slots(parts: Parts) -> set[int]:
    return {part for part in parts if isinstance(part, int)}


def _digest(mailing: Mailing) -> str:
    shared = json.dumps([mailing.key, mailing.subject, mailing.text, mailing.html])
    return hashlib.sha256(shared.encode()).hexdigest()


def _refuse_ours(headers: Sequence[tuple[str, str]], taken: frozenset[str]) -> frozenset[str]:
    """The names in lower case. Raises `Unmailable` for one that this module makes or that would appear twice."""
    names: list[str] = []
    for name, _ in headers:
        lower = name.lower()
        if lower in OURS or lower.startswith("content-"):
            raise Unmailable(f"the header {name!r} is set by the mailing itself and can't be set again")
        if lower in taken or lower in names:
            raise Unmailable(f"the header {name!r} appears twice")
        names.append(lower)
    return frozenset(names)
