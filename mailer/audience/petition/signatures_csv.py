"""Signatures as handed to the target of an appeal: CSV in which a spreadsheet runs nothing that people wrote, and the
statement they signed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from sqlalchemy import Connection, RowMapping, func, select

from mailer.audience.people.csv_export import guarded
from mailer.petition_fields.table import FIELDS, SignatureField
from mailer.store.tables.core import people
from mailer.store.tables.inbound import signatures, statements

COLUMNS = tuple(field for field in FIELDS if not field.contact)
CONTACT = tuple(field for field in FIELDS if field.contact)  # only when asked for


@dataclass(frozen=True, slots=True)
class Wording:
    """One wording of a page's statement, and how many signed it."""

    id: int
    text: str
    signatures: int


def wordings(connection: Connection, page: str) -> list[Wording]:
    """The statements that people signed on this page, oldest first."""
    rows = connection.execute(
        select(statements.c.id, statements.c.text, func.count(signatures.c.id))
        .select_from(statements.join(signatures, signatures.c.statement_id == statements.c.id))
        .where(statements.c.page == page)
        .group_by(statements.c.id, statements.c.text)
        .order_by(statements.c.id)
    )
    return [Wording(*row) for row in rows]


def export_signatures(
    connection: Connection,
    page: str,
    file: TextIO,
    *,
    texts: Sequence[Wording],
    since: datetime | None = None,
    addresses: bool = False,
) -> int:
    """Write a page's signatures in the order they came; returns how many. Those of forgotten people are left out.

    If there are several wordings, a column says which one was signed, by its place in `texts`, counted from 1.
    `addresses` adds how to reach the people.
    """
    places = {one.id: place for place, one in enumerate(texts, start=1)}
    several = len(texts) > 1
    writer = csv.writer(file)
    contact = CONTACT if addresses else ()
    names = [field.name for field in COLUMNS]
    writer.writerow(["number", "date", *names, *(["statement"] * several), *(field.name for field in contact)])
    number = 0
    for row in _rows(connection, page, since):
        number += 1
        place = [str(places.get(row["statement_id"], ""))] * several
        said, reach = _cells(row, COLUMNS), _cells(row, contact)
        writer.writerow([number, row["signed_at"].date().isoformat(), *said, *place, *reach])
    return number


def statement_text(page: str, texts: Sequence[Wording]) -> str:
    """The wordings as the text of a file to put beside the CSV."""
    if len(texts) == 1:
        return f"{texts[0].text}\n"
    return "\n".join(f"Statement {place} of {page}:\n\n{one.text}\n" for place, one in enumerate(texts, start=1))


def _cells(row: RowMapping, fields: Sequence[SignatureField]) -> list[str]:
    return [guarded(row[field.name] if field.kept else row["address"]) for field in fields]


def _rows(connection: Connection, page: str, since: datetime | None) -> Iterator[RowMapping]:
    query = (
        select(signatures, people.c.address)
        .join(people, people.c.id == signatures.c.person_id)
        .where(signatures.c.page == page)
        .order_by(signatures.c.signed_at, signatures.c.id)
    )
    if since is not None:
        query = query.where(signatures.c.signed_at >= since)
    # There may be many: they are read as they are written, and never all held in memory.
    return iter(connection.execute(query.execution_options(yield_per=1000)).mappings())
