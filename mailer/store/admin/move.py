"""`mailer db move`: carries a whole database to another one, of either engine, and leaves the old one unusable.

The order makes every interruption safe, kill -9 included. First the old database is fenced: nothing can change it or
send from it any more. Then everything is carried and compared within one transaction of the new one, which so holds
either nothing or all of it. Last the old one is marked as moved. Interrupted before the end, the same command does it
again, or finds it done. An error before the new one was committed lifts the fence; `abandon_move` does so by hand.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, text

from mailer.errors import MailerError
from mailer.store.admin.copy import Progress, content_of, copy_table, count_rows, go_on_from, numbers_used
from mailer.store.engine import fence
from mailer.store.engine.database import Database, open_database
from mailer.store.engine.dialects import make_engine, shown
from mailer.store.engine.errors import translated
from mailer.store.engine.fence import ARRIVED, BACKUP, MOVED, MOVING, Mark, find_mark
from mailer.store.engine.version import check_schema
from mailer.store.tables.core import metadata, workers

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move carried: the rows of each table. `before`: that was done earlier, and the old one is marked now."""

    rows: Mapping[str, int]
    before: bool = False


def check_move(source_url: str, target_url: str, *, now: datetime) -> Mapping[str, int]:
    """Whether a move can begin: the rows of each table it would carry; raises with what prevents it."""
    with _both(source_url, target_url) as (source, target):
        return _check(source, target, target_url, now=now)


def move_database(source_url: str, target_url: str, *, clock: Clock, progress: Progress) -> Moved:
    """Carry everything to the database at `target_url`, which must be empty. Raises `MailerError`."""
    with _both(source_url, target_url) as (source, target):
        _check(source, target, target_url, now=clock())
        with source.write() as old:
            _refuse_working(old, clock())
            move = find_mark(old, MOVED, MOVING)
            if move is None:
                move = Mark(MOVING, clock(), secrets.token_hex(8), shown(target_url))
                fence.fence(old, move)
        moved = _carry(source, target, move, clock=clock, progress=progress)
        with target.write() as new:
            new.execute(text("ANALYZE"))  # else PostgreSQL plans as for empty tables until it does so by itself
    return moved


def abandon_move(source_url: str, target_url: str | None) -> None:
    """Lift the fence of a move that was interrupted. Refused when the new database holds the whole of it.

    `target_url` is None when staff say that the new database is gone for good.
    """
    source = Database(make_engine(source_url))
    try:
        with source.write() as old:
            move = find_mark(old, MOVING, MOVED)
            if move is None:
                raise MailerError("no move of this database was begun")
            if move.kind == MOVED or (target_url is not None and _has_arrived(target_url, move)):
                raise MailerError(f"the move to {move.place} is complete", remedy="Use that one: see mailer db move.")
            fence.lift_fence(old)
    finally:
        source.close()


def _has_arrived(target_url: str, move: Mark) -> bool:
    target = Database(make_engine(target_url))
    try:
        with target.read() as new:
            arrived = find_mark(new, ARRIVED)
    finally:
        target.close()
    return arrived is not None and arrived.id == move.id


@contextmanager
def _both(source_url: str, target_url: str) -> Generator[tuple[Database, Database], None, None]:
    if shown(source_url) == shown(target_url):
        raise MailerError("this database is the one in use already", remedy="Name another: mailer db move --to URL")
    source = Database(make_engine(source_url))
    try:
        with translated():
            check_schema(source.engine)
        target = open_database(target_url)
        try:
            yield source, target
        finally:
            target.close()
    finally:
        source.close()


def _check(source: Database, target: Database, target_url: str, *, now: datetime) -> Mapping[str, int]:
    with source.read() as old, target.read() as new:
        move = find_mark(old, MOVED, MOVING)
        if move is not None and move.place != shown(target_url):
            done = "was moved" if move.kind == MOVED else "is being moved"
            raise MailerError(
                f"this database {done} to {move.place}", remedy="An interrupted move can be given up: add --abandon"
            )
        if find_mark(old, BACKUP) is not None:
            raise MailerError("this is a backup that was just put back", remedy="Look at it first: mailer status")
        _refuse_working(old, now)
        if not _is_done(new, move):
            _refuse_filled(new)
        return {table.name: count_rows(old, table) for table in metadata.sorted_tables}


def _is_done(new: Connection, move: Mark | None) -> bool:
    arrived = find_mark(new, ARRIVED)
    return move is not None and arrived is not None and arrived.id == move.id


def _refuse_working(old: Connection, now: datetime) -> None:
    names = old.execute(select(workers.c.name).where(workers.c.lease_until > now)).scalars().all()
    if names:
        raise MailerError(
            f"a newsletter is being sent right now by {', '.join(sorted(set(names)))}",
            remedy="Pause it: mailer pause NEWSLETTER; stop cron; wait a minute; then move.",
        )


def _refuse_filled(new: Connection) -> None:
    for table in metadata.sorted_tables:
        if new.execute(select(table).limit(1)).first() is not None:
            raise MailerError(
                f"the database to move to is not empty: it has {count_rows(new, table):,} {table.name}",
                remedy="Name an empty one, such as a newly made one: createdb NAME",
            )


def _carry(source: Database, target: Database, move: Mark, *, clock: Clock, progress: Progress) -> Moved:
    """Fill the new database in one transaction, then mark the old one, whose write lock is held throughout."""
    failure: BaseException | None = None
    committing = False
    moved = Moved({})
    with source.write() as old:
        _hold(old)
        try:
            with target.write() as new:
                _hold(new)
                before = _is_done(new, move)
                if not before:
                    _refuse_filled(new)
                    _copy(old, new, progress)
                    fence.set_mark(new, Mark(ARRIVED, clock(), move.id, shown(str(source.engine.url))))
                moved = Moved({table.name: count_rows(new, table) for table in metadata.sorted_tables}, before)
                committing = True
            fence.set_moved(old)
        except BaseException as error:  # noqa: BLE001 - raised again below, after the fence is lifted
            failure = error
            if not committing:
                fence.lift_fence(old)
    if failure is not None:
        raise failure
    return moved


def _hold(connection: Connection) -> None:
    """Keep everybody else out of a PostgreSQL database; of SQLite's nobody else can write while we do."""
    if connection.dialect.name == "postgresql":
        # This side waits while the other one is read, for as long as that takes.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))


def _copy(old: Connection, new: Connection, progress: Progress) -> None:
    for table in metadata.sorted_tables:
        read = copy_table(old, new, table, progress)
        go_on_from(new, table, numbers_used(old, table))
        if (written := content_of(new, table)) != read:
            raise MailerError(
                f"{table.name} did not arrive whole: {read.rows:,} rows were read and {written.rows:,} found, or their"
                " content differs",
                remedy="Nothing was kept. Look for triggers in the new database, then try again.",
            )
