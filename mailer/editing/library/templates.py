"""Changes the MJML of templates: tried out beside the workspace, saved like any text, and copied under another name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mailer.compose.source.layouts import LAYOUT_FILE, layout_names
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.editing.files import UNFINISHED, one_at_a_time, write_file
from mailer.editing.save import SaveConflict, Saved, digest, put_together
from mailer.editing.versions import Version, keep_version
from mailer.errors import MailerError, nearest
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import SLUG, Workspace

SAVED, COPIED = "template saved", "template copied"  # as the audit log says it
BLOCKS = "blocks"  # the folder of the parts that all templates share


def template_files(workspace: Workspace, name: str) -> list[str]:
    """The MJML files of a template, or of the parts that all share; its frame first. None where there is no such."""
    folder = workspace.templates / name
    if not SLUG.fullmatch(name) or folder.is_symlink():
        return []
    found = sorted(one.name for one in folder.glob("*.mjml") if one.is_file() and not one.is_symlink())
    return sorted(found, key=lambda one: one != LAYOUT_FILE)


def template_subject(name: str) -> str:
    """What the audit log calls a template."""
    return f"template {name}"


def versions_of(name: str) -> str:
    """What its kept versions are filed under; no newsletter can be called so."""
    return f"templates/{name}"


def read_template(workspace: Workspace, name: str, file: str) -> str:
    """A file of a template as it is, with its line ends. Raises `MailerError`."""
    if file not in template_files(workspace, name):
        raise MailerError(f"there is no file {file} of the template {name}")
    try:
        return (workspace.templates / name / file).read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise MailerError(f"{file} is not UTF-8, so it can’t be edited here", remedy="Save it as UTF-8.") from None


@contextmanager
def tried_out(workspace: Workspace, name: str, file: str, text: str) -> Generator[Workspace]:
    """The workspace as it would be with this text in a template's file. Nothing of it is written there."""
    with tempfile.TemporaryDirectory(prefix="mailer-templates-") as made:
        folder = Path(made) / "templates"
        shutil.copytree(workspace.templates, folder, ignore=shutil.ignore_patterns(UNFINISHED), symlinks=True)
        write_file(folder / name / file, text.encode("utf-8"), within=folder)
        yield replace(workspace, templates_at=folder)


def save_template(
    workspace: Workspace, connection: Connection, actor: Actor, name: str, file: str, *, base: str, text: str,
    at: datetime,
) -> Saved | SaveConflict:  # fmt: skip
    """Write a template's file. `base` is that file as it was for the person who changed it: what others changed
    meanwhile on other lines stays, and where it is the same lines, nothing is written. What was there is kept."""
    actor.require(Right.SETTINGS)
    one_at_a_time(connection)
    now = read_template(workspace, name, file)
    if "\r\n" in base and "\r" not in text:  # browsers make \n of it
        text = text.replace("\n", "\r\n")
    mine, merged = text, now not in (base, text)
    if merged:
        together = put_together(base, mine, now)
        if together is None:
            return SaveConflict(theirs=now, mine=mine)
        text = together
    content = text.encode("utf-8")
    if len(content) > LARGEST_BYTES:
        raise MailerError("this text is too long to be saved", remedy="Put parts of it into files of their own.")
    if text != now:
        write_file(workspace.templates / name / file, content, within=workspace.templates)
        for one in (now, text):
            keep_version(connection, versions_of(name), Version(file, one, digest(one), at))
        audit.record(
            connection, actor, SAVED, at=at, subject=template_subject(name), detail=file, before=digest(now),
            after=digest(text),
        )  # fmt: skip
    return Saved(text, merged=merged)


def copy_template(
    workspace: Workspace, connection: Connection, actor: Actor, name: str, *, to: str, at: datetime
) -> None:
    """A template of its own that begins as another one. Raises `MailerError`, with nothing made."""
    actor.require(Right.SETTINGS)
    one_at_a_time(connection)
    known = layout_names(workspace.root)
    if name not in known:
        raise MailerError(f"there is no template {name!r}", remedy=nearest(name, known))
    if not SLUG.fullmatch(to):
        raise MailerError(f"{to!r} can’t be a template’s name", remedy="Use small letters, digits and hyphens.")
    target, unfinished = workspace.templates / to, workspace.templates / f".{to}.copying"
    if target.exists():
        raise MailerError(f"there is something called {to} among the templates", remedy="Choose another name.")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        ignored = shutil.ignore_patterns(UNFINISHED)
        shutil.copytree(workspace.templates / name, unfinished, ignore=ignored, symlinks=True)
        unfinished.rename(target)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise MailerError(f"the template could not be copied: {error.strerror or error}") from error
    audit.record(connection, actor, COPIED, at=at, subject=template_subject(to), detail=f"a copy of {name}")
