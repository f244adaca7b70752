"""A scanner's burst is found by what its presses share, undone by staff alone, and never for who asked too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, update

from mailer.audience.addresses import address_hash
from mailer.delivery.subscriptions.bursts import (
    BY_A_SCANNER,
    MANY,
    SOON,
    SOON_SHARE,
    TOGETHER,
    BurstChanged,
    UnsubscribePress,
    find_burst,
    find_bursts,
    leave_as_is,
    people_of,
    together,
    undo_burst,
)
from mailer.delivery.subscriptions.presses import KEPT, LOOKED, MOST_KEPT, Presser, note_press, prune
from mailer.delivery.subscriptions.unsubscribe import leave_campaign
from mailer.staff.actor import Actor, NotAllowed, terminal
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.store.tables.core import deliveries, people, subscriptions, suppressions
from mailer.store.tables.inbound import returned_mails, unsubscribe_presses
from tests.reports.builders import (
    ADDRESS_KEY,
    SLUG,
    add_campaign,
    add_deliveries,
    add_people,
    delivery_id,
    make_message,
)

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SCANNER = Presser("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140", b"scanner!")
HOME = Presser("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Firefox/145.0", b"at home!")
THEIRS = range(1, 9)  # at the company with the scanner
ALL = range(1, 41)


@pytest.fixture
def sent(database: Database, now: datetime) -> Database:
    """Forty people, eight of them at one company, were mailed just now."""
    with database.write() as connection:
        add_people(connection, len(ALL), now=now)
        for number in THEIRS:
            address = f"mary{number}@works.example"
            values = {"address": address, "address_hash": address_hash(address, ADDRESS_KEY)}
            connection.execute(update(people).where(people.c.id == number).values(values))
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, ALL, now=now, changed_at=now)
    return database


def press(connection: Connection, number: int, at: datetime, by: Presser = SCANNER, how: str = "link") -> None:
    leave_campaign(connection, delivery_id=delivery_id(number), how=how, at=at)
    note_press(connection, delivery_id(number), by, how=how, at=at)


def scan(connection: Connection, now: datetime, numbers: Sequence[int] = THEIRS, by: Presser = SCANNER) -> None:
    for number in numbers:
        press(connection, number, now + number * SECOND, by)


def off_the_list(connection: Connection) -> list[int]:
    left = subscriptions.c.status == "unsubscribed"
    return list(connection.execute(select(subscriptions.c.person_id).where(left).order_by("person_id")).scalars())


def test_a_burst_is_listed_and_undone_by_staff_with_a_reason(sent: Database, now: datetime) -> None:
    later = now + 20 * MINUTE
    with sent.write() as connection:
        scan(connection, now)
        press(connection, 20, now + 5 * MINUTE, HOME)
        (burst,) = find_bursts(connection, now=later)
        assert (burst.slug, burst.people, burst.lists) == (SLUG, len(THEIRS), ("supporters",))
        assert burst.signs == ("8 of them within 5 minutes of their mail", "from one network", "at works.example")
        assert [one.leaving.person_id for one in people_of(connection, burst)] == [*THEIRS]
        assert off_the_list(connection) == [*THEIRS, 20], "looking changes nothing"
        found = find_burst(connection, burst.number, burst.mark, now=later)
        assert undo_burst(connection, terminal(), found, at=later) == len(THEIRS)
        assert off_the_list(connection) == [20]
        assert len(connection.execute(select(suppressions)).all()) == 1, "of the one who pressed"
        assert find_bursts(connection, now=later) == []
        hashed = address_hash("mary1@works.example", ADDRESS_KEY)
        (line,) = entries(connection, AuditFilter(address_hash=hashed))
        assert (line.action, line.reason) == ("suppression lifted", BY_A_SCANNER)
        (line,) = entries(connection, AuditFilter(subject=f"newsletter {SLUG}"))
        assert (line.action, line.detail) == ("unsubscribes taken back", "8 people")
        with pytest.raises(BurstChanged):
            find_burst(connection, burst.number, burst.mark, now=later)


def test_who_asked_in_another_way_too_is_left_alone(sent: Database, now: datetime) -> None:
    later = now + timedelta(hours=3)
    with sent.write() as connection:
        scan(connection, now)
        note_press(connection, delivery_id(1), HOME, how="one-click", at=now + timedelta(hours=1))
        row = {"digest": "d", "at": later, "kind": "unsubscribe", "delivery_id": delivery_id(2)}
        connection.execute(insert(returned_mails).values(row))
        spam = deliveries.c.id == delivery_id(3)
        connection.execute(update(deliveries).where(spam).values(feedback="complained"))
        note_press(connection, delivery_id(4), HOME, how=LOOKED, at=now + timedelta(hours=2))
        note_press(connection, delivery_id(5), SCANNER, how=LOOKED, at=now + 6 * SECOND)  # the scanner's own look
        (burst,) = find_bursts(connection, now=later)
        assert [one.leaving.person_id for one in people_of(connection, burst) if one.why] == [1, 2, 3, 4]
        assert undo_burst(connection, terminal(), burst, at=later) == 4
        assert off_the_list(connection) == [1, 2, 3, 4]


def test_people_pressed_holds_and_is_not_asked_again(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        scan(connection, now)
        (burst,) = find_bursts(connection, now=now + MINUTE)
        leave_as_is(connection, terminal(), burst, at=now + MINUTE)
        assert find_bursts(connection, now=now + MINUTE) == []
        assert off_the_list(connection) == [*THEIRS]
        scan(connection, now + 2 * MINUTE)
        assert find_bursts(connection, now=now + 5 * MINUTE), "a new one is another question"


@pytest.mark.parametrize("lacking", [Right.SEE_PEOPLE, Right.PAUSE])
def test_it_takes_both_rights_and_the_newsletters_lists(sent: Database, now: datetime, lacking: Right) -> None:
    rights = frozenset(Right)
    with sent.write() as connection:
        scan(connection, now)
        (burst,) = find_bursts(connection, now=now + MINUTE)
        for actor in (Actor("kim", rights - {lacking}), Actor("kim", rights, frozenset({"other"}))):
            with pytest.raises(NotAllowed):
                undo_burst(connection, actor, burst, at=now)
            with pytest.raises(NotAllowed):
                leave_as_is(connection, actor, burst, at=now)


def test_a_decision_is_about_the_presses_that_were_shown(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        scan(connection, now, range(1, 7))
        (shown,) = find_bursts(connection, now=now + MINUTE)
        press(connection, 8, now + 9 * SECOND)
        with pytest.raises(BurstChanged):
            find_burst(connection, shown.number, shown.mark, now=now + MINUTE)


def test_a_large_providers_network_that_presses_for_its_users_is_no_scanner(sent: Database, now: datetime) -> None:
    """RFC 8058: who presses "unsubscribe" at Gmail presses from Google's network, soon after the mail came."""
    with sent.write() as connection:
        for number in range(10, 16):
            press(connection, number, now + number * SECOND, Presser("", b"provider"), "one-click")
        assert find_bursts(connection, now=now + MINUTE) == []


def test_a_scanner_of_many_small_companies_is_found_by_its_network_or_its_name(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        for number in ALL:
            at = people.c.id == number
            connection.execute(update(people).where(at).values(address=f"mary@company{number}.example"))
        scan(connection, now, range(1, 7))
        scan(connection, now + timedelta(hours=1), range(11, 17), Presser("python-requests/2.32", b""))
        slow = deliveries.c.id.in_([delivery_id(number) for number in range(11, 17)])
        connection.execute(update(deliveries).where(slow).values(changed_at=now + timedelta(hours=1)))
        found = find_bursts(connection, now=now + timedelta(hours=2))
    assert [burst.people for burst in found] == [6, 6]
    assert "by a program that says it is one" in found[0].signs
    assert "from one network" in found[1].signs


def test_of_who_is_not_tracked_only_the_moment_is_kept_and_presses_end(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        connection.execute(update(people).where(people.c.id == 1).values(tracking=False))
        for _ in range(MOST_KEPT + 3):
            note_press(connection, delivery_id(1), SCANNER, how="link", at=now)
        rows = connection.execute(select(unsubscribe_presses)).all()
        assert {(row.agent, row.network) for row in rows} == {("", b"")}
        assert len(rows) == MOST_KEPT
        prune(connection, now=now + KEPT + SECOND)
        assert not connection.execute(select(unsubscribe_presses)).all()


START = datetime(2026, 11, 30, 9, tzinfo=UTC)
PRESSES = st.lists(
    st.builds(
        lambda number, after, late, place: UnsubscribePress(
            0, number, 1, START + timedelta(seconds=after), "link", "", place,
            START + timedelta(seconds=after - late), f"{number % 3}.example",
        ),
        st.integers(1, 12), st.integers(0, 3000), st.integers(0, 900), st.sampled_from([b"", b"one", b"two"]),
    ),
    max_size=60,
).map(lambda found: [UnsubscribePress(n, *_rest(one)) for n, one in enumerate(found)])  # fmt: skip


def _rest(one: UnsubscribePress) -> tuple[int, int, datetime, str, str, bytes, datetime | None, str]:
    return (
        one.delivery_id, one.campaign_id, one.at, one.how, one.agent, one.network, one.handed_over_at, one.domain,
    )  # fmt: skip


@given(PRESSES)
def test_what_is_called_a_burst_is_one(found: list[UnsubscribePress]) -> None:
    """Many people, one place, no gap, and most of them soon; and no press in two bursts of one kind."""
    groups = together(found)
    for kind, group in groups:
        first: dict[int, UnsubscribePress] = {}
        for one in group:
            first.setdefault(one.delivery_id, one)
        assert len(first) >= MANY
        assert len({one.network if kind == "network" else one.domain for one in group}) == 1
        assert kind != "network" or all(one.network for one in group)
        assert all(b.at - a.at <= TOGETHER for a, b in pairwise(group))
        soon = [one for one in first.values() if one.handed_over_at and one.at - one.handed_over_at <= SOON]
        assert len(soon) >= SOON_SHARE * len(first)
    for wanted in ("network", "domain"):
        numbers = [one.id for kind, group in groups if kind == wanted for one in group]
        assert len(numbers) == len(set(numbers))
