"""What `tests.chaos.forked` loads once: all that a process of the mailer may import, and what of it is late.

The commands themselves are not in it, since a clock or a step is changed before they are imported.
"""

from __future__ import annotations

import gc
from importlib import import_module
from pkgutil import walk_packages

import mailer

NOT_LOADED = ("mailer.__main__", "mailer.cli.", "mailer.store.migrations.")
DRIVERS = ("psycopg", "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite")

for name in [found.name for found in walk_packages(mailer.__path__, "mailer.")] + [*DRIVERS]:
    if not name.startswith(NOT_LOADED):
        import_module(name)
gc.collect()
gc.freeze()
