"""Drafts: each minute of writing comes back as it was, whose it was is kept apart, and what is old goes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from mailer.editing.drafts import (
    KEEP,
    DraftText,
    any_old,
    drafts_of,
    end_drafts,
    keep_draft,
    last_unsaved,
    prune,
    read_draft_text,
    who_is_writing,
)
from mailer.errors import MailerError
from mailer.staff.accounts import add_account
from mailer.staff.actor import Actor, NotAllowed, terminal, this_machine
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from mailer.store.tables.writing import drafts
from tests.conftest import NOW

FILE = "message.md"
TEXT = DraftText("---\r\nsubject: ü\r\n---\r\nbase \ufeff", "body \u2028\n", {"subject": "Ä", "action.label": ""})
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def keep(database: Database, actor: Actor, at: datetime, body: str = "x", slug: str = "appeal") -> None:
    with database.write() as connection:
        keep_draft(connection, actor, slug, FILE, DraftText(TEXT.base, body, TEXT.fields), at=at)


def bodies(database: Database, slug: str = "appeal") -> list[str]:
    with database.read() as connection:
        return [read_draft_text(connection, slug, FILE, one.id).body for one in drafts_of(connection, slug, FILE)]


@pytest.fixture
def two(database: Database) -> tuple[Actor, Actor]:
    with database.write() as connection:
        amina = add_account(connection, terminal(), "amina@example.org", Role.WRITER, at=NOW, name="Amina")
        bo = add_account(connection, terminal(), "bo@example.org", Role.WRITER, at=NOW)
    return amina.actor("studio"), bo.actor("studio")


def test_a_draft_comes_back_as_it_was(database: Database) -> None:
    with database.write() as connection:
        keep_draft(connection, this_machine(), "appeal", FILE, TEXT, at=NOW)
        (found,) = drafts_of(connection, "appeal", FILE)
        assert read_draft_text(connection, "appeal", FILE, found.id) == TEXT
        assert (found.by, found.at, found.is_saved) == ("this machine", NOW, False)
        for slug, file in (("another", FILE), ("appeal", "action.md")):
            assert drafts_of(connection, slug, file) == []
            with pytest.raises(MailerError, match="isn’t kept"):
                read_draft_text(connection, slug, file, found.id)


def test_each_minute_of_writing_is_kept(database: Database) -> None:
    for second in range(0, 150, 15):
        keep(database, this_machine(), NOW + timedelta(seconds=second), f"after {second}")
    assert bodies(database) == ["after 135", "after 105", "after 45"]


def test_a_clock_that_was_put_back_overwrites_nothing(database: Database) -> None:
    keep(database, this_machine(), NOW, "before")
    keep(database, this_machine(), NOW - timedelta(hours=1), "after")
    assert bodies(database) == ["after", "before"]


def test_what_two_people_write_is_kept_apart(database: Database, two: tuple[Actor, Actor]) -> None:
    amina, bo = two
    keep(database, amina, NOW, "hers")
    keep(database, bo, NOW, "his")
    keep(database, this_machine(), NOW, "this machine’s")
    assert bodies(database) == ["this machine’s", "his", "hers"]
    with database.write() as connection:
        assert [one.by for one in drafts_of(connection, "appeal", FILE)] == ["this machine", "bo@example.org", "Amina"]
        end_drafts(connection, amina, "appeal", FILE, at=NOW)
        assert last_unsaved(connection, amina, "appeal", FILE) is None
        for actor in (bo, this_machine()):
            assert last_unsaved(connection, actor, "appeal", FILE) is not None


def test_after_a_save_a_new_draft_begins(database: Database) -> None:
    keep(database, this_machine(), NOW, "saved")
    with database.write() as connection:
        end_drafts(connection, this_machine(), "appeal", FILE, at=NOW)
    keep(database, this_machine(), NOW + timedelta(seconds=5), "not saved")
    with database.read() as connection:
        assert [one.is_saved for one in drafts_of(connection, "appeal", FILE)] == [False, True]
    assert bodies(database) == ["not saved", "saved"]


def test_who_is_writing_is_a_hint_for_two_minutes(database: Database, two: tuple[Actor, Actor]) -> None:
    amina, bo = two
    keep(database, amina, NOW)

    def seen(actor: Actor, after: timedelta) -> list[str]:
        with database.read() as connection:
            return list(who_is_writing(connection, actor, "appeal", FILE, now=NOW + after))

    assert seen(bo, MINUTE) == seen(this_machine(), MINUTE) == ["Amina"]
    assert seen(amina, MINUTE) == seen(bo, 3 * MINUTE) == []
    with database.write() as connection:
        end_drafts(connection, amina, "appeal", FILE, at=NOW)
    assert seen(bo, MINUTE) == []


def test_who_may_not_write_keeps_nothing(database: Database) -> None:
    with pytest.raises(NotAllowed):
        keep(database, Actor("Ada", RIGHTS[Role.VIEWER]), NOW)
    assert bodies(database) == []


def test_of_older_days_the_last_of_each_person_is_kept_and_after_a_month_none(
    database: Database, two: tuple[Actor, Actor]
) -> None:
    amina, bo = two
    for days in (40, 5, 2):
        for hour in (1, 2):
            for actor in (amina, bo):
                keep(database, actor, NOW - days * DAY + timedelta(hours=hour), f"{actor.name} {days} {hour}")
    keep(database, amina, NOW - timedelta(hours=3), "today 1")
    keep(database, amina, NOW - timedelta(hours=2), "today 2")
    with database.write() as connection:
        assert connection.execute(select(any_old(NOW))).scalar()
        assert prune(connection, now=NOW) == 8
        assert not connection.execute(select(any_old(NOW))).scalar()
        assert prune(connection, now=NOW) == 0
    assert bodies(database) == [
        "today 2", "today 1",
        "bo@example.org 2 2", "amina@example.org 2 2", "bo@example.org 5 2", "amina@example.org 5 2",
    ]  # fmt: skip


@pytest.mark.sqlite
def test_no_day_of_anybody_is_lost_before_its_time(database: Database) -> None:
    @given(st.lists(st.integers(0, 40 * 24 * 60), max_size=30, unique=True))
    def law(minutes: list[int]) -> None:
        with database.write() as connection:
            connection.execute(drafts.delete())
        for minute in sorted(minutes, reverse=True):
            keep(database, this_machine(), NOW - minute * MINUTE, str(minute))
        with database.write() as connection:
            prune(connection, now=NOW)
        left = {int(body) for body in bodies(database)}
        for minute in minutes:
            day = (NOW - minute * MINUTE).date()
            if minute < 24 * 60:
                assert minute in left
            elif minute * MINUTE < KEEP:
                assert any((NOW - one * MINUTE).date() == day for one in left)
            else:
                assert minute not in left

    law()
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(drafts)).scalar() is not None
