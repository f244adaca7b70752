"""Puts sets of people onto the list with the proof of it, in the caller's write transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, literal, select

from mailer.audience.consent import consent_source, list_id
from mailer.store.tables import Instant, consents, people, subscriptions
from mailer.workspace import ListDefinition


@dataclass(frozen=True, slots=True)
class Origin:
    """What an import brings people onto, from which file, and when."""

    definition: ListDefinition
    source: str
    now: datetime


class Joining:
    """The list, the origin of the consents, and who was known before: beyond `newest` are those added since."""

    def __init__(self, connection: Connection, origin: Origin) -> None:
        self.connection = connection
        self.source = origin.source
        self.now = literal(origin.now, Instant())
        if connection.dialect.name == "postgresql":
            # Numbers tell who is new, so nobody else may add people meanwhile. SQLite has one writer anyway.
            connection.exec_driver_sql("LOCK TABLE people IN SHARE ROW EXCLUSIVE MODE")
        self.list_id = list_id(connection, origin.definition.name)
        wording = origin.definition.consent
        self.source_id = consent_source(connection, how="import", source=origin.source, wording=wording)
        self.newest = connection.execute(select(func.coalesce(func.max(people.c.id), 0))).scalar_one()

    def prove(self, who: Select[Any], status: str, *, source_id: int | None = None) -> None:
        """Append a proof for each of `who`; before their subscriptions change, which `who` may ask for."""
        person = who.subquery().c[0]
        source = literal(self.source_id if source_id is None else source_id)
        rows = select(person, literal(self.list_id), literal(status), self.now, source).order_by(person)
        names = ["person_id", "list_id", "status", "at", "source_id"]
        self.connection.execute(insert(consents).from_select(names, rows))

    def subscribe(self, who: Select[Any], status: str) -> None:
        """Put people on the list who are not on it."""
        person = who.subquery().c[0]
        rows = select(literal(self.list_id), person, literal(status), self.now).order_by(person)
        names = ["list_id", "person_id", "status", "changed_at"]
        self.connection.execute(insert(subscriptions).from_select(names, rows))
