"""Saved segments: written out where a newsletter names them, every fault with its place, and saved by their rules."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from sqlalchemy import select

from mailer.audience.selection.saved_segments import KnownNames, SavedSegment, known_names, read_segment, written_out
from mailer.audience.selection.saving_segments import newsletters_asking, remove_segment, save_segment, segments_asking
from mailer.audience.selection.segment_sql import parse_segment
from mailer.audience.selection.segment_text import segment_text
from mailer.compose.expressions.ast import ANYTHING, Compare, Const, Constants, Expression, operands
from mailer.diagnostics import Place
from mailer.editing.save import SaveConflict, Saved
from mailer.errors import MailerError
from mailer.staff.actor import Actor, NotAllowed, terminal
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from mailer.store.tables.staff import audit_log
from mailer.workspace import Workspace
from tests.audience.selection.test_segment_sql import expressions

MESSAGE = Place("newsletters/appeal/message.md", 5)


def put(workspace: Workspace, name: str, expression: str, *, more: str = "") -> None:
    folder = workspace.lists / "segments"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(f"title = \"{name.title()}\"\nexpression = '''{expression}'''\n{more}")


def known(workspace: Workspace) -> KnownNames:
    return KnownNames(
        workspace, ("country", "town", "vip"), lists=["supporters"], newsletters=["first"], pages=["first"]
    )


def out(workspace: Workspace, source: str) -> str:
    return written_out(source, known(workspace), place=MESSAGE)


def sayable(expression: Expression) -> bool:
    """Whether the language has it: `in` is about a field, or about a text in one."""
    match expression:
        case Compare(Const(), "in" | "not in", Constants() | Const()):
            return False
        case _:
            return all(map(sayable, operands(expression)))


@settings(max_examples=200, deadline=None)
@given(expression=expressions.filter(sayable))
def test_an_expression_as_text_reads_as_the_same_expression(expression: Expression) -> None:
    assert parse_segment(segment_text(expression), fields=ANYTHING) == expression


def test_names_are_written_out_in_any_place(workspace: Workspace) -> None:
    put(workspace, "british", 'supporter.country == "GB"')
    put(workspace, "active", 'signed_within("30 days") or clicked_within("30 days")')
    put(workspace, "both", 'segment("british") and segment("active")')
    gb, active = 'supporter.country == "GB"', 'signed_within("30 days") or clicked_within("30 days")'
    both = f"({gb}) and ({active})"
    table = {
        "british": gb, " active ": active, 'segment("british")': gb, "both": both,
        'not segment("active") and supporter.town': f"(not ({active})) and supporter.town",
        'segment("both") or segment("british")': f"({both}) or ({gb})",
        '"x" in ("a" if segment("british") else supporter.town)': f'"x" in ("a" if ({gb}) else supporter.town)',
        f" {gb}  and  supporter.town ": f"{gb}  and  supporter.town",  # as it was written, since it names none
    }  # fmt: skip
    for source, expected in table.items():
        assert out(workspace, source) == expected
        assert parse_segment(expected, fields=ANYTHING)


@pytest.mark.parametrize(
    ("name", "expression", "place", "words"),
    [
        ("nowhere", None, "message.md:5", "no saved segment 'nowhere'"),
        ("activ", None, "message.md:5", "Did you mean 'active'?"),
        ("vip", None, "message.md:5", "Did you mean supporter.vip?"),
        ("broken", "supporter.contry", "segments/broken.toml:2", "in the saved segment broken: unknown field"),
        ("broken", 'subscribed("nowhere")', "segments/broken.toml:2", "there is no list 'nowhere'"),
        ("broken", 'joined_since("soon")', "segments/broken.toml:2", "can't ask about 'soon'"),
        ("self", 'segment("self")', "segments/self.toml:2", "in a circle: self → self"),
        ("one", 'supporter.vip or segment("two")', "segments/three.toml:2", "circle: one → two → three → one"),
        ("deep", " or ".join(['segment("long")'] * 3), "segments/deep.toml:2", "too long"),
    ],
)  # fmt: skip
def test_each_fault_is_told_before_anybody_is_counted(
    workspace: Workspace, name: str, expression: str | None, place: str, words: str
) -> None:
    put(workspace, "active", "supporter.vip")
    put(workspace, "two", 'segment("three")')
    put(workspace, "three", 'segment("one")')
    put(workspace, "long", " or ".join(["supporter.vip"] * 99))
    if expression is not None:
        put(workspace, name, expression)
    for source in (name, f'not segment("{name}")'):
        with pytest.raises(MailerError) as caught:
            out(workspace, source)
        assert words in str(caught.value)
        assert place in str(caught.value)


def test_a_file_says_all_its_faults(workspace: Workspace) -> None:
    put(workspace, "broken", "", more="titel = 'x'\nabout = 7\n")
    with pytest.raises(MailerError) as caught:
        out(workspace, "broken")
    assert [fault.message.removeprefix("in the saved segment broken: ") for fault in caught.value.diagnostics] == [
        "unknown key 'titel'", "about must be text", "expression is missing",
    ]  # fmt: skip


def save(
    workspace: Workspace, database: Database, segment: SavedSegment, *, at: datetime, base: str | None = "",
    by: Actor | None = None,
) -> Saved | SaveConflict:  # fmt: skip
    with database.write() as connection:
        return save_segment(workspace, connection, by or terminal(), segment, at=at, base=base)


def test_a_segment_is_saved_changed_and_taken_away(workspace: Workspace, database: Database, now: datetime) -> None:
    one = SavedSegment("active-in-uk", "Active in the UK", 'supporter.country == "GB"')
    done = save(workspace, database, one, at=now)
    assert isinstance(done, Saved)
    assert read_segment(workspace, "active-in-uk") == one
    path = workspace.lists / "segments" / "active-in-uk.toml"
    commented = "# for appeals\n" + done.text
    path.write_text(commented)
    changed = SavedSegment("active-in-uk", "Active in the UK", 'supporter.country in ["GB", "IE"]', "For appeals.")
    save(workspace, database, changed, base=done.text, at=now)
    assert path.read_text().startswith("# for appeals\n")
    assert read_segment(workspace, "active-in-uk") == changed
    other = SavedSegment("active-in-uk", "Active in the UK", "supporter.email")
    assert isinstance(save(workspace, database, other, base=commented, at=now), SaveConflict)
    save(workspace, database, SavedSegment("wider", "Wider", 'segment("active-in-uk")'), at=now)
    message = workspace.newsletters / "appeal"
    message.mkdir()
    (message / "message.md").write_text("---\nlist: supporters\naudience:\n  segment: wider\n---\nHello\n")
    with database.write() as connection:
        assert segments_asking(workspace, "active-in-uk") == ["wider"]
        assert newsletters_asking(workspace, connection, ["wider"]) == ["appeal"]
        for name, by in (("active-in-uk", "wider"), ("wider", "appeal")):
            with pytest.raises(MailerError, match=f"is used by {by}"):
                remove_segment(workspace, connection, terminal(), name, at=now)
        (message / "message.md").unlink()
        remove_segment(workspace, connection, terminal(), "wider", at=now)
        actions = connection.execute(select(audit_log.c.action, audit_log.c.subject)).all()
    saved = ("segment saved", "segment active-in-uk")
    assert [tuple(row) for row in actions] == [
        saved, saved, ("segment saved", "segment wider"), ("segment removed", "segment wider"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expression", "words"),
    [
        ("Active", "supporter.email", "can’t be the name"),
        ("../x", "supporter.email", "can’t be the name"),
        ("2024", "supporter.email", "can’t be the name"),
        ("taken", "supporter.email", "there is a saved segment taken already"),
        ("new", "supporter.nobody", "unknown field"),
        ("new", " ", "expression is missing"),
        ("new", 'segment("new")', "circle: new → new"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_not_written(
    workspace: Workspace, database: Database, now: datetime, name: str, expression: str, words: str
) -> None:
    put(workspace, "taken", "supporter.email")
    with pytest.raises(MailerError) as caught:
        save(workspace, database, SavedSegment(name, "T", expression), at=now)
    assert words in str(caught.value)
    assert [path.name for path in (workspace.lists / "segments").iterdir()] == ["taken.toml"]


def test_who_is_limited_to_a_list_changes_nothing_for_others(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    (workspace.lists / "vips.toml").write_text('title = "V"\nlist_id = "v.example.org"\n')
    writer = Actor("Tom", RIGHTS[Role.WRITER], lists=frozenset({"vips"}), account_id=None)
    mine = SavedSegment("mine", "Mine", 'subscribed("vips")')
    assert isinstance(save(workspace, database, mine, at=now, by=writer), Saved)
    theirs = SavedSegment("theirs", "Theirs", 'not subscribed("supporters")')
    with pytest.raises(NotAllowed):
        save(workspace, database, theirs, at=now, by=writer)
    message = workspace.newsletters / "appeal"
    message.mkdir()
    (message / "message.md").write_text("---\nlist: supporters\naudience:\n  segment: mine\n---\nHello\n")
    with pytest.raises(NotAllowed):
        save(workspace, database, mine, at=now, by=writer, base=None)
    viewer = Actor("Vi", RIGHTS[Role.VIEWER])
    with pytest.raises(NotAllowed):
        save(workspace, database, SavedSegment("x", "X", "supporter.email"), at=now, by=viewer)


def test_what_there_is_to_ask_about(workspace: Workspace, database: Database) -> None:
    for slug in ("appeal", "other"):
        (workspace.newsletters / slug).mkdir()
    with database.read() as connection:
        found = known_names(connection, workspace, fields=(), but="appeal")
    assert (found.lists, found.newsletters, found.pages) == (["supporters"], ["other"], [])
