"""Puts sets of people onto the list with the proof of it, in the caller's write transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, insert, literal, select

from mailer.audience.consent.changes import IMPORT, consent_source, list_id
from mailer.audience.imports.load.staging import stage
from mailer.audience.imports.row_check import FILE
from mailer.store.tables.core import Instant, consents, people, subscriptions
from mailer.workspace import ListDefinition


@dataclass(frozen=True, slots=True)
class ImportOrigin:
    """What an import brings people onto, from where, and when."""

    definition: ListDefinition
    sources: Sequence[str]  # of each file, in words
    wordings: Sequence[str]  # what people of each file agreed to; "" where that isn't known
    now: datetime


class ImportTarget:
    """The list, the origins of the consents, and who was known before: beyond `newest` are those added since."""

    def __init__(self, connection: Connection, origin: ImportOrigin) -> None:
        self.connection = connection
        self.origin = origin
        self.now = literal(origin.now, Instant())
        if connection.dialect.name == "postgresql":
            # Higher numbers mean new people, so nobody else may add people meanwhile. SQLite has one writer anyway.
            connection.exec_driver_sql("LOCK TABLE people IN SHARE ROW EXCLUSIVE MODE")
        self.list_id = list_id(connection, origin.definition.name)
        self.source_ids: list[int] = []  # of the proofs
        self.source = self.of_file([self._number(*pair) for pair in zip(origin.sources, origin.wordings, strict=True)])
        self.newest = connection.execute(select(func.coalesce(func.max(people.c.id), 0))).scalar_one()

    def leaving_source(self) -> ColumnElement[int]:
        """The origin of a staged row's leaving."""
        return self.of_file([self._number(source, "") for source in self.origin.sources])

    def of_file(self, values: Sequence[Any]) -> ColumnElement[Any]:
        """The value for the file of a staged row."""
        if len(values) == 1:
            return literal(values[0])
        return case(*((stage.c.row < (number << FILE), literal(value)) for number, value in enumerate(values, start=1)))

    def prove(self, who: Select[Any, Any, Any], status: str) -> None:
        """Append a proof for each of `who`: a person, since when they agreed, and the origin.

        Before their subscriptions change, which `who` may ask for.
        """
        person, given_at, source = who.subquery().c
        rows = select(person, literal(self.list_id), literal(status), self.now, given_at, source).order_by(person)
        names = ["person_id", "list_id", "status", "at", "given_at", "source_id"]
        self.connection.execute(insert(consents).from_select(names, rows))

    def subscribe(self, who: Select[Any, Any, Any], status: str) -> None:
        """Put people on the list who are not on it."""
        person = who.subquery().c[0]
        rows = select(literal(self.list_id), person, literal(status), self.now).order_by(person)
        names = ["list_id", "person_id", "status", "changed_at"]
        self.connection.execute(insert(subscriptions).from_select(names, rows))

    def _number(self, source: str, wording: str) -> int:
        number = consent_source(self.connection, how=IMPORT, source=source, wording=wording)
        self.source_ids.append(number)
        return number
