"""Makes and changes the files of lists, lists/<name>.toml: in place, comments kept, checked before they are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mailer.editing.files import one_at_a_time
from mailer.editing.save import SaveConflict, Saved, digest
from mailer.editing.toml_edit import TomlValue, read_toml_text, save_toml
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.toml_file import toml_of
from mailer.workspace import SLUG, ListDefinition, Workspace, list_of

MADE, SAVED, WORDED = "list made", "list saved", "consent wording changed"  # as the audit log says it


def list_path(workspace: Workspace, name: str) -> Path:
    """Where a list is defined, whether it is or not."""
    return workspace.lists / f"{name}.toml"


def list_subject(name: str) -> str:
    """What the audit log calls a list."""
    return f"list {name}"


def make_list(
    workspace: Workspace, connection: Connection, actor: Actor, name: str, values: Mapping[str, TomlValue], *,
    at: datetime,
) -> ListDefinition:  # fmt: skip
    """Define a new list. Raises `MailerError` with every fault, with nothing made."""
    actor.require(Right.SETTINGS, name)
    one_at_a_time(connection)
    if not SLUG.fullmatch(name):
        raise MailerError(
            f"{name!r} can’t be the short name of a list", remedy="Use small letters, digits and hyphens: river-news"
        )
    if list_path(workspace, name).exists():
        raise MailerError(f"there is a list {name} already", remedy="Choose another short name.")
    workspace.lists.mkdir(exist_ok=True)
    done = _saved(workspace, connection, name, values, base="")
    assert isinstance(done, Saved), "nobody made it meanwhile"
    _record(connection, actor, MADE, name, before="", after=done.text, at=at)
    return workspace.list_definition(name)


def save_list(
    workspace: Workspace, connection: Connection, actor: Actor, name: str, values: Mapping[str, TomlValue], *,
    base: str, at: datetime,
) -> Saved | SaveConflict:  # fmt: skip
    """Change what the file of a list says. `base` is that file as it was for the person who changes it: what was
    changed there meanwhile stays, and where that is the same value nothing is written. Raises `MailerError` with every
    fault."""
    actor.require(Right.SETTINGS, name)
    one_at_a_time(connection)
    before = read_toml_text(list_path(workspace, name))
    if not before:
        raise MailerError(f"there is no list {name}", remedy="It may have been taken away meanwhile.")
    done = _saved(workspace, connection, name, values, base=base)
    if isinstance(done, Saved) and done.text != before:
        _record(connection, actor, SAVED, name, before=before, after=done.text, at=at)
    return done


def _saved(
    workspace: Workspace, connection: Connection, name: str, values: Mapping[str, TomlValue], *, base: str
) -> Saved | SaveConflict:
    def check(text: str) -> None:
        list_of(toml_of(text.encode("utf-8"), f"lists/{name}.toml"), name)

    path = list_path(workspace, name)
    return save_toml(connection, path, values, base=base, within=workspace.lists, check=check)


def _record(
    connection: Connection, actor: Actor, action: str, name: str, *, before: str, after: str, at: datetime
) -> None:
    """What was done, for the audit log; another wording is a line of its own, from which its history is told."""
    old, new = (_wording(text) for text in (before, after))
    audit.record(
        connection, actor, action, at=at, subject=list_subject(name), before=digest(before) if before else "",
        after=digest(after),
    )  # fmt: skip
    if new and new != old:
        audit.record(connection, actor, WORDED, at=at, subject=list_subject(name), detail=new)


def _wording(text: str) -> str:
    found = toml_of(text.encode("utf-8"), "").data.get("consent", "") if text else ""
    return found if isinstance(found, str) else ""
