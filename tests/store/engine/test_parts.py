"""PostgreSQL's parts by campaign: who gets them, that statements look into one, that nobody waits for a launch, and
that what is unique stays so."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Select, func, insert, literal, select, text
from sqlalchemy.exc import IntegrityError

from mailer.delivery.campaigns import freeze
from mailer.delivery.ledger.ledger import CLAIM, Worker
from mailer.delivery.ledger.outcomes import WRITE_SENT, Done
from mailer.delivery.subscriptions.unsubscribe import leave_campaign
from mailer.store.admin.move import move_database
from mailer.store.engine import parts
from mailer.store.engine.by_campaign import NUMBERS_PER_CAMPAIGN, about, given, numbered, those
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import deliveries, events, hits
from tests.conftest import NOW
from tests.databases import NewDatabase, on_postgresql
from tests.delivery.world import ACCEPTED, Clock, add_people, launch, states, worker
from tests.patience import HANG_SECONDS

pytestmark = on_postgresql
PEOPLE = 5


@pytest.fixture
def parted(new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database of its own, where five people are many."""
    monkeypatch.setattr(freeze, "LARGE", PEOPLE)
    monkeypatch.setattr(parts, "LARGE", PEOPLE)
    database = open_database(new_database("postgresql"))
    add_people(database, PEOPLE, now=NOW)
    yield database
    database.close()


def parts_of(database: Database, table: str) -> set[str]:
    with database.read() as connection:
        named = text(f"SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = '{table}'::regclass")
        return set(connection.execute(named).scalars())


def read_by(database: Database, query: Select[Any] | str, values: dict[str, Any] | None = None) -> set[str]:
    """The parts that a statement would look into."""
    with database.read() as connection:
        if isinstance(query, str):
            rows = connection.exec_driver_sql(f"EXPLAIN {query}", values).scalars().all()
        else:
            compiled = query.compile(connection, compile_kwargs={"render_postcompile": True})
            given_values = {**compiled.params, **(values or {})}
            rows = connection.exec_driver_sql(f"EXPLAIN {compiled}", given_values).scalars().all()
    return set(re.findall(r"\bon ((?:deliveries|events|hits)_(?:shared|\d+))\b", "\n".join(rows)))


def test_a_large_campaign_has_parts_of_its_own_and_a_small_one_has_none(parted: Database) -> None:
    large = launch(parted, count=PEOPLE, now=NOW)
    assert large >= 2**30
    for table in parts.TABLES:
        assert parts_of(parted, table) == {f"{table}_shared", f"{table}_{large}"}
    assert states(parted) == {"queued": PEOPLE}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(freeze, "LARGE", PEOPLE + 1)
        small = launch(parted, count=PEOPLE, now=NOW, slug="small")
    assert small < 2**30
    assert len(parts_of(parted, "deliveries")) == 2
    with parted.read() as connection:
        assert not parts.has_own_parts(connection, small)
        of = {number: parts.part_name("deliveries", number) for number in (large,)}
        assert connection.execute(text(f"SELECT count(*) FROM {of[large]}")).scalar_one() == PEOPLE


def test_where_the_server_has_no_locks_for_more_they_share(parted: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_ASK", text(str(parts._ASK).replace("/ 90", "/ 100000")))
    assert launch(parted, count=PEOPLE, now=NOW) < 2**30
    assert parts_of(parted, "deliveries") == {"deliveries_shared"}


def test_what_is_asked_of_one_campaign_or_mail_is_looked_for_in_one_part(parted: Database) -> None:
    one = launch(parted, count=PEOPLE, now=NOW)
    launch(parted, count=PEOPLE, now=NOW, slug="another")
    first = one * NUMBERS_PER_CAMPAIGN + 1
    own = {f"deliveries_{one}"}
    assert read_by(parted, select(deliveries.c.state).where(deliveries.c.campaign_id == one)) == own
    assert read_by(parted, select(deliveries.c.state).where(numbered(first))) == own
    assert read_by(parted, select(deliveries.c.state).where(those("n")), given("n", [first, first + 2])) == own
    joined = select(func.count()).select_from(hits.join(deliveries, about(hits))).where(hits.c.campaign_id == one)
    assert read_by(parted, joined) == own | {f"hits_{one}"}
    assert read_by(parted, select(events.c.kind).where(numbered(first, events))) == {f"events_{one}"}
    # By person all are asked, each by its index.
    assert len(read_by(parted, select(deliveries.c.state).where(deliveries.c.person_id == 1))) == 3
    with parted.read() as connection:
        values = {"campaign": one, "stage": 0, "arm": "", "language": "", "worker": 1, "now": NOW, "most": 5}
        sql, bind = CLAIM._compiled(connection)
        claimed = bind(values)
        sql_sent, bind_sent = WRITE_SENT._span._compiled(connection)
        sent = bind_sent(
            {"first": first, "last": first + 3, "of_campaign": one, "tried": 1, "new_state": "sent"}
            | dict.fromkeys([f"new_{name}" for name in ("code", "detail", "reply_class", "provider_id")], "")
            | {"new_not_before": NOW, "new_changed_at": NOW}
        )
    assert read_by(parted, sql, claimed) == own
    assert read_by(parted, sql_sent, sent) == own


def test_a_person_has_one_mail_of_a_campaign_whichever_part_it_is_in(parted: Database) -> None:
    campaign = launch(parted, count=PEOPLE, now=NOW)
    person = select(deliveries.c.person_id).where(numbered(campaign * NUMBERS_PER_CAMPAIGN + 1))
    again = [literal(campaign * NUMBERS_PER_CAMPAIGN + 99), literal(campaign), literal("queued"), literal(0)]
    columns = ["id", "campaign_id", "state", "not_before", "person_id"]
    with parted.read() as connection:
        number = connection.execute(person).scalar_one()
    with pytest.raises(IntegrityError), parted.engine.begin() as raw:
        raw.execute(insert(deliveries).from_select(columns, select(*again, literal(number))))


def test_workers_claim_and_people_leave_while_another_campaign_is_launched(parted: Database) -> None:
    """The launch holds its locks until it is committed; what others do meanwhile is done before that."""
    first = launch(parted, count=PEOPLE, now=NOW)
    at_work = worker(parted, first, Clock(NOW))
    done: list[object] = []

    def work() -> None:
        claims = at_work.claim(PEOPLE)
        done.append(len(at_work.exchange([], claims).claims))
        at_work.exchange([Done(claim, ACCEPTED) for claim in claims], [])
        with parted.write() as connection:
            leave_campaign(connection, delivery_id=claims[0].id, how="link", at=NOW)
        done.append(True)

    with parted.write() as connection, parts.launching(connection, 2**31 - 1) as ledger:
        assert ledger.name != deliveries.name
        connection.execute(insert(ledger).values(id=1, campaign_id=2**31 - 1, state="queued", not_before=NOW))
    with parted.write() as connection:
        with parts.launching(connection, 2**31 - 2):
            pass
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(HANG_SECONDS)
        assert done == [PEOPLE, True]
    assert states(parted) == {"sent": PEOPLE}
    assert len(parts_of(parted, "hits")) == 4


def test_a_launch_that_is_undone_leaves_no_parts(parted: Database) -> None:
    with pytest.raises(Exception, match="the audience is"):
        launch(parted, count=PEOPLE + 1, now=NOW)
    assert parts_of(parted, "deliveries") == {"deliveries_shared"}


@pytest.mark.parametrize("target", ["postgresql", "sqlite"])
def test_a_move_keeps_large_campaigns_apart(parted: Database, new_database: NewDatabase, target: str) -> None:
    campaign = launch(parted, count=PEOPLE, now=NOW)
    one: Worker = worker(parted, campaign, Clock(NOW))
    one.release()
    url = new_database(target)
    source = parted.engine.url.render_as_string(hide_password=False)
    move_database(source, url, clock=lambda: NOW, progress=lambda _table, _done, _total: None)
    moved = open_database(url)
    assert states(moved) == {"queued": PEOPLE}
    if target == "postgresql":
        assert parts_of(moved, "deliveries") == {"deliveries_shared", f"deliveries_{campaign}"}
    moved.close()
