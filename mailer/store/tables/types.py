"""What every table is made of: the one catalogue of tables, times as both engines store them, row numbers, indexes over
some rows only, and tables that PostgreSQL keeps in parts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    TextClause,
    TypeDecorator,
    event,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.compiler import DDLCompiler

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

WHERE = "where"  # in an index's `info`: which rows it holds


def partial_index(name: str, *columns: Column[Any], where: ColumnElement[bool] | TextClause) -> Index:
    """An index that holds only the rows for which `where` is true.

    An engine is told when the index is made. Declared as `postgresql_where`, the condition would make SQLAlchemy load
    all of PostgreSQL's dialects wherever the tables are imported: a tenth of a start, on SQLite too.
    """
    return Index(name, *columns, info={WHERE: where})


@compiles(CreateIndex, "sqlite")
@compiles(CreateIndex, "postgresql")
def _create_index(create: CreateIndex, compiler: DDLCompiler, **options: Any) -> str:  # pyright: ignore[reportUnusedFunction]
    index: Index = create.element
    if WHERE in index.info:
        index.dialect_options[compiler.dialect.name][WHERE] = index.info[WHERE]
    return compiler.visit_create_index(create, **options)


ONE_ENGINE = "engine"  # in a key's `info`: the engine that alone has it


def key_of_sqlite(column: str, target: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key to a row that the program never deletes while it is referred to, which SQLite alone checks.

    PostgreSQL looks such a row up again for each row of a million (docs/decisions/0019-keys-to-what-stays.md).
    """
    key = ForeignKeyConstraint([column], [target], ondelete=ondelete, info={ONE_ENGINE: "sqlite"})
    return key.ddl_if(dialect="sqlite")


BY = "campaign_id"  # what parts are divided by
PARTED = "parted"  # in a table's `info`
SHARED = "_shared"  # ends the name of the part of all campaigns that have none of their own
SHARED_BELOW = 2**30  # campaigns numbered from here on may have parts of their own, in a newly made database


def parted(*tables: Table) -> None:
    """Let PostgreSQL keep each of these tables in parts, by campaign (docs/decisions/0087-parts-by-campaign.md).

    A key of its there must hold the campaign's number. On SQLite nothing changes.
    """
    for table in tables:
        table.info[PARTED] = True
        shared = f"PARTITION OF {table.name} FOR VALUES FROM (MINVALUE) TO ({SHARED_BELOW})"
        made = DDL(f"CREATE TABLE {table.name}{SHARED} {shared}")
        event.listen(table, "after_create", made.execute_if(dialect="postgresql"))


@compiles(CreateTable, "postgresql")
def _create_table(create: CreateTable, compiler: DDLCompiler, **options: Any) -> str:  # pyright: ignore[reportUnusedFunction]
    table = create.element
    if PARTED in table.info:
        table.dialect_options["postgresql"]["partition_by"] = f"RANGE ({BY})"
    return compiler.visit_create_table(create, **options)


@compiles(PrimaryKeyConstraint, "postgresql")
def _primary_key(key: PrimaryKeyConstraint, compiler: DDLCompiler, **options: Any) -> str:  # pyright: ignore[reportUnusedFunction]
    made = compiler.visit_primary_key_constraint(key, **options)
    return made.replace("(id)", f"(id, {BY})") if PARTED in key.table.info else made
