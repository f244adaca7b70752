"""PostgreSQL's tables of people without indexes and keys, while a first import fills them.

A key that is checked row by row takes several times as long as the row; made at the end, over all rows at once, it
takes a second. All of it is in the import's transaction, so nobody ever meets the tables in that state.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Connection,
    Constraint,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    delete,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

from mailer.store.base import ONE_ENGINE
from mailer.store.tables import consents, people, subscriptions

TABLES = (people, subscriptions, consents)
SORTING = "128MB"  # of the server's memory, for each key that is made
DIALECT, SHOWN = postgresql.dialect(), {"literal_binds": True}


def may_alter(connection: Connection) -> bool:
    """Whether this role owns the tables, and no table that isn't ours refers to them."""
    names = {"names": [table.name for table in TABLES]}
    ours = "ANY(CAST(:names AS regclass[]))"
    owned = f"SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class WHERE oid = {ours}"  # noqa: S608
    others = f"SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = {ours} AND NOT conrelid = {ours}"  # noqa: S608
    return bool(connection.execute(text(owned), names).scalar()) and not connection.execute(text(others), names).first()


def alone(connection: Connection) -> None:
    """Lock the tables for this transaction alone: altering them later would need it, and could meet others' locks."""
    connection.exec_driver_sql(f"LOCK TABLE {_names()} IN ACCESS EXCLUSIVE MODE")


def bare(connection: Connection) -> None:
    """Drop all that is checked or kept for each row.

    The tables, which are empty, are emptied once more: what a transaction writes into a table that it began anew need
    not be logged where `wal_level` is minimal, and may be written as already seen by everybody (`copied`).
    """
    for kind in (ForeignKeyConstraint, UniqueConstraint, PrimaryKeyConstraint):
        for key in _keys(kind):
            connection.execute(DropConstraint(key))
    for index in _indexes():
        connection.execute(DropIndex(index))
    connection.exec_driver_sql(f"TRUNCATE {_names()}")


def alike(connection: Connection, table: Table, **values: int | str) -> None:
    """Let columns be the same for all rows that don't say otherwise, until `with_keys`: COPY need not read them."""
    shown = {name: literal(value).compile(dialect=DIALECT, compile_kwargs=SHOWN) for name, value in values.items()}
    defaults = ", ".join(f"ALTER {name} SET DEFAULT {value}" for name, value in shown.items())
    connection.exec_driver_sql(f"ALTER TABLE {table.name} {defaults}")


def without_doubles(connection: Connection) -> int:
    """Make addresses unique again. Of people with one address the first stays; how many others there were."""
    connection.exec_driver_sql(f"SET LOCAL maintenance_work_mem = '{SORTING}'")
    (unique,) = _keys(UniqueConstraint)
    add = AddConstraint(unique, isolate_from_table=False)
    try:
        with connection.begin_nested():
            connection.execute(add)
    except IntegrityError:
        doubles = _delete_doubles(connection)
        connection.execute(add)
        return doubles
    return 0


def _delete_doubles(connection: Connection) -> int:
    place = func.row_number().over(partition_by=people.c.address, order_by=people.c.id)
    placed = select(people.c.id, place.label("place")).subquery()
    later = select(placed.c.id).where(placed.c.place > 1)
    gone = delete(people).where(people.c.id.in_(later)).returning(people.c.id).cte("gone")
    proofs = delete(consents).where(consents.c.person_id.in_(select(gone.c.id))).cte("proofs")
    theirs = delete(subscriptions).where(subscriptions.c.person_id.in_(select(gone.c.id))).add_cte(proofs)
    return connection.execute(theirs).rowcount


def with_keys(connection: Connection) -> None:
    """Make all others again, take away what `alike` said, and let the planner know what is there now."""
    for key in _keys(PrimaryKeyConstraint):
        connection.execute(AddConstraint(key, isolate_from_table=False))
    for index in _indexes():
        connection.execute(CreateIndex(index))
    # Foreign keys last, since they are then compared index by index, in half the time of a hash of everyone.
    connection.exec_driver_sql("SET LOCAL enable_hashjoin = off")
    for key in _keys(ForeignKeyConstraint):
        connection.execute(AddConstraint(key, isolate_from_table=False))
    connection.exec_driver_sql("SET LOCAL enable_hashjoin TO DEFAULT")
    _unlike(connection)
    connection.exec_driver_sql(f"ANALYZE {_names()}")


def _unlike(connection: Connection) -> None:
    for table in TABLES:
        declared = {c.name for c in table.columns if c.server_default or c is table.autoincrement_column}
        dropped = [f"ALTER {name} DROP DEFAULT" for name in table.c.keys() if name not in declared]  # noqa: SIM118
        connection.exec_driver_sql(f"ALTER TABLE {table.name} {', '.join(dropped)}")


def _names() -> str:
    return ", ".join(table.name for table in TABLES)


def _keys(kind: type[Constraint]) -> list[Any]:
    every = [key for table in TABLES for key in table.constraints if isinstance(key, kind)]
    return [key for key in every if key.info.get(ONE_ENGINE, "postgresql") == "postgresql"]


def _indexes() -> list[Index]:
    return [index for table in TABLES for index in table.indexes]
