"""What every table is made of: the one catalogue of tables, times as both engines store them, and row numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, ForeignKeyConstraint, Integer, MetaData, TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as whole microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


def to_microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 of an aware datetime: what an `Instant` column holds."""
    return (moment - EPOCH) // MICROSECOND


# SQLite numbers rows by itself only in a column that is literally INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")

ONE_ENGINE = "engine"  # in a key's `info`: the engine that alone has it


def key_of_sqlite(column: str, target: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key to a row that the program never deletes while it is referred to, which SQLite alone checks.

    PostgreSQL looks such a row up anew for each row of a million (docs/decisions/0019-keys-to-what-stays.md).
    """
    key = ForeignKeyConstraint([column], [target], ondelete=ondelete, info={ONE_ENGINE: "sqlite"})
    return key.ddl_if(dialect="sqlite")
