"""A served door: three people, two lists, one campaign and one proof."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Row, Table, insert, select

from mailer.compose.message import to_json
from mailer.locale.language import Language
from mailer.store.engine.database import Database
from mailer.store.tables.core import hits, images, proofs
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.web.pages.templates import Pages
from mailer.web.public.app import create_app
from mailer.workspace import Workspace
from tests.conformance import html_faults
from tests.reports.builders import add_campaign, add_deliveries, add_people, delivery_id, make_message
from tests.web.client import Reply, fetch, serving

PROOF = 4242
LOOKED_AT: set[str] = set()  # the tags of pages that were right
PICTURE = b"\x89PNG\r\n\x1a\n not a real picture"


@pytest.fixture(autouse=True)
def conforming(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each page for supporters that a test sees is HTML as the standard wants it."""
    made, found = Pages.text, list[str]()

    def text(self: Pages, page: str, language: Language, **values: Any) -> str:
        html = made(self, page, language, **values)
        tags = "".join(re.findall(r"<[^>]*>", html))
        if page != "meter.html" and tags not in LOOKED_AT:
            # What is pasted into another site is a part of a page.
            faults = html_faults(f"<!doctype html><title>Theirs</title>{html}" if page == "embed.html" else html)
            found.extend(f"{page}: {one}" for one in faults)
            LOOKED_AT.update(() if faults else (tags,))
        return html

    monkeypatch.setattr(Pages, "text", text)
    yield
    assert found == []


@dataclass(frozen=True, slots=True)
class Served:
    """A running door and what tests do with it."""

    port: int
    database: Database
    signer: Signer

    def token(self, purpose: Purpose, number: int = 1, *, proof: bool = False) -> str:
        return self.signer.sign(purpose, Named(PROOF if proof else delivery_id(number), proof=proof))

    def path(self, purpose: Purpose, number: int = 1, *, proof: bool = False) -> str:
        return f"/{purpose.value}/{self.token(purpose, number, proof=proof)}"

    def get(self, path: str, **options: object) -> Reply:
        return fetch(self.port, path, **options)  # pyright: ignore[reportArgumentType] - handed through

    def post(self, path: str, body: bytes = b"", content_type: str = "application/x-www-form-urlencoded") -> Reply:
        return fetch(self.port, path, method="POST", body=body, headers={"Content-Type": content_type})

    def rows(self, table: Table = hits) -> list[Row[tuple[object, ...]]]:
        with self.database.read() as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key)).all())


def seed(database: Database, now: datetime, *, people: int = 3) -> None:
    with database.write() as connection:
        add_people(connection, people, now=now, lists=("supporters", "updates"))
        message = make_message()
        add_campaign(connection, message, now=now)
        add_deliveries(connection, range(1, people + 1), now=now)
        connection.execute(
            insert(proofs).values(id=PROOF, slug=message.slug, message=to_json(message), person_id=2, at=now)
        )
        connection.execute(insert(images).values(digest="0123456789abcdef", content_type="image/png", content=PICTURE))


@pytest.fixture
def served(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    (workspace.lists / "updates.toml").write_text(
        'title = "Monthly <news>"\nlist_id = "news.lists.example.org"\nabout = "Once a month."\n'
    )
    seed(database, now)
    with serving(create_app(workspace, database, clock=lambda: now)) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))
