"""A replica: how far it follows its server, and whether figures may come from it.

Where the server's log goes to is asked there first, and then on the replica whether all of that was replayed: its own
clock and its last transaction alone can't tell a quiet server from one that it is cut off from. Figures themselves are
counted by `database`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

AWAY_SECONDS = 30.0  # before one that couldn't be used is asked again
CATCH_UP_SECONDS = 1.0  # for a replica to replay what is on the server now; then the server counts
ASK_AGAIN_SECONDS = 0.02
# What every commit of ours has written by its end. `pg_current_wal_insert_lsn` is further by the header of a segment
# in which there is nothing yet. The other is for an address that names a standby.
NOW = text("""SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END,
    clock_timestamp()""")
# All that was committed on the server by then is here; the last checkpoint says so where no transaction came since the
# start. Every role may ask this.
THERE = text("""SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= CAST(:log AS pg_lsn),
    greatest(pg_last_xact_replay_timestamp(), checkpoint_time) FROM pg_control_checkpoint()""")


@dataclass(frozen=True, slots=True)
class Followed:
    """A server, at one moment `at` by its clock: `log` is how far its log is written."""

    log: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Replayed:
    """`has_all` of what was on the server when that was asked. What is shown was so there `at`, by its clock."""

    stands_by: bool  # it follows a server, and can't be written
    has_all: bool
    at: datetime


def followed(server: Connection) -> Followed:
    """How far a server is now."""
    log, at = server.execute(NOW).one()
    return Followed(str(log), at)


def replayed(replica: Connection, server: Followed, *, patience_seconds: float = 0.0) -> Replayed:
    """How far a replica is, as soon as it has all that the server had, or after so long."""
    until = time.monotonic() + patience_seconds
    while True:
        stands_by, has_all, at = replica.execute(THERE, {"log": server.log}).one()
        if has_all or not stands_by or time.monotonic() >= until:
            return Replayed(stands_by, bool(has_all), server.at if has_all else at)
        time.sleep(ASK_AGAIN_SECONDS)


class Replica:
    """The replica that an address names. One that couldn't be used isn't asked for half a minute."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._away_until = 0.0  # time.monotonic

    def shows(self, server: Engine, *, up_to_now: bool) -> datetime | None:
        """The moment that it shows, by the server's clock; None where the server is to be read instead: it doesn't
        answer, is no standby, or lacks something of now though figures are to be `up_to_now`."""
        if time.monotonic() < self._away_until:
            return None
        with server.connect() as connection:
            now = followed(connection)
        try:
            with self.engine.connect() as connection:
                there = replayed(connection, now, patience_seconds=CATCH_UP_SECONDS if up_to_now else 0.0)
        except DBAPIError:
            there = None
        if there is None or not there.stands_by or (up_to_now and not there.has_all):
            self.leave()
            return None
        return there.at

    def leave(self) -> None:
        """Don't ask it for a while."""
        self._away_until = time.monotonic() + AWAY_SECONDS
