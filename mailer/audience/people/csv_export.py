"""Exports a list: everyone on it as CSV that a spreadsheet can open without running what people wrote.

An import of that file changes nothing, and in another workspace it makes the same list: by property test.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, TextIO

from sqlalchemy import ColumnElement, Connection, Text, and_, case, cast, func, literal, select

from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.people.people import FIELDS
from mailer.audience.tags import tag_list
from mailer.store.tables.core import lists, people, subscriptions, suppressions
from mailer.store.tables.states import SuppressionReason

# A cell that begins with one of these is a formula to a spreadsheet (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
COLUMNS = (*(name for name in FIELDS if name != "name"), "status", "changed_at", "suppressed")


def export_list(connection: Connection, name: str, file: TextIO) -> int:
    """Write the people on a list, also those pending or unsubscribed, in the order they came; how many they are.

    Columns: what everyone has, the status and since when, why the address is not mailed, then attributes. Cells a
    spreadsheet would take for a formula get a ' in front.
    """
    attributes = sorted(_attribute_names(connection, name))
    writer = csv.writer(file)
    # An attribute that is called like one of the columns stays apart from it, as an import reads it.
    header = [f"{name} (2)" if name in COLUMNS else name for name in attributes]
    writer.writerow([guarded(column) for column in (*COLUMNS, *header)])
    number = 0
    for row in _rows(connection, name):
        number += 1
        *known, changed_at, text, stops = row
        extra = json.loads(text)
        told = "; ".join(word for number, word in enumerate(STOPS) if stops >> number & 1)
        cells = [*known, changed_at.isoformat(), told, *(extra.get(attribute, "") for attribute in attributes)]
        writer.writerow([guarded(cell) for cell in cells])
    return number


def guarded(cell: str) -> str:
    """The cell, harmless to spreadsheets.

    What looks guarded already is guarded once more, so that an import, which takes exactly one guard off, reads what
    was written.
    """
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


# Why an address is not mailed, in the words that an import reads.
STOPS = {
    "unsubscribed": SuppressionReason.UNSUBSCRIBED,
    "unsubscribed everywhere": SuppressionReason.UNSUBSCRIBED,
    "bounced": SuppressionReason.BOUNCED,
    "complained": SuppressionReason.COMPLAINED,
    "staff": SuppressionReason.STAFF,
}


def _stops() -> ColumnElement[int]:
    """A bit for each of `STOPS` that holds; of an address, the sum over its suppressions."""
    everywhere = suppressions.c.list_id == EVERY_LIST
    whens: list[tuple[ColumnElement[bool], ColumnElement[int]]] = []
    for number, (word, reason) in enumerate(STOPS.items()):
        where = ~everywhere if word == "unsubscribed" else everywhere
        whens.append((and_(suppressions.c.reason == reason.value, where), literal(1 << number)))
    return func.sum(case(*whens, else_=0))


def _rows(connection: Connection, name: str) -> Iterator[Any]:
    stopped = (
        select(suppressions.c.address_hash, _stops().label("stops"))
        .where(
            suppressions.c.list_id.in_(
                select(lists.c.id).where(lists.c.name == name).union(select(literal(EVERY_LIST)))
            )
        )
        .group_by(suppressions.c.address_hash)
        .subquery()
    )
    query = (
        select(
            people.c.address,
            people.c.first_name,
            people.c.last_name,
            people.c.country,
            people.c.language,
            people.c.timezone,
            tag_list(people.c.id),
            subscriptions.c.status,
            subscriptions.c.changed_at,
            cast(people.c.attributes, Text),
            func.coalesce(stopped.c.stops, 0),
        )
        .select_from(subscriptions)
        .join(lists, lists.c.id == subscriptions.c.list_id)
        .join(people, people.c.id == subscriptions.c.person_id)
        .outerjoin(stopped, stopped.c.address_hash == people.c.address_hash)
        .where(lists.c.name == name)
        .order_by(people.c.id)
    )
    # A million people are read as they are written, never held together.
    return iter(connection.execute(query.execution_options(yield_per=1000)))


def _attribute_names(connection: Connection, name: str) -> set[str]:
    names: set[str] = set()
    for row in _rows(connection, name):
        if row[-2] != "{}":
            names.update(json.loads(row[-2]))
    return names
