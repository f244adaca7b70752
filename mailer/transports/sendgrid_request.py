"""What a Mail Send request says: one body with keys where the slots are, and for each person what fills them.

Every documented limit is checked here, before anything is sent; where Twilio's pages disagree the smaller number
counts. Sending it is `sendgrid`.

Sources: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send (limitations),
…/mail-send/errors, and https://www.twilio.com/docs/sendgrid/for-developers/sending-email/personalizations.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mailer.compose.message import Parts
from mailer.transports.envelope import Envelope, Mailing
from mailer.transports.headers import Unmailable, ascii_address, header, refuse_control, split_mailbox
from mailer.transports.mime import fill
from mailer.transports.quoted import one_line_break

MOST_PEOPLE = 1000
MOST_REQUEST_BYTES = 20_000_000  # documented: less than 30 MB a message; a request is kept below that too
MOST_SUBSTITUTIONS = 150  # a person
MOST_SUBSTITUTION_BYTES = 10_000  # a person
MOST_REQUEST_SUBSTITUTIONS = 10_000
MOST_REQUEST_SUBSTITUTION_BYTES = 50_000
MOST_ARGUMENT_BYTES = 10_000  # custom_args of one person
RESERVED = frozenset(
    ("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
     "to", "from", "subject", "reply-to", "cc", "bcc")
)  # fmt: skip

# Their own tracking would rewrite our links, and their subscription tracking adds a second List-Unsubscribe.
TRACKING_OFF = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


@dataclass(frozen=True, slots=True)
class Person:
    """One envelope as a personalization, with its place in the hand-over and its weight against the limits."""

    place: int
    address: str
    personalization: dict[str, Any]
    substitutions: int
    substitution_bytes: int
    size_bytes: int


class RequestBody:
    """A mailing as the constant part of requests. Raises `Unmailable` when SendGrid could not carry it."""

    def __init__(self, mailing: Mailing) -> None:
        constant = (mailing.subject, mailing.text, mailing.html)
        self._slots = sorted({part for parts in constant for part in parts if isinstance(part, int)})
        if len(self._slots) > MOST_SUBSTITUTIONS:
            raise Unmailable(
                f"the message has {len(self._slots)} different merge tags; SendGrid takes {MOST_SUBSTITUTIONS}",
                hint="Use fewer merge tags, or send by SMTP.",
            )
        self._subject = mailing.subject
        self._campaign = mailing.key
        # No key may be found anywhere but at its slot, so all carry a mark that nobody can have written by chance.
        self._mark = "m" + hashlib.sha256(json.dumps([mailing.key, *constant]).encode()).hexdigest()[:12]
        for parts in constant:
            for part in parts:
                if isinstance(part, str) and self._mark in part:
                    raise Unmailable("the message holds the mark that stands for its own merge tags")
        self._keys = {slot: f"-{self._mark}-{slot}-" for slot in self._slots}
        self.constant = self._constant(mailing)
        self.size_bytes = len(json.dumps(self.constant))
        if self.size_bytes > MOST_REQUEST_BYTES:
            raise Unmailable("the message is larger than SendGrid takes")

    def person(self, envelope: Envelope, place: int) -> Person:
        """One person's part. Raises `Unmailable` when it can't be carried faithfully or breaks a limit by itself."""
        if self._slots and len(envelope.values) <= self._slots[-1]:
            raise Unmailable(f"the message has slot {self._slots[-1]}, and only {len(envelope.values)} are filled")
        values = {self._keys[slot]: one_line_break(envelope.values[slot]) for slot in self._slots}
        subject = fill(self._subject, envelope.values)
        refuse_control(subject, "Subject")
        if not subject.strip():
            raise Unmailable("the subject is empty for this person, which SendGrid doesn't take")
        if any(self._mark in value for value in values.values()):
            raise Unmailable("a value holds the mark of a merge tag")
        weight = sum(len(key) + _octets(value) for key, value in values.items())
        if weight > MOST_SUBSTITUTION_BYTES:
            raise Unmailable(
                f"what is merged for this person comes to {weight} bytes; SendGrid takes {MOST_SUBSTITUTION_BYTES}",
                hint="Shorten conditional blocks, or send by SMTP.",
            )
        address = ascii_address(envelope.address)
        arguments = {
            "c_delivery": str(envelope.delivery_id),
            "c_attempt": str(envelope.attempt),
            "c_campaign": self._campaign,
        }
        if sum(len(key) + len(value) for key, value in arguments.items()) > MOST_ARGUMENT_BYTES:
            raise Unmailable("the campaign's name is longer than SendGrid takes")
        personalization: dict[str, Any] = {
            "to": [_mailbox(envelope.name, address)],
            "headers": _headers(envelope.headers),
            "custom_args": arguments,
        }
        if values:
            personalization["substitutions"] = values
        return Person(
            place=place,
            address=address.lower(),
            personalization=personalization,
            substitutions=len(values),
            substitution_bytes=weight,
            size_bytes=len(json.dumps(personalization)),
        )

    def request(self, people: Sequence[Person]) -> dict[str, Any]:
        """The JSON of one request."""
        return {**self.constant, "personalizations": [person.personalization for person in people]}

    def groups(self, people: Iterable[Person]) -> Iterator[list[Person]]:
        """The people in requests that break no limit, in order; an address stands in a request only once."""
        group: list[Person] = []
        taken: set[str] = set()
        counts = (0, 0, 0)
        for person in people:
            more = (
                counts[0] + person.substitutions,
                counts[1] + person.substitution_bytes,
                counts[2] + person.size_bytes,
            )
            if group and (
                len(group) == MOST_PEOPLE
                or person.address in taken
                or more[0] > MOST_REQUEST_SUBSTITUTIONS
                or more[1] > MOST_REQUEST_SUBSTITUTION_BYTES
                or more[2] > MOST_REQUEST_BYTES - self.size_bytes
            ):
                yield group
                group, taken = [], set()
                more = (person.substitutions, person.substitution_bytes, person.size_bytes)
            group.append(person)
            taken.add(person.address)
            counts = more
        if group:
            yield group

    def _constant(self, mailing: Mailing) -> dict[str, Any]:
        content = [
            {"type": kind, "value": value}
            for kind, value in (("text/plain", self._keyed(mailing.text)), ("text/html", self._keyed(mailing.html)))
            if value  # an empty part is refused by them, and says nothing anyway
        ]
        if not content:
            raise Unmailable("the message is empty")
        subject = self._keyed(mailing.subject)
        refuse_control(subject, "Subject")
        body: dict[str, Any] = {
            "from": _mailbox(mailing.from_name, ascii_address(mailing.from_address)),
            "subject": subject,
            "content": content,
            "tracking_settings": TRACKING_OFF,
        }
        if mailing.reply_to:
            body["reply_to"] = _mailbox(*split_mailbox(mailing.reply_to))
        if mailing.headers:
            body["headers"] = _headers(mailing.headers)
        return body

    def _keyed(self, parts: Parts) -> str:
        return "".join(one_line_break(part) if isinstance(part, str) else self._keys[part] for part in parts)


def _mailbox(name: str, address: str) -> dict[str, str]:
    refuse_control(name, "a name")
    cleaned = " ".join(re.sub("[;,]", " ", name).split())  # they take neither in a name
    return {"email": address, "name": cleaned} if cleaned else {"email": address}


def _headers(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Headers as JSON: ASCII, on one line each, encoded as SMTP would have them."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name.lower() in RESERVED or name.lower() in (other.lower() for other in found):
            raise Unmailable(f"SendGrid doesn't take the header {name!r}, or it stands twice")
        line = header(name, value).decode("ascii").replace("\r\n", "")
        found[name] = line.partition(": ")[2]
    return found


def _octets(value: str) -> int:
    try:
        return len(value.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise Unmailable("a value holds half a surrogate pair, which is no character") from error
