"""Takes a list elsewhere: everyone on it as CSV that a spreadsheet can open without running what people wrote."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, TextIO

from sqlalchemy import Connection, Text, cast, select

from mailer.audience.people import FIELDS
from mailer.store.tables import lists, people, subscriptions

# A cell that begins with one of these is a formula to a spreadsheet (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
COLUMNS = (*(name for name in FIELDS if name != "name"), "status", "changed_at")


def export_list(connection: Connection, name: str, file: TextIO) -> int:
    """Write the people on a list, also those pending or unsubscribed, in the order they came; how many they are.

    Columns: what everyone has, the status and since when, then attributes. Cells a spreadsheet would take for a
    formula get a ' in front.
    """
    attributes = sorted(_attribute_names(connection, name))
    writer = csv.writer(file)
    writer.writerow([guarded(column) for column in (*COLUMNS, *attributes)])
    number = 0
    for row in _rows(connection, name):
        number += 1
        *known, changed_at, text = row
        extra = json.loads(text)
        cells = [*known, changed_at.isoformat(), *(extra.get(attribute, "") for attribute in attributes)]
        writer.writerow([guarded(cell) for cell in cells])
    return number


def guarded(cell: str) -> str:
    """The cell, harmless to spreadsheets."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _rows(connection: Connection, name: str) -> Iterator[Any]:
    query = (
        select(
            people.c.address,
            people.c.first_name,
            people.c.last_name,
            people.c.country,
            people.c.language,
            subscriptions.c.status,
            subscriptions.c.changed_at,
            cast(people.c.attributes, Text),
        )
        .select_from(subscriptions)
        .join(lists, lists.c.id == subscriptions.c.list_id)
        .join(people, people.c.id == subscriptions.c.person_id)
        .where(lists.c.name == name)
        .order_by(people.c.id)
    )
    # A million people are read as they are written, never held together.
    return iter(connection.execute(query.execution_options(yield_per=1000)))


def _attribute_names(connection: Connection, name: str) -> set[str]:
    names: set[str] = set()
    for row in _rows(connection, name):
        if row[-1] != "{}":
            names.update(json.loads(row[-1]))
    return names
