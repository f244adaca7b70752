"""Everyone who would be mailed, grouped by the fields that a message uses and streamed from the database.

What merging them means is for `simulate`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, true

from mailer.audience.people.people import supporters
from mailer.audience.selection.languages import VersionReach, languages_of, reach
from mailer.audience.selection.segment_sql import field_text
from mailer.audience.selection.select import places
from mailer.checking.evidence.audience_stats import AudienceStats, Which
from mailer.checking.evidence.simulate import NAMES_OF_PEOPLE, Row, Simulation
from mailer.compose.data.tables import Cells, no_cells
from mailer.compose.message import Message, version_name
from mailer.store.tables.core import people

BATCH = 2_000  # rows held at a time


def merge_everyone(
    connection: Connection, message: Message, cells: Cells = no_cells, *, readers: Collection[str] | None = None
) -> AudienceStats:
    """What merging one version tells for everyone in `places`, or for those of them who read one of the languages
    `readers`. The database groups people who are alike."""
    simulation = Simulation(message, cells)
    those = true() if readers is None else people.c.language.in_(readers)
    return simulation.figures(_rows(connection, simulation.fields, those))


def merge_versions(
    connection: Connection, message: Message, cells: Cells = no_cells
) -> dict[str, tuple[AudienceStats, VersionReach]]:
    """What merging each version of `message` tells of those who get it, by version, and how many people those are.
    Anybody may get any version of a test: which it will be is drawn at the launch."""
    reached = reach(languages_of(connection), message.spoken)
    return {
        version_name(arm, language): (
            merge_everyone(connection, one, cells, readers=reached[language].readers if message.translations else None),
            reached[language],
        )
        for (arm, language), one in message.mails.items()
    }


def supporter_of(connection: Connection, figures: AudienceStats, which: Which) -> dict[str, str] | None:
    """The merge mapping of an unusual recipient, or None."""
    one = figures.standout(which)
    return supporters(connection, [one.person_id]).get(one.person_id) if one else None


def _rows(connection: Connection, fields: tuple[str, ...], those: ColumnElement[bool]) -> Iterator[Row]:
    named = {name: field_text(name).label(f"f{number}") for number, name in enumerate(fields)}
    columns = named.values()
    source = people.join(places, places.c.person_id == people.c.id)
    if "email" in fields:  # everyone is different: nothing to group
        query = select(people.c.id, *columns).select_from(source).where(those)
        for row in connection.execute(query.execution_options(yield_per=BATCH)):
            yield Row(row[1:], 1, row[0])
        return
    query: Any = select(func.count(), func.min(people.c.id), *columns).select_from(source).where(those)
    # By what differs most first: then SQLite, which sorts, seldom compares more than one column.
    query = query.group_by(*(named[name] for name in sorted(named, key=lambda one: one not in NAMES_OF_PEOPLE)))
    row: Any
    for row in connection.execute(query.execution_options(yield_per=BATCH)):
        if row[0]:  # without columns an empty audience gives one row
            yield Row(row[2:], row[0], row[1])
