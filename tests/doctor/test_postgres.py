"""A PostgreSQL server judged from facts alone, and one that isn't there."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailer.diagnostics import Level
from mailer.doctor.postgres import PostgresFacts, gather_postgres, judge_postgres
from mailer.store.engine.database import SCHEMA
from tests.conftest import NOW

WELL = PostgresFacts(
    "mailer at db.example.org", version=150004, schema=SCHEMA, has_tables=True, size_bytes=4_000_000, encrypted=True,
    most_connections=97, used_connections=3, skew=timedelta(milliseconds=20), skew_doubt=timedelta(milliseconds=1),
)  # fmt: skip


def judged(facts: PostgresFacts) -> list[tuple[Level, str]]:
    return [(one.level, one.message) for one in judge_postgres(facts, today=NOW.date(), connections=4)]


def test_all_is_well() -> None:
    assert judged(WELL) == [
        (Level.OK, f"PostgreSQL 15.4, mailer at db.example.org, 4.0 MB, schema {SCHEMA}, can be written"),
        (Level.OK, "this machine's clock agrees with the server's"),
    ]


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ({"version": 90624}, Level.ERROR, "older than any that Mailer was tried with"),
        ({"version": 130009}, Level.WARNING, "no security fixes since 13 November 2025"),
        ({"schema": "9999"}, Level.ERROR, "newer than this program's"),
        ({"schema": None}, Level.ERROR, "of an unknown age"),
        ({"schema": None, "has_tables": False}, Level.WARNING, "is empty; the first command makes its tables"),
        ({"schema": None, "has_tables": False, "may_create": False}, Level.ERROR, "may not make tables"),
        ({"in_recovery": True, "not_writable": ("it is read-only",)}, Level.ERROR, "a standby"),
        ({"not_writable": ("deliveries", "hits")}, Level.ERROR, "may not write everything (deliveries, hits)"),
        ({"skew": 3 * SECOND}, Level.WARNING, "3.0 s behind the database server's"),
        ({"skew": -61 * SECOND}, Level.ERROR, "61.0 s ahead of the database server's"),
        ({"encrypted": False}, Level.WARNING, "isn't encrypted"),
        ({"used_connections": 84}, Level.WARNING, "has room for 13 more connections"),
        ({"used_connections": 99}, Level.WARNING, "has room for 0 more connections"),
        ({"trouble": "the database does not answer"}, Level.ERROR, "so no command works"),
    ],
)
def test_each_fault_is_the_only_one_named(change: dict[str, Any], level: Level, words: str) -> None:
    found = [one for one in judged(replace(WELL, **change)) if one[0] is not Level.OK]
    ((found_level, said),) = found
    assert found_level is level
    assert words in said


@pytest.mark.parametrize(
    "change",
    [
        {"encrypted": False, "is_local": True},
        {"skew": 5 * SECOND, "skew_doubt": 4 * SECOND},  # a slow answer, which may explain it all
        {"skew": 2 * SECOND},
        {"version": 990001},  # one that came out after this program
        {"used_connections": 83},
    ],
)
def test_what_is_well_all_the_same(change: dict[str, Any]) -> None:
    assert {level for level, _ in judged(replace(WELL, **change))} == {Level.OK}


def test_nobody_at_the_address_is_said_without_the_password() -> None:
    pytest.importorskip("psycopg")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    facts = gather_postgres(f"postgresql+psycopg://mailer:hunter2@127.0.0.1:{port}/mailer", clock=lambda: NOW)
    ((level, said),) = judged(facts)
    assert level is Level.ERROR
    assert said.startswith("PostgreSQL mailer at 127.0.0.1: the database does not answer")
    assert "hunter2" not in said


def test_a_driver_that_is_missing_is_named() -> None:
    facts = gather_postgres("postgresql+pg8000://mailer@127.0.0.1/mailer", clock=lambda: NOW)
    assert facts.trouble == "the driver of PostgreSQL isn't installed"
    assert "pip install" in facts.remedy
