"""Signatures as handed to the target of an appeal: CSV in which a spreadsheet runs nothing that people wrote, and the
statement they signed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import Connection, RowMapping, Select, func, select

from mailer.audience.people.csv_export import guarded
from mailer.petition_fields.own import in_words
from mailer.petition_fields.table import FIELDS, KEPT, FieldKind, SignatureField
from mailer.store.tables.core import people
from mailer.store.tables.inbound import signatures, statements

COLUMNS = tuple(field for field in FIELDS if not field.contact)
CONTACT = tuple(field for field in FIELDS if field.contact)  # only when asked for
TAKEN = frozenset({"number", "date", "statement", *(field.name for field in FIELDS)})  # headings


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


@dataclass(frozen=True, slots=True)
class OwnColumns:
    """The columns of a page's own questions in a file: (key, heading, field or None where the page asks no more)."""

    columns: Sequence[tuple[str, str, SignatureField | None]] = ()
    left_out: Sequence[str] = ()  # keys of answers that the file for the target has not

    def cells(self, said: Mapping[str, str]) -> list[str]:
        """What one person answered."""
        found = [(said.get(key, ""), field) for key, _, field in self.columns]
        return [guarded(in_words(text, field) if field else text) for text, field in found]


def own_columns(
    connection: Connection, page: str, asked: Sequence[SignatureField], *, everything: bool, since: datetime | None
) -> OwnColumns:
    """The columns for what is asked and for every other answer that somebody gave. Those who are addressed get what a
    question says is passed on; `everything` is the group's own file."""
    rows = connection.execute(_narrowed(select(signatures.c.own), page, since).execution_options(yield_per=1000))
    fields = {field.name: field for field in asked}
    keys = [*fields, *sorted({key for said in rows.scalars() for key in said} - fields.keys())]
    kept = [key for key in keys if everything or (key in fields and not fields[key].contact)]
    headings = Counter(fields[key].label if key in fields else key for key in kept)

    def heading(key: str) -> str:
        label = fields[key].label if key in fields else key
        return label if headings[label] == 1 and label not in TAKEN else f"{label} ({key})"

    return OwnColumns(
        [(key, guarded(heading(key)), fields.get(key)) for key in kept], [key for key in keys if key not in kept]
    )


def export_signatures(
    connection: Connection,
    page: str,
    file: TextIO,
    *,
    texts: Sequence[Wording],
    since: datetime | None = None,
    addresses: bool = False,
    own: OwnColumns | None = None,
    masked: bool = False,
) -> int:
    """Write a page's signatures in the order they came; returns how many. Those of forgotten people are left out.

    If there are several wordings, a column says which one was signed, by its place in `texts`, counted from 1.
    `addresses` adds how to reach the people; `masked` leaves out what `by_consent` does.
    """
    own = own or OwnColumns()
    places = {one.id: place for place, one in enumerate(texts, start=1)}
    several = len(texts) > 1
    writer = csv.writer(file)
    contact = CONTACT if addresses else ()
    names, reached = ([field.name for field in fields] for fields in (COLUMNS, contact))
    asked = [heading for _, heading, _ in own.columns]
    writer.writerow(["number", "date", *names, *asked, *["statement"] * several, *reached])
    number = 0
    for signature in signatures_of(connection, page, since=since):
        row = by_consent(signature) if masked else signature
        number += 1
        place = [str(places.get(row["statement_id"], ""))] * several
        said, reach = [*_cells(row, COLUMNS), *own.cells(row["own"])], _cells(row, contact)
        writer.writerow([number, row["signed_at"].date().isoformat(), *said, *place, *reach])
    return number


def statement_text(page: str, texts: Sequence[Wording]) -> str:
    """The wordings as the text of a file to put beside the CSV."""
    if len(texts) == 1:
        return f"{texts[0].text}\n"
    return "\n".join(f"Statement {place} of {page}:\n\n{one.text}\n" for place, one in enumerate(texts, start=1))


def by_consent(row: RowMapping) -> Mapping[Any, Any]:
    """A signature as it is handed in where names are masked: whole for those who agreed to be shown on the page; of
    others first name, initial and country."""
    if row["shown"]:
        return row
    less = {field.name: "" for field in KEPT if field.kind not in (FieldKind.NAME, FieldKind.COUNTRY)}
    return {**row, **less, "last_name": f"{row['last_name'][:1]}." if row["last_name"] else "", "own": {}}


def signatures_of(connection: Connection, page: str, *, since: datetime | None = None) -> Iterator[RowMapping]:
    """A page's signatures with the people's addresses, in the order they came; those of forgotten people are left out.

    There may be many: they are read as they are looked at, and never all held in memory.
    """
    query = select(signatures, people.c.address).join(people, people.c.id == signatures.c.person_id)
    query = _narrowed(query, page, since).order_by(signatures.c.signed_at, signatures.c.id)
    return iter(connection.execute(query.execution_options(yield_per=1000)).mappings())


def _cells(row: Mapping[Any, Any], fields: Sequence[SignatureField]) -> list[str]:
    return [guarded(row[field.name] if field.kept else row["address"]) for field in fields]


def _narrowed(query: Select[Any], page: str, since: datetime | None) -> Select[Any]:
    query = query.where(signatures.c.page == page)
    return query if since is None else query.where(signatures.c.signed_at >= since)
