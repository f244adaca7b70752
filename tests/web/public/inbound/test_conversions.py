"""Conversions: the token on destinations, the address that other sites report to, and the file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from mailer.cli import cli
from mailer.reports.figures import Conversion, figures
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.store.tables.inbound import conversions
from mailer.tracking.tokens import LinkVisit, Named, Purpose, Signer
from mailer.web.public.app import create_app
from mailer.web.public.core.redirect_url import with_parameter
from mailer.workspace import Workspace
from tests.reports.builders import ACTION, CAMPAIGN, SLUG, add_campaign, add_deliveries, delivery_id, make_message
from tests.web.client import BROWSER, Reply, fetch, serving
from tests.web.conftest import Served, seed

KEY, OTHER_KEY = "an-api-key-for-tests-that-is-long-enough!", "another-api-key-for-tests-of-that-length!"
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


@pytest.fixture
def reporting(workspace: Workspace, database: Database, now: datetime) -> Iterator[Served]:
    """A door that gives tokens to other sites and takes their reports."""
    settings = replace(workspace.settings, tracking=replace(workspace.settings.tracking, conversions=True))
    secrets = replace(workspace.secrets, api_keys=(OTHER_KEY, KEY))
    seed(database, now)
    app = create_app(replace(workspace, settings=settings, secrets=secrets), database, clock=lambda: now)
    with serving(app) as port:
        yield Served(port, database, Signer(workspace.secrets.require_signing()))


def a_token(signer: Signer, now: datetime, number: int = 1, n: int = 2, *, proof: bool = False) -> str:
    return signer.sign_visit(Purpose.CONVERSION, LinkVisit(Named(delivery_id(number), proof=proof), n, now))


def report(served: Served, data: object, headers: dict[str, str] | None = None) -> Reply:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return served.get("/api/conversions", method="POST", body=body, headers=HEADERS if headers is None else headers)


def statuses(reply: Reply) -> list[str]:
    return [result["status"] for result in json.loads(reply.body)["results"]]


def test_a_destination_elsewhere_gets_a_token_that_says_which_link_was_followed(
    reporting: Served, now: datetime
) -> None:
    location = reporting.get(f"{reporting.path(Purpose.CLICK)}/2").headers["location"]
    assert location.startswith(f"{ACTION}&mailer=")
    (token,) = parse_qs(urlsplit(location).query)["mailer"]
    assert reporting.signer.read_visit(Purpose.CONVERSION, token) == LinkVisit(Named(delivery_id(1)), 2, now)
    location = reporting.get(f"{reporting.path(Purpose.CLICK)}/3").headers["location"]
    assert location.startswith("https://example.org/sources?mailer=")
    assert location.endswith("#a")


def test_who_is_not_to_be_tracked_is_sent_on_to_the_address_as_mailed(reporting: Served) -> None:
    with reporting.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 2).values(tracking=False))
    paths = [
        (reporting.path(Purpose.CLICK, 2), BROWSER),
        (reporting.path(Purpose.CLICK, 1), {**BROWSER, "Sec-GPC": "1"}),
        (reporting.path(Purpose.CLICK, 1), {**BROWSER, "DNT": "1"}),
        (reporting.path(Purpose.CLICK, proof=True), BROWSER),
    ]
    for path, headers in paths:
        assert reporting.get(f"{path}/1", headers=headers).headers["location"] == ACTION


def test_without_the_setting_addresses_stay_as_mailed(served: Served) -> None:
    assert served.get(f"{served.path(Purpose.CLICK)}/1").headers["location"] == ACTION


def test_pages_of_our_own_get_no_token(workspace: Workspace, database: Database, now: datetime) -> None:
    settings = replace(workspace.settings, tracking=replace(workspace.settings.tracking, conversions=True))
    own = "https://mail.example.org/act/ask"
    link = replace(make_message().links[0], url=own, destination=(own,))
    with database.write() as connection:
        add_campaign(connection, make_message(links=[link]), now=now)
        add_deliveries(connection, [1], now=now)
    token = Signer(workspace.secrets.require_signing()).sign(Purpose.CLICK, Named(delivery_id(1)))
    with serving(create_app(replace(workspace, settings=settings), database, clock=lambda: now)) as port:
        location = fetch(port, f"/c/{token}/1").headers["location"]
    assert location.startswith(f"{own}?t="), "the visit, by which the form is filled in"
    assert "mailer=" not in location


PIECES = st.text("ab=&?/%2", max_size=12)


@given(PIECES, st.one_of(st.none(), PIECES), st.one_of(st.none(), PIECES))
def test_every_other_byte_of_a_destination_stays(path: str, query: str | None, fragment: str | None) -> None:
    path = path.replace("?", "")
    url = f"https://example.org/{path}" + ("" if query is None else f"?{query}")
    mark = "" if fragment is None else f"#{fragment}"
    made = with_parameter(url + mark, "mailer", "TOKEN")
    assert made.startswith(url)
    assert made.endswith(mark)
    assert made[len(url) : len(made) - len(mark)].lstrip("?&") == "mailer=TOKEN"
    assert parse_qs(urlsplit(made).query)["mailer"][-1] == "TOKEN"


def test_reports_are_stored_once_and_attributed(reporting: Served, now: datetime) -> None:
    token = a_token(reporting.signer, now)
    when = (now - timedelta(hours=1)).isoformat()
    first = report(reporting, {"token": token, "name": "donated", "reference": "A-1", "at": when})
    assert (first.status, json.loads(first.body)) == (200, {"status": "stored"})
    again = report(reporting, {"token": token, "name": "donated", "reference": "A-1"})
    assert json.loads(again.body) == {"status": "known"}
    (row,) = reporting.rows(conversions)
    assert (row.campaign_id, row.delivery_id, row.n, row.name, row.reference, row.source) == (
        CAMPAIGN, delivery_id(1), 2, "donated", "A-1", "api",
    )  # fmt: skip
    assert row.at == now - timedelta(hours=1)


def test_each_item_gets_its_answer_and_none_spoils_the_others(reporting: Served, now: datetime) -> None:
    token = a_token(reporting.signer, now)
    click = reporting.token(Purpose.CLICK)
    items: list[dict[str, Any]] = [
        {"token": token, "name": "signed"},
        {"token": token, "name": "signed"},
        {"token": token, "name": "donated", "reference": 17},
        {"token": token[:-1] + ("A" if token[-1] != "A" else "B"), "name": "signed"},
        {"token": click, "name": "signed"},
        {"token": 5, "name": "signed"},
        {"name": "signed"},
        {"token": token},
        {"token": token, "name": "x" * 61},
        {"token": token, "name": "a\x1b[31mb"},
        {"token": token, "name": ["signed"]},
        {"token": token, "name": "signed", "reference": "b", "at": "yesterday"},
        {"token": token, "name": "signed", "reference": "b", "at": "2026-11-24T09:00:00"},
        {"token": token, "name": "signed", "reference": "b", "at": "9999-12-31T23:59:59+00:00"},
        {"token": a_token(reporting.signer, now, proof=True), "name": "signed"},
    ]
    reply = report(reporting, items)
    assert reply.status == 200
    assert statuses(reply) == ["stored", "known", "stored", *["rejected"] * 12]
    data = json.loads(reply.body)
    assert (data["stored"], data["known"], data["rejected"]) == (2, 1, 12)
    assert token not in reply.text
    assert len(reporting.rows(conversions)) == 2


def test_who_is_not_tracked_counts_for_the_campaign_alone(reporting: Served, now: datetime) -> None:
    with reporting.database.write() as connection:
        connection.execute(update(people).where(people.c.id == 2).values(tracking=False))
    report(reporting, [{"token": a_token(reporting.signer, now, number), "name": "signed"} for number in (1, 2)])
    assert [(row.campaign_id, row.delivery_id) for row in reporting.rows(conversions)] == [
        (CAMPAIGN, delivery_id(1)),
        (CAMPAIGN, None),
    ]
    with reporting.database.read() as connection:
        assert figures(connection, SLUG).conversions == (Conversion("signed", 2, 1),)


@pytest.mark.parametrize(
    "given_key", ["", "Bearer", "Bearer ", f"Bearer {KEY[:-1]}", f"Bearer {KEY}x", f"Basic {KEY}", KEY, "Bearer \xff"]
)
def test_without_a_key_nothing_is_told(reporting: Served, given_key: str) -> None:
    for body in (b"[]", b"not JSON"):
        reply = report(reporting, body, {"Authorization": given_key} if given_key else {})
        assert (reply.status, json.loads(reply.body)) == (401, {"error": "this needs a key"})


def test_every_key_of_several_is_good(reporting: Served, now: datetime) -> None:
    item = {"token": a_token(reporting.signer, now), "name": "signed"}
    for key, status in ((KEY, "stored"), (OTHER_KEY, "known")):
        reply = report(reporting, item, {"Authorization": f"bearer {key}"})
        assert json.loads(reply.body) == {"status": status}


def test_where_no_key_is_set_no_key_is_good(served: Served) -> None:
    assert report(served, [], {"Authorization": "Bearer "}).status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"7", 400),
        (b'["x"]', 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b"[" + b",".join([b"{}"] * 1001) + b"]", 400),
        (b"[" + b" " * 1_000_001 + b"]", 413),
    ],
)
def test_what_is_no_report_is_refused(reporting: Served, body: bytes, status: int) -> None:
    assert report(reporting, body).status == status
    assert reporting.rows(conversions) == []


def test_only_posts_report(reporting: Served) -> None:
    assert reporting.get("/api/conversions", headers=HEADERS).status == 405


def test_a_file_is_taken_row_by_row(workspace: Workspace, database: Database, now: datetime, tmp_path: Path) -> None:
    seed(database, now)
    token = a_token(Signer(workspace.secrets.require_signing()), now)
    rows = [
        [token, "", "1", "2026-11-24T08:00:00Z", "x"],
        [token, "", "1", "", "x"],
        [token, "called", "2", "", "x"],
        ["=HYPERLINK(1)", "", "3", "", "x"],
        [token, "", "4", "soon", "x"],
        [token, "", "many\nlines", "", "x"],
    ]
    file = tmp_path / "gifts.csv"
    with file.open("w", newline="", encoding="utf-8-sig") as opened:
        csv.writer(opened).writerows([["token", "name", "reference", "at", "amount"], *rows])
    environ = {"MAILER_WORKSPACE": str(workspace.root)}
    arguments = ["conversions", "import", str(file), "--name", "donated", "--json"]
    done = CliRunner().invoke(cli, arguments, env=environ, catch_exceptions=False)
    data = json.loads(done.output)
    assert (data["read"], data["stored"], data["known"], data["rejected"]) == (6, 2, 1, 3)
    assert [line["line"] for line in data["lines"]] == [5, 6, 8]
    with database.read() as connection:
        assert figures(connection, SLUG).conversions == (Conversion("called", 1, 1), Conversion("donated", 1, 1))
    again = CliRunner().invoke(cli, arguments[:-1], env=environ, catch_exceptions=False)
    assert "6 rows read: 0 stored, 3 known already, 3 rejected." in again.output
