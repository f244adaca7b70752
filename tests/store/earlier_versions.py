"""Databases of earlier schemas, as they were left in the field: tests/store/earlier/<version>.<engine>.sql.

Each is a dump with made-up people at example.org. A new schema needs the dumps of the one before it, so that the tests
see a database of that one migrate with its data. They are made once, and kept as they are:

    python -m tests.store.earlier_versions     # writes those that are missing, of every version but the newest

Each is made from the one before it, migrated; the first from the rows below.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import MetaData, insert, make_url

from mailer.store.admin.copy import go_on_from, numbers_used
from mailer.store.engine.dialects import make_engine
from mailer.store.engine.version import VERSIONS, migrate
from mailer.store.tables.core import metadata
from tests.servers.postgres import Cluster, server_programs

FOLDER = Path(__file__).parent / "earlier"
ENGINES = ("sqlite", "postgresql")
AT = 1_795_510_800_000_000  # 24 November 2026, 9:00 UTC
CAMPAIGN, DONE = 1_234_567_890, 77
ROWS: dict[str, list[dict[str, Any]]] = {
    "people": [
        {
            "id": n,
            "address": f"person{n}@example.org",
            "address_hash": bytes([n] * 16),
            "first_name": name,
            "last_name": 'O\'Brien \\ "x"' if n == 2 else "",
            "country": "GB",
            "attributes": {"town": "Zürich", "größe": str(n)},
            "tracking": n != 3,
            "created_at": AT,
            "updated_at": AT + n,
        }
        for n, name in ((1, "Ada"), (2, "Jörg"), (3, "محمد"), (7, "李"))
    ],
    "lists": [{"id": 1, "name": "supporters"}, {"id": 2, "name": "updates"}],
    "subscriptions": [
        {"list_id": 1, "person_id": n, "status": status, "changed_at": AT}
        for n, status in ((1, "subscribed"), (2, "subscribed"), (3, "unsubscribed"), (7, "pending"))
    ],
    "consent_sources": [{"id": 1, "how": "import", "source": "people.csv", "wording": "Yes, mail me."}],
    "consents": [
        {"id": n, "person_id": n, "list_id": 1, "status": "subscribed", "at": AT, "source_id": 1} for n in (1, 2, 3)
    ],
    "suppressions": [{"address_hash": b"\x00\xff" * 8, "list_id": 0, "reason": "complained", "at": AT, "source": "x"}],
    "campaigns": [
        {
            "id": number,
            "slug": slug,
            "state": state,
            "message": {"subject": ["Dear ", 0]},
            "digest": "d" * 64,
            "audience": {"include": ["supporters"]},
            "counts": {"chosen": 4},
            "transport": "outbox",
            "created_at": AT,
            "launched_at": AT,
            "finished_at": AT if state == "finished" else None,
        }
        for number, slug, state in ((CAMPAIGN, "2026-11-ask", "sending"), (DONE, "2026-10-ask", "finished"))
    ],
    "links": [
        {
            "campaign_id": CAMPAIGN,
            "n": n,
            "url": "https://example.org/act",
            "label": "Add your name",
            "placement": "button",
            "is_action": n == 1,
        }
        for n in (1, 2)
    ],
    "deliveries": [
        {
            "id": campaign * 2**32 + n,
            "campaign_id": campaign,
            "person_id": n if n < 4 else None,
            "state": state,
            "attempt": attempt,
            "not_before": AT,
            "worker_id": 2**62 - 1 if state == "sending" else None,
            "code": code,
            "changed_at": AT if attempt else None,
        }
        for campaign, n, state, attempt, code in (
            (CAMPAIGN, 1, "sent", 1, "250"),
            (CAMPAIGN, 2, "sending", 1, ""),
            (CAMPAIGN, 3, "queued", 0, ""),
            (CAMPAIGN, 4, "failed", 3, "550 5.1.1"),
            (DONE, 1, "uncertain", 1, ""),
            (DONE, 2, "skipped", 0, "unsubscribed"),
        )
    ],
    "workers": [{"id": 2**62 - 1, "name": "host:1", "lease_until": AT}],
    "events": [{"id": 1, "campaign_id": DONE, "delivery_id": DONE * 2**32 + 1, "at": AT, "kind": "unsubscribed"}],
    "hits": [
        {
            "id": 1,
            "campaign_id": DONE,
            "delivery_id": DONE * 2**32 + 1,
            "n": 1,
            "at": AT,
            "method": "GET",
            "headers": {"user-agent": "x"},
            "network": b"\x01\x02",
            "verdict": "human",
            "rules": 1,
        }
    ],
    "images": [{"digest": "0" * 16, "content_type": "image/png", "content": b"\x89PNG\x00"}],
    "proofs": [{"id": 5, "slug": "2026-11-ask", "message": {}, "person_id": 1, "at": AT}],
}


def dump_of(version: str, engine: str) -> Path:
    """Where the dump of a version is kept."""
    return FOLDER / f"{version}.{engine}.sql"


def load(path: Path, url: str) -> None:
    """Fill the empty database at `url` with a dump."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(address.database or "")) as raw:
            raw.executescript(path.read_text(encoding="utf-8"))
        return
    with psycopg.connect(plain(url), autocommit=True) as raw:
        raw.execute(path.read_bytes())


def plain(url: str) -> str:
    """The URL as PostgreSQL's own programs take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _make(version: str, url: str) -> None:
    earlier = VERSIONS[: VERSIONS.index(version)]
    if earlier:
        load(dump_of(earlier[-1], make_url(url).get_backend_name()), url)
    engine = make_engine(url)
    migrate(engine, version)
    if not earlier:
        known = MetaData()
        known.reflect(engine)
        with engine.begin() as connection:
            for table in known.sorted_tables:
                if table.name in ROWS:
                    for row in ROWS[table.name]:
                        connection.execute(insert(table).values(row))
            for table in metadata.sorted_tables if version == VERSIONS[0] else ():
                go_on_from(connection, table, numbers_used(connection, table))
    engine.dispose()


def _dump(url: str) -> str:
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(address.database or "")) as raw:
            return "\n".join(raw.iterdump()) + "\n"
    programs = server_programs()
    assert programs is not None
    command = [str(programs / "pg_dump"), "--inserts", "--no-owner", "--no-privileges", plain(url)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # Without what only some servers know: settings, and what is for psql.
    return re.sub(r"(?m)^(--.*|SET .*|\\.*|SELECT pg_catalog\.set_config.*|)\n", "", done.stdout)


def main() -> None:
    """Write the dumps that are missing."""
    with Cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        for version in VERSIONS[:-1]:
            for engine in ENGINES:
                path = dump_of(version, engine)
                if path.exists():
                    continue
                name = f"v{version}"
                url = f"sqlite:///{folder}/{name}.db" if engine == "sqlite" else cluster.create(name)
                _make(version, url)
                path.write_text(_dump(url), encoding="utf-8")
                print(f"written: {path}")  # noqa: T201


if __name__ == "__main__":
    main()
