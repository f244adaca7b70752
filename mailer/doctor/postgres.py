"""A PostgreSQL server as one worker sees it: gathered over one connection that changes nothing, then judged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import URL, Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from mailer.counting import counted
from mailer.delivery.ledger.ledger import LEASE
from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.doctor.schema import in_words, judge_schema
from mailer.store.engine.dialects import POOLER, parse_url, reached, replica_of
from mailer.store.engine.errors import trouble
from mailer.store.engine.replica import CATCH_UP_SECONDS, Followed, followed, replayed
from mailer.store.engine.version import SCHEMA
from mailer.transports.loopback import on_this_machine

CONNECT_SECONDS = 5
STATEMENT_MILLISECONDS = 5000
REPLICA_SECONDS = 15.0  # for all that is asked of it, also of one that hangs in a way that no other limit ends
WRITTEN = ("people", "subscriptions", "campaigns", "deliveries", "workers", "events", "hits")
# Our tables in which this user may not read, insert, update and delete.
FORBIDDEN = """SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE NOT (
    has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'INSERT')
    AND has_table_privilege(name, 'UPDATE') AND has_table_privilege(name, 'DELETE'))"""
# Whether a process of the standby is connected to its server (all that an ordinary role sees of it), and whether
# it reads the files of an archive.
FED = """SELECT EXISTS (SELECT FROM pg_stat_wal_receiver), current_setting('restore_command') <> ''"""
BEHIND_WARNING = timedelta(minutes=1)
OLDEST = 12  # with which nothing here was ever tried
# When a major version got or gets its last fixes: postgresql.org/support/versioning
LAST_FIXES: Mapping[int, date] = {
    12: date(2024, 11, 21), 13: date(2025, 11, 13), 14: date(2026, 11, 12), 15: date(2027, 11, 11),
    16: date(2028, 11, 9), 17: date(2029, 11, 8), 18: date(2030, 11, 14),
}  # fmt: skip
# Each machine compares a worker's lease with its own clock: one that is ahead by the lease takes work from workers that
# live. Seconds are normal between machines without NTP.
SKEW_WARNING = timedelta(seconds=2)
SKEW_BAD = LEASE
SERVER_THREADS = 8  # database connections of one `mailer serve`


@dataclass(frozen=True, slots=True)
class ReplicaFacts:
    """`trouble` is why reports come from the server, though the address names a replica."""

    trouble: str = ""
    is_connected: bool = False  # to its server, or to another standby
    reads_archive: bool = False
    behind: timedelta = timedelta()  # of the server, in what it shows


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """`trouble` is why the server couldn't be asked. `skew` is how far its clock is ahead of ours, and `skew_doubt` how
    far that may be out, since an answer takes its time."""

    where: str  # host and database, without the password
    is_local: bool = False  # by a socket or loopback
    trouble: str = ""
    remedy: str = ""
    version: int = 0  # such as 150004
    schema: str | None = None
    has_tables: bool = False
    may_create: bool = True  # in an empty database
    size_bytes: int = 0
    in_recovery: bool = False
    not_writable: tuple[str, ...] = ()  # tables, or what keeps all of them from being written
    skew: timedelta = timedelta()
    skew_doubt: timedelta = timedelta()
    encrypted: bool = False
    most_connections: int = 0  # that we may have
    used_connections: int = 0  # by anybody
    hidden_pooler: bool = False  # something else answers in the server's place, and the address doesn't say so
    replica: ReplicaFacts | None = None


def gather_postgres(url: str, *, clock: Callable[[], datetime]) -> PostgresFacts:
    """Facts of the server and database at `url`."""
    parts = parse_url(url)
    host = parts.query.get("host", parts.host or "")
    host = host if isinstance(host, str) else ",".join(host)
    is_local = not host or host.startswith("/") or on_this_machine(host)
    facts = PostgresFacts(f"{parts.database or ''} at {host or 'a local socket'}", is_local)
    try:
        address = reached(parts)
        limited = address.update_query_dict({"connect_timeout": str(CONNECT_SECONDS), **address.query})
        engine = create_engine(limited, poolclass=NullPool)
        with engine.connect() as connection, connection.begin():
            connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}"))
            facts = replace(facts, **_ask(connection, clock), replica=_replica(parts, followed(connection)))
            return replace(facts, hidden_pooler=POOLER not in parts.query and _is_pooled(connection))
    except (NoSuchModuleError, ModuleNotFoundError):
        remedy = "Install it: pip install 'advocacy-mailer[postgres]'"
        return replace(facts, trouble="the driver of PostgreSQL isn't installed", remedy=remedy)
    except DBAPIError as error:
        said = trouble(error)
        return replace(facts, trouble=said.message, remedy=said.remedy)


def _ask(connection: Connection, clock: Callable[[], datetime]) -> dict[str, Any]:
    def one(statement: str) -> Any:
        return connection.execute(text(statement)).scalar()

    names = set(inspect(connection).get_table_names())
    skew, doubt = min((_skew(connection, clock) for _ in range(3)), key=lambda measured: measured[1])
    forbidden = connection.execute(text(FORBIDDEN), {"names": [name for name in WRITTEN if name in names]}).scalars()
    read_only = one("SHOW transaction_read_only") == "on"
    return {
        "version": int(one("SHOW server_version_num")),
        "schema": one("SELECT version_num FROM alembic_version") if "alembic_version" in names else None,
        "has_tables": "deliveries" in names,
        "may_create": bool(one("SELECT has_schema_privilege(current_schema(), 'CREATE')")),
        "size_bytes": int(one("SELECT pg_database_size(current_database())")),
        "in_recovery": bool(one("SELECT pg_is_in_recovery()")),
        "not_writable": ("it is read-only",) if read_only else tuple(forbidden),
        "skew": skew,
        "skew_doubt": doubt,
        "encrypted": bool(one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")),
        "most_connections": int(one("SHOW max_connections")) - int(one("SHOW superuser_reserved_connections")),
        "used_connections": int(one("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")),
    }


def _replica(parts: URL, server: Followed) -> ReplicaFacts | None:
    """None where the address names none. It is asked in a thread, which nobody waits for longer than that takes."""
    address = replica_of(parts)
    if address is None:
        return None
    found = [ReplicaFacts(trouble="it doesn't finish its answers")]
    asking = threading.Thread(target=lambda: found.append(_ask_replica(address, server)), daemon=True)
    asking.start()
    asking.join(REPLICA_SECONDS)
    return found[-1]


def _ask_replica(address: URL, server: Followed) -> ReplicaFacts:
    limited = address.update_query_dict({"connect_timeout": str(CONNECT_SECONDS), **address.query})
    try:
        with create_engine(limited, poolclass=NullPool).connect() as connection, connection.begin():
            connection.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}"))
            there = replayed(connection, server, patience_seconds=CATCH_UP_SECONDS)
            is_connected, reads_archive = connection.execute(text(FED)).one()
    except DBAPIError as error:
        return ReplicaFacts(trouble=trouble(error).message)
    if not there.stands_by:
        return ReplicaFacts(trouble="it is no standby of a server")
    return ReplicaFacts(
        is_connected=is_connected, reads_archive=reads_archive, behind=max(server.at - there.at, timedelta())
    )


def _is_pooled(connection: Connection) -> bool:
    """Whether a pooler is between us and the server: the process it names to us isn't the one that answers."""
    driver: Any = connection.connection.driver_connection
    return connection.execute(text("SELECT pg_backend_pid()")).scalar() != driver.info.backend_pid


def _skew(connection: Connection, clock: Callable[[], datetime]) -> tuple[timedelta, timedelta]:
    """How far the server's clock is ahead of the middle of our question, and half the time that took."""
    before = clock()
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    half = (clock() - before) / 2
    return theirs - (before + half), half


def judge_postgres(facts: PostgresFacts, *, today: date, connections: int) -> list[Diagnostic]:
    """`connections` is how many the transport sends by side by side."""
    if facts.trouble:
        return [bad(f"PostgreSQL {facts.where}: {facts.trouble}, so no command works", facts.remedy)]
    findings = [*_judge_version(facts, today), *_judge_content(facts), *_judge_server(facts, connections)]
    if facts.schema == SCHEMA:
        size = in_words(facts.size_bytes)
        can = ", can be written" if not facts.in_recovery and not facts.not_writable else ""
        findings.insert(0, well(f"{_server(facts)}, {facts.where}, {size}, schema {facts.schema}{can}"))
    return findings


def _server(facts: PostgresFacts) -> str:
    return f"PostgreSQL {facts.version // 10000}.{facts.version % 10000}"


def _judge_version(facts: PostgresFacts, today: date) -> Iterator[Diagnostic]:
    major = facts.version // 10000
    if major < OLDEST:
        said = f"{_server(facts)} is older than any that Mailer was tried with ({OLDEST}), so sends may fail"
        yield bad(said, "Update the server.")
    elif (end := LAST_FIXES.get(major)) and today > end:
        yield warning(f"{_server(facts)} has had no security fixes since {end.day} {end:%B %Y}", "Update the server.")


def _judge_content(facts: PostgresFacts) -> Iterator[Diagnostic]:
    yield from judge_schema(facts.schema, has_tables=facts.has_tables)
    empty = f"the database {facts.where} is empty"
    if not facts.has_tables and facts.schema is None and not facts.may_create:
        remedy = "GRANT CREATE ON SCHEMA public to it, or let its owner run: mailer db migrate"
        yield bad(f"{empty} and this user may not make tables in it, so no command works", remedy)
    elif not facts.has_tables and facts.schema is None:
        remedy = "Import a list, or bring a SQLite workspace over. If people are in it already, correct `database`."
        yield warning(f"{empty}; the first command makes its tables, with nobody in them", remedy)
    if facts.in_recovery:
        said = "the server is a standby that only copies another, so nothing can be sent and clicks are lost"
        yield bad(said, "Name the primary server in `database`.")
    elif facts.not_writable:
        tables = ", ".join(facts.not_writable)
        remedy = "Use the user who owns the tables, or grant it SELECT, INSERT, UPDATE and DELETE."
        yield bad(f"this user may not write everything ({tables}), so sends fail and clicks are lost", remedy)


def _judge_server(facts: PostgresFacts, connections: int) -> Iterator[Diagnostic]:
    # What is certain: the part of the difference that a slow answer can't explain.
    certain = max(abs(facts.skew) - facts.skew_doubt, timedelta())
    which = "behind" if facts.skew > timedelta() else "ahead of"
    words = f"this machine's clock is {abs(facts.skew).total_seconds():,.1f} s {which} the database server's"
    remedy = "Set both clocks by NTP, and look again before sending."
    if certain > SKEW_BAD:
        yield bad(f"{words}, so workers take each other's leases away and mails become uncertain", remedy)
    elif certain > SKEW_WARNING:
        yield warning(f"{words}, so schedules and retries are off by as much", remedy)
    else:
        yield well("this machine's clock agrees with the server's")
    if not facts.encrypted and not facts.is_local:
        said = "the connection to the database server isn't encrypted, so supporters' addresses can be read on the way"
        yield warning(said, "Add ?sslmode=verify-full to `database`, and TLS to the server.")
    if facts.hidden_pooler:
        said = "a pooler answers in the server's place, so a frozen program holds up the others, and work may break off"
        yield warning(said, "Say in `database` where it is: …@SERVER/name?pooler=HOST:PORT; see docs/databases.md.")
    if facts.replica is not None:
        yield _judge_replica(facts.replica)
    left = max(facts.most_connections - facts.used_connections, 0)
    wanted = connections + 2 + SERVER_THREADS  # one `mailer run` with all its connections, and one `mailer serve`
    if left < wanted:
        run = f"a run with {connections} connections beside `mailer serve` wants {wanted}"
        said = f"the server has room for {left} more connections; {run}, so sends or clicks may be turned away"
        yield warning(said, "Raise max_connections there, or send with fewer connections.")


def _judge_replica(facts: ReplicaFacts) -> Diagnostic:
    if facts.trouble:
        said = f"the replica can't be read: {facts.trouble}; reports come from the server meanwhile"
        return warning(said, "Look after it, or take ?replica= out of `database`.")
    behind = _how_far(facts.behind)
    if not facts.is_connected and not facts.reads_archive:
        now = f"what it shows is {behind}" if facts.behind else "it lacks nothing yet"
        remedy = "Its log says why. When the server was just started again, it is back within seconds."
        return warning(f"the replica is cut off from the server and gets nothing new; {now}", remedy)
    if facts.behind > BEHIND_WARNING and facts.is_connected:
        said = f"the replica is {behind}, and so is what `report --all` says; all other reports come from the server"
        return warning(said, "See whether its disk or the line to it is too slow.")
    if facts.behind > BEHIND_WARNING:
        said = f"the replica reads an archive and is {behind}, and so is what `report --all` says"
        remedy = (
            "See whether the archive still gets files; archive_timeout on the server says how often. Or let it stream."
        )
        return warning(said, remedy)
    return well(f"the replica {'follows the server' if facts.is_connected else 'reads an archive'}, {behind}")


def _how_far(behind: timedelta) -> str:
    seconds = int(behind.total_seconds())
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60))
    unit, size = next((one for one in units if seconds >= 2 * one[1]), ("second", 1))
    return f"{counted(seconds // size, unit)} behind"
