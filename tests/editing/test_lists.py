"""Lists are made and changed in their files, by those who may, with a trace of each wording."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from mailer.editing.lists import list_path, make_list, save_list
from mailer.editing.save import SaveConflict, Saved
from mailer.errors import MailerError
from mailer.staff.actor import Actor, NotAllowed, terminal
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from mailer.store.tables.staff import audit_log
from mailer.workspace import Workspace

NEWS = {"title": "River news", "list_id": "river.example.org", "consent": "Yes, mail me.", "public_form": True}


def test_a_list_is_made_and_changed_with_its_comments(workspace: Workspace, database: Database, now: datetime) -> None:
    with database.write() as connection:
        made = make_list(workspace, connection, terminal(), "river", NEWS, at=now)
    assert (made.name, made.title, made.consent, made.public_form) == ("river", "River news", "Yes, mail me.", True)
    path = list_path(workspace, "river")
    base = path.read_text()
    path.write_text("# ours\n" + base + 'reply_to = "a@example.org"\n')
    with database.write() as connection:
        changes = {"consent": "Yes, mail me news.", "opt_in": "double"}
        done = save_list(workspace, connection, terminal(), "river", changes, base=base, at=now)
        assert done == Saved(path.read_text(), merged=True)
        again = save_list(workspace, connection, terminal(), "river", {"reply_to": None}, base=base, at=now)
        assert again == Saved(path.read_text(), merged=True), "it was not there, so nothing of it was changed"
        conflict = save_list(workspace, connection, terminal(), "river", {"consent": "Mine"}, base=base, at=now)
        assert isinstance(conflict, SaveConflict)
        log = connection.execute(select(audit_log.c.action, audit_log.c.detail).order_by(audit_log.c.id)).all()
    assert path.read_text().startswith("# ours\n")
    assert workspace.list_definition("river").opt_in == "double"
    assert [tuple(row) for row in log] == [
        ("list made", ""), ("consent wording changed", "Yes, mail me."), ("list saved", ""),
        ("consent wording changed", "Yes, mail me news."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("River", {}, "can’t be the short name"),
        ("supporters", {}, "there is a list supporters already"),
        ("river", {"title": ""}, "title is missing"),
        ("river", {"consent": None}, "public_form needs a consent wording"),
        ("river", {"from": "nobody"}, "from"),
        ("river", {"colour": "red"}, "colour must be a colour like #1d4f91"),
        ("river", {"afterwards": "javascript:alert(1)"}, "afterwards must be an http(s) address"),
        ("river", {"opt_in": ""}, "opt_in must be single or double"),
        ("river", {"list_id": "x"}, "list_id must look like"),
        ("river", {"opt_in": "triple"}, "opt_in must be single or double"),
    ],
)
def test_what_no_list_can_be_is_refused_and_not_written(
    workspace: Workspace, database: Database, now: datetime, name: str, changes: dict[str, str], words: str
) -> None:
    before = workspace.list_names()
    with database.write() as connection, pytest.raises(MailerError) as refused:
        make_list(workspace, connection, terminal(), name, {**NEWS, **changes}, at=now)
    assert words in str(refused.value)
    assert workspace.list_names() == before


@pytest.mark.sqlite
def test_only_who_has_the_right_for_this_list_changes_it(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    base = list_path(workspace, "supporters").read_text()
    for actor in (Actor("Sian", RIGHTS[Role.SENDER]), Actor("Ann", RIGHTS[Role.ADMIN], lists=frozenset({"x"}))):
        with database.write() as connection, pytest.raises(NotAllowed):
            save_list(workspace, connection, actor, "supporters", {"title": "Mine"}, base=base, at=now)
    assert list_path(workspace, "supporters").read_text() == base
