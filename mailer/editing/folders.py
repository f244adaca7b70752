"""Newsletters as folders: a copy of one, another name for one, put away and taken out again.

What people call a newsletter is `name` in its front matter; the folder keeps its own name, which the ledger, the links
in mails and the signatures on its page know.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import unicodedata
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mailer.compose.source.message_file import MARKDOWN_FILE, MJML_FILE
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import SLUG, Workspace

AWAY = ".put-away"  # in a newsletter's folder: when it was put away
BOM = b"\xef\xbb\xbf"
LONGEST = 80  # characters of a folder's name
DATE = re.compile(r"\d{4}(-\d{2}){0,2}-")


def folder_name(words: str, *, at: datetime) -> str:
    """What the folder of a newsletter called `words` is named: 2026-12-sewage-in-our-river.

    Raises `MailerError` when no letter or digit is left that a folder's name may hold.
    """
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")
    if not name:
        raise MailerError(
            "a newsletter’s name needs some letters from a to z, or digits",
            remedy="It is for you and your colleagues alone; supporters never see it.",
        )
    dated = name if DATE.match(name + "-") else f"{at:%Y-%m}-{name}"
    return dated[:LONGEST].strip("-")


def name_of(slug: str) -> str:
    """What to call the newsletter in a folder that doesn't say it: Sewage in our river."""
    words = DATE.sub("", slug, count=1).replace("-", " ").strip()
    return f"{words[:1].upper()}{words[1:]}" or slug


def free_name(workspace: Workspace, wanted: str) -> str:
    """That folder's name, or with a number behind it where there is one already."""
    number, found = 2, wanted
    while (workspace.newsletters / found).exists():
        ending = f"-{number}"
        found, number = f"{wanted[: LONGEST - len(ending)]}{ending}", number + 1
    return found


def copy_newsletter(workspace: Workspace, actor: Actor, slug: str, *, to: str, name: str) -> Path:
    """A copy of a newsletter in the folder `to`, called `name`: its text, page, thanks and pictures."""
    actor.require(Right.WRITE)
    source, target = workspace.newsletter(slug), workspace.newsletters / to
    _require_free(workspace, to)
    unfinished = workspace.newsletters / f".{to}.copying"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(source, unfinished, ignore=shutil.ignore_patterns(AWAY), symlinks=True)
    if (path := message_path(unfinished)) is not None:
        path_write(path, with_name(path.read_bytes(), name))
    unfinished.rename(target)
    return target


def rename_newsletter(
    workspace: Workspace, connection: Connection, actor: Actor, slug: str, *, to: str, at: datetime
) -> None:
    """Call a newsletter something else. Its folder keeps its name, which links and signatures may know."""
    actor.require(Right.WRITE)
    path = message_path(workspace.newsletter(slug))
    if path is None:
        raise MailerError(f"{slug} has no text yet, so there is no place for its name")
    before = path.read_bytes()
    path_write(path, with_name(before, to))
    audit.record(connection, actor, "newsletter renamed", at=at, subject=f"newsletter {slug}", detail=to)


def with_name(content: bytes, name: str) -> bytes:
    """The file of a newsletter with `name` in its front matter, on a line of its own; nothing else is touched."""
    line = f'name: "{quoted(name)}"'.encode()
    lines = content.split(b"\n")
    ending = b"\r" if lines[0].endswith(b"\r") else b""
    if not lines[0].removeprefix(BOM).rstrip() == b"---":
        raise MailerError(
            "the newsletter’s file does not begin with ---, so its name has no place", remedy="See its findings."
        )
    end = next((n for n, one in enumerate(lines[1:], 1) if one.rstrip() == b"---"), len(lines))
    known = next((n for n in range(1, end) if lines[n].startswith(b"name:")), None)
    if known is None:
        lines.insert(1, line + ending)
    else:
        lines[known] = line + ending
    return b"\n".join(lines)


def quoted(text: str) -> str:
    """A text as it is written between double quotes in YAML, on one line."""
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')


def path_write(path: Path, content: bytes) -> None:
    """Put a file in the place of another at one moment, with its mode, so that nobody ever reads half of it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(path, name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def put_away(workspace: Workspace, connection: Connection, actor: Actor, slug: str, *, at: datetime) -> None:
    """Take a newsletter out of sight. Nothing is deleted, and nothing that is being sent stops."""
    actor.require(Right.WRITE)
    mark = workspace.newsletter(slug) / AWAY
    mark.write_text(f"{at:%Y-%m-%d %H:%M} UTC\n", encoding="utf-8")
    audit.record(connection, actor, "newsletter put away", at=at, subject=f"newsletter {slug}")


def take_out(workspace: Workspace, connection: Connection, actor: Actor, slug: str, *, at: datetime) -> None:
    """Have it among the others again."""
    actor.require(Right.WRITE)
    (workspace.newsletter(slug) / AWAY).unlink(missing_ok=True)
    audit.record(connection, actor, "newsletter taken out again", at=at, subject=f"newsletter {slug}")


def is_away(folder: Path) -> bool:
    """Whether the newsletter in a folder was put away."""
    return (folder / AWAY).exists()


def message_path(folder: Path) -> Path | None:
    """The file that holds a newsletter's text, if there is one."""
    return next((path for name in (MARKDOWN_FILE, MJML_FILE) if (path := folder / name).is_file()), None)


def _require_free(workspace: Workspace, name: str) -> None:
    if not SLUG.fullmatch(name):
        raise MailerError(f"{name!r} can’t be a newsletter’s name", remedy="Use letters, digits and hyphens.")
    if (workspace.newsletters / name).exists():
        raise MailerError(f"there is a newsletter called “{name_of(name)}” already", remedy="Choose another name.")
