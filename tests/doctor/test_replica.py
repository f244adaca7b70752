"""A replica as the doctor sees it, by what an ordinary role may ask: how far behind, cut off, fed by files, hanging."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta

import pytest

from mailer.diagnostics import Level
from mailer.doctor import postgres
from mailer.doctor.postgres import ReplicaFacts, gather_postgres, judge_postgres
from tests.databases import on_postgresql
from tests.patience import until
from tests.replicated import Replicated, replicated

pytestmark = on_postgresql
FOREVER = 1_000_000.0
GREETING = b"R\x00\x00\x00\x08\x00\x00\x00\x00" + b"Z\x00\x00\x00\x05I"  # welcome, and ready for a question


@pytest.fixture(scope="module")
def kept() -> Iterator[Replicated]:
    with replicated() as both:
        yield both


def facts(both: Replicated) -> ReplicaFacts:
    found = gather_postgres(both.url, clock=lambda: datetime.now(UTC)).replica
    assert found is not None
    return found


def test_one_that_follows_is_well_and_one_that_replays_nothing_is_behind(kept: Replicated) -> None:
    until(lambda: facts(kept) == ReplicaFacts(is_connected=True), why="one that is well and lacks nothing")
    kept.on_standby("SELECT pg_wal_replay_pause()")
    try:
        kept.on_server("CREATE TABLE written ()")
        since = datetime.now(UTC)
        behind = facts(kept).behind
        assert timedelta() < behind
        until(lambda: datetime.now(UTC) - since > timedelta(seconds=0.1))
        assert facts(kept).behind >= behind + timedelta(seconds=0.1)
    finally:
        kept.on_standby("SELECT pg_wal_replay_resume()")
    until(lambda: facts(kept).behind == timedelta())


def test_a_question_that_hangs_does_not_hang_the_doctor(kept: Replicated, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is locked on the server is on the standby as well."""
    monkeypatch.setattr(postgres, "STATEMENT_MILLISECONDS", 200)
    monkeypatch.setattr(postgres, "REPLICA_SECONDS", FOREVER)
    with kept.server.administrate("mailer") as connection, connection.transaction():
        connection.execute("LOCK TABLE pg_stat_wal_receiver IN ACCESS EXCLUSIVE MODE")
        kept.on_server("CREATE TABLE whatever ()")  # writes the log, and the lock in it
        until(lambda: "took too long" in facts(kept).trouble)


def test_one_that_falls_silent_does_not_hang_the_doctor(kept: Replicated, monkeypatch: pytest.MonkeyPatch) -> None:
    """It welcomes the doctor and never answers, as a machine that is frozen by then."""
    asked = threading.Event()

    def welcome(listening: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            while data := connection.recv(4096):
                if data[4:8] == b"\x04\xd2\x16\x2f" or data[4:8] == b"\x04\xd2\x16\x30":  # encryption? no
                    connection.sendall(b"N")
                elif data[:1] == b"\x00":
                    connection.sendall(GREETING)
                else:
                    asked.set()

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        threading.Thread(target=welcome, args=(listening,), daemon=True).start()
        monkeypatch.setattr(postgres, "REPLICA_SECONDS", 0.5)
        silent = f"{kept.url.partition('?')[0]}?replica=127.0.0.1:{listening.getsockname()[1]}"
        found = gather_postgres(silent, clock=lambda: datetime.now(UTC)).replica
        assert found == ReplicaFacts(trouble="it doesn't finish its answers")
        until(asked.is_set, why="a question, else it hung for another reason")


def test_one_that_is_cut_off_is_said_to_be() -> None:
    with replicated() as both:
        until(lambda: facts(both).is_connected)
        both.on_standby("ALTER SYSTEM SET primary_conninfo = ''")
        both.on_standby("SELECT pg_reload_conf()")
        until(lambda: not facts(both).is_connected)
        assert judged(facts(both)) == (
            Level.WARNING, "the replica is cut off from the server and gets nothing new; it lacks nothing yet",
        )  # fmt: skip
        both.on_server("CREATE TABLE written ()")
        found = facts(both)
        assert found.behind > timedelta()
        assert not found.reads_archive
        both.on_standby("ALTER SYSTEM SET restore_command = 'false'")
        both.on_standby("SELECT pg_reload_conf()")
        until(lambda: facts(both).reads_archive)
        both.standby.kill()
        assert "does not answer" in facts(both).trouble


def judged(replica: ReplicaFacts) -> tuple[Level, str]:
    facts = postgres.PostgresFacts("mailer at db.example.org", version=150004, is_local=True, replica=replica)
    (found,) = [
        one for one in judge_postgres(facts, today=datetime.now(UTC).date(), connections=1) if "replica" in one.message
    ]
    return found.level, found.message


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (ReplicaFacts(is_connected=True), Level.OK, "the replica follows the server, 0 seconds behind"),
        (ReplicaFacts(is_connected=True, behind=HOUR), Level.WARNING, "the replica is 60 minutes behind, and so"),
        (ReplicaFacts(reads_archive=True, behind=HOUR / 60), Level.OK, "reads an archive, 60 seconds behind"),
        (ReplicaFacts(reads_archive=True, behind=50 * HOUR), Level.WARNING, "reads an archive and is 2 days behind"),
        (ReplicaFacts(behind=3 * HOUR), Level.WARNING, "gets nothing new; what it shows is 3 hours behind"),
        (ReplicaFacts(trouble="it hangs", behind=HOUR), Level.WARNING, "can't be read: it hangs; reports come from"),
    ],
)
def test_each_is_said(found: ReplicaFacts, level: Level, words: str) -> None:
    said = judged(found)
    assert said[0] is level
    assert words in said[1]
