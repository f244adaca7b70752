"""Taking an import back: exactly what it changed, nothing that came after, and nobody who left is on a list again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, func, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import forget, leave, leave_everything, list_id, suppress
from mailer.audience.consent.news_opt_in import Agreed, join_known
from mailer.audience.consent.subscribe import Asking, JoinOutcome, ask_to_join
from mailer.audience.imports.past import find_import, list_imports, prune
from mailer.audience.imports.undo import Undone, undo_import
from mailer.audience.people.preferences import Wanted, prefer
from mailer.errors import MailerError
from mailer.staff.actor import terminal
from mailer.staff.audit import entries
from mailer.store.engine.database import Database
from mailer.store.tables.core import (
    campaigns,
    consent_sources,
    consents,
    lists,
    metadata,
    people,
    people_tags,
    subscriptions,
    suppressions,
    tags,
)
from mailer.store.tables.imports import import_people, import_subscriptions, import_suppressions
from mailer.store.tables.staff import audit_log
from mailer.store.tables.states import SuppressionReason
from tests.audience.world import KEY, add_campaign, bring, deliver
from tests.conftest import NOW

LISTS = ("supporters", "news")
MINUTE = timedelta(minutes=1)
Found = Mapping[str, Any]


def undo(database: Database, number: int, *, at: datetime) -> Undone:
    with database.write() as connection:
        return undo_import(connection, number, by=terminal(), at=at)


def state(connection: Connection) -> Found:
    """Everything that is known of people, whatever the numbers of their rows."""
    theirs = select(people.c.address, lists.c.name).join_from(people, subscriptions).join(
        lists, lists.c.id == subscriptions.c.list_id
    )  # fmt: skip
    proofs = (
        select(people.c.address, lists.c.name, consents.c.status, consents.c.at, consents.c.given_at)
        .join_from(people, consents)
        .join(lists, lists.c.id == consents.c.list_id)
        .add_columns(consent_sources.c.how, consent_sources.c.source, consent_sources.c.wording)
        .join(consent_sources, consent_sources.c.id == consents.c.source_id)
    )
    return {
        "people": rows(connection, select(*(column for column in people.c if column.name != "id"))),
        "subscriptions": rows(connection, theirs.add_columns(subscriptions.c.status, subscriptions.c.changed_at)),
        "proofs": rows(connection, proofs),
        "suppressions": rows(connection, select(suppressions)),
        "tags": rows(
            connection,
            select(people.c.address, tags.c.name, people_tags.c.at, people_tags.c.source)
            .join_from(people, people_tags)
            .join(tags, tags.c.id == people_tags.c.tag_id),
        ),
    }


def rows(connection: Connection, query: Any) -> list[str]:
    return sorted(map(str, connection.execute(query).all()))


def statuses(connection: Connection) -> dict[tuple[str, str], str]:
    query = select(people.c.address, lists.c.name, subscriptions.c.status).join_from(people, subscriptions)
    found = connection.execute(query.join(lists, lists.c.id == subscriptions.c.list_id))
    return {(address, name): status for address, name, status in found}


# What happens to a database: imports, and what people and others do between them. Each takes a minute.
NAMES = ("a", "b", "c", "d", "e")
ROW = st.tuples(
    st.sampled_from(NAMES), st.sampled_from(["", "Ada", "Zoë"]), st.sampled_from(["", "swimmer", "rower"]),
    st.sampled_from(["subscribed"] * 4 + ["pending", "unsubscribed", "unsubscribed everywhere", "bounced"]),
)  # fmt: skip
FILE = st.tuples(st.just("import"), st.sampled_from(LISTS), st.lists(ROW, min_size=1, max_size=5))
ACTS = ("leave", "leave everything", "join", "prefer", "mail", "bounce", "sign news", "forget")
ACT = st.tuples(st.sampled_from(ACTS), st.sampled_from(LISTS), st.sampled_from(NAMES))
STEPS = st.lists(FILE | ACT, max_size=6)


@dataclass
class Life:
    """A database in which things happen, one a minute."""

    database: Database
    folder: Path
    at: datetime = NOW
    mails: int = 0
    said: dict[tuple[str, str], str] = field(
        default_factory=dict[tuple[str, str], str]
    )  # of others, the last each said
    preferred: set[str] = field(default_factory=set[str])
    mailed: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        with self.database.write() as connection:
            for table in reversed(metadata.sorted_tables):
                if table is not audit_log:  # which nothing is deleted from
                    connection.execute(delete(table))

    def happen(self, step: tuple[Any, ...]) -> int:
        """Let it happen; the number of the import if it was one."""
        self.at += MINUTE
        what, name, more = step
        if what == "import":
            lines = [f"{person}@example.org,{first},{tag},{status}" for person, first, tag, status in more]
            content = "\n".join(["email,first_name,tags,status", *lines]) + "\n"
            return bring(self.database, self.folder / "people.csv", content, name=name, now=self.at).id
        with self.database.write() as connection:
            self._act(connection, what, name, f"{more}@example.org")
        return 0

    def _act(self, connection: Connection, what: str, name: str, address: str) -> None:
        person_id = connection.execute(select(people.c.id).where(people.c.address == address)).scalar()
        number = list_id(connection, name)
        if what == "join":
            asking = Asking(address, [name], "a form", "Yes.")
            if ask_to_join(connection, asking, confirmed=(), address_key=KEY, at=self.at).answer in (
                JoinOutcome.JOINED, JoinOutcome.KNOWN,
            ):  # fmt: skip
                self.said[address, name] = "subscribed"
        elif person_id is None:
            return
        elif what == "leave":
            leave(connection, person_id=person_id, list_ids=[number], how="link", source="a page", at=self.at)
            if (address, name) in statuses(connection):
                self.said[address, name] = "left"
        elif what == "leave everything":
            leave_everything(connection, person_id=person_id, how="link", source="a page", at=self.at)
            self.said |= {(address, one): "left" for one in LISTS}
        elif what == "sign news":
            if join_known(connection, person_id=person_id, agreed=Agreed(name, "Yes.", "a petition"), at=self.at):
                self.said[address, name] = "subscribed"
        elif what == "prefer":
            prefer(connection, person_id, Wanted(language="fr"), at=self.at)
            self.preferred.add(address)
        elif what == "bounce":
            hashed = address_hash(address, KEY)
            suppress(connection, address_hash=hashed, reason=SuppressionReason.BOUNCED, at=self.at, source="a mail")
        elif what == "mail":
            self.mails += 1
            campaign = add_campaign(connection, self.mails, f"mail-{self.mails}")
            connection.execute(campaigns.update().where(campaigns.c.id == campaign).values(launched_at=self.at))
            deliver(connection, campaign, person_id, number=1, at=self.at)
            self.mailed.add(address)
        else:
            forget(connection, address=address)
            self.preferred.discard(address)
            self.mailed.discard(address)
            self.said = {key: word for key, word in self.said.items() if key[0] != address}

    def state(self) -> Found:
        with self.database.read() as connection:
            return state(connection)


A_FILE: Callable[..., Any] = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@A_FILE
@given(before=STEPS, files=st.lists(FILE, min_size=1, max_size=3))
def test_imports_taken_back_leave_everything_as_it_was(
    database: Database, tmp_path: Path, before: list[Any], files: list[Any]
) -> None:
    life = Life(database, tmp_path)
    for step in before:
        life.happen(step)
    states, numbers = list[Found](), list[int]()
    for file in files:
        states.append(life.state())
        numbers.append(life.happen(file))
    for number, was in zip(reversed(numbers), reversed(states), strict=True):
        undone = undo(database, number, at=life.at)
        assert life.state() == was
        assert undone.stayed == 0
    with database.read() as connection:
        for table in (import_people, import_subscriptions, import_suppressions):
            theirs = table.c.import_id.in_(numbers)
            assert connection.execute(select(func.count()).select_from(table).where(theirs)).scalar() == 0


@A_FILE
@given(before=STEPS, file=FILE, after=STEPS)
def test_nothing_that_came_after_is_lost(
    database: Database, tmp_path: Path, before: list[Any], file: Any, after: list[Any]
) -> None:
    life = Life(database, tmp_path)
    for step in before:
        life.happen(step)
    with database.read() as connection:
        once = statuses(connection)
    number = life.happen(file)
    life.said, life.preferred, life.mailed = {}, set(), set()
    later = [one for one in (life.happen(step) for step in after) if one]
    with database.read() as connection:
        now_on, stops = statuses(connection), rows(connection, select(suppressions))
    undo(database, number, at=life.at)
    with database.read() as connection:
        on = statuses(connection)
        left = {*rows(connection, select(suppressions))}
        known = {one.address: one.language for one in connection.execute(select(people))}
    for key, said in life.said.items():
        if said == "subscribed" and now_on[key] == "subscribed":
            assert on[key] == "subscribed", "who asked to be on it stays"
        elif said == "left":
            assert on.get(key) != "subscribed", "who left is never back by this"
    assert all(known[address] == "fr" for address in life.preferred)
    assert life.mailed <= known.keys()
    for key, status in on.items():
        if status == "subscribed" and now_on[key] != "subscribed":
            assert once.get(key) == "subscribed", "it subscribes nobody who wasn't"
    hashes = {bytes.hex(address_hash(address, KEY)) for address, _ in life.said}
    assert hashes is not None
    assert left <= {*stops}, "it adds no suppression"
    for one in later:  # and what came later can still be taken back
        undo(database, one, at=life.at) if find_import_open(database, one, life.at) else None


def find_import_open(database: Database, number: int, at: datetime) -> bool:
    with database.read() as connection:
        found = find_import(connection, number)
    return found is not None and found.can_be_undone(at)


def test_who_left_once_more_stays_off(database: Database, tmp_path: Path) -> None:
    """The import says that somebody left; then they do so themselves, which changes nothing but what it rests on."""
    life = Life(database, tmp_path)
    life.happen(("import", "supporters", [("a", "", "", "subscribed")]))
    number = life.happen(("import", "supporters", [("a", "", "", "unsubscribed")]))
    life.happen(("leave", "supporters", "a"))
    undo(database, number, at=life.at)
    with database.read() as connection:
        assert statuses(connection) == {("a@example.org", "supporters"): "unsubscribed"}


def test_of_two_imports_in_the_wrong_order_nothing_is_lost(database: Database, tmp_path: Path) -> None:
    life = Life(database, tmp_path)
    rows_of = [("a", "Ada", "", "subscribed"), ("b", "", "", "unsubscribed"), ("c", "", "", "subscribed")]
    first = life.happen(("import", "supporters", rows_of))
    second = life.happen(("import", "supporters", rows_of[:2]))
    done = undo(database, first, at=life.at)
    assert (done.deleted, done.freed, done.stayed) == (1, 0, 1)
    with database.read() as connection:
        assert statuses(connection) == {("a@example.org", "supporters"): "subscribed"}
        assert connection.execute(select(func.count()).select_from(suppressions)).scalar() == 1
    undo(database, second, at=life.at)
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(suppressions)).scalar() == 0


def test_who_was_mailed_keeps_the_proof_and_its_end(database: Database, tmp_path: Path) -> None:
    life = Life(database, tmp_path)
    number = life.happen(("import", "supporters", [("a", "Ada", "", "subscribed"), ("b", "", "", "subscribed")]))
    life.happen(("mail", "supporters", "a"))
    done = undo(database, number, at=life.at)
    assert (done.deleted, done.taken_off, done.stayed) == (1, 1, 1)
    with database.read() as connection:
        assert statuses(connection) == {}
        sources = select(consents.c.status, consent_sources.c.source).join_from(consents, consent_sources)
        found = connection.execute(sources.order_by(consents.c.id)).all()
        (entry, *_) = entries(connection)
    assert [tuple(row) for row in found] == [
        ("subscribed", "imported from people.csv on 2026-11-24"),
        ("unsubscribed", f"import {number}, taken back"),
    ]
    assert (entry.action, entry.subject) == ("import taken back", "list supporters")
    again = life.happen(("import", "supporters", [("a", "Ada", "", "subscribed")]))
    with database.read() as connection:
        assert statuses(connection) == {("a@example.org", "supporters"): "subscribed"}
        past = find_import(connection, again)
    assert past
    assert past.report["added"] == 1


def test_it_can_be_taken_back_once_and_for_a_day(database: Database, tmp_path: Path) -> None:
    life = Life(database, tmp_path)
    first = life.happen(("import", "supporters", [("a", "", "", "bounced"), ("b", "", "", "subscribed")]))
    second = life.happen(("import", "supporters", [("a", "", "", "bounced"), ("b", "X", "", "subscribed")]))
    undo(database, second, at=life.at)
    with pytest.raises(MailerError, match="was taken back by terminal"):
        undo(database, second, at=life.at)
    with pytest.raises(MailerError, match="there is no import"):
        undo(database, 999, at=life.at)
    a_day_later = life.at + timedelta(days=1)
    with pytest.raises(MailerError, match="more than a day old"):
        undo(database, first, at=a_day_later)
    with database.write() as connection:
        prune(connection, now=a_day_later)
        assert connection.execute(select(func.count()).select_from(import_suppressions)).scalar() == 0
        assert [one.undo_until for one in list_imports(connection)] == [None, None]


def test_old_suppressions_of_imports_become_what_any_other_is(database: Database, tmp_path: Path) -> None:
    life = Life(database, tmp_path)
    row = ("import", "supporters", [("a", "", "", "bounced")])
    life.happen(row)
    life.at += timedelta(hours=23)
    second = life.happen(row)
    with database.write() as connection:
        prune(connection, now=life.at + timedelta(hours=2))
    assert undo(database, second, at=life.at).freed == 0


def test_nothing_of_a_forgotten_person_is_kept_for_it(database: Database, tmp_path: Path) -> None:
    life = Life(database, tmp_path)
    life.happen(("import", "supporters", [("a", "Ada", "", "subscribed")]))
    number = life.happen(("import", "supporters", [("a", "Zoë", "", "subscribed")]))
    life.happen(("forget", "supporters", "a"))
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(import_people)).scalar() == 0
    assert undo(database, number, at=life.at).stayed == 0
