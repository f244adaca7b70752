"""What an import changes, noted in its transaction, so that it can be taken back: see `imports.undo`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, insert, literal, or_, select, update

from mailer.audience.imports.load.staging import TEXTS, known, stage
from mailer.audience.imports.subscribe import ImportTarget
from mailer.staff.actor import Actor
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import consents, people, subscriptions, suppressions
from mailer.store.tables.imports import import_people, import_subscriptions, import_suppressions, imports

UNDO = timedelta(days=1)  # how long an import can be taken back
BEFORE = (*TEXTS, "timezone_source", "attributes", "updated_at")


class Journal:
    """The notes of one import, in the caller's write transaction."""

    def __init__(self, target: ImportTarget, by: Actor, files: Sequence[str]) -> None:
        self.connection, self.target = target.connection, target
        now = target.origin.now
        row: dict[str, Any] = {
            "list_id": target.list_id, "at": now, "by": by.name, "files": list(files), "sources": [],
            "people_after": target.newest, "people_until": target.newest, "undo_until": now + UNDO,
        }  # fmt: skip
        row["consents_after"] = row["consents_until"] = self._last(consents.c.id)
        added = self.connection.execute(insert(imports).values(row).returning(imports.c.id))
        self.number = int(added.scalar_one())

    def claim(self, stops: ColumnElement[bool], list_id: int, reason: str, *, source: ColumnElement[str]) -> None:
        """Note that suppressions of staged rows are this import's: those it made, and those that only imports made.
        Call it once they are in."""
        same = [suppressions.c.address_hash == stage.c.address_hash, suppressions.c.list_id == list_id]
        made = exists().where(*same, suppressions.c.reason == reason, suppressions.c.at == self.target.now,
                              suppressions.c.source == source)  # fmt: skip
        other = import_suppressions.alias()
        claimed = exists().where(
            other.c.address_hash == stage.c.address_hash, other.c.list_id == list_id, other.c.reason == reason
        )
        rows = select(stage.c.address_hash, literal(list_id), literal(reason), literal(self.number))
        rows = rows.where(stops, or_(made, claimed))
        into = insert_for(self.connection, import_suppressions).from_select([*import_suppressions.c.keys()], rows)
        self.connection.execute(into.on_conflict_do_nothing())

    def keep_people(self, *, changed: Sequence[str], joined: str, added: str) -> None:
        """Keep what is known of people before they are changed; the arguments are outcomes of `known`."""
        is_changed = known.c.outcome.in_(changed)
        before = [case((is_changed, people.c[name])) for name in BEFORE]
        rows = select(literal(self.number), known.c.person_id, known.c.outcome == joined, *before)
        rows = rows.join_from(known, people, people.c.id == known.c.person_id).where(known.c.outcome != added)
        names = ["import_id", "person_id", "joined", *BEFORE]
        self.connection.execute(insert(import_people).from_select(names, rows))

    def keep_subscriptions(self, which: ColumnElement[bool]) -> None:
        """Keep subscriptions as they are, before they are changed."""
        columns = [subscriptions.c[name] for name in ("list_id", "person_id", "status", "changed_at")]
        rows = select(literal(self.number), *columns).where(which)
        into = insert_for(self.connection, import_subscriptions).from_select([*import_subscriptions.c.keys()], rows)
        self.connection.execute(into.on_conflict_do_nothing())  # of two changes, the first was from what was before

    def close(self, report: Mapping[str, Any]) -> None:
        """Note the end: what became of the rows, and how far the numbers of what it added go."""
        self.connection.execute(
            update(imports)
            .where(imports.c.id == self.number)
            .values(
                report=dict(report), sources=self.target.source_ids, people_until=self._last(people.c.id),
                consents_until=self._last(consents.c.id),
            )
        )  # fmt: skip

    def _last(self, column: ColumnElement[int]) -> int:
        return int(self.connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one())
