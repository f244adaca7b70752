"""What goes wrong with a database, in words for people: the engines' own errors become `DatabaseTrouble` here, once.

PostgreSQL's errors are told apart by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), those
of connecting and all of SQLite's by their words. No message carries a password: neither engine's errors hold one.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from mailer.errors import MailerError

FENCED = "mailer-fence: "  # begins what the triggers of a database that was moved away say


class DatabaseTrouble(MailerError):
    """The database can't be read or written: locked, read-only, full, unreachable or of another version.

    `passing`: it may be over in a while, so callers that can wait may try again. What failed was rolled back.
    """

    def __init__(self, message: str, *, remedy: str = "", passing: bool = False) -> None:
        super().__init__(message, remedy=remedy)
        self.passing = passing


class Conflict(DatabaseTrouble):
    """Somebody else changed the same rows meanwhile. Nothing was changed here."""


@dataclass(frozen=True, slots=True)
class _Known:
    sign: str  # how an SQLSTATE begins, or words of the error
    message: str
    remedy: str
    passing: bool = False


LOST = "Is it running? Nothing is half-done; try again in a moment."
SILENT = "Is it running, and is its address right?"
RECOVERY = "conflict with recovery"  # what a standby says of it has the state of a conflict or a deadlock
TAKEN_BACK = "a standby broke off a long count, since the server has cleared away what it was reading"
KEEP = (
    "Try again. With hot_standby_feedback = on, or a longer max_standby_streaming_delay, on the standby it can finish."
)
LOCKED = ("the database is locked by another program", "Wait for it to finish, then try again.")
STATES = (
    _Known("55P03", *LOCKED, passing=True),
    _Known("40P01", *LOCKED, passing=True),
    _Known("57014", "the database took too long over a statement", "Try again when it is less busy.", passing=True),
    _Known("57P01", "the database was stopped in the middle", "Nothing was changed; try again.", passing=True),
    _Known("57P02", "the database crashed in the middle", "Nothing was changed; try again.", passing=True),
    _Known("57P03", "the database is starting or stopping", "Try again in a moment.", passing=True),
    _Known("25P03", "this program was idle too long in a transaction", "Nothing was changed; try again.", passing=True),
    _Known("53300", "the database has too many connections already", "Raise its max_connections.", passing=True),
    _Known("53100", "the disk is full", "Make space on the database's machine; nothing was half-done.", passing=True),
    _Known("25006", "the database can't be written", "It is a standby, or was set to read-only."),
    _Known("42501", "the database user may not do this", "It must own the tables: use the role that made them."),
    _Known("XX", "the database is damaged", "Restore it from a backup; see PostgreSQL's own log."),
)
WORDS = (
    _Known("locked", *LOCKED, passing=True),
    _Known("readonly", "the database can't be written", "Check the permissions of the file and its folder."),
    _Known("disk is full", "the disk is full", "Make space; nothing was half-done, so try again then.", passing=True),
    _Known("unable to open", "the database can't be opened", "Check the path and the permissions of its folder."),
    _Known("not a database", "this file is not a database", "Check `database` in mailer.toml."),
    _Known("malformed", "the database is damaged", "Restore it from a backup; `mailer doctor` tells more."),
    _Known(
        "password authentication failed",
        "the database refused the login",
        "Check the user and the password in MAILER_DATABASE or ~/.pgpass.",
    ),
    _Known(
        "no password supplied",
        "the database asks for a password, and none is set",
        "Put it into ~/.pgpass or into MAILER_DATABASE; not into mailer.toml, which others can read.",
    ),
    _Known("does not exist", "", "Make it: createdb --owner USER NAME, or check `database` in mailer.toml."),
    _Known("no pg_hba.conf entry", "the database does not let this machine in", "Add a line to its pg_hba.conf."),
    _Known(
        "unsupported startup parameter",
        "a pooler answers in the place of the database server",
        "Name both in `database`: postgresql+psycopg://user@SERVER/name?pooler=HOST:PORT; see docs/databases.md.",
    ),
    _Known("starting up", "the database is starting or stopping", "Try again in a moment.", passing=True),
    _Known("shutting down", "the database is starting or stopping", "Try again in a moment.", passing=True),
    _Known("too many", "the database has too many connections already", "Raise its max_connections.", passing=True),
)


@contextmanager
def translated() -> Generator[None, None, None]:
    """Turns the engines' errors of the block into `DatabaseTrouble`."""
    try:
        yield
    except _errors() as error:
        raise trouble(error) from error


def _errors() -> tuple[type[Exception], ...]:
    """What the engines raise: through SQLAlchemy, and by their drivers where those are used directly, as for COPY."""
    psycopg = sys.modules.get("psycopg")  # not installed where only SQLite is used
    return (DBAPIError, sqlite3.Error) if psycopg is None else (DBAPIError, sqlite3.Error, psycopg.Error)


def trouble(error: Exception) -> DatabaseTrouble:
    """A database's own error as one for people: what is wrong and what to do."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig else error
    words = _words(original)
    if FENCED in words:
        said, _, remedy = words.partition(FENCED)[2].partition(" | ")
        return DatabaseTrouble(said, remedy=remedy)
    state: str | None = getattr(original, "sqlstate", None)
    if RECOVERY in words:
        return DatabaseTrouble(TAKEN_BACK, remedy=KEEP, passing=True)
    if state == "40001":
        return Conflict("somebody else changed the same just now", remedy="Look at its current state, then try again.")
    for known in STATES if state else WORDS:
        if known.sign in words if not state else state.startswith(known.sign):
            return DatabaseTrouble(known.message or words, remedy=known.remedy, passing=known.passing)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return DatabaseTrouble("the connection to the database was lost", remedy=LOST, passing=True)
    if not isinstance(original, sqlite3.Error) and type(original).__name__ == "OperationalError":
        return DatabaseTrouble(f"the database does not answer: {words}", remedy=SILENT, passing=True)
    return DatabaseTrouble(f"the database refused a statement: {words}")


def _words(original: BaseException) -> str:
    """The first line of an error, without libpq's lead ('connection to server at … failed: FATAL:  …')."""
    lines = str(original).strip().splitlines() or [""]
    return lines[0].rpartition("FATAL: ")[2].strip()
