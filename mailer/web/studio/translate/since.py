"""What a translation is of: the original's words beside it, and what of them changed since it was finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.compose.source.frontmatter import split_front_matter
from mailer.compose.source.translations import ORIGINAL_KEY
from mailer.compose.source.wording import mark_of
from mailer.editing.languages.originals import original_words, words_before
from mailer.editing.save import read_exact
from mailer.errors import MailerError
from mailer.review.changes import Change, paragraphs
from mailer.web.studio.compose.parts import Part
from mailer.web.studio.core.context import Visit


@dataclass(frozen=True, slots=True)
class OriginalBeside:
    """The original of a translation, for its translator. `is_outdated`: its words aren't those that the translation
    says it is of; `changes` has what is different, and nothing where nobody here knows the words from before."""

    paragraphs: Sequence[str]
    is_outdated: bool = False
    says_nothing: bool = False  # the translation doesn't say what it is of
    changes: Sequence[Change] = ()


def original_beside(visit: Visit, part: Part) -> OriginalBeside | None:
    """What is beside a translation; None for an original, and for one that can't be read, which is a finding."""
    if not part.language:
        return None
    slug = visit.path["name"]
    try:
        words = original_words(visit.workspace.newsletter(slug), part.original_file)
        text = read_exact(visit.workspace, slug, part.file)
    except MailerError:
        return None
    front, _ = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file="")
    mark = str(front.data.get(ORIGINAL_KEY) or "") if front else ""
    if not mark or mark == mark_of(words):
        return OriginalBeside(words.split("\n\n"), says_nothing=not mark)
    with visit.database.read() as connection:
        before = words_before(connection, mark)
    changed = list(paragraphs("", before.split("\n\n"), words.split("\n\n"))) if before is not None else []
    return OriginalBeside(words.split("\n\n"), is_outdated=True, changes=changed)
