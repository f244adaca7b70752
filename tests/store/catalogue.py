"""What a database says of its own tables: columns, types, defaults, keys, indexes, constraints and triggers, by
name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from mailer.store.tables.types import SHARED

IGNORED = ("alembic_version", "mailer_mark")
Catalogue = dict[tuple[str, ...], Any]


def catalogue(engine: Engine) -> Catalogue:
    """Every fact under a name of its own, so that two databases can be compared and a difference be seen."""
    with engine.connect() as connection:
        found = _of_postgresql(connection) if engine.dialect.name == "postgresql" else _of_sqlite(connection)
    return {key: value for key, value in found.items() if key[1] not in IGNORED}


def _of_sqlite(connection: Connection) -> Catalogue:
    found: Catalogue = {}
    tables = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
    for name, sql in tables:
        if name.startswith("sqlite_"):
            continue
        found["table", name] = ("WITHOUT ROWID" in sql, "AUTOINCREMENT" in sql, "CHECK" in sql)
        for row in connection.execute(text(f"SELECT * FROM pragma_table_xinfo('{name}')")).mappings():
            found["column", name, row["name"]] = (row["type"], row["notnull"], row["dflt_value"], row["pk"])
        for row in connection.execute(text(f"SELECT * FROM pragma_foreign_key_list('{name}')")).mappings():
            found["foreign key", name, row["from"]] = (row["table"], row["to"], row["on_delete"], row["on_update"])
        for row in connection.execute(text(f"SELECT * FROM pragma_index_list('{name}')")).mappings():
            columns = connection.execute(text(f"SELECT name FROM pragma_index_info('{row['name']}')")).scalars().all()
            where = connection.execute(text(f"SELECT sql FROM sqlite_master WHERE name = '{row['name']}'")).scalar()
            named = row["name"] if row["origin"] == "c" else "by a constraint on " + ", ".join(columns)
            found["index", name, named] = (row["unique"], tuple(columns), (where or "").partition("WHERE")[2])
        for constraint in inspect(connection).get_unique_constraints(name):
            found["unique", name, str(constraint["name"])] = tuple(constraint["column_names"])
    for table, name, sql in connection.execute(
        text("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
    ):
        found["trigger", table, name] = sql
    return found


def _of_postgresql(connection: Connection) -> Catalogue:
    found: Catalogue = {}
    columns = text(
        "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity"
        " FROM information_schema.columns WHERE table_schema = 'public'"
    )
    for table, name, *rest in connection.execute(columns):
        found["column", table, name] = tuple(rest)
    for table, name, definition in connection.execute(
        text("SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
    ):
        # PostgreSQL itself names those of a part, by their columns and the order they are made in.
        made = definition.replace(name, "") if table.endswith(SHARED) else name
        found["index", table, made] = definition.replace(name, made)
    for table, name, definition in connection.execute(
        text(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace"
        )
    ):
        found["constraint", table, name] = definition
    for table, name, definition, function in connection.execute(
        text(
            "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), pg_get_functiondef(tgfoid)"
            " FROM pg_trigger WHERE NOT tgisinternal"
        )
    ):
        found["trigger", table, name] = (definition, function)
    for (name,) in connection.execute(text("SELECT relname FROM pg_class WHERE relkind = 'S'")):
        found["sequence", name] = True
    return found


def all_rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table as it is kept, in the order of the keys."""
    found: dict[str, list[dict[str, Any]]] = {}
    with engine.connect() as connection:
        for (_, table), key in inspect(connection).get_multi_pk_constraint().items():
            if table not in IGNORED:
                order = ", ".join(f'"{column}"' for column in key["constrained_columns"])
                rows = connection.execute(text(f'SELECT * FROM "{table}" ORDER BY {order}'))
                found[table] = [dict(row) for row in rows.mappings()]
    return found
