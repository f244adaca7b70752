"""Backups: taken beside the page, carried away sealed, deleted, and each of that in the log."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mailer.long_work.orders import find_work
from mailer.staff.audit import entries
from mailer.staff.rights import Role
from mailer.store.admin.kept_backups import FOLDER
from tests.age import opened
from tests.patience import until
from tests.web.studio.conftest import House

PASSPHRASE = "fish can’t vote, and neither can bees"

pytestmark = pytest.mark.sqlite  # that PostgreSQL is copied is for tests/store/admin


def taken(house: House) -> str:
    """The name of a backup that was just taken."""
    at = house.post("/backups").headers["location"]
    number = int(at.rpartition("/")[2])

    def is_over() -> bool:
        with house.studio.database.read() as connection:
            found = find_work(connection, number)
        return found is not None and found.is_over

    until(is_over)
    assert 'href="/backups"' in house.get(at).text
    (name,) = set(re.findall(r"mailer-[\d-]+\.db", house.get("/backups").text))
    return name


def actions(house: House) -> list[str]:
    with house.studio.database.read() as connection:
        return [f"{one.action}: {one.detail}" for one in entries(connection)]


def form(passphrase: str, again: str) -> bytes:
    return urlencode({"passphrase": passphrase, "again": again}).encode()


def test_one_is_taken_carried_away_and_deleted(house: House, tmp_path: Path) -> None:
    assert "There is no backup yet" in house.get("/backups").text
    name = taken(house)
    kept = house.workspace.root / FOLDER / name
    assert (kept.stat().st_mode & 0o777, (kept.parent / ".gitignore").read_text()) == (0o600, "*\n")
    reply = house.post(f"/backups/{name}", form(PASSPHRASE, PASSPHRASE))
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}.age"'
    (tmp_path / "copy.db").write_bytes(opened(reply.body, PASSPHRASE) or b"")
    assert sqlite3.connect(tmp_path / "copy.db").execute("SELECT count(*) FROM people").fetchone() == (3,)
    assert house.post(f"/backups/{name}/delete").status == 303
    assert not kept.exists()
    assert actions(house)[:3] == [
        f"backup deleted: {name}",
        f"backup downloaded: {name}",
        f"database backed up: {name}",
    ]
    assert "The last backup is from today" in house.get("/backups").text, "it may be elsewhere"


def test_a_weak_or_mistyped_passphrase_seals_nothing(house: House) -> None:
    name = taken(house)
    for first, second, words in (("bees-fly", "bees-fly", "12 characters"), (PASSPHRASE, "another", "not the same")):
        reply = house.post(f"/backups/{name}", form(first, second))
        assert reply.status == 422
        assert words in reply.text
        assert first not in reply.text
    assert not any(one.startswith("backup downloaded") for one in actions(house))


def test_no_other_file_is_opened_and_nobody_without_the_right_carries_one_away(house: House) -> None:
    name = taken(house)
    (house.workspace.root / FOLDER / "mailer-notes.db").write_text("notes")
    for other in ("mailer-notes.db", "..%2Fmailer.toml", ".gitignore", name.replace("20", "19", 1)):
        assert house.post(f"/backups/{other}", form(PASSPHRASE, PASSPHRASE)).status == 404
        assert house.post(f"/backups/{other}/delete").status == 404
    sender = house.sign_in(Role.SENDER)
    assert house.post(f"/backups/{name}", form(PASSPHRASE, PASSPHRASE), cookie=sender).status == 403
    assert house.get("/backups", cookie=sender).status == 403
