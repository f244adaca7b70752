"""What a Mail Send request says: one body with keys where people differ, and for each person what fills them.

Every documented limit is checked here, before anything is sent; where Twilio's pages disagree the smaller number
counts (docs/decisions/0009-bytes-a-person.md). Who can be in a request is for `recipients`, what people share for
`shared_values`; sending is `transport`.

Sources: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send (limitations),
…/mail-send/errors, and https://www.twilio.com/docs/sendgrid/for-developers/sending-email/personalizations.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from json.encoder import encode_basestring as in_json
from typing import Any

from mailer.compose.message import Parts
from mailer.transports.base import Mailing
from mailer.transports.mime.headers import Unmailable, ascii_address, one_line_values, refuse_control, split_mailbox
from mailer.transports.mime.quoted_printable import one_line_break
from mailer.transports.sendgrid.recipients import People, SendgridRecipient, clean_name, refuse_surrogates
from mailer.transports.sendgrid.shared_values import MARKS, Sharing, share

MOST_PEOPLE = 1000
MOST_REQUEST_BYTES = 20_000_000  # documented: less than 30 MB a message; a request is kept below that too
MOST_SUBSTITUTIONS = 150  # a person
MOST_SUBSTITUTION_BYTES = 10_000  # a person
MOST_REQUEST_SUBSTITUTIONS = 10_000
MOST_REQUEST_SUBSTITUTION_BYTES = 50_000  # one page says a request, another a person: settings may leave it out
MOST_ARGUMENT_BYTES = 10_000  # custom_args of one person, those of the message included
LONGEST_ARGUMENT_BYTES = 40  # of ours for one person
# Their own tracking would rewrite our links, and their subscription tracking adds a second List-Unsubscribe.
TRACKING_OFF = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
NO_BLANKS = (",", ":")  # json.dumps without a blank after each


@dataclass(frozen=True, slots=True)
class Group:
    """The people of one request, and what they share."""

    people: Sequence[SendgridRecipient]
    sharing: Sharing
    mark: str


class RequestBody:
    """A mailing as requests. Raises `Unmailable` when SendGrid could not carry it. `most_merged_bytes` bounds what is
    merged in one request; 0 leaves only the limit of each person."""

    def __init__(
        self,
        mailing: Mailing,
        *,
        most_people: int = MOST_PEOPLE,
        most_merged_bytes: int = MOST_REQUEST_SUBSTITUTION_BYTES,
    ) -> None:
        self._most_people = most_people
        self._most_merged_bytes = most_merged_bytes or MOST_PEOPLE * MOST_SUBSTITUTION_BYTES
        contents = (mailing.subject, mailing.text, mailing.html)
        self._slots = sorted({part for parts in contents for part in parts if isinstance(part, int)})
        if len(self._slots) > MOST_SUBSTITUTIONS:
            raise Unmailable(
                f"the message has {len(self._slots)} different merge tags; SendGrid takes {MOST_SUBSTITUTIONS}",
                remedy="Use fewer merge tags, or send by SMTP.",
            )
        constants = "".join(part for parts in contents for part in parts if isinstance(part, str))
        self._marks = "".join(mark for mark in MARKS if mark not in constants)
        if self._slots and not self._marks:
            raise Unmailable("the message uses every sign that could mark its merge tags", remedy="Send it by SMTP.")
        if len(constants) > MOST_REQUEST_BYTES:
            raise Unmailable("the message is larger than SendGrid takes")
        refuse_surrogates(constants + mailing.key)
        if not mailing.text and not mailing.html:
            raise Unmailable("the message is empty")
        for part in mailing.subject:
            refuse_control(str(part), "Subject")
        self.people = People(mailing, self._slots)
        self._subject, self._text, self._html = map(_encoded, contents)
        self._headers = {name: one_line_values(name, [value])[0] for name, value in mailing.headers}
        self._start = _start(mailing)

    def groups(self, people: Sequence[SendgridRecipient]) -> Iterator[Group]:
        """The people in requests that break no limit, in order. One person alone always makes one, with no keys."""
        if not people:
            return
        sharing = share([person.values for person in people])
        mark = sharing.mark(self._marks)
        if mark is not None and self._fits(people, sharing):
            yield Group(people, sharing, mark)
        else:
            for part in _halves(people) if mark is None else self._cut(people, sharing):
                yield from self.groups(part)

    def request(self, group: Group) -> bytes:
        """The JSON of one request."""
        sharing, people = group.sharing, group.people
        keys = sharing.keys(group.mark)
        slots = {
            slot: in_json(beginning)[1:-1] + ("" if column is None else keys[column])
            for slot, beginning, column in zip(self._slots, sharing.beginnings, sharing.column_of, strict=True)
        }
        # Headers that are equal for everybody, such as Date, are written once; with one person, all of them are.
        names = people[0].header_names
        headers = dict(zip(names, zip(*[person.header_values for person in people], strict=True), strict=True))
        shared = {name: values[0] for name, values in headers.items() if values.count(values[0]) == len(values)}
        own = [name for name in names if name not in shared]
        head = "".join(
            [
                self._start,
                f',"subject":{_filled(self._subject, slots)}',
                f',"content":[{self._content(slots)}]',
                f',"headers":{json.dumps(self._headers | shared, separators=NO_BLANKS)}',
                ',"personalizations":[',
            ]
        )
        # One person is a row of these, joined; the text between is the same for everybody.
        pieces: list[Iterable[str]] = [
            repeat('{"to":[{"email":'),
            [in_json(person.address) for person in people],
            [f',"name":{in_json(person.name)}' if person.name else "" for person in people],
            repeat('}],"custom_args":{"c":"'),
            [person.argument for person in people],
            repeat('"}'),
        ]
        pieces += _object("headers", own, [headers[name] for name in own])
        pieces += _object("substitutions", keys, sharing.columns)
        pieces.append(repeat("}"))
        everybody = ",".join(map("".join, zip(*pieces, strict=False)))
        # Encoded apart: one character beyond ASCII would double the room and the work of all.
        return b"".join([head.encode("utf-8"), everybody.encode("utf-8"), b"]}"])

    def _fits(self, people: Sequence[SendgridRecipient], sharing: Sharing) -> bool:
        """Whether these people can be one request."""
        return (
            len(people) <= self._most_people
            and len({person.address.lower() for person in people}) == len(people)
            and len({person.header_names for person in people}) == 1
            and len(people) * len(sharing.columns) <= MOST_REQUEST_SUBSTITUTIONS
            and sharing.total_bytes <= self._most_merged_bytes
            and (sharing.most_bytes <= MOST_SUBSTITUTION_BYTES or max(sharing.each_bytes()) <= MOST_SUBSTITUTION_BYTES)
        )

    def _cut(self, people: Sequence[SendgridRecipient], sharing: Sharing) -> list[list[SendgridRecipient]]:
        """The people cut where a request is full. Fewer share at least as much, so what fits here fits then."""
        most = min(self._most_people, MOST_REQUEST_SUBSTITUTIONS // max(1, len(sharing.columns)))
        parts: list[list[SendgridRecipient]] = [[]]
        taken: set[str] = set()
        room = self._most_merged_bytes
        alone = False
        for person, size in zip(people, sharing.each_bytes() or [0] * len(people), strict=True):
            alone, alone_before = size > MOST_SUBSTITUTION_BYTES, alone
            address = person.address.lower()
            other_headers = bool(parts[-1]) and person.header_names != parts[-1][0].header_names
            if len(parts[-1]) == most or address in taken or size > room or alone or alone_before or other_headers:
                parts.append([])
                taken.clear()
                room = self._most_merged_bytes
            parts[-1].append(person)
            taken.add(address)
            room -= size
        return [part for part in parts if part]

    def _content(self, slots: dict[int, str]) -> str:
        """Both parts; an empty one is refused by them, and says nothing anyway."""
        parts = (("text/plain", _filled(self._text, slots)), ("text/html", _filled(self._html, slots)))
        return ",".join(f'{{"type":"{kind}","value":{value}}}' for kind, value in parts if value != '""')


def _start(mailing: Mailing) -> str:
    """What all requests begin with, up to the subject."""
    argument = len("c_campaign") + len(mailing.key.encode()) + LONGEST_ARGUMENT_BYTES
    if argument > MOST_ARGUMENT_BYTES:
        raise Unmailable("the campaign's name is longer than SendGrid takes")
    name, address = _sender_name(mailing.from_name), ascii_address(mailing.from_address)
    body: dict[str, Any] = {
        "from": {"email": address} | ({"name": name} if name else {}),
        "tracking_settings": TRACKING_OFF,
        "custom_args": {"c_campaign": mailing.key},
    }
    if mailing.reply_to:
        name, address = split_mailbox(mailing.reply_to)
        name = _sender_name(name)
        body["reply_to"] = {"email": address} | ({"name": name} if name else {})
    return json.dumps(body, separators=NO_BLANKS)[:-1]


def _sender_name(name: str) -> str:
    """The name as it is. Raises `Unmailable` for one that SendGrid doesn't take: it would arrive as another."""
    if "," in name or ";" in name:
        raise Unmailable(f"SendGrid takes no comma and no semicolon in a sender's name: {name}", remedy="Leave it out.")
    return clean_name(name)


def _encoded(parts: Parts) -> list[str | int]:
    """Parts with their constant texts as they are inside a JSON string."""
    return [part if isinstance(part, int) else in_json(one_line_break(part))[1:-1] for part in parts]


def _filled(encoded: Sequence[str | int], slots: dict[int, str]) -> str:
    return '"' + "".join([part if isinstance(part, str) else slots[part] for part in encoded]) + '"'


def _object(name: str, keys: Sequence[str], columns: Sequence[Sequence[str]]) -> list[Iterable[str]]:
    """Columns that make a member of each person's object, itself an object; none without keys."""
    pieces: list[Iterable[str]] = []
    before = f',"{name}":{{'
    for key, column in zip(keys, columns, strict=True):
        pieces += [repeat(f"{before}{in_json(key)}:"), map(in_json, column)]
        before = ","
    return [*pieces, repeat("}")] if pieces else []


def _halves(people: Sequence[SendgridRecipient]) -> list[Sequence[SendgridRecipient]]:
    return [people[: len(people) // 2], people[len(people) // 2 :]]
