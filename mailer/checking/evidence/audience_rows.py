"""Everyone who would be mailed, grouped by the fields that a message uses and streamed from the database.

What merging them means is for `simulate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, func, select

from mailer.audience.people.people import supporters
from mailer.audience.selection.segment_sql import field_text
from mailer.audience.selection.select import places
from mailer.checking.evidence.audience_stats import AudienceStats, Which
from mailer.checking.evidence.simulate import Row, Simulation
from mailer.compose.message import Message
from mailer.store.tables.core import people

BATCH = 2_000  # rows held at a time


def merge_everyone(connection: Connection, message: Message) -> AudienceStats:
    """What merging `message` tells for everyone in `places`. The database groups people who are alike."""
    simulation = Simulation(message)
    return simulation.figures(_rows(connection, simulation.fields))


def supporter_of(connection: Connection, figures: AudienceStats, which: Which) -> dict[str, str] | None:
    """The merge mapping of an unusual recipient, or None."""
    one = figures.standout(which)
    return supporters(connection, [one.person_id]).get(one.person_id) if one else None


def _rows(connection: Connection, fields: tuple[str, ...]) -> Iterator[Row]:
    columns = [field_text(name).label(f"f{number}") for number, name in enumerate(fields)]
    source = people.join(places, places.c.person_id == people.c.id)
    if "email" in fields:  # everyone is different: nothing to group
        query = select(people.c.id, *columns).select_from(source)
        for row in connection.execute(query.execution_options(yield_per=BATCH)):
            yield Row(row[1:], 1, row[0])
        return
    query: Any = select(func.count(), func.min(people.c.id), *columns).select_from(source).group_by(*columns)
    row: Any
    for row in connection.execute(query.execution_options(yield_per=BATCH)):
        if row[0]:  # without columns an empty audience gives one row
            yield Row(row[2:], row[0], row[1])
