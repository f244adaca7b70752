"""What a notice says: the texts in texts/, in the reader's language, as plain text and as simple HTML with one button.

A text begins with its subject; paragraphs are separated by an empty line, and one that begins with "-> " is the button.
Nothing that a stranger typed into a form appears in a notice: it would carry their words to anybody's mailbox. Staff
find their own names and those of newsletters in theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import wrap
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mailer.compose.colours.palette import palettes
from mailer.compose.look.logo import MailLogo
from mailer.compose.look.voice import font_of
from mailer.locale.language import Language
from mailer.settings import Settings

FOLDER = Path(__file__).parent / "texts"
BUTTON = "-> "
WIDTH = 72  # characters of a line of plain text
LAYOUT = "notice.html"
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NoticeText:
    """A notice in one language."""

    subject: str
    text: str
    html: str


def put_into_words(
    kind: str, language: Language, *, settings: Settings, titles: Sequence[str] = (), url: str = "",
    said: Mapping[str, str] = NOTHING, logo: MailLogo | None = None,
) -> NoticeText:  # fmt: skip
    """The notice of a kind. `titles` are those of the lists it is about; `url` is where its button leads; `said` has
    words of staff that a text to other staff holds; `logo` is the one on the brand's band."""
    organisation, (light, dark), font = settings.organisation, palettes(settings.brand), font_of(settings.brand)
    about = {name: " ".join(words.split()) for name, words in said.items()}
    about |= {"lists": language.enumerated(titles), "organisation": organisation.name or titles[:1] or "?"}
    written = _environment(language).get_template(f"{kind}.txt").render(about)
    subject, *paragraphs = [" ".join(piece.split()) for piece in written.split("\n\n") if piece.strip()]
    pairs = [(words.removeprefix(BUTTON), words.startswith(BUTTON)) for words in paragraphs]
    html = _environment(language).get_template(LAYOUT).render(
        subject=subject, paragraphs=pairs, url=url, language=language, organisation=organisation, logo=logo,
        light=light, dark=dark, font="".join(c for c in font if c.isalnum() or c in " ,-'"),
    )  # fmt: skip
    signed = "\n".join(filter(None, (organisation.name, organisation.postal_address)))
    plain = [f"{words}:\n{url}" if is_button else "\n".join(_lines(words)) for words, is_button in pairs]
    return NoticeText(subject, "\n\n".join([*plain, f"--\n{signed}"]) + "\n", html)


def _lines(words: str) -> list[str]:
    return wrap(words, WIDTH, break_long_words=False, break_on_hyphens=False)


@cache
def _environment(language: Language) -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    made.install_gettext_translations(  # pyright: ignore[reportAttributeAccessIssue] - of the extension
        language.words, newstyle=True
    )
    return made
