"""Threads of comments by line, and the standing list of reviewers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailer.errors import MailerError
from mailer.review.comments import Thread, ThreadPlace, answer, comment, resolve, threads
from mailer.review.reviewers import Reviewer, add_reviewer, remove_reviewer, reviewers_of
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from tests.review.world import AMINA, RHIANNON, SLUG, TOM

LINE = "On most of the days it spilled, it was dry."


def test_a_thread_is_answered_resolved_and_opened_again(database: Database, now: datetime) -> None:
    with database.write() as connection:
        number = comment(
            connection,
            TOM,
            SLUG,
            " £0 as of when? ",
            file="message.md",
            line=20,
            quote=LINE,
            list_name="supporters",
            at=now,
        )
        comment(
            connection, AMINA, SLUG, "Source?", file="message.md", line=4, quote="x", list_name="supporters", at=now
        )
        comment(connection, AMINA, "another", "Elsewhere.", list_name="supporters", at=now)
        answer(connection, RHIANNON, SLUG, number, "Of the 20th.", list_name="supporters", at=now)
        first, second = threads(connection, SLUG)
        assert [one.text for one in second.comments] == ["£0 as of when?", "Of the 20th."]
        assert (first.line, second.comments[0].by) == (4, "Tom")
        resolve(connection, RHIANNON, SLUG, number, list_name="supporters", at=now + timedelta(hours=1))
        assert [one.resolved_by for one in threads(connection, SLUG)] == ["", "Rhiannon"]
        answer(connection, TOM, SLUG, number, "Still wrong.", list_name="supporters", at=now)
        assert all(one.is_open for one in threads(connection, SLUG))


def test_it_is_found_again_where_its_words_went(database: Database, now: datetime) -> None:
    with database.write() as connection:
        comment(
            connection, TOM, SLUG, "Dry?", file="message.md", line=3, quote=LINE, list_name="supporters", at=now
        )  # fmt: skip
        (thread,) = threads(connection, SLUG)
    assert thread.place_in(["a", "b", LINE]) == ThreadPlace(3, is_same=True)
    nearest = thread.place_in([LINE, "b", "new", "  " + LINE, LINE])
    assert nearest == ThreadPlace(4, is_same=True), "the nearest of the same words"


@pytest.mark.parametrize(
    ("quote", "lines", "place"),
    [
        (LINE, ["a", "On most of the days it spilled, it rained."], ThreadPlace(2, is_same=False)),
        (LINE, ["a", "b", "Nothing of that."], ThreadPlace(0, is_same=False)),
        ("", ["a", "b"], ThreadPlace(0, is_same=True)),  # about the whole newsletter
        ("One line\nand two", ["x", "One line", "and two"], ThreadPlace(2, is_same=True)),
        ("One line\nand two", ["x", "One line", "and three"], ThreadPlace(2, is_same=False)),
        ("One line of it\nand two", ["x", "Another beginning", "and two"], ThreadPlace(3, is_same=False)),
    ],
)
def test_what_is_said_of_changed_words_is_kept_where_they_were(
    quote: str, lines: list[str], place: ThreadPlace
) -> None:
    assert Thread(1, "message.md", 2, quote, (), "").place_in(lines) == place


def test_nobody_answers_through_another_newsletter(database: Database, now: datetime) -> None:
    """Who may work on one list's newsletters might name the number of a comment on another's."""
    with database.write() as connection:
        number = comment(connection, TOM, SLUG, "Dry?", list_name="supporters", at=now)
        for act in (
            lambda: answer(connection, AMINA, "another", number, "Yes.", list_name="supporters", at=now),
            lambda: resolve(connection, AMINA, "another", number, list_name="supporters", at=now),
        ):
            with pytest.raises(MailerError, match="isn't there"):
                act()
        (thread,) = threads(connection, SLUG)
    assert thread.is_open
    assert len(thread.comments) == 1


@pytest.mark.parametrize("text", ["", " \n ", "x" * 10_001])
def test_what_says_nothing_or_too_much_is_refused(database: Database, now: datetime, text: str) -> None:
    with database.write() as connection:
        with pytest.raises(MailerError):
            comment(connection, TOM, SLUG, text, list_name="supporters", at=now)
        with pytest.raises(MailerError, match="isn't there"):
            answer(connection, TOM, SLUG, 77, "Hello", list_name="supporters", at=now)
        assert threads(connection, SLUG) == []


def test_a_viewer_comments_nothing(database: Database, now: datetime) -> None:
    viewer = replace(TOM, rights=RIGHTS[Role.VIEWER])
    with database.write() as connection:
        with pytest.raises(NotAllowed):
            comment(connection, viewer, SLUG, "Hello", list_name="supporters", at=now)
        with pytest.raises(NotAllowed):
            add_reviewer(connection, viewer, "kim@example.org", at=now)


def test_the_standing_list(database: Database, now: datetime) -> None:
    with database.write() as connection:
        add_reviewer(connection, AMINA, " Tom@Example.org", name="Tom", at=now)
        add_reviewer(connection, AMINA, "ada@example.org", at=now)
        add_reviewer(connection, AMINA, "tom@example.org", name="Tom Okafor", at=now)
        assert reviewers_of(connection) == [Reviewer("ada@example.org", ""), Reviewer("tom@example.org", "Tom Okafor")]
        assert remove_reviewer(connection, AMINA, "ada@example.org", at=now)
        assert not remove_reviewer(connection, AMINA, "ada@example.org", at=now)
        with pytest.raises(MailerError):
            add_reviewer(connection, AMINA, "nobody", at=now)
