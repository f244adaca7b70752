"""Saves a newsletter's text: to the file itself, in one moment, and never over what somebody else did meanwhile.

Every save names the text that it is based on. Where the file holds another by now, because a colleague saved, or
somebody's editor or git changed it, the two are put together line by line; where they touched the same lines, nothing
is written and both are shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mailer.compose.source.message_file import MARKDOWN_FILE, MJML_FILE
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.editing.files import one_at_a_time, write_file
from mailer.editing.folders import lists_in, lists_of, message_path
from mailer.editing.splice import FrontValue, head_end, splice
from mailer.editing.versions import Version, keep_version
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import Workspace

SAVED, BROUGHT_BACK = "newsletter saved", "version brought back"  # as the audit log says it


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody did to one of a newsletter's texts.

    `base` is the file as they had it, whole and exact; `body` what they wrote, in which browsers may have made \\n of
    the file's \\r\\n: what is below the front matter now, or with a `key` what that holds; `fields` the values of the
    front matter that they changed, by dotted key.
    """

    base: str
    body: str
    fields: Mapping[str, FrontValue]
    key: str = ""

    @property
    def text(self) -> str:
        """The whole file with it. Raises `CannotSplice`."""
        if self.key:
            return splice(self.base, {**self.fields, self.key: self.body})
        body = self.body
        if "\r\n" in self.base and "\r" not in body:
            body = body.replace("\n", "\r\n")
        above = self.base[: head_end(self.base)]
        if body and not body.endswith("\n") and self.base.endswith("\n") and above + body != self.base:
            body += "\r\n" if above.endswith("\r\n") else "\n"  # what is typed in a browser has no end of its last line
        return splice(above + body, self.fields)


@dataclass(frozen=True, slots=True)
class WholeText:
    """A whole file in the place of another, `base`: an earlier version that is brought back. It merges with nothing."""

    base: str
    text: str


@dataclass(frozen=True, slots=True)
class Saved:
    """It is in the file. `text` is what the file holds now; `merged`: with what somebody else did meanwhile."""

    text: str
    merged: bool = False


@dataclass(frozen=True, slots=True)
class SaveConflict:
    """Nothing was written: `theirs` is in the file, `mine` isn't, and both changed the same lines."""

    theirs: str
    mine: str


def read_exact(workspace: Workspace, slug: str, file: str = "") -> str:
    """A newsletter's file as it is, with its line ends and its byte-order mark; without `file` that of its mail.

    Raises `MailerError`.
    """
    path = _path(workspace, slug, file)
    if path is None or path.is_symlink():
        raise MailerError("this newsletter has no text of its own", remedy="See what was found below the text.")
    content = path.read_bytes()
    if len(content) > LARGEST_BYTES:
        raise MailerError("this newsletter’s file is too large to be edited here")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise MailerError(
            "this newsletter’s file is not UTF-8, so it can’t be edited here", remedy="Save it as UTF-8 first."
        ) from None


def save(
    workspace: Workspace, connection: Connection, actor: Actor, slug: str, edit: Edit | WholeText, *, at: datetime,
    file: str = "",
) -> Saved | SaveConflict:  # fmt: skip
    """Write an edit into a file of the newsletter; without `file` into that of its mail. What was there is kept as a
    version, and so is what is there then.

    Raises `MailerError` when it can't be; then nothing is written.
    """
    actor.require(Right.WRITE)
    one_at_a_time(connection)
    now = read_exact(workspace, slug, file)
    mine = edit.text
    merged = now not in (edit.base, mine)
    if merged:
        text = put_together(edit.base, mine, now) if isinstance(edit, Edit) else None
        if text is None:
            return SaveConflict(theirs=now, mine=mine)
    else:
        text = mine
    content = text.encode("utf-8")
    if len(content) > LARGEST_BYTES:
        raise MailerError("this text is too long to be saved", remedy="Pictures belong in files of their own.")
    mailed = lists_of(workspace, slug) if file else frozenset[str]()
    for lists in (mailed | lists_in(now), mailed | lists_in(text)):
        actor.require_work_on(lists)
    if text != now:
        path = _path(workspace, slug, file)
        assert path is not None  # it was read a moment ago
        write_file(path, content, within=workspace.newsletters)
        named = "" if path.name in (MARKDOWN_FILE, MJML_FILE) else file
        for one in (now, text):
            keep_version(connection, slug, Version(path.name, one, digest(one), at))
        audit.record(
            connection, actor, SAVED if isinstance(edit, Edit) else BROUGHT_BACK, at=at,
            subject=audit.newsletter_subject(slug),
            detail=", ".join(word for word in (named, "put together with another change" if merged else "") if word),
            before=digest(now), after=digest(text),
        )  # fmt: skip
    return Saved(text, merged=merged)


def _path(workspace: Workspace, slug: str, file: str) -> Path | None:
    folder = workspace.newsletter(slug).folder
    path = folder / file if file else message_path(folder)
    return path if path is not None and path.is_file() else None


def put_together(base: str, mine: str, theirs: str) -> str | None:
    """`base` with what both changed, line by line; None where they changed the same lines differently."""
    from merge3 import Merge3  # here, since it is rare

    one, other, another = (text.splitlines(keepends=True) for text in (base, mine, theirs))
    parts: list[str] = []
    for kind, *found in Merge3(one, other, another).merge_groups():
        if kind == "conflict":
            return None
        parts += found[0]
    return "".join(parts)


def digest(text: str) -> str:
    """What the audit log calls a text: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
