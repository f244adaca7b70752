"""PostgreSQL's own troubles, each said in one sentence with its remedy and without the password; and its promises."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import func, insert, select, text, update

from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.ledger.ledger import LEASE
from mailer.delivery.ledger.outcomes import Done
from mailer.delivery.ledger.reopen import lock_campaign, settle_expired
from mailer.errors import MailerError
from mailer.store.engine import dialects
from mailer.store.engine.database import Conflict, Database, DatabaseTrouble, open_database
from mailer.store.tables.core import campaigns, deliveries, lists
from mailer.store.tables.states import DeliveryState
from tests.conftest import NOW
from tests.databases import emptied, on_postgresql
from tests.delivery.world import Clock, add_people, launch, states, worker
from tests.patience import with_growing_patience
from tests.servers.postgres import HOST, Cluster

pytestmark = on_postgresql
SECRET = "s3cret"
# What a connection's end is called depends on whether the server had time to say why.
LOST = r"connection to the database was lost|stopped in the middle|crashed in the middle|was idle too long"


@pytest.fixture
def shared_database(shared_url: str) -> str:
    return emptied(shared_url)


@pytest.fixture
def opened(shared_database: str) -> Iterator[Database]:
    database = open_database(shared_database)
    yield database
    database.close()


@pytest.fixture(scope="module")
def locked_cluster() -> Iterator[Cluster]:
    """A server that asks for a password."""
    with Cluster() as cluster:
        with cluster.administrate() as raw:
            raw.execute(f"ALTER ROLE mailer PASSWORD '{SECRET}'")
        (cluster.data / "pg_hba.conf").write_text(
            "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 md5\n"
        )
        with cluster.administrate() as raw:
            raw.execute("SELECT pg_reload_conf()")
        cluster.create("mailer")
        yield cluster


def refusal(url: str) -> DatabaseTrouble:
    with pytest.raises(DatabaseTrouble) as refused:
        open_database(url)
    assert SECRET not in str(refused.value)
    assert "\n" not in refused.value.message
    assert refused.value.remedy
    return refused.value


def test_the_url_is_the_whole_switch(locked_cluster: Cluster) -> None:
    url = locked_cluster.url("mailer").replace("mailer@", f"mailer:{SECRET}@")
    for spelled in (
        url,
        url.replace("postgresql+psycopg", "postgresql"),
        url.replace("postgresql+psycopg", "postgres"),
    ):
        open_database(spelled).close()
    assert dialects.shown(url) == locked_cluster.url("mailer")


def test_a_wrong_or_missing_password(locked_cluster: Cluster) -> None:
    url = locked_cluster.url("mailer")
    wrong = refusal(url.replace("mailer@", f"mailer:{SECRET}x@"))
    assert wrong.message == "the database refused the login"
    assert "~/.pgpass" in str(wrong.remedy)
    missing = refusal(url)
    assert missing.message == "the database asks for a password, and none is set"
    assert "mailer.toml" in str(missing.remedy)


def test_a_missing_database_user_or_server(cluster: Cluster) -> None:
    assert refusal(cluster.url("nowhere")).message == 'database "nowhere" does not exist'
    nobody = refusal(cluster.url("postgres").replace("mailer@", f"nobody:{SECRET}@"))
    assert nobody.message == 'role "nobody" does not exist'
    closed = refusal(f"postgresql+psycopg://mailer:{SECRET}@{HOST}:1/mailer")
    assert closed.message.startswith("the database does not answer: ")
    assert "Connection refused" in closed.message
    assert closed.passing
    unknown = refusal(f"postgresql+psycopg://mailer:{SECRET}@no-such-host.invalid/mailer")
    assert "no-such-host.invalid" in unknown.message


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://mailer:x@{SECRET}@host/mailer",
        f"postgresql+psycopg://mailer:x/{SECRET}@host/mailer",
        f"postgresql+psycopg://mailer:{SECRET}@host:port/mailer",
        f"postgresql+psycopg://mailer:x#{SECRET}@host/mailer",
        f"postgresql+psycopg:{SECRET}",
    ],
)
def test_a_password_that_is_not_encoded_is_not_shown(url: str) -> None:
    assert "%40" in str(refusal(url).remedy) or "does not answer" in refusal(url).message


def test_a_missing_driver() -> None:
    with pytest.raises(DatabaseTrouble, match="driver of this database is not installed") as refused:
        open_database("postgresql+asyncpg://x@127.0.0.1:1/x")
    assert "'advocacy-mailer[postgres]'" in str(refused.value)


def test_a_server_that_is_restarted_in_the_middle() -> None:
    """What was not committed is undone; the next transaction has a new connection; what was committed is there."""
    with Cluster(durable=True) as cluster:
        database = open_database(cluster.create("mailer"))
        with database.write() as connection:
            connection.execute(insert(lists).values(name="kept"))

        def die_in_the_middle() -> None:
            with database.write() as connection:
                connection.execute(insert(lists).values(name="undone"))
                cluster.kill()
                connection.execute(insert(lists).values(name="never"))

        with pytest.raises(DatabaseTrouble, match=LOST) as lost:
            die_in_the_middle()
        assert lost.value.passing
        with pytest.raises(DatabaseTrouble, match="does not answer") as down, database.read():
            pass
        assert down.value.passing
        cluster.start()
        with database.read() as connection:
            assert connection.execute(select(lists.c.name)).scalars().all() == ["kept"]
        cluster.stop()
        cluster.start()
        with database.write() as connection:
            assert connection.execute(select(lists.c.name)).scalars().all() == ["kept"]
        database.close()


def test_a_read_sees_one_state_throughout(opened: Database) -> None:
    with opened.read() as reading:
        assert reading.execute(select(func.count()).select_from(lists)).scalar() == 0
        with opened.write() as connection:
            connection.execute(insert(lists).values(name="later"))
        assert reading.execute(select(func.count()).select_from(lists)).scalar() == 0
    with opened.read() as reading:
        assert reading.execute(select(func.count()).select_from(lists)).scalar() == 1


def test_a_write_of_one_state_says_when_somebody_was_quicker(opened: Database) -> None:
    with opened.write() as connection:
        connection.execute(insert(lists).values(name="a"))

    def be_slow() -> None:
        with opened.write(one_state=True) as slow:
            slow.execute(select(lists)).all()
            with opened.write() as quick:
                quick.execute(update(lists).values(name="quick"))
            slow.execute(update(lists).values(name="slow"))

    with pytest.raises(Conflict, match="somebody else changed the same"):
        be_slow()
    with opened.read() as connection:
        assert connection.execute(select(lists.c.name)).scalar_one() == "quick"


def test_whoever_waits_too_long_for_another_gives_up(
    shared_database: str, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "BUSY_SECONDS", 0.05)
    impatient = open_database(shared_database)
    with opened.write() as connection:
        connection.execute(insert(lists).values(name="a"))
        with pytest.raises(DatabaseTrouble, match="locked by another program") as refused:  # noqa: SIM117
            with impatient.write() as other:
                other.execute(insert(lists).values(name="a"))
        assert refused.value.passing
    impatient.close()


def test_a_program_that_stands_still_in_the_middle_does_not_hold_its_rows(
    shared_database: str, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened.write() as connection:
        connection.execute(insert(lists).values(name="a"))

    def freeze(frozen: Database) -> None:
        with frozen.write() as connection:
            connection.execute(update(lists).values(name="frozen"))
            with opened.write() as other:  # waits until the server has ended the other one
                other.execute(update(lists).values(name="awake"))
            connection.execute(update(lists).values(name="too late"))

    def attempt(seconds: float) -> None:
        monkeypatch.setattr(dialects, "IDLE_SECONDS", int(seconds))
        frozen = open_database(shared_database)
        with pytest.raises(DatabaseTrouble, match=LOST) as lost:
            freeze(frozen)
        assert lost.value.passing
        with opened.read() as connection:
            assert connection.execute(select(lists.c.name)).scalar_one() == "awake"
        frozen.close()

    with_growing_patience(attempt, first_seconds=1.0)  # in which the database can be opened, too


def test_a_role_that_may_not_write_is_said_to_be(cluster: Cluster, opened: Database, shared_database: str) -> None:
    with cluster.administrate() as raw:
        raw.execute("CREATE ROLE onlooker LOGIN")
    with psycopg.connect(shared_database.replace("+psycopg", "")) as raw:
        raw.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO onlooker")
    reader = open_database(shared_database.replace("mailer@", "onlooker@"))
    with pytest.raises(DatabaseTrouble, match="the database user may not do this"), reader.write() as connection:
        connection.execute(insert(lists).values(name="a"))
    reader.close()
    with psycopg.connect(shared_database.replace("+psycopg", "")) as raw:
        raw.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM onlooker")


def test_a_campaign_is_launched_once_by_programs_that_do_it_at_once(opened: Database) -> None:
    add_people(opened, 40, now=NOW)
    campaign = launch(opened, count=40, now=NOW)
    with opened.write() as connection:
        connection.execute(deliveries.delete())
        connection.execute(update(campaigns).values(state="scheduled", due_at=NOW, launched_at=None))
    gate = threading.Barrier(4)
    troubles: list[MailerError] = []

    def run() -> None:
        gate.wait()
        try:
            steps.launch_due(opened, now=NOW)
        except MailerError as error:
            troubles.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    assert states(opened) == {"queued": 40}
    with opened.read() as connection:
        assert connection.execute(select(campaigns.c.state, campaigns.c.id)).one() == ("sending", campaign)


def test_nobody_stays_queued_in_a_finished_campaign(opened: Database) -> None:
    """Staff resend to the uncertain while another program ends the campaign: each waits for the other's commit."""
    add_people(opened, 1, now=NOW)
    campaign = launch(opened, count=1, now=NOW)
    with opened.write() as connection:
        connection.execute(update(deliveries).values(state=DeliveryState.UNCERTAIN))
    with opened.write() as staff:
        # What `resolve_uncertain` does first, held open in the middle of its transaction.
        lock_campaign(staff, campaign)
        ending = threading.Thread(target=steps.finish_if_done, args=(opened, campaign), kwargs={"now": NOW})
        ending.start()
        with opened.read() as connection:
            waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            while connection.execute(waits).scalar_one() == 0:
                connection.execute(text("SELECT pg_stat_clear_snapshot()"))
                assert ending.is_alive()
        staff.execute(update(deliveries).values(state=DeliveryState.QUEUED))
    ending.join()
    with opened.read() as connection:
        assert connection.execute(select(campaigns.c.state)).scalar_one() == "sending"


def test_a_late_answer_waits_for_the_end_of_its_campaign_and_opens_it_again(opened: Database) -> None:
    add_people(opened, 1, now=NOW)
    campaign = launch(opened, count=1, now=NOW)
    clock = Clock(NOW)
    frozen = worker(opened, campaign, clock)
    (begun,) = frozen.exchange((), frozen.claim(1)).claims
    clock.now += LEASE * 2
    settle_expired(opened, clock.now)
    late = threading.Thread(target=frozen.release, args=([Done(begun, None)],))
    with opened.write() as other:
        lock_campaign(other, campaign)
        other.execute(update(campaigns).values(state="finished", finished_at=clock.now))
        late.start()
        with opened.read() as connection:
            while not connection.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted")).first():
                assert late.is_alive()
    late.join()
    assert states(opened) == {"queued": 1}
    with opened.read() as connection:
        assert connection.execute(select(campaigns.c.state)).scalar_one() == "sending"


def test_what_is_just_being_launched_is_not_taken_off_the_schedule(opened: Database) -> None:
    add_people(opened, 3, now=NOW)
    campaign = launch(opened, count=3, now=NOW)
    with opened.write() as connection:
        connection.execute(update(campaigns).values(state="scheduled", due_at=NOW, launched_at=None))
    troubles: list[str] = []

    def take_off() -> None:
        try:
            steps.unschedule(opened, "appeal", now=NOW)
        except MailerError as error:
            troubles.append(error.message)

    thread = threading.Thread(target=take_off)
    with opened.write() as connection:
        connection.execute(update(campaigns).values(state="sending", launched_at=NOW))
        thread.start()
        with opened.read() as other:
            while not other.execute(text("SELECT 1 FROM pg_locks WHERE NOT granted")).first():
                assert thread.is_alive()
    thread.join()
    assert troubles == ["appeal is sending, not scheduled"]
    with opened.read() as connection:
        assert connection.execute(select(campaigns.c.id)).scalars().all() == [campaign]
    assert states(opened) == {"queued": 3}
