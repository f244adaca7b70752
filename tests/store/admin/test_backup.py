"""`mailer db backup`: one state, taken while others write; and what a copy that was put back does not send."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from mailer.delivery.campaigns import lifecycle as steps
from mailer.errors import MailerError
from mailer.store.admin import backup as backing
from mailer.store.admin.backup import back_up
from mailer.store.engine.database import Database, DatabaseTrouble, open_database
from mailer.store.tables.core import campaigns, events, people
from mailer.store.tables.states import CampaignState
from tests.conftest import NOW
from tests.databases import ENGINES, NewDatabase
from tests.delivery.world import Clock, add_people, launch, worker
from tests.patience import HANG_SECONDS
from tests.store.earlier_versions import plain

TAKEN = NOW + timedelta(minutes=1)


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, new_database: NewDatabase) -> str:
    return new_database(request.param)


@pytest.fixture
def put_back(new_database: NewDatabase) -> Callable[[Path], str]:
    """Puts a copy back as docs/databases.md says; the database's URL."""

    def restore(file: Path) -> str:
        if file.suffix == ".sql":
            target = new_database("postgresql")
            command = [
                "psql",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "--single-transaction",
                "-d",
                plain(target),
                "-f",
                str(file),
            ]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            return target
        target = new_database("sqlite")
        shutil.copyfile(file, target.removeprefix("sqlite:///"))
        return target

    return restore


def test_it_is_one_state_although_others_write(url: str, put_back: Callable[[Path], str], tmp_path: Path) -> None:
    """A writer adds one person and one event in each transaction: a copy never has one without the other."""
    database = open_database(url)
    add_people(database, 2000, now=NOW)
    enough, ended = threading.Event(), threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not ended.is_set():
            with database.write() as connection:
                person = {
                    "address": f"w{written}@example.org",
                    "address_hash": b"",
                    "created_at": NOW,
                    "updated_at": NOW,
                }
                connection.execute(insert(people).values(person))
                connection.execute(insert(events).values(campaign_id=1, at=NOW, kind="written"))
            written += 1
            if written > 5:
                enough.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(HANG_SECONDS)
    before = written
    files = [back_up(url, tmp_path / f"copy{n}", now=TAKEN) for n in range(2)]
    after = written + 1
    ended.set()
    writer.join()
    database.close()
    for file in files:
        copy = open_database(put_back(file.rename(file.with_suffix(".sql" if "postgres" in url else ".db"))))
        with copy.read() as connection:
            counted = connection.execute(select(func.count()).select_from(people)).scalar_one() - 2000
            assert connection.execute(select(func.count()).select_from(events)).scalar_one() == counted
        assert before <= counted <= after
        copy.close()


def test_only_its_owner_may_read_it_and_nothing_is_overwritten(url: str, tmp_path: Path) -> None:
    open_database(url).close()
    before = os.umask(0)
    try:
        file = back_up(url, tmp_path, now=TAKEN)
    finally:
        os.umask(before)
    assert file.name == ("mailer-2026-11-24-090100." + ("sql" if "postgres" in url else "db"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    for path in (tmp_path, file):
        with pytest.raises(MailerError, match="exists already"):
            back_up(url, path, now=TAKEN)
    with pytest.raises(MailerError, match="there is no folder"):
        back_up(url, tmp_path / "missing" / "copy", now=TAKEN)
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file], "nothing is left over"


def test_it_does_not_overwrite_a_file_that_appears_meanwhile(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_database(url).close()
    plain_put = backing._put

    def late(partial: Path, final: Path) -> None:
        final.write_text("somebody else's")
        plain_put(partial, final)

    monkeypatch.setattr(backing, "_put", late)
    with pytest.raises(MailerError, match="exists already"):
        back_up(url, tmp_path / "copy", now=TAKEN)
    assert (tmp_path / "copy").read_text() == "somebody else's"
    assert len(list(tmp_path.iterdir())) == 1


def test_without_pg_dump_the_remedy_is_said(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database("postgresql")
    monkeypatch.setattr(backing, "PROGRAMS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MailerError, match="pg_dump is not installed") as refused:
        back_up(url, tmp_path / "copy", now=TAKEN)
    assert "apt install postgresql-client" in str(refused.value)
    assert not (tmp_path / "copy").exists()


def test_the_password_of_the_database_is_shown_nowhere(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = new_database("postgresql").replace("mailer@", "mailer:s3cret@")
    (tmp_path / "pg_dump").write_text('#!/bin/sh\necho "$@" >&2; [ "$PGPASSWORD" = s3cret ] || echo none >&2; exit 1\n')
    (tmp_path / "pg_dump").chmod(0o755)
    monkeypatch.setattr(backing, "PROGRAMS", tmp_path / "none")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(MailerError, match="pg_dump could not copy the database: --no-owner") as refused:
        back_up(url, tmp_path / "copy", now=TAKEN)
    assert "s3cret" not in str(refused.value)
    assert "none" not in str(refused.value)


def test_a_full_disk_leaves_nothing(tmp_path: Path, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    url = new_database("sqlite")
    open_database(url).close()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        back_up(url, tmp_path / "copy", now=TAKEN)
    assert list(tmp_path.iterdir()) == []


def campaign_of(database: Database, slug: str) -> tuple[str, str]:
    with database.read() as connection:
        row = steps.require_campaign(connection, slug)
    return row.state, row.why


def test_a_copy_put_back_sends_nothing_that_may_have_been_sent(
    url: str, put_back: Callable[[Path], str], tmp_path: Path
) -> None:
    """The night's copy of a campaign in mid-send, put back the next morning: all its people would be mailed twice."""
    database = open_database(url)
    add_people(database, 3, now=NOW)
    ids = {
        slug: launch(database, count=3, now=NOW, slug=slug)
        for slug in ("sending", "paused", "finished", "soon", "later", "overdue")
    }
    worker(database, ids["sending"], Clock(NOW)).claim(2)
    steps.pause(database, ids["paused"], "by staff", now=NOW)
    with database.write() as connection:
        for slug, state, due_at in (
            ("finished", CampaignState.FINISHED, None),
            ("soon", CampaignState.SCHEDULED, NOW + timedelta(hours=1)),
            ("later", CampaignState.SCHEDULED, NOW + timedelta(hours=9)),
            ("overdue", CampaignState.OVERDUE, NOW - timedelta(hours=9)),
        ):
            connection.execute(
                update(campaigns).where(campaigns.c.id == ids[slug]).values(state=state, due_at=due_at, why="")
            )
    database.close()
    target = put_back(back_up(url, tmp_path, now=TAKEN))
    morning = NOW + timedelta(hours=2)
    copy = open_database(target, clock=lambda: morning)
    for slug in ("sending", "paused"):
        state, why = campaign_of(copy, slug)
        assert state == CampaignState.PAUSED
        assert "backup taken 24 November 2026 09:01 UTC" in why
        assert f"mailer resume {slug}" in why
    for slug in ("soon", "overdue"):
        state, why = campaign_of(copy, slug)
        assert state == CampaignState.OVERDUE
        assert "backup taken" in why
    assert campaign_of(copy, "later") == (CampaignState.SCHEDULED, "")
    assert campaign_of(copy, "finished") == (CampaignState.FINISHED, "")
    assert steps.launch_due(copy, now=morning) == []
    # Once: staff's decision holds from then on, in the copy and wherever else it is opened.
    assert steps.resume(copy, ids["sending"], now=morning)
    copy.close()
    again = open_database(target, clock=lambda: morning)
    assert campaign_of(again, "sending") == (CampaignState.SENDING, "")
    again.close()
    # The database that the copy was taken of does not notice.
    first = open_database(url)
    assert campaign_of(first, "sending") == (CampaignState.SENDING, "")
    first.close()


def test_a_plain_copy_of_an_old_file_flags_what_is_overdue(new_database: NewDatabase) -> None:
    """Not recognised as a copy, it still starts nothing that is later than it may be."""
    database = open_database(new_database("sqlite"))
    add_people(database, 1, now=NOW)
    campaign = launch(database, count=1, now=NOW)
    with database.write() as connection:
        connection.execute(
            update(campaigns)
            .where(campaigns.c.id == campaign)
            .values(state=CampaignState.SCHEDULED, due_at=NOW - timedelta(hours=3), late_seconds=7200)
        )
    assert [row.state for row in steps.launch_due(database, now=NOW)] == [CampaignState.OVERDUE]
    database.close()


def test_what_is_no_database_yet_is_not_copied(tmp_path: Path) -> None:
    with pytest.raises(MailerError, match="there is no database"):
        back_up(f"sqlite:///{tmp_path}/mailer.db", tmp_path / "copy", now=TAKEN)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DatabaseTrouble, match="does not answer"):
        back_up("postgresql+psycopg://x@127.0.0.1:1/x", tmp_path / "copy", now=TAKEN)
    assert list(tmp_path.iterdir()) == []
