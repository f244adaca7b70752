"""On PostgreSQL, large campaigns have parts of their own of the tables that are kept by campaign: small indexes while
they are sent, and rows that go all at once (docs/decisions/0087-parts-by-campaign.md).

All others share one part of each table, for numbers below a bound that the database itself says. A campaign's number is
chosen when it is made, and its parts are made when it is launched.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from sqlalchemy import Connection, TableClause, column, text
from sqlalchemy import table as plain_table

from mailer.store.tables.core import deliveries, metadata
from mailer.store.tables.types import PARTED, SHARED, SHARED_BELOW

MOST = 2**31  # campaigns are numbered below it
LARGE = 50_000  # people on its lists, and a campaign has parts of its own
LEAST_ROOM = 2**16  # numbers to draw from: a restored copy of the database mustn't draw those that are in old mails
TABLES = tuple(table.name for table in metadata.sorted_tables if PARTED in table.info)
# A statement about a person locks every part and its indexes; several must fit into the server's table of locks.
LOCKS = 15  # of one campaign, over all tables
AT_ONCE = 6  # such statements

# Where the numbers begin that may have parts, how many have, and whether there may be more.
_ASK = text(
    f"""SELECT pg_get_expr(relpartbound, oid),
    (SELECT count(*) - 1 FROM pg_inherits WHERE inhparent = to_regclass('deliveries')),
    current_setting('max_locks_per_transaction')::int * current_setting('max_connections')::int / {LOCKS * AT_ONCE},
    pg_has_role(relowner, 'USAGE') AND has_schema_privilege(relnamespace, 'CREATE')
    FROM pg_class WHERE oid = to_regclass('deliveries{SHARED}')"""  # noqa: S608 - no values
)


def new_number(connection: Connection, *, large: Callable[[], bool]) -> int:
    """A random number for a new campaign; on PostgreSQL it decides whether a `large` one has parts of its own.

    It has none where the tables are another role's, or where there are as many as the server has locks for.
    """
    if connection.dialect.name == "sqlite":
        return secrets.randbelow(MOST - 1) + 1
    bound, there, most, allowed = connection.execute(_ASK).one()
    first = _upper(bound)
    if allowed and there < most and MOST - first >= LEAST_ROOM and large():
        return first + secrets.randbelow(MOST - first)
    return secrets.randbelow(first - 1) + 1


@contextmanager
def launching(connection: Connection, campaign_id: int) -> Generator[TableClause, None, None]:
    """Within it, the table that a campaign's rows of `deliveries` are put into at its launch.

    Parts of its own are filled before they are attached: their indexes are then made at once instead of row by row, and
    other campaigns' launches wait for no longer than that takes. Nobody who reads or writes rows waits.
    """
    if not has_own_parts(connection, campaign_id):
        yield deliveries
        return
    for name in TABLES:
        connection.execute(text(f"CREATE TABLE {part_name(name, campaign_id)} (LIKE {name} INCLUDING DEFAULTS)"))
    own = part_name(deliveries.name, campaign_id)
    yield plain_table(own, *(column(c.name, c.type) for c in deliveries.columns))
    for name in TABLES:
        _attach(connection, name, part_name(name, campaign_id), first=campaign_id, below=campaign_id + 1)
    connection.execute(text(f"ANALYZE {own}"))  # else it is planned for as a table that nothing is known of


def has_own_parts(connection: Connection, campaign_id: int) -> bool:
    """Whether the campaign has, or at its launch gets, parts of its own."""
    if connection.dialect.name == "sqlite":
        return False
    bound, *_ = connection.execute(_ASK).one()
    return campaign_id >= _upper(bound)


def lay_out(connection: Connection, sizes: Mapping[int, int]) -> None:
    """Make room in an empty database for campaigns that were numbered in another; `sizes`: how many deliveries each
    has. Of the large ones those have parts of their own that are numbered above all others."""
    if connection.dialect.name == "sqlite" or not sizes:
        return
    _, _, most, _ = connection.execute(_ASK).one()
    others = max((number for number, size in sizes.items() if size < LARGE), default=0)
    own = sorted(number for number in sizes if number > max(others, SHARED_BELOW - 1))[-most:]
    below = max(SHARED_BELOW, 1 + max((number for number in sizes if number not in own), default=0))
    for name in TABLES:
        connection.execute(text(f"ALTER TABLE {name} DETACH PARTITION {name}{SHARED}"))
        _attach(connection, name, f"{name}{SHARED}", first=None, below=below)
        for number in own:
            bounds = f"FROM ({number}) TO ({number + 1})"
            part = f"CREATE TABLE {part_name(name, number)} PARTITION OF {name} FOR VALUES {bounds}"
            connection.execute(text(part))


def _attach(connection: Connection, name: str, part: str, *, first: int | None, below: int) -> None:
    """Make a table the part of `name` for campaigns numbered from `first` (None: any) and below `below`."""
    begins = "MINVALUE" if first is None else first
    connection.execute(text(f"ALTER TABLE {name} ATTACH PARTITION {part} FOR VALUES FROM ({begins}) TO ({below})"))


def part_name(name: str, campaign_id: int) -> str:
    """What a campaign's own part of a table is called."""
    return f"{name}_{campaign_id}"


def _upper(bound: str) -> int:
    """The number below which campaigns share a part, from how the server writes its bounds."""
    found = re.search(r"TO \('?(\d+)'?\)", bound)
    return int(found[1]) if found else SHARED_BELOW
