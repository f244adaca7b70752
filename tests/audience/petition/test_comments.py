"""Comments on the page: nobody's without their agreement, none that waits, and each decision is in the log."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.audience.petition.comments import comments_to_decide, decide, shown_comments
from mailer.audience.petition.signatures import Particulars, add_to_signature
from mailer.compose.action_page.parse import CommentsShown
from mailer.errors import MailerError
from mailer.staff.actor import Actor, NotAllowed, terminal
from mailer.staff.audit import entries
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from mailer.store.tables.states import CommentState
from tests.audience.petition.test_signatures import put
from tests.audience.world import add_person, signing_as
from tests.conftest import NOW

HELD, AT_ONCE, NEVER = CommentsShown.HELD, CommentsShown.AT_ONCE, CommentsShown.NEVER


def commented(database: Database, *texts: str, shown: bool = True, name: str = "Ana") -> list[int]:
    """Sign with each of these comments, one a minute; the numbers of the signatures."""
    numbers: list[int] = []
    with database.write() as connection:
        for text in texts:
            person = add_person(connection, len(comments_to_decide(connection, "library")) + 1)
            who = signing_as(name, "Li", shown=shown, comment=text)
            numbers.append(put(connection, person, who, at=NOW + timedelta(minutes=person)).id)
    return numbers


def on_the_page(database: Database, shown: CommentsShown, limit: int = 9) -> list[str]:
    with database.read() as connection:
        return [one.text for one in shown_comments(connection, "library", shown, limit=limit)]


def say(database: Database, decision: CommentState, *numbers: int, actor: Actor | None = None) -> None:
    with database.write() as connection:
        decide(connection, actor or terminal(), "library", decision, numbers=numbers, at=NOW)


def test_what_is_held_shows_once_it_is_let_through(database: Database) -> None:
    first, second, third = commented(database, "one", "two", "three")
    assert (on_the_page(database, HELD), on_the_page(database, NEVER)) == ([], [])
    assert on_the_page(database, AT_ONCE) == ["three", "two", "one"]
    assert on_the_page(database, AT_ONCE, limit=2) == ["three", "two"]
    say(database, CommentState.SHOWN, first, third)
    say(database, CommentState.HIDDEN, second)
    assert on_the_page(database, HELD) == on_the_page(database, AT_ONCE) == ["three", "one"]
    say(database, CommentState.HELD, third)
    assert on_the_page(database, HELD) == on_the_page(database, AT_ONCE) == ["one"]
    with database.read() as connection:
        order = [(one.text, one.waits(HELD)) for one in comments_to_decide(connection, "library")]
        log = [(one.action, one.subject, one.detail) for one in entries(connection)]
    assert order == [("three", True), ("one", False), ("two", False)]
    assert log == [
        ("comments held", "newsletter library", f"signatures {third}"),
        ("comments hidden", "newsletter library", f"signatures {second}"),
        ("comments shown", "newsletter library", f"signatures {first}, {third}"),
    ]


def test_a_comment_that_was_changed_waits_again(database: Database) -> None:
    (number,) = commented(database, "Because.")
    say(database, CommentState.SHOWN, number)
    with database.write() as connection:
        put(connection, 1, signing_as("Ana", "Li", shown=True, comment="Because."))
    assert on_the_page(database, HELD) == ["Because."], "the same words"
    with database.write() as connection:
        put(connection, 1, signing_as("Ana", "Li", shown=True, comment="Buy at mine"))
    assert on_the_page(database, HELD) == []


def test_nobody_shows_who_did_not_agree_and_nothing_that_advertises(database: Database) -> None:
    said = commented(database, "secret", shown=False)
    said += commented(database, "see www.example.org now", "write to me@example.org", "fine")
    said += commented(database, "odd", name="BUY NOW 24/7")
    assert on_the_page(database, AT_ONCE) == ["fine"]
    with pytest.raises(MailerError, match=f"no comment {said[0]} that its writer agreed"):
        say(database, CommentState.SHOWN, *said)
    say(database, CommentState.SHOWN, *said[1:])
    assert "secret" not in on_the_page(database, HELD)
    assert len(on_the_page(database, HELD)) == 4, "what staff let through shows"


def test_who_agreed_to_their_name_alone_did_not_agree_to_their_comment(database: Database) -> None:
    """The box said so before the page showed comments."""
    name_alone = Particulars({"first_name": "Ana", "comment": "mine"}, shown=True)
    with database.write() as connection:
        number = put(connection, add_person(connection, 1), name_alone).id
    assert on_the_page(database, AT_ONCE) == []
    with pytest.raises(MailerError, match="agreed"):
        say(database, CommentState.SHOWN, number)
    agreed = Particulars({}, shown=True, comment_shown=True)
    with database.write() as connection:
        assert add_to_signature(connection, number, agreed, by_link=False, at=NOW)
    assert on_the_page(database, AT_ONCE) == ["mine"]
    with database.write() as connection:
        put(connection, 1, Particulars({"first_name": "Ana", "comment": "another"}))
    assert on_the_page(database, AT_ONCE) == [], "which was not agreed to"


def test_a_wrong_number_changes_nothing(database: Database) -> None:
    (number,) = commented(database, "one")
    with pytest.raises(MailerError, match="library has no comment 98, 99 that"):
        say(database, CommentState.SHOWN, number, 99, 98)
    assert on_the_page(database, HELD) == []


@pytest.mark.parametrize("role", Role)
def test_only_those_who_see_people_and_write_decide(database: Database, role: Role) -> None:
    (number,) = commented(database, "one")
    actor = Actor("Tom", RIGHTS[role])
    if role in (Role.SENDER, Role.ADMIN):
        say(database, CommentState.SHOWN, number, actor=actor)
        assert on_the_page(database, HELD) == ["one"]
    else:
        with pytest.raises(NotAllowed):
            say(database, CommentState.SHOWN, number, actor=actor)


def test_a_comment_shows_only_where_page_staff_and_signer_agree(database: Database) -> None:
    """The whole table: nothing shows that isn't named here."""
    for state in CommentState:
        (number,) = commented(database, state.name, shown=state is not CommentState.PRIVATE)
        if state not in (CommentState.NEW, CommentState.PRIVATE):
            say(database, state, number)
    assert on_the_page(database, NEVER) == []
    assert on_the_page(database, HELD) == ["SHOWN"]
    assert on_the_page(database, AT_ONCE) == ["SHOWN", "NEW"]
