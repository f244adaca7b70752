"""`mailer db move`: carries a whole database to another one, of either engine, and leaves the old one unusable.

The order makes every interruption safe, kill -9 included, though no transaction spans both. Within one transaction of
the old database it is fenced, so that nothing can change it or send from it any more. Meanwhile everything is carried
and compared within one transaction of the new one, which so holds either nothing or all of it; it is closed too until
the fence is committed. So at most one of the two can be used at any moment: the old one until then, whatever happens.
Interrupted, the same command does it again, finishes it or finds it done; in the moment between the two commits it asks
for the new one to be made again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from mailer.errors import MailerError
from mailer.store.admin.copy import Progress, content_of, copy_table, count_rows, go_on_from, numbers_used
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import make_engine, shown
from mailer.store.engine.errors import translated
from mailer.store.engine.fence import ARRIVED, ARRIVING, BACKUP, MOVED, Mark, fence, find_mark, remove_mark, set_mark
from mailer.store.engine.parts import lay_out
from mailer.store.engine.version import check_schema
from mailer.store.tables.core import campaigns, deliveries, events, hits, metadata, workers

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move carried: the rows of each table. `before`: it had been carried earlier."""

    rows: Mapping[str, int]
    before: bool = False


def check_move(source_url: str, target_url: str, *, now: datetime) -> Mapping[str, int]:
    """Whether a move can begin: the rows of each table it would carry; raises with what prevents it."""
    with _both(source_url, target_url) as (source, target), source.read() as old, target.read() as new:
        _refuse(old, source_url, target_url, now=now)
        if not _has_arrived(old, new):
            _refuse_filled(new, source_url)
        return _count(old)


def move_database(source_url: str, target_url: str, *, clock: Clock, progress: Progress) -> Moved:
    """Carry everything to the database at `target_url`, which must be empty. Raises `MailerError`."""
    with _both(source_url, target_url) as (source, target):
        with source.write() as old:
            _hold(old)
            _refuse(old, source_url, target_url, now=clock())
            move = find_mark(old, MOVED)
            if move is None:
                move = Mark(MOVED, clock(), secrets.token_hex(8), shown(target_url))
                fence(old, move)
            with target.write() as new:
                _hold(new)
                before = _has_arrived(old, new)
                if not before:
                    _refuse_filled(new, source_url)
                    _copy(old, new, progress)
                    set_mark(new, Mark(ARRIVING, clock(), move.id, shown(source_url)))
                moved = Moved(_count(new), before)
        with target.write() as new:
            _open(new)
            new.execute(text("ANALYZE"))  # else PostgreSQL plans as for empty tables until it does so by itself
    return moved


@contextmanager
def _both(source_url: str, target_url: str) -> Generator[tuple[Database, Database], None, None]:
    if shown(source_url) == shown(target_url):
        raise MailerError("this database is the one in use already", remedy="Name another: mailer db move --to URL")
    # Not `open_database`, which refuses what an earlier move closed.
    with closing(Database(make_engine(source_url))) as source, closing(Database(make_engine(target_url))) as target:
        with translated():
            check_schema(source.engine)
            check_schema(target.engine)
        yield source, target


def _refuse(old: Connection, source_url: str, target_url: str, *, now: datetime) -> None:
    """Raise what keeps the old database from being moved there."""
    if find_mark(old, BACKUP):
        raise MailerError("this is a backup that was just put back", remedy="Look at it first: mailer status")
    closed = find_mark(old, MOVED, ARRIVING)
    if closed and (closed.kind == ARRIVING or closed.place != shown(target_url)):
        raise closed.refusal()
    names = old.execute(select(workers.c.name).where(workers.c.lease_until > now)).scalars().all()
    if names:
        raise MailerError(
            f"a newsletter is being sent right now by {', '.join(sorted(set(names)))}",
            remedy="Pause it: mailer pause NEWSLETTER; stop cron; wait a minute; then move.",
        )


def _has_arrived(old: Connection, new: Connection) -> bool:
    """Whether the new database holds what was moved, by a move that went as far as fencing the old one."""
    moved, arrived = find_mark(old, MOVED), find_mark(new, ARRIVING, ARRIVED)
    return moved is not None and arrived is not None and arrived.id == moved.id


def _refuse_filled(new: Connection, source_url: str) -> None:
    """Raise unless the new database is empty."""
    arriving = find_mark(new, ARRIVING)
    if arriving and arriving.place == shown(source_url):
        raise MailerError(
            "the new database holds what an interrupted move left, and this one is still in use",
            remedy="Drop it and make it again, then run this again: dropdb NAME; createdb NAME",
        )
    if arriving:
        raise arriving.refusal()
    for table in metadata.sorted_tables:
        if new.execute(select(table).limit(1)).first() is not None:
            raise MailerError(
                f"the database to move to is not empty: it has {count_rows(new, table):,} {table.name}",
                remedy="Name an empty one, such as a newly made one: createdb NAME",
            )


def _count(connection: Connection) -> Mapping[str, int]:
    return {table.name: count_rows(connection, table) for table in metadata.sorted_tables}


def _hold(connection: Connection) -> None:
    """Keep everybody else out of a PostgreSQL database; of SQLite's nobody else can write while we do."""
    if connection.dialect.name == "postgresql":
        # This side waits while the other one is read, for as long as that takes.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
        connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))


def _copy(old: Connection, new: Connection, progress: Progress) -> None:
    lay_out(new, _sizes(old))
    for table in metadata.sorted_tables:
        read = copy_table(old, new, table, progress)
        go_on_from(new, table, numbers_used(old, table))
        if (written := content_of(new, table)) != read:
            raise MailerError(
                f"{table.name} did not arrive whole: {read.rows:,} rows were read and {written.rows:,} found, or their"
                " content differs",
                remedy="Nothing was kept. Look for triggers in the new database, then try again.",
            )


def _sizes(old: Connection) -> Mapping[int, int]:
    """How many deliveries each campaign has that anything is kept about."""
    sizes = dict.fromkeys(old.execute(select(campaigns.c.id)).scalars(), 0)
    for table in (hits, events, deliveries):
        counted = select(table.c.campaign_id, func.count()).group_by(table.c.campaign_id)
        for number, rows in old.execute(counted):
            sizes[number] = rows if table is deliveries else sizes.get(number, 0)
    return sizes


def _open(new: Connection) -> None:
    """Let the new database be used. Its mark says from now on which move it came by."""
    if arriving := find_mark(new, ARRIVING):
        remove_mark(new, ARRIVING)
        set_mark(new, Mark(ARRIVED, arriving.at, arriving.id, arriving.place))
