"""Changes the files of templates: tried out beside the workspace, saved like any text, copied under another name."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mailer.compose.source.front_keys import KEYS
from mailer.compose.source.layouts import DEFINITION_FILE, LAYOUT_FILE, NAME, layout_names, layout_of
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.diagnostics import Diagnostic, Place
from mailer.editing.files import UNFINISHED, one_at_a_time, write_file
from mailer.editing.first_draft import DRAFT, DRAFT_FILE
from mailer.editing.save import SaveConflict, Saved, digest, put_together
from mailer.editing.toml_edit import TomlValue, save_toml
from mailer.editing.versions import Version, keep_version
from mailer.errors import MailerError, nearest, raise_errors
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import SLUG, Workspace

SAVED, COPIED = "template saved", "template copied"  # as the audit log says it
BLOCKS = "blocks"  # the folder of the parts that all templates share


def template_files(workspace: Workspace, name: str) -> list[str]:
    """The files of a template that can be edited, or the parts that all share: its frame first, then what new
    newsletters begin with and its definition, whether it has those yet or not. None where there is no such."""
    folder = workspace.templates / name
    if not SLUG.fullmatch(name) or folder.is_symlink():
        return []
    found = sorted(one.name for one in folder.glob("*.mjml") if one.is_file() and not one.is_symlink())
    if LAYOUT_FILE in found:
        found += [one for one in (DRAFT_FILE, DEFINITION_FILE) if not (folder / one).is_symlink()]
    return sorted(found, key=lambda one: (one != LAYOUT_FILE, one.endswith(".mjml")))


def template_subject(name: str) -> str:
    """What the audit log calls a template."""
    return f"template {name}"


def versions_of(name: str) -> str:
    """What its kept versions are filed under; no newsletter can be called so."""
    return f"templates/{name}"


def read_template(workspace: Workspace, name: str, file: str) -> str:
    """A file of a template as it is, with its line ends; what counts where there is none. Raises `MailerError`."""
    if file not in template_files(workspace, name):
        raise MailerError(f"there is no file {file} of the template {name}")
    path = workspace.templates / name / file
    if not path.exists():
        return DRAFT if file == DRAFT_FILE else ""
    try:
        return path.read_bytes().decode("utf-8")
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
        _record(connection, actor, name, file, before=now, after=text, at=at)
    return Saved(text, merged=merged)


def save_definition(
    workspace: Workspace, connection: Connection, actor: Actor, name: str, changes: Mapping[str, TomlValue], *,
    base: str, at: datetime,
) -> Saved | SaveConflict:  # fmt: skip
    """Change what a template's template.toml says, by dotted key. `base` is as in `save_template`, but what others
    changed is told value by value. Raises `MailerError` with every fault, with nothing written."""
    actor.require(Right.SETTINGS)
    one_at_a_time(connection)
    before = read_template(workspace, name, DEFINITION_FILE)
    path = workspace.templates / name / DEFINITION_FILE
    done = save_toml(
        connection,
        path,
        changes,
        base=base,
        within=workspace.templates,
        check=lambda text: check_definition(name, text),
    )
    if isinstance(done, Saved) and done.text != before:
        _record(connection, actor, name, DEFINITION_FILE, before=before, after=done.text, at=at)
    return done


def check_definition(name: str, text: str) -> None:
    """Raises `MailerError` with all that is wrong with a template.toml."""
    raise_errors("It can’t be saved like this:", layout_of(text.encode("utf-8"), name)[1])


def check_new_field(name: str, field: str, known: Mapping[str, object]) -> None:
    """Raises `MailerError` where a template's field can't be called so."""
    place = Place(f"templates/{name}/{DEFINITION_FILE}")
    faults: list[Diagnostic] = []
    if not NAME.fullmatch(field):
        faults.append(Diagnostic(f"{field!r} can’t be a field’s name", place, "Use small letters, digits and _: place"))
    elif field in KEYS or field in known:
        faults.append(Diagnostic(f"newsletters have a field {field} already", place, "Choose another name."))
    raise_errors("It can’t be added:", faults)


def _record(
    connection: Connection, actor: Actor, name: str, file: str, *, before: str, after: str, at: datetime
) -> None:
    """Keep what was there and what is, and say in the audit log who did it."""
    for one in (before, after):
        keep_version(connection, versions_of(name), Version(file, one, digest(one), at))
    audit.record(
        connection, actor, SAVED, at=at, subject=template_subject(name), detail=file, before=digest(before),
        after=digest(after),
    )  # fmt: skip


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
