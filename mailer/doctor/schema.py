"""What the doctor says of either engine alike: the version of the schema, and sizes in words."""

from __future__ import annotations

from mailer.diagnostics import Diagnostic, bad
from mailer.store.engine.version import SCHEMA


def judge_schema(schema: str | None, *, has_tables: bool) -> Diagnostic | None:
    """None when the schema is this program's, or the database is empty and will be given it."""
    if schema == SCHEMA or (schema is None and not has_tables):
        return None
    if schema is not None and schema > SCHEMA:
        return bad(
            f"the database has schema {schema}, newer than this program's {SCHEMA}, so no command can use it",
            "Another machine runs a newer Mailer. Update this one.",
        )
    return bad(
        f"the database has schema {schema or 'of an unknown age'}, no command can use it before it has {SCHEMA}",
        "Make a copy of the database, then run: mailer db migrate",
    )


def in_words(size_bytes: float) -> str:
    """A size for people: 3.2 MB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:,.1f} {unit}"
    return f"{size_bytes:.0f} bytes"
