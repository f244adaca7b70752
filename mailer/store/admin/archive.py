"""A large campaign's parts moved to another disk of the PostgreSQL server, where they go on being read
(https://www.postgresql.org/docs/current/manage-ag-tablespaces.html)."""

from __future__ import annotations

from sqlalchemy import Connection, text

from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.engine.parts import TABLES, part_name

_INDEXES = text("SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = to_regclass(:part)")
_SIZE = text("SELECT pg_total_relation_size(to_regclass(:part))")
# That of the database itself is everybody's who may make tables.
_ALLOWED = text(
    """SELECT has_tablespace_privilege(oid, 'CREATE')
    OR oid = (SELECT dattablespace FROM pg_database WHERE datname = current_database())
    FROM pg_tablespace WHERE spcname = :name"""
)


def archive(database: Database, campaign_id: int, *, tablespace: str) -> int:
    """Move what a campaign has of mails, events and clicks to the tablespace, all or nothing; returns its bytes.

    Links in its mails, its report and people's pages read it there as before. While it is copied they wait, as does
    whatever looks into all parts. Raises `MailerError` where it has no parts of its own, or can't be put there.
    """
    if database.is_sqlite:
        raise MailerError("SQLite keeps all newsletters in one file", remedy="Only PostgreSQL can move one of them.")
    parts = [part_name(name, campaign_id) for name in TABLES]
    with database.write() as connection:
        sizes: list[int | None] = [connection.execute(_SIZE, {"part": part}).scalar() for part in parts]
        if None in sizes:
            raise MailerError(
                "this newsletter has no tables of its own: it shares those of the small ones",
                remedy="docs/databases.md says which newsletters have their own.",
            )
        _require_tablespace(connection, tablespace)
        quoted = connection.dialect.identifier_preparer.quote(tablespace)
        for part in parts:
            connection.execute(text(f"ALTER TABLE {part} SET TABLESPACE {quoted}"))
            for index in connection.execute(_INDEXES, {"part": part}).scalars().all():
                connection.execute(text(f"ALTER INDEX {index} SET TABLESPACE {quoted}"))
    return sum(size or 0 for size in sizes)


def _require_tablespace(connection: Connection, name: str) -> None:
    allowed = connection.execute(_ALLOWED, {"name": name}).scalar()
    if allowed is None:
        raise MailerError(
            f"the server has no tablespace {name}",
            remedy=f"Make it there, on the other disk: CREATE TABLESPACE {name} LOCATION '/…'; GRANT CREATE ON"
            f" TABLESPACE {name} TO the role that Mailer uses.",
        )
    if not allowed:
        raise MailerError(
            f"the role that Mailer uses may put nothing into the tablespace {name}",
            remedy=f"As the server's owner: GRANT CREATE ON TABLESPACE {name} TO that role.",
        )
