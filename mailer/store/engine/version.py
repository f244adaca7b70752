"""The schema's version: found, compared with the one this program knows, and brought up to it by the migrations.

Any number of programs may do this at once: one migrates while the others wait, and then find it done.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from mailer.store.engine.errors import DatabaseTrouble
from mailer.store.tables.core import metadata

MIGRATIONS = Path(__file__).parent.parent / "migrations"
VERSIONS = tuple(sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))
SCHEMA = VERSIONS[-1]  # the newest migration this program knows
MIGRATING = 0x6D61696C  # the number of PostgreSQL's advisory lock that a migration holds: "mail"


def check_schema(engine: Engine) -> None:
    """Make the tables in an empty database; raise `DatabaseTrouble` for one of another version."""
    with engine.connect() as connection:
        version, is_empty = _version(connection)
    if version == SCHEMA:
        return
    if is_empty:
        migrate(engine)
        return
    _refuse_newer(version)
    raise DatabaseTrouble(
        f"the database has schema {version or 'of an unknown age'}, this program needs {SCHEMA}",
        remedy="Make a copy of the database, then run: mailer db migrate",
    )


def migrate(engine: Engine, version: str = SCHEMA) -> None:
    """Bring the database to a schema, from empty or from any earlier one, wholly or not at all."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        connection.execution_options(immediate=True)
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATING})"))
                _require_unicode(connection)
            # Now that nobody else migrates: another machine's newer program may have, while this one waited.
            _refuse_newer(_version(connection)[0])
            config.attributes["connection"] = connection
            command.upgrade(config, version)


def _version(connection: Connection) -> tuple[str | None, bool]:
    """The schema's number, and whether the database holds none of our tables."""
    names = set(inspect(connection).get_table_names())
    has_version = "alembic_version" in names
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if has_version else None
    return version, version is None and not names & set(metadata.tables)


def _refuse_newer(version: str | None) -> None:
    if version is not None and version > SCHEMA:
        raise DatabaseTrouble(
            f"the database has schema {version}, newer than this program's {SCHEMA}",
            remedy="Another machine runs a newer Mailer. Update this one.",
        )


def _require_unicode(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if encoding != "UTF8":
        raise DatabaseTrouble(
            f"the database keeps its texts as {encoding}, which can't hold every name",
            remedy="Create it again: createdb --encoding UTF8 --template template0 NAME",
        )
