"""Newsletters as folders: a copy of one, another name for one, put away and taken out again.

What people call a newsletter is `name` in its front matter; the folder keeps its own name, which the ledger, the links
in mails and the signatures on its page know.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection

from mailer.compose.source.frontmatter import split_front_matter
from mailer.compose.source.message_file import MARKDOWN_FILE, MJML_FILE
from mailer.editing.files import UNFINISHED, one_at_a_time, write_file
from mailer.editing.splice import FrontValue, splice
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.toml_file import read_toml
from mailer.workspace import AUTOMATION_FILE, SLUG, Workspace

BOM = b"\xef\xbb\xbf"
NOTHING: Mapping[str, FrontValue] = {}
AWAY = ".put-away"  # in a newsletter's folder: when it was put away
LONGEST = 80  # characters of a folder's name
DATE = re.compile(r"\d{4}(-\d{2}){0,2}-")


def folder_name(words: str, *, at: datetime) -> str:
    """What the folder of a newsletter called `words` is named: 2026-12-sewage-in-our-river.

    Raises `MailerError` when no letter or digit is left that a folder's name may hold.
    """
    name = plain_name(words)
    if not name:
        raise MailerError(
            "a newsletter’s name needs some letters from a to z, or digits",
            remedy="It is for you and your colleagues alone; supporters never see it.",
        )
    dated = name if DATE.match(name + "-") else f"{at:%Y-%m}-{name}"
    return dated[:LONGEST].strip("-")


def plain_name(words: str) -> str:
    """Words as small letters, digits and hyphens: sewage-in-our-river. "" where none of them is left."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")


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


def copy_newsletter(
    workspace: Workspace, actor: Actor, slug: str, *, to: str, name: str, changes: Mapping[str, FrontValue] = NOTHING
) -> Path:
    """A copy of a newsletter in the folder `to`, called `name`: its text, page, thanks and pictures.

    `changes` of its front matter are spliced in. Raises `MailerError`, with nothing made, where they can't be, and
    `NotAllowed` for a newsletter to lists that the actor doesn't work with.
    """
    actor.require_work_on(lists_of(workspace, slug))
    source, target = workspace.newsletter(slug).folder, workspace.newsletters / to
    _require_free(workspace, to)
    unfinished = workspace.newsletters / f".{to}.copying"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        shutil.copytree(source, unfinished, ignore=shutil.ignore_patterns(AWAY, UNFINISHED), symlinks=True)
        if (path := message_path(unfinished)) is not None:
            content = with_name(path.read_bytes(), name)
            if changes:
                content = splice(content.decode("utf-8"), changes).encode("utf-8")
            write_file(path, content, within=workspace.newsletters)
        unfinished.rename(target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return target


def rename_newsletter(
    workspace: Workspace, connection: Connection, actor: Actor, slug: str, *, to: str, at: datetime
) -> None:
    """Call a newsletter something else. Its folder keeps its name, which links and signatures may know."""
    actor.require(Right.WRITE)
    path = message_path(workspace.newsletter(slug).folder)
    if path is None:
        raise MailerError(f"{slug} has no text yet, so there is no place for its name")
    one_at_a_time(connection)
    write_file(path, with_name(path.read_bytes(), to), within=workspace.newsletters)
    audit.record(connection, actor, "newsletter renamed", at=at, subject=audit.newsletter_subject(slug), detail=to)


def with_name(content: bytes, name: str) -> bytes:
    """The file of a newsletter with `name` in its front matter, on a line of its own; nothing else is touched.

    It reads lines and not YAML, so that a newsletter with faults can be called something, too.
    """
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
        lines[known : _value_end(lines, known, end)] = [line + ending]
    return b"\n".join(lines)


def _value_end(lines: list[bytes], key: int, end: int) -> int:
    """The line behind the value that begins on line `key`: over several lines it is indented, or in quotes that close
    later."""
    value = lines[key].partition(b":")[2].strip()
    if len(value) > 1 and value[:1] == value[-1:] and value[-1:] in (b'"', b"'") and value[-2:] != b'\\"':
        return key + 1
    if value[:1] in (b'"', b"'") and value.count(value[:1]) == 1:
        closing = next((n for n in range(key + 1, end) if lines[n].rstrip().endswith(value[:1])), key)
        return closing + 1
    after = key + 1
    for n in range(key + 1, end):
        if lines[n][:1] in (b" ", b"\t") and lines[n].strip():
            after = n + 1
        elif lines[n].strip():
            break
    return after


def quoted(text: str) -> str:
    """A text as it is written between double quotes in YAML, on one line."""
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"')


def put_away(workspace: Workspace, connection: Connection, actor: Actor, slug: str, *, at: datetime) -> None:
    """Take a newsletter out of sight. Nothing is deleted, and nothing that is being sent stops."""
    actor.require(Right.WRITE)
    mark = workspace.newsletter(slug).folder / AWAY
    mark.write_text(f"{at:%Y-%m-%d %H:%M} UTC\n", encoding="utf-8")
    audit.record(connection, actor, "newsletter put away", at=at, subject=audit.newsletter_subject(slug))


def take_out(workspace: Workspace, connection: Connection, actor: Actor, slug: str, *, at: datetime) -> None:
    """Have it among the others again."""
    actor.require(Right.WRITE)
    (workspace.newsletter(slug).folder / AWAY).unlink(missing_ok=True)
    audit.record(connection, actor, "newsletter taken out again", at=at, subject=audit.newsletter_subject(slug))


def is_away(folder: Path) -> bool:
    """Whether the newsletter in a folder was put away."""
    return (folder / AWAY).exists()


def lists_in(text: str) -> frozenset[str]:
    """The lists that a file of a newsletter mails or brings people to: of its `list`, its `audience.include` and, on a
    page, its `opt_in.list`. None where it can't be read.

    Somebody whose account is limited to lists may work on it when it has any and they may work with each.
    """
    front, _ = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file="")
    if front is None:
        return frozenset()
    audience = front.data.get("audience")
    included: Any = cast(dict[str, Any], audience).get("include") if isinstance(audience, dict) else None
    opt_in = front.data.get("opt_in")
    named: list[Any] = [front.data.get("list"), *(included if isinstance(included, list) else [included])]
    named.append(cast(dict[str, Any], opt_in).get("list") if isinstance(opt_in, dict) else None)
    return frozenset(name for name in named if isinstance(name, str) and name)


def lists_of(workspace: Workspace, slug: str) -> frozenset[str]:
    """The lists of a newsletter or an automation in the workspace; none where there is nothing to read."""
    try:
        newsletter = workspace.newsletter(slug)
        if newsletter.is_automation:
            said = read_toml(newsletter.folder / AUTOMATION_FILE, AUTOMATION_FILE).data.get("list")
            return frozenset([said] if isinstance(said, str) and said else ())
        path = message_path(newsletter.folder)
    except MailerError:
        path = None
    return lists_in(path.read_text(encoding="utf-8", errors="replace")) if path else frozenset()


def message_path(folder: Path) -> Path | None:
    """The file that holds a newsletter's text, if there is one."""
    return next((path for name in (MARKDOWN_FILE, MJML_FILE) if (path := folder / name).is_file()), None)


def _require_free(workspace: Workspace, name: str) -> None:
    if not SLUG.fullmatch(name):
        raise MailerError(f"{name!r} can’t be a newsletter’s name", remedy="Use letters, digits and hyphens.")
    if (workspace.newsletters / name).exists():
        raise MailerError(f"there is a newsletter called “{name_of(name)}” already", remedy="Choose another name.")
