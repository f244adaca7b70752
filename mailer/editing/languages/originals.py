"""What a translation is of: its file's name, the original's words now, and as they were when it was finished.

A translation has a mark of them in its own file (`compose.source.wording`). The words themselves are kept in the
database, so that what changed since can be shown; without them a file still tells that something did.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mailer.compose.source.frontmatter import split_front_matter
from mailer.compose.source.message_file import read_source
from mailer.compose.source.wording import mark_of, message_words, page_words
from mailer.editing.folders import message_path
from mailer.editing.save import read_exact
from mailer.errors import MailerError
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.writing import translated_texts
from mailer.workspace import THANKS_FILE, Newsletter


def translation_file(newsletter: Newsletter, file: str, language: str) -> str:
    """The name of a file's translation: message.fr.md. `file` "" is the message, whichever it has."""
    path = message_path(newsletter.folder)
    stem, _, ending = (file or (path.name if path else "message.md")).partition(".")
    return f"{stem}.{language}.{ending}"


def original_words(newsletter: Newsletter, file: str = "") -> str:
    """What people read of an original now: of its message, of its mail of thanks, or of its page. Raises
    `MailerError`."""
    if file in ("", THANKS_FILE):
        return message_words(read_source(newsletter, file))
    text = read_exact(newsletter.workspace, newsletter.slug, file)
    front, faults = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file=newsletter.place(file))
    if front is None:
        raise MailerError("the sign page’s fields can’t be read", diagnostics=faults)
    return page_words(front)


def words_before(connection: Connection, mark: str) -> str | None:
    """The original's words that a mark names; None when nobody here called a translation of them finished."""
    return connection.execute(select(translated_texts.c.text).where(translated_texts.c.digest == mark)).scalar()


def keep_words(connection: Connection, words: str, *, at: datetime) -> None:
    """Keep an original's words under their mark."""
    row = {"digest": mark_of(words), "text": words, "at": at}
    connection.execute(insert_for(connection, translated_texts).values(row).on_conflict_do_nothing())
