"""The people a mail can be read as: hard cases that break layouts, the first of the audience, and anyone searched for.

A reader's key appears in the studio's addresses: the name of a hard case, or p and a person's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailer.audience.people.people import example, supporters
from mailer.audience.people.search import find
from mailer.audience.selection.select import chosen
from mailer.audience.selection.spec import Audience
from mailer.compose.thank_you import CONFIRMATION, FIELDS
from mailer.store.tables.core import people

FIRST = 3  # people of the audience shown at once
FOUND = 12  # people a search shows


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody a mail is merged for. `about` says in a few words who they are."""

    key: str
    label: str
    about: str
    supporter: Mapping[str, str]
    person_id: int | None = None
    in_audience: bool = True


def _hard(key: str, label: str, first_name: str, last_name: str, **more: str) -> Reader:
    name = " ".join(part for part in (first_name, last_name) if part)
    fields = {"email": f"{key}@example.org", "first_name": first_name, "last_name": last_name, "name": name, **more}
    return Reader(key, label, name or "nothing is known but the address", example(fields))


HARD_CASES = (
    _hard("ada", "Somebody ordinary", "Ada", "Sample"),
    _hard("no-name", "No name", "", ""),
    _hard("long-name", "A long name", "Maximiliane-Alexandra", "Wolfeschlegelsteinhausenbergerdorff", country="DE"),
    _hard("right-to-left", "Right to left", "ليلى", "الحسيني", country="LB", language="ar"),
    _hard("emoji", "Emoji", "Zoë 🌻", "O’Neill-Ðuro", country="IE"),
    _hard("markup", "Markup in the name", '<b>"Bobby"</b>', "& {{ tables }}", country="GB"),
)
# Of the thanks: anybody may type any address into a form, so nothing is known of it. They ticked the box for news.
TYPED = Reader(
    "typed", "An address that was typed", "by somebody who ticked the box for news",
    {**example(dict.fromkeys(FIELDS, "")), CONFIRMATION: "preview"},
)  # fmt: skip
BY_KEY = {reader.key: reader for reader in (*HARD_CASES, TYPED)}


def reader_of(connection: Connection, key: str) -> Reader:
    """The reader of a key; for one that is unknown, or a person who is gone, somebody ordinary."""
    number = key.removeprefix("p")
    if key.startswith("p") and number.isascii() and number.isdecimal() and len(number) < 19:
        found = supporters(connection, [int(number)])
        if found:
            return _person(int(number), found[int(number)])
    return BY_KEY.get(key, HARD_CASES[0])


def first_of(connection: Connection, audience: Audience, *, now: datetime) -> list[Reader]:
    """The first people who would get it."""
    most = min(FIRST, audience.limit or FIRST)
    numbers = [int(number) for number in connection.execute(chosen(audience, now=now).limit(most)).scalars()]
    known = supporters(connection, numbers)
    return [_person(number, known[number]) for number in numbers if number in known]


def search(connection: Connection, text: str, audience: Audience | None, *, now: datetime) -> list[Reader]:
    """People with these words in their name or address, whether they would get it or not; the likeliest first."""
    found = find(connection, text, limit=FOUND)
    addresses = [supporter["email"] for supporter in found]
    rows = connection.execute(select(people.c.address, people.c.id).where(people.c.address.in_(addresses)))
    numbers = {row.address: int(row.id) for row in rows}
    getting: set[int] = set()
    if audience is not None and numbers:
        everyone = chosen(audience, now=now).subquery()
        wanted = select(everyone.c.person_id).where(everyone.c.person_id.in_(numbers.values()))
        getting = set(connection.execute(wanted).scalars())
    return [
        _person(numbers[supporter["email"]], supporter, in_audience=numbers[supporter["email"]] in getting)
        for supporter in found
        if supporter["email"] in numbers
    ]


def _person(number: int, supporter: Mapping[str, str], *, in_audience: bool = True) -> Reader:
    label = supporter["name"] or supporter["email"]
    about = ", ".join(part for part in (supporter["email"], supporter["country"]) if part)
    return Reader(f"p{number}", label, about, supporter, number, in_audience)
