"""A newsletter's files in other languages: begun, called up to date with their original, taken away again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mailer.compose.source.frontmatter import split_front_matter
from mailer.compose.source.message_file import read_source, spoken_in
from mailer.compose.source.translations import ORIGINAL_KEY, is_language
from mailer.compose.source.wording import mark_of
from mailer.editing.drafts import DraftText, keep_draft
from mailer.editing.files import one_at_a_time, write_file
from mailer.editing.languages.originals import keep_words, original_words, translation_file
from mailer.editing.save import digest, read_exact
from mailer.editing.splice import head_end, splice
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import ACTION_FILE, THANKS_FILE, Workspace

# A newsletter's texts, "" its mail, and the keys that a translation begins with: they must be filled in.
EMPTY = {"": ("subject",), ACTION_FILE: ("headline", "statement"), THANKS_FILE: ("subject",)}


def begin_translation(
    workspace: Workspace, connection: Connection, actor: Actor, slug: str, language: str, *, at: datetime
) -> None:
    """Write the mail, and the sign page and the mail of thanks where there are any, once more for another language:
    the original's text, to be written over, and its other words empty. So it is a fault until it is written, and
    nothing half translated leaves.

    Raises `MailerError`, with nothing written, for what is no language, and one that all of it is in already.
    """
    actor.require(Right.WRITE)
    one_at_a_time(connection)
    newsletter = workspace.newsletter(slug)
    source = read_source(newsletter)
    if not is_language(language):
        raise MailerError(f"“{language}” is not a language", remedy="Write a code such as fr or pt-BR.")
    if language.lower() == spoken_in(source).original.lower():
        raise MailerError("the original is in this language", remedy="Choose another one.")
    wanted: dict[Path, str] = {}
    for file, keys in EMPTY.items():
        path = newsletter.folder / translation_file(newsletter, file, language)
        if path.exists() or (file and not (newsletter.folder / file).is_file()):
            continue
        words = original_words(newsletter, file)
        text = read_exact(workspace, slug, file).removeprefix("\ufeff").replace("\r\n", "\n")
        front, _ = split_front_matter(text, file="")
        above = "".join(f'{key}: ""\n' for key in keys)
        wanted[path] = f"---\n{above}{ORIGINAL_KEY}: {mark_of(words)}\n---\n\n{front.body.lstrip() if front else ''}"
        keep_words(connection, words, at=at)
    if not wanted:
        raise MailerError("this newsletter is in this language already", remedy="Load the page again.")
    for path, text in wanted.items():
        write_file(path, text.encode(), within=workspace.newsletters)
    audit.record(connection, actor, "translation begun", at=at, subject=f"newsletter {slug}", detail=language)


def call_current(
    workspace: Workspace,
    connection: Connection,
    actor: Actor,
    slug: str,
    language: str,
    *,
    at: datetime,
    file: str = "",
) -> None:
    """Note in a translation that it is of the original's words as they are now. Raises `MailerError`."""
    actor.require(Right.WRITE)
    one_at_a_time(connection)
    newsletter = workspace.newsletter(slug)
    name = translation_file(newsletter, file, language)
    words, before = original_words(newsletter, file), read_exact(workspace, slug, name)
    after = splice(before, {ORIGINAL_KEY: mark_of(words)})
    keep_words(connection, words, at=at)
    if after != before:
        write_file(newsletter.folder / name, after.encode(), within=workspace.newsletters)
    audit.record(
        connection, actor, "translation up to date", at=at, subject=f"newsletter {slug}", detail=name,
        before=digest(before), after=digest(after),
    )  # fmt: skip


def take_away(
    workspace: Workspace, connection: Connection, actor: Actor, slug: str, language: str, *, at: datetime
) -> None:
    """Remove a language: its files are gone, and what they held is kept as a draft for as long as drafts are."""
    actor.require(Right.WRITE)
    one_at_a_time(connection)
    newsletter = workspace.newsletter(slug)
    names = [translation_file(newsletter, file, language) for file in EMPTY]
    paths = [path for name in names if (path := newsletter.folder / name).is_file() and not path.is_symlink()]
    if not paths:
        raise MailerError("this newsletter isn’t in this language", remedy="Load the page again.")
    for path in paths:
        text = read_exact(workspace, slug, path.name)
        keep_draft(connection, actor, slug, path.name, DraftText(text, text[head_end(text) :], {}), at=at)
        path.unlink()
    audit.record(connection, actor, "translation taken away", at=at, subject=f"newsletter {slug}", detail=language)
