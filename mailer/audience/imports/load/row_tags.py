"""The tags of staged rows, put on the people they are about. A file adds tags and takes none away."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Select, Text, cast, exists, func, insert, select

from mailer.audience.imports.load.staging import named_tags, stage, staged_tags
from mailer.audience.imports.row_check import NO_TAGS
from mailer.audience.tags import tag_numbers
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import people_tags


def stage_tags(connection: Connection) -> None:
    """Number the tags that the staged rows name, and note which row names which."""
    if connection.dialect.name == "postgresql":
        listed = func.json_array_elements_text(cast(stage.c.tags, JSON))
    else:
        listed = func.json_each(stage.c.tags)
    one = listed.table_valued("value", joins_implicitly=True).c.value
    given = select(stage.c.row, cast(one, Text).label("name")).where(stage.c.tags != NO_TAGS).subquery()
    names = select(given.c.name).distinct().order_by(given.c.name)
    numbers = tag_numbers(connection, [str(name) for name in connection.execute(names).scalars()])
    if not numbers:
        return
    connection.execute(insert(named_tags), [{"name": name, "tag_id": number} for name, number in numbers.items()])
    rows = select(given.c.row, named_tags.c.tag_id).join(named_tags, named_tags.c.name == given.c.name).distinct()
    connection.execute(insert(staged_tags).from_select(["row", "tag_id"], rows))


def has_new_tags(person: ColumnElement[int], row: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a row gives its person a tag that they haven't."""
    theirs = exists().where(people_tags.c.person_id == person, people_tags.c.tag_id == staged_tags.c.tag_id)
    return exists().where(staged_tags.c.row == row, ~theirs.correlate_except(people_tags))


def put_tags(
    connection: Connection, who: Select[int, int], *, at: ColumnElement[Any], source: ColumnElement[str]
) -> None:
    """Put the tags of rows on people. `who` selects their numbers, each with the number of the row."""
    named = who.subquery()
    person, row = named.c
    rows = select(person, staged_tags.c.tag_id, at, source).select_from(
        named.join(staged_tags, staged_tags.c.row == row).join(stage, stage.c.row == row)
    )
    names = ["person_id", "tag_id", "at", "source"]
    statement = insert_for(connection, people_tags).from_select(names, rows.where(person.is_not(None)))
    connection.execute(statement.on_conflict_do_nothing())
