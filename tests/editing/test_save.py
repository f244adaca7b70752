"""Saving: the file says what was meant, nobody's lines are lost, and what can't be put together is not written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.editing.save import Edit, SaveConflict, Saved, put_together, read_exact, save
from mailer.editing.splice import head_end
from mailer.errors import MailerError
from mailer.staff.actor import Actor, NotAllowed, terminal
from mailer.staff.audit import AuditFilter, entries
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.conftest import NOW

TEXT = "---\r\nsubject: One  # kept\r\nlist: supporters\r\n---\r\nFirst line.\r\n\r\nSecond line.\r\n"
ME = terminal()


@pytest.fixture
def appeal(workspace: Workspace) -> str:
    folder = workspace.newsletters / "appeal"
    folder.mkdir()
    (folder / "message.md").write_bytes(TEXT.encode())
    return "appeal"


def body_of(text: str) -> str:
    return text[head_end(text) :]


def saved(workspace: Workspace, database: Database, edit: Edit, actor: Actor = ME) -> Saved | SaveConflict:
    with database.write() as connection:
        return save(workspace, connection, actor, "appeal", edit, at=NOW)


def test_only_what_was_changed_is_changed(workspace: Workspace, database: Database, appeal: str) -> None:
    edit = Edit(TEXT, body_of(TEXT).replace("Second", "Another"), {"subject": "Two"})
    found = saved(workspace, database, edit)
    assert isinstance(found, Saved)
    assert not found.merged
    assert read_exact(workspace, appeal) == TEXT.replace("One", "Two").replace("Second", "Another") == found.text
    with database.read() as connection:
        (entry,) = [one for one in entries(connection, AuditFilter()) if one.action == "newsletter saved"]
    assert entry.before != entry.after


def test_line_ends_that_a_browser_changed_are_the_files_again(
    workspace: Workspace, database: Database, appeal: str
) -> None:
    found = saved(workspace, database, Edit(TEXT, body_of(TEXT).replace("\r\n", "\n") + "More.\n", {}))
    assert found == Saved(TEXT + "More.\r\n")


def test_saving_what_is_there_writes_nothing(workspace: Workspace, database: Database, appeal: str) -> None:
    path = workspace.newsletters / appeal / "message.md"
    before = path.stat()
    assert saved(workspace, database, Edit(TEXT, body_of(TEXT), {"subject": "One"})) == Saved(TEXT)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_somebody_else_did_meanwhile_is_kept(workspace: Workspace, database: Database, appeal: str) -> None:
    theirs = TEXT.replace("First line.", "First line, by a colleague.")
    (workspace.newsletters / appeal / "message.md").write_bytes(theirs.encode())
    found = saved(workspace, database, Edit(TEXT, body_of(TEXT).replace("Second", "My second"), {}))
    together = theirs.replace("Second", "My second")
    assert found == Saved(together, merged=True)
    assert read_exact(workspace, appeal) == together


def test_the_same_lines_by_two_people_are_shown_and_not_written(
    workspace: Workspace, database: Database, appeal: str
) -> None:
    theirs = TEXT.replace("Second", "Their second")
    (workspace.newsletters / appeal / "message.md").write_bytes(theirs.encode())
    found = saved(workspace, database, Edit(TEXT, body_of(TEXT).replace("Second", "My second"), {}))
    assert found == SaveConflict(theirs=theirs, mine=TEXT.replace("Second", "My second"))
    assert read_exact(workspace, appeal) == theirs
    # Having seen both, they decide: what they save now is based on what is in the file.
    decided = saved(workspace, database, Edit(theirs, body_of(TEXT).replace("Second", "Our second"), {}))
    assert isinstance(decided, Saved)


def test_who_may_not_write_writes_nothing(workspace: Workspace, database: Database, appeal: str) -> None:
    reader = Actor("Ada", RIGHTS[Role.VIEWER])
    with pytest.raises(NotAllowed):
        saved(workspace, database, Edit(TEXT, "x", {}), reader)
    assert read_exact(workspace, appeal) == TEXT


@pytest.mark.parametrize(
    "sent",
    [
        Edit(TEXT, body_of(TEXT), {"list": "members"}),
        Edit(TEXT.replace("list: supporters", "list: supporters\r\naudience:\r\n  include: [members]"), "x", {}),
        Edit(TEXT.replace("list: supporters\r\n", ""), "x", {}),
    ],
)
def test_no_save_leads_a_limited_account_to_a_list_of_others(
    workspace: Workspace, database: Database, appeal: str, sent: Edit
) -> None:
    limited = Actor("Ada", RIGHTS[Role.WRITER], lists=frozenset({"supporters"}))
    (workspace.newsletters / appeal / "message.md").write_bytes(sent.base.encode())
    with pytest.raises(NotAllowed):
        saved(workspace, database, sent, limited)
    assert read_exact(workspace, appeal) == sent.base


def test_a_file_that_is_no_text_is_left_alone(workspace: Workspace, database: Database, appeal: str) -> None:
    path = workspace.newsletters / appeal / "message.md"
    path.write_bytes(b"\xff\xfe---")
    with pytest.raises(MailerError, match="UTF-8"):
        saved(workspace, database, Edit(TEXT, "x", {}))
    assert path.read_bytes() == b"\xff\xfe---"


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=8)


@given(LINES, LINES, LINES)
def test_no_line_of_anybody_is_lost_unsaid(base: list[str], mine: list[str], theirs: list[str]) -> None:
    """What one of them added is in what was put together, whatever the other took out."""
    found = put_together("".join(base), "".join(mine), "".join(theirs))
    if found is None:
        return
    for line in ("a\n", "b\n", "c\n"):
        count = found.splitlines(keepends=True).count(line)
        added = max(mine.count(line), theirs.count(line)) - base.count(line)
        assert count >= added
    if base == theirs:
        assert found == "".join(mine)
    if base == mine:
        assert found == "".join(theirs)
