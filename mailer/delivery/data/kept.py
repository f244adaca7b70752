"""Each source as it was when it was read last. Everybody who looks at a newsletter within some minutes sees the same,
and a site that is slow or down is asked once and not by every look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, select

from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.data import data_readings
from mailer.store.tables.writing import approvals

if TYPE_CHECKING:  # a run that only tidies up needs no grammar
    from mailer.compose.data.sources import DataSource

FRESH = timedelta(minutes=10)
FRESH_FAULT = timedelta(minutes=1)
KEEP = timedelta(days=30)


class UnreadableSource(MailerError):
    """A source can't be read; the message says why, without what it holds."""


@dataclass(frozen=True, slots=True)
class RawData:
    """What a source holds. `charset`: what its server says of it; `base`: the address that relative ones begin at."""

    body: bytes
    charset: str = ""
    base: str = ""


@dataclass(frozen=True, slots=True)
class KeptReading:
    """What came of asking a source: what it holds, or why it can't be read."""

    read_at: datetime
    raw: RawData
    fault: str = ""
    remedy: str = ""

    def is_fresh(self, now: datetime) -> bool:
        """Whether it needn't be asked again. One from the future is of a clock that was put back."""
        return timedelta() <= now - self.read_at < (FRESH_FAULT if self.fault else FRESH)


def kept_readings(connection: Connection, newsletter: str) -> Mapping[str, KeptReading]:
    """The last readings of a newsletter's sources, by their `key`."""
    rows = connection.execute(select(data_readings).where(data_readings.c.newsletter == newsletter))
    return {
        row.source: KeptReading(row.read_at, RawData(bytes(row.body), row.charset, row.base), row.fault, row.remedy)
        for row in rows
    }


def last_read(database: Database, newsletter: str) -> str:
    """Changes when one of a newsletter's sources was read again."""
    last = select(func.max(data_readings.c.read_at)).where(data_readings.c.newsletter == newsletter)
    with database.read() as connection:
        return str(connection.execute(last).scalar())


def keep_reading(connection: Connection, newsletter: str, source: DataSource, reading: KeptReading) -> None:
    """Put a reading in the place of the last one."""
    raw = reading.raw
    values = {
        "read_at": reading.read_at, "body": raw.body, "charset": raw.charset, "base": raw.base,
        "fault": reading.fault, "remedy": reading.remedy,
    }  # fmt: skip
    statement = insert_for(connection, data_readings).values(newsletter=newsletter, source=source.key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["newsletter", "source"], set_=values))


def _unasked(now: datetime) -> ColumnElement[bool]:
    """Old readings, but none that an approval may be of: a standing one holds for years."""
    return and_(data_readings.c.read_at < now - KEEP, data_readings.c.newsletter.not_in(select(approvals.c.slug)))


def any_old(now: datetime) -> ColumnElement[bool]:
    """Whether there is anything to delete."""
    return exists().where(_unasked(now))


def prune(connection: Connection, *, now: datetime) -> None:
    """Delete what nobody asked for in a month."""
    connection.execute(delete(data_readings).where(_unasked(now)))
