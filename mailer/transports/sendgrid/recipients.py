"""Turns envelopes into the people of requests: checks them, and refuses those that can't be carried faithfully.

Many are checked together, column by column, since nearly everybody is a plain case; only when something needs a closer
look are they checked one by one. `payload` writes the requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, count, repeat
from operator import itemgetter
from typing import NamedTuple

from mailer.transports.base import Envelope, Mailing
from mailer.transports.events import delivery_mark
from mailer.transports.mime.headers import Unmailable, ascii_address, one_line_values, refuse_control
from mailer.transports.mime.message import fill
from mailer.transports.mime.quoted_printable import one_line_break

RESERVED = frozenset(
    ("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
     "to", "from", "subject", "reply-to", "cc", "bcc")
)  # fmt: skip
OTHER_HEADERS = "the headers of one mail are not those of another"


class SendgridRecipient(NamedTuple):
    """One envelope, checked, and its place in the hand-over."""

    place: int
    address: str
    name: str
    header_names: tuple[str, ...]
    header_values: tuple[str, ...]
    argument: str  # the delivery's number in hexadecimal, a dot, the attempt
    values: tuple[str, ...]  # for each slot that the message uses


class People:
    """Makes the people of one mailing, whose texts use `slots`, in ascending order."""

    def __init__(self, mailing: Mailing, slots: Sequence[int]) -> None:
        self._mailing = mailing
        self._slots = slots
        self._subject_has_slots = any(isinstance(part, int) for part in mailing.subject)
        self._has_words = any(isinstance(part, str) and part for part in (*mailing.text, *mailing.html))
        self._header_names = [name for name, _ in mailing.headers]
        _refuse_headers(self._header_names, ())

    def make(self, envelopes: Sequence[Envelope]) -> tuple[list[SendgridRecipient], dict[int, Unmailable]]:
        """The people, and by their place why others can't be carried."""
        try:
            return self.together(envelopes), {}
        except Unmailable:
            people: list[SendgridRecipient] = []
            refused: dict[int, Unmailable] = {}
            for place, envelope in enumerate(envelopes):
                try:
                    people.append(self.alone(envelope, place))
                except Unmailable as error:
                    refused[place] = error
            return people, refused

    def alone(self, envelope: Envelope, place: int) -> SendgridRecipient:
        """One person. Raises `Unmailable` when they can't be carried faithfully."""
        (person,) = self.together([envelope])
        return person._replace(place=place)

    def together(self, envelopes: Sequence[Envelope]) -> list[SendgridRecipient]:
        """All of them. Raises `Unmailable` when one of them can't be carried, or is too unlike the others."""
        if not envelopes:
            return []
        names = tuple([name for name, _ in envelopes[0].headers])
        _refuse_headers(names, self._header_names)
        header_values = _header_values([envelope.headers for envelope in envelopes])
        rows = self._values(envelopes)
        if self._subject_has_slots or not self._has_words:
            for envelope in envelopes:
                self._check_texts(envelope.values)
        columns = [one_line_values(name, values) for name, values in zip(names, header_values, strict=True)]
        return list(
            map(
                SendgridRecipient,
                count(),
                [ascii_address(envelope.address) for envelope in envelopes],
                _clean_names([envelope.name for envelope in envelopes]),
                repeat(names),
                zip(*columns, strict=True) if columns else repeat(()),
                [delivery_mark(envelope.delivery_id, envelope.attempt) for envelope in envelopes],
                rows,
            )
        )

    def _values(self, envelopes: Sequence[Envelope]) -> list[tuple[str, ...]]:
        """What fills the slots that are used."""
        slots = self._slots
        filled = [envelope.values for envelope in envelopes]
        if slots and (shortest := min(map(len, filled))) <= slots[-1]:
            raise Unmailable(f"the message has slot {slots[-1]}, and only {shortest} are filled")
        rows = (
            list(map(itemgetter(*slots), filled))
            if len(slots) > 1
            else [tuple([values[slot] for slot in slots]) for values in filled]
        )
        together = "".join(chain.from_iterable(rows))
        if "\r" in together:
            rows = [tuple(map(one_line_break, row)) for row in rows]
        if not together.isascii():
            refuse_surrogates(together)
        return rows

    def _check_texts(self, values: Sequence[str]) -> None:
        """Refuse what SendGrid refuses when it is empty."""
        subject = fill(self._mailing.subject, values)
        refuse_control(subject, "Subject")
        if not subject.strip():
            raise Unmailable("the subject is empty for this person, which SendGrid doesn't take")
        if not self._has_words and not fill((*self._mailing.text, *self._mailing.html), values):
            raise Unmailable("the mail is empty for this person, which SendGrid doesn't take")


def _header_values(headers: Sequence[Sequence[tuple[str, str]]]) -> list[tuple[str, ...]]:
    """The values of each header, person by person. Raises `Unmailable` when somebody has other headers."""
    found: list[tuple[str, ...]] = []
    if len(set(map(len, headers))) > 1:
        raise Unmailable(OTHER_HEADERS)
    for column in zip(*headers, strict=True):
        names, values = zip(*column, strict=True)
        if len(set(names)) > 1:
            raise Unmailable(OTHER_HEADERS)
        found.append(values)
    return found


def clean_name(name: str) -> str:
    """A name without the characters that SendGrid doesn't take in one."""
    refuse_control(name, "a name")
    return " ".join(name.replace(";", " ").replace(",", " ").split())


def refuse_surrogates(text: str) -> None:
    """Raise `Unmailable` for what UTF-8 can't encode."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unmailable("half a surrogate pair isn't a character") from error


def _clean_names(names: list[str]) -> list[str]:
    """All names cleaned; most are clean, with single blanks inside, which can be seen of all at once."""
    together = "|".join(("", *names, ""))
    if together.isprintable() and not any(odd in together for odd in (";", ",", "  ", "| ", " |")):
        return names
    return list(map(clean_name, names))


def _refuse_headers(names: Sequence[str], taken: Iterable[str]) -> None:
    """Raise for a header that SendGrid makes itself or that would appear twice."""
    known = {name.lower() for name in taken}
    for name in names:
        if name.lower() in RESERVED or name.lower() in known:
            raise Unmailable(f"SendGrid doesn't take the header {name!r}, or it appears twice")
        known.add(name.lower())
