"""Databases of millions on PostgreSQL, made by the server itself: an import of as many would take longer than what is
measured in it.

People n = 0, 1, 2 … are person<n>@example.org, numbered from 1, all on the list "supporters", each twentieth on
"partners" too, each fiftieth has left. Past campaigns went to people/100 each, spread over everybody.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.worlds import COUNTRIES, ENVIRON
from mailer.audience.addresses import address_hash
from mailer.store.engine.database import Database
from mailer.store.engine.parts import SHARED_BELOW, launching
from mailer.store.tables.core import to_microseconds
from mailer.tracking.bot_rules import RULES
from mailer.tracking.classify import EVERY_CAMPAIGN
from tests.reports.builders import add_campaign, make_message

LEFT, PARTNERS, SHARE = 50, 20, 100
LARGE = 50_000  # people, from whom on a campaign has parts of its own
PEOPLE = """
INSERT INTO people (address, address_hash, first_name, last_name, country, language, attributes, created_at, updated_at)
SELECT 'person' || n || '@example.org', decode(md5('person' || n || '@example.org'), 'hex'), 'First' || n %% 977,
       'Last' || n %% 7919, (%(countries)s::text[])[n %% 8 + 1], 'en', '{"source": "petition 2025"}', %(then)s, %(then)s
FROM generate_series(1, %(people)s - 1) AS n
"""
FIRST = """
INSERT INTO people (address, address_hash, attributes, created_at, updated_at)
VALUES ('person0@example.org', %(hash)s, '{}', %(then)s, %(then)s)
"""
STANDING = "CASE WHEN id %% %(left)s = 0 THEN 'unsubscribed' ELSE 'subscribed' END"
STATEMENTS = (
    # Set aside for this transaction: an index is quicker made at once, and every row is known to have its person.
    "SET LOCAL session_replication_role = replica",
    "SET LOCAL maintenance_work_mem = '512MB'",
    "ALTER TABLE people DROP CONSTRAINT uq_people_address",
    FIRST,
    PEOPLE,
    "ALTER TABLE people ADD CONSTRAINT uq_people_address UNIQUE (address)",
    "INSERT INTO lists (id, name) VALUES (1, 'supporters'), (2, 'partners')",
    "INSERT INTO consent_sources (id, how, source, wording) VALUES (1, 'import', 'people.csv', 'Yes.')",
    f"INSERT INTO subscriptions SELECT 1, id, {STANDING}, %(then)s FROM people",
    "INSERT INTO subscriptions SELECT 2, id, 'subscribed', %(then)s FROM people WHERE id %% %(partners)s = 0",
    f"""INSERT INTO consents (person_id, list_id, status, at, source_id)
    SELECT id, 1, {STANDING}, %(then)s, 1 FROM people""",
    """INSERT INTO suppressions SELECT address_hash, 1, 'unsubscribed', %(then)s, '' FROM people
    WHERE id %% %(left)s = 0""",
    "SELECT setval('lists_id_seq', 2), setval('consent_sources_id_seq', 1)",
)
DELIVERIES = """
INSERT INTO {table} (id, campaign_id, person_id, state, attempt, not_before, changed_at)
SELECT {id}::bigint * 4294967296 + n, {id}, 1 + (n::bigint * {step} + {id} %% {step}) %% {people}, 'sent', 1, {at},
       {at} FROM generate_series(1, {size}) AS n
"""
HITS = """
INSERT INTO hits (campaign_id, delivery_id, n, at, method, headers, network, verdict, rules)
SELECT {id}, {id}::bigint * 4294967296 + n, 1, {at}, 'GET', '{{}}', '', 'human', {rules}
FROM generate_series(1, {size}, 33) AS n
"""
JUDGED = "INSERT INTO judged_hits (campaign_id, up_to, rules) SELECT {id}, max(id), {rules} FROM hits"


def add_people(connection: psycopg.Connection, people: int, *, now: datetime) -> None:
    """Fill an empty database's tables of people; `connection` is a superuser's."""
    values = {
        "people": people, "countries": list(COUNTRIES), "then": to_microseconds(now - timedelta(days=400)),
        "left": LEFT, "partners": PARTNERS,
        "hash": address_hash("person0@example.org", ENVIRON["MAILER_ADDRESS_KEY"].encode()),
    }  # fmt: skip
    with connection.transaction():
        for statement in STATEMENTS:
            connection.execute(statement, values if "%" in statement else None)
    connection.execute("VACUUM (ANALYZE) people, subscriptions, consents, suppressions")


def add_past(database: Database, *, people: int, campaigns: int, now: datetime | None = None) -> int:
    """Past campaigns, a day between two; how many people each of them went to."""
    size = people // SHARE
    for n in range(campaigns):
        # Numbered as a launch would: large ones above those that share parts.
        number = 1 + n * 1009 + (SHARED_BELOW if size >= LARGE else 0)
        sent_at = (now or datetime.now(UTC)) - timedelta(days=campaigns + 10 - n)
        named = {"id": number, "people": people, "size": size, "step": SHARE, "at": to_microseconds(sent_at),
                 "rules": RULES}  # fmt: skip
        with database.write() as connection:
            add_campaign(
                connection, replace(make_message(), slug=f"past-{n}"), now=sent_at, campaign_id=number,
                launched_at=sent_at, finished_at=sent_at,
            )  # fmt: skip
            with launching(connection, number) as table:
                connection.exec_driver_sql(DELIVERIES.format(table=table.name, **named))
            connection.exec_driver_sql(HITS.format(**named))
    with database.write() as connection:
        connection.exec_driver_sql(JUDGED.format(id=EVERY_CAMPAIGN, rules=RULES))
    return size
