"""Imports that were done: what became of their rows, and until when each can be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, select, update

from mailer.store.tables.core import lists
from mailer.store.tables.imports import import_people, import_subscriptions, import_suppressions, imports

KEPT = (import_people, import_subscriptions)  # what is kept of each import, beside its suppressions


@dataclass(frozen=True, slots=True)
class PastImport:
    """One import. `report` has the counts of `ImportReport` by their names, `undone` those of `Undone`."""

    id: int
    list: str
    at: datetime
    by: str
    files: Sequence[str]
    report: Mapping[str, Any]
    undo_until: datetime | None
    undone_at: datetime | None
    undone_by: str
    undone: Mapping[str, Any] | None

    def can_be_undone(self, now: datetime) -> bool:
        return self.undone_at is None and self.undo_until is not None and now < self.undo_until


def find_import(connection: Connection, number: int) -> PastImport | None:
    """An import by its number; None when there is none."""
    row = connection.execute(_query().where(imports.c.id == number)).mappings().first()
    return None if row is None else _past(row)


def list_imports(connection: Connection, *, limit: int = 50) -> Sequence[PastImport]:
    """The newest imports first."""
    return [_past(row) for row in connection.execute(_query().order_by(imports.c.id.desc()).limit(limit)).mappings()]


def prune(connection: Connection, *, now: datetime) -> None:
    """Delete what would take an import back once its day is over. Suppressions become what any other is."""
    old = select(imports.c.id).where(imports.c.undo_until < now)
    drop_kept(connection, old)
    mine, other = import_suppressions, import_suppressions.alias()
    final = exists().where(
        other.c.address_hash == mine.c.address_hash, other.c.list_id == mine.c.list_id,
        other.c.reason == mine.c.reason, other.c.import_id.in_(old),
    )  # fmt: skip
    connection.execute(delete(mine).where(final))
    connection.execute(update(imports).where(imports.c.undo_until < now).values(undo_until=None))


def drop_kept(connection: Connection, which: Any) -> None:
    """Delete what was kept of people before some imports; `which` selects their numbers."""
    for table in KEPT:
        connection.execute(delete(table).where(table.c.import_id.in_(which)))


def _query() -> Any:
    columns = (imports.c[name] for name in PastImport.__dataclass_fields__ if name != "list")
    return select(lists.c.name.label("list"), *columns).join_from(imports, lists, lists.c.id == imports.c.list_id)


def _past(row: RowMapping) -> PastImport:
    return PastImport(**row)
