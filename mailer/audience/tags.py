"""Tags: short words that staff, imports and sign pages put on people, to find and to mail them by.

A tag is the same in any case (`expressions.tagged`), and is called what it was first called. Nobody consents by a tag
and nobody is mailed because of one. Callers of what changes them have a write transaction open.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Text, delete, exists, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mailer.compose.expressions.tagged import BETWEEN, tag_key
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import Instant, people_tags, tags


class tag_list(FunctionElement[str]):  # noqa: N801 - SQL functions are written in small letters
    """tag_list(people.id): the person's tags as one text, in the order of their keys; "" for none."""

    type = Text()
    inherit_cache = True


_THEIRS = "FROM people_tags JOIN tags ON tags.id = people_tags.tag_id WHERE people_tags.person_id ="


@compiles(tag_list, "sqlite")
def _tag_list_sqlite(element: tag_list, compiler: SQLCompiler, **kw: Any) -> str:
    person = compiler.process(element.clauses, **kw)
    ordered = f"SELECT tags.name {_THEIRS} {person} ORDER BY tags.key"
    return f"(SELECT coalesce(group_concat(name, '{BETWEEN}'), '') FROM ({ordered}))"  # noqa: S608 - no values


@compiles(tag_list, "postgresql")
def _tag_list_postgresql(element: tag_list, compiler: SQLCompiler, **kw: Any) -> str:
    person = compiler.process(element.clauses, **kw)
    joined = f"string_agg(tags.name, '{BETWEEN}' ORDER BY tags.key COLLATE \"C\")"
    return f"(SELECT coalesce({joined}, '') {_THEIRS} {person})"


def tagged_with(tag: str) -> Select[int]:
    """The numbers of people who have a tag, in any spelling of it."""
    return select(people_tags.c.person_id).join(tags, tags.c.id == people_tags.c.tag_id).where(
        tags.c.key == tag_key(tag)
    )  # fmt: skip


def tag_numbers(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The number of each of these tags by its name as given, given now where it has none. The names are sound."""
    wanted = list(dict.fromkeys(names))
    firsts = {tag_key(name): name for name in reversed(wanted)}
    if not firsts:
        return {}
    rows = [{"name": name, "key": key} for key, name in sorted(firsts.items())]
    connection.execute(insert_for(connection, tags).on_conflict_do_nothing(index_elements=["key"]), rows)
    known: dict[str, int] = {}
    keys = sorted(firsts)
    for start in range(0, len(keys), 500):  # an IN of more is no longer one statement everywhere
        part = select(tags.c.key, tags.c.id).where(tags.c.key.in_(keys[start : start + 500]))
        known.update((str(row.key), int(row.id)) for row in connection.execute(part))
    return {name: known[tag_key(name)] for name in wanted}


def add_tags(connection: Connection, who: Select[int], names: Iterable[str], *, source: str, at: datetime) -> int:
    """Put tags on everybody in `who`, a SELECT of people's numbers. Returns how many tags were new to somebody."""
    added = 0
    for number in tag_numbers(connection, names).values():
        person = who.subquery().c[0]
        # Without a WHERE, SQLite would take ON CONFLICT for a join's ON (https://sqlite.org/lang_upsert.html#parsing).
        rows = select(person, literal(number), literal(at, Instant()), literal(source)).where(person.is_not(None))
        columns = ["person_id", "tag_id", "at", "source"]
        statement = insert_for(connection, people_tags).from_select(columns, rows).on_conflict_do_nothing()
        added += connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount
    return added


def remove_tags(connection: Connection, who: Select[int], names: Iterable[str]) -> int:
    """Take tags off everybody in `who`; how many were taken off."""
    keys = sorted({tag_key(name) for name in names})
    which = select(tags.c.id).where(tags.c.key.in_(keys))
    gone = delete(people_tags).where(people_tags.c.tag_id.in_(which), people_tags.c.person_id.in_(who))
    return connection.execute(gone).rowcount


def known_tags(connection: Connection) -> list[str]:
    """The tags that anybody has, by name. How many have each is not counted: with a million people a page hasn't the
    time."""
    query = select(tags.c.name).where(exists().where(people_tags.c.tag_id == tags.c.id)).order_by(tags.c.key)
    return [str(name) for name in connection.execute(query).scalars()]
