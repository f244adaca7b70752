"""What a database knows of itself when it is not simply the one in use: a backup put back, or one that was moved away.

Such a database holds one more table, `mailer_mark`, which no other has; it is no part of the schema. A database that
was moved is also fenced: triggers refuse every change, so that programs that had it open before, and a cron line that
still points at it, can't send from it. `backup` and `moving` write the marks; opening a database obeys them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateTable

from mailer.store.engine.errors import FENCED, DatabaseTrouble
from mailer.store.tables.core import Instant, campaigns, metadata
from mailer.store.tables.series import PLANNED, issues, series
from mailer.store.tables.states import CampaignState, SeriesState

BACKUP = "backup"  # this is a copy, taken at `at`
MOVED = "moved"  # its rows were carried to `place` by the move `id`
ARRIVING = "arriving"  # its rows came from `place` by the move `id`, and the database there may be in use still
ARRIVED = "arrived"  # its rows came from `place` by the move `id`

mark = Table(
    "mailer_mark",
    MetaData(),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("id", Text, nullable=False, server_default=""),
    Column("place", Text, nullable=False, server_default=""),
)
FENCE = "mailer_fence"


@dataclass(frozen=True, slots=True)
class Mark:
    """One fact that a database records about itself."""

    kind: str
    at: datetime
    id: str = ""
    place: str = ""

    def refusal(self) -> DatabaseTrouble:
        """Why a database with this mark, MOVED or ARRIVING, can't be used, and what to do."""
        if self.kind == MOVED:
            return DatabaseTrouble(
                f"this database was moved to {self.place}", remedy="Put that into mailer.toml as `database`."
            )
        return DatabaseTrouble(
            f"this database is being filled from {self.place}",
            remedy="Wait for that. If it was interrupted, run `mailer db move` again where that one is set.",
        )


def find_mark(connection: Connection, *kinds: str) -> Mark | None:
    """The database's mark of one of these kinds, if it has one."""
    if not inspect(connection).has_table(mark.name):
        return None
    row = connection.execute(select(mark).where(mark.c.kind.in_(kinds))).first()
    return None if row is None else Mark(row.kind, row.at, row.id, row.place)


def set_mark(connection: Connection, value: Mark) -> None:
    """Mark the database, in place of an earlier mark of the same kind."""
    connection.execute(CreateTable(mark, if_not_exists=True))
    connection.execute(delete(mark).where(mark.c.kind == value.kind))
    connection.execute(insert(mark).values(kind=value.kind, at=value.at, id=value.id, place=value.place))


def remove_mark(connection: Connection, kind: str) -> None:
    """Remove a mark."""
    connection.execute(delete(mark).where(mark.c.kind == kind))


def refuse_moved(engine: Engine) -> None:
    """Raise `DatabaseTrouble` for a database that was moved away, or is just being filled."""
    with engine.connect() as connection:
        found = find_mark(connection, MOVED, ARRIVING)
    if found is not None:
        raise found.refusal()


def check_marks(engine: Engine, clock: Callable[[], datetime]) -> None:
    """In a backup that was put back, hold back what may have been mailed since it was taken; once."""
    with engine.connect() as connection:
        taken = find_mark(connection, BACKUP)
    if taken is None:
        return
    with engine.connect() as connection:
        connection.execution_options(immediate=True)
        with connection.begin():
            # The process that deletes the row does the work; others wait for it, and find nothing left to do.
            if connection.execute(delete(mark).where(mark.c.kind == BACKUP)).rowcount:
                _hold_back(connection, taken.at, now=clock())


def _hold_back(connection: Connection, taken: datetime, *, now: datetime) -> None:
    """Stop every campaign that may have handed over mails which this copy knows nothing of."""
    since = f"this is a backup taken {taken:%d %B %Y %H:%M} UTC: it knows nothing of mails sent since."
    connection.execute(
        update(campaigns)
        .where(campaigns.c.state.in_([CampaignState.SENDING, CampaignState.PAUSED]))
        .values(
            state=CampaignState.PAUSED,
            why=_with_slug(f"{since} If none were sent, go on: mailer resume @. Else end it: mailer cancel @"),
        )
    )
    connection.execute(
        update(campaigns)
        .where(campaigns.c.state.in_([CampaignState.SCHEDULED, CampaignState.OVERDUE]), campaigns.c.due_at <= now)
        .values(
            state=CampaignState.OVERDUE,
            why=_with_slug(f"{since} If this one was not sent, schedule it again: mailer unschedule @"),
        )
    )
    _hold_series_back(connection, since, now=now)


def _hold_series_back(connection: Connection, since: str, *, now: datetime) -> None:
    """Pause every series that had an issue to make since: it may have left. It goes on with the next, once started."""
    passed = issues.c.planned_at <= now
    missed = select(issues.c.slug).where(PLANNED, passed)
    why = f"{since} If it is to go on, start it again (mailer series start)."
    held = update(series).where(series.c.state == SeriesState.RUNNING, series.c.slug.in_(missed))
    connection.execute(held.values(state=SeriesState.PAUSED, why=why))
    connection.execute(delete(issues).where(PLANNED, passed))


def _with_slug(words: str) -> ColumnElement[str]:
    """The words, with each campaign's slug in place of @."""
    return func.replace(words, "@", campaigns.c.slug)


def fence(connection: Connection, value: Mark) -> None:
    """Mark the database as moved, and refuse every change to its tables from the commit of this transaction on."""
    set_mark(connection, value)
    said = value.refusal()
    words = f"{FENCED}{said.message} | {said.remedy}".replace("'", "''")
    if connection.dialect.name == "postgresql":
        _execute(
            connection,
            f"CREATE OR REPLACE FUNCTION {FENCE}() RETURNS trigger LANGUAGE plpgsql AS"
            f" $fence$ BEGIN RAISE EXCEPTION USING MESSAGE = '{words}'; END $fence$",
        )
    for table in metadata.sorted_tables:
        if connection.dialect.name == "postgresql":
            when, what = "INSERT OR UPDATE OR DELETE OR TRUNCATE", f"FOR EACH STATEMENT EXECUTE FUNCTION {FENCE}()"
            _execute(connection, f"CREATE TRIGGER {FENCE} BEFORE {when} ON {table.name} {what}")
        else:
            for action in ("INSERT", "UPDATE", "DELETE"):  # SQLite wants one for each
                name, what = f"{FENCE}_{action.lower()}_{table.name}", f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
                _execute(connection, f"CREATE TRIGGER {name} BEFORE {action} ON {table.name} {what}")


def _execute(connection: Connection, statement: str) -> None:
    connection.execute(text(statement.replace(":", "\\:")))
