"""PostgreSQL's tables of people without indexes and foreign keys, while a first import fills them.

A key that is checked row by row takes several times as long as the row; made at the end, over all rows at once, it
takes a second. All of it is in the import's transaction, so nobody ever meets the tables in that state.
"""

from __future__ import annotations

from sqlalchemy import Connection, Constraint, ForeignKeyConstraint, Index, UniqueConstraint, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import AddConstraint, CreateIndex, DropConstraint, DropIndex

from mailer.store.tables import consents, people, subscriptions

TABLES = (people, subscriptions, consents)
SORTING = "128MB"  # of the server's memory, for each key that is made


def may_alter(connection: Connection) -> bool:
    """Whether this role owns the tables."""
    theirs = "SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class WHERE oid = ANY(CAST(:names AS regclass[]))"
    names = [table.name for table in TABLES]
    return bool(connection.execute(text(theirs), {"names": names}).scalar())


def alone(connection: Connection) -> None:
    """Lock the tables for this transaction alone: altering them later would need it, and could meet others' locks."""
    names = ", ".join(table.name for table in TABLES)
    connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")


def without_keys(connection: Connection) -> None:
    """Drop all that is checked or kept for each row; only people and consents keep their numbers."""
    for key in _foreign_keys():
        connection.execute(DropConstraint(key))
    for key in _unique_keys():
        connection.execute(DropConstraint(key))
    for index in _indexes():
        connection.execute(DropIndex(index))


def with_unique_people(connection: Connection) -> None:
    """Make addresses unique again. Of people with one address the first stays: nothing refers to the others yet."""
    connection.exec_driver_sql(f"SET LOCAL maintenance_work_mem = '{SORTING}'")
    add = AddConstraint(_unique_address(), isolate_from_table=False)
    try:
        with connection.begin_nested():
            connection.execute(add)
    except IntegrityError:
        place = func.row_number().over(partition_by=people.c.address, order_by=people.c.id)
        placed = select(people.c.id, place.label("place")).subquery()
        connection.execute(people.delete().where(people.c.id.in_(select(placed.c.id).where(placed.c.place > 1))))
        connection.execute(add)


def with_keys(connection: Connection) -> None:
    """Make all others again, and let the planner know what is there now."""
    for key in (subscriptions.primary_key, *_foreign_keys()):
        connection.execute(AddConstraint(key, isolate_from_table=False))
    for index in _indexes():
        connection.execute(CreateIndex(index))
    connection.exec_driver_sql(f"ANALYZE {', '.join(table.name for table in TABLES)}")


def _foreign_keys() -> list[Constraint]:
    return [key for table in TABLES for key in table.constraints if isinstance(key, ForeignKeyConstraint)]


def _unique_keys() -> list[Constraint]:
    return [_unique_address(), subscriptions.primary_key]


def _unique_address() -> Constraint:
    (key,) = (key for key in people.constraints if isinstance(key, UniqueConstraint))
    return key


def _indexes() -> list[Index]:
    return [index for table in TABLES for index in table.indexes]
