"""The texts of a newsletter that are written in the Write room: its mail, its sign page, the thanks there and by mail,
in each of its languages; and the messages of an automation.

The thanks of the page are a value of its file, so they have no file of their own. Each text has its address, its drafts
and its preview; saving is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from starlette.exceptions import HTTPException
from starlette.responses import Response

from mailer.compose.source.message_file import read_source, spoken_in
from mailer.compose.source.written import LANGUAGE
from mailer.editing.folders import message_path
from mailer.editing.languages.originals import translation_file
from mailer.errors import MailerError
from mailer.locale.cldr import own_name
from mailer.locale.language import LANGUAGES
from mailer.web.studio.core.context import Visit
from mailer.workspace import ACTION_FILE, SLUG, THANKS_FILE, Newsletter

ALSO_WRITTEN = ("cy", "ga", "pt", "uk")  # languages of mails, beside those that pages are in


@dataclass(frozen=True, slots=True)
class Part:
    """One text. `path` is behind the newsletter's address; `file` "" that of the mail, whichever it has; `key`: the key
    of the front matter that holds the text, "" when it is what is below it. What `is_mail` is mailed, the others are
    shown as pages."""

    name: str
    label: str
    path: str
    file: str = ""
    key: str = ""
    language: str = ""  # of a translation
    is_mail: bool = False
    original: str = ""  # of a translation: the file that it is one of; "" that of the mail

    @property
    def original_file(self) -> str:
        """The file that it is in, or that it is a translation of; "" that of the mail."""
        return self.original if self.language else self.file

    def in_language(self, newsletter: Newsletter, language: str) -> Part:
        """The same text in another language."""
        file = translation_file(newsletter, self.file, language)
        path = f"in/{language}/{self.path}"
        return replace(self, path=path, file=file, language=language, original=self.file)

    @property
    def kept_as(self) -> str:
        """What its drafts are kept under; "" for those of the mail's file."""
        return f"{self.file} {self.key}".strip()

    def base(self, slug: str) -> str:
        """The address that what belongs to it is below."""
        return f"/newsletters/{slug}/{self.path}".rstrip("/")


MAIL = Part("mail", "Mail", "", is_mail=True)
PAGE = Part("page", "Sign page", "page/", ACTION_FILE)
THANKS = Part("thanks", "Thanks", "thanks/", ACTION_FILE, "thanks")
THANKS_MAIL = Part("thanks-mail", "Thanks mail", "thanks-mail/", THANKS_FILE, is_mail=True)
PARTS = (MAIL, PAGE, THANKS, THANKS_MAIL)


def message_part(file: str) -> Part:
    """A message of an automation: hello.md."""
    stem = file.partition(".")[0]
    label = stem.replace("-", " ").capitalize()
    return Part("message", label, f"message/{stem}/", file, is_mail=True)


def part_of(newsletter: Newsletter, file: str) -> Part:
    """The text that one of the newsletter's files holds: thanks.fr.md."""
    stem, *language, ending = file.split(".")
    if newsletter.is_automation:
        found = message_part(f"{stem}.{ending}")
    else:
        found = next((part for part in PARTS if part.file.partition(".")[0] == stem), MAIL)
    return found.in_language(newsletter, language[0]) if language else found


@dataclass(frozen=True, slots=True)
class PartTab:
    """A tab above the text."""

    label: str
    href: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class Tabs:
    """What is above the text: the newsletter's texts, the languages they are in, those that can be added, and the file
    that another language adds to the page, if it isn't there yet."""

    texts: Sequence[PartTab]
    languages: Sequence[PartTab]
    addable: Sequence[tuple[str, str]]


def tabs(newsletter: Newsletter, here: Part) -> Tabs:
    """The tabs of a newsletter, with one of its texts open. The messages of an automation are the steps above it."""
    path = message_path(newsletter.folder)
    original = here.original_file if newsletter.is_automation else path.name if path else ""
    there = tuple(newsletter.translations(original)) if original else ()
    base = f"/newsletters/{newsletter.slug}/"
    within = f"in/{here.language}/" if here.language else ""
    parts = () if newsletter.is_automation else PARTS
    texts = [PartTab(part.label, f"{base}{within}{part.path}", part.name == here.name) for part in parts]
    mine = here.path.removeprefix(within)
    spoken = _spoken(newsletter, original if newsletter.is_automation else "")
    languages = [PartTab(own_name(spoken) if spoken else "Original", f"{base}{mine}", not here.language)]
    languages += [PartTab(own_name(one), f"{base}in/{one}/{mine}", one == here.language) for one in there]
    known = {one.lower() for one in (spoken, *there)}
    if newsletter.is_automation:  # a translation of one begins as a file
        return Tabs(texts, languages if there else (), ())
    return Tabs(texts, languages, [pair for pair in choosable() if pair[0].lower() not in known])


def _spoken(newsletter: Newsletter, file: str) -> str:
    """The language of the original; "" where its file can't be read."""
    try:
        return spoken_in(read_source(newsletter, file)).original
    except MailerError:
        return ""


@cache
def choosable() -> tuple[tuple[str, str], ...]:
    """The languages to choose from, each by what it calls itself."""
    named = ((code, own_name(code)) for code in (*LANGUAGES, *ALSO_WRITTEN))
    return tuple(sorted(named, key=lambda pair: pair[1].casefold()))


TextHandler = Callable[[Visit, Part], Response]
MESSAGE = Part("message", "Message", "message/{message}/", is_mail=True)  # whichever of an automation the address names


def of_original(handle: TextHandler, part: Part) -> Callable[[Visit], Response]:
    return lambda visit: handle(visit, _named(visit, part))


def _named(visit: Visit, part: Part) -> Part:
    """The text itself; of an automation the message in the address. Raises HTTPException 404 where there is none."""
    if part is not MESSAGE:
        return part
    newsletter, stem = visit.workspace.newsletter(visit.path["name"]), visit.path["message"]
    name = next((f"{stem}.{one}" for one in ("md", "mjml") if (newsletter.folder / f"{stem}.{one}").is_file()), "")
    if not SLUG.fullmatch(stem) or not newsletter.is_automation or not name:
        raise HTTPException(404)
    return message_part(name)


def of_translation(handle: TextHandler, part: Part) -> Callable[[Visit], Response]:
    """The same for the translation into the language that the address names, if there is one."""

    def handle_translation(visit: Visit) -> Response:
        newsletter, language = visit.workspace.newsletter(visit.path["name"]), visit.path["language"]
        if not LANGUAGE.fullmatch(language):
            raise HTTPException(404)
        named = _named(visit, part)
        known = named if part is MESSAGE else MAIL
        if not (newsletter.folder / known.in_language(newsletter, language).file).is_file():
            raise HTTPException(404)
        return handle(visit, named.in_language(newsletter, language))

    return handle_translation


@dataclass(frozen=True, slots=True)
class TextPlaces:
    """Where in a file are the text of the editor and the fields beside it: `keys` maps a dotted key to its line,
    `above` counts the lines before the text, `key` is the one that holds the text, if one does."""

    file: str
    keys: Mapping[str, int]
    above: int
    key: str = ""

    def line_of(self, line: int) -> int:
        """A line of the file as one of the text; 0 when it is none of it."""
        if not self.key:
            return line - self.above if line > self.above else 0
        begins = self.keys.get(self.key, 0)
        return line - begins + 1 if begins and self.key_at(line) == self.key else 0

    def key_at(self, line: int) -> str:
        """The key that a line of the front matter belongs to: the one on it, or the last above it. Those that are only
        typed have numbers below 0."""
        named = (key for key, at in self.keys.items() if at == line or 0 < at <= line)
        return max(named, key=lambda key: (self.keys[key] == line, self.keys[key], -len(key)), default="")
