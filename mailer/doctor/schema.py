"""What the doctor says of either engine alike: the version of the schema, and sizes in words."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.diagnostics import Diagnostic, bad
from mailer.store.engine.version import SCHEMA


def judge_schema(schema: str | None, *, has_tables: bool) -> Iterator[Diagnostic]:
    """Nothing when the schema is this program's, or the database is empty and will be given it."""
    if schema is not None and schema > SCHEMA:
        said = f"the database has schema {schema}, newer than this program's {SCHEMA}, so no command can use it"
        yield bad(said, "Another machine runs a newer Mailer. Update this one.")
    elif schema != SCHEMA and (schema or has_tables):
        said = f"the database has schema {schema or 'of an unknown age'}, no command can use it before it has {SCHEMA}"
        yield bad(said, "Make a copy of the database, then run: mailer db migrate")


def in_words(size_bytes: float) -> str:
    """A size for people: 3.2 MB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:,.1f} {unit}"
    return f"{size_bytes:.0f} bytes"
