"""A message as written: the value that reading its file gives, before anything in it has a meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailer.compose.data.frozen import FrozenData
from mailer.compose.data.sources import DataSource
from mailer.compose.data.tables import LookupTable
from mailer.compose.languages import ORIGINAL
from mailer.compose.message import ARMS, PlannedTest, version_name
from mailer.compose.source.layouts import TemplateDefinition
from mailer.diagnostics import Diagnostic, Place
from mailer.locale.language import Language
from mailer.workspace import THANKS_FILE, Newsletter

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")  # BCP 47, as far as its form goes


@dataclass(frozen=True, slots=True)
class Action:
    """The action link: where the message wants its reader to go. `page`: to the newsletter's own sign page."""

    url: str
    label: str
    page: bool = False


def is_thanks(file: str) -> bool:
    """Whether this is the name of a thanks.md, in whichever language."""
    return file.rpartition("/")[2].partition(".")[0] == THANKS_FILE.removesuffix(".md")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a thanks.md thanks for, as far as it speaks of it. `list`: what people know the list by that the page's box
    for news joins, "" without a box."""

    headline: str
    confirm: str  # where the button that confirms leads, before the token
    language: Language
    list: str = ""

    @property
    def because(self) -> str:
        """Why somebody gets the mail. Nobody but staff typed any of it."""
        return self.language.say(
            "You’re getting this because you (or someone using your address) signed “%(headline)s”. Wasn’t it you?"
            " Reply to this email, and we’ll take the signature off."
        ) % {"headline": self.headline}


@dataclass(frozen=True, slots=True)
class Source:
    """A message as written, checked for form. Texts are as in the file, merge tags included; "" is not given."""

    newsletter: Newsletter
    file: str  # as faults name it, such as newsletters/x/message.md
    is_mjml: bool
    subject: str
    preheader: str
    headline: str
    from_: str
    reply_to: str
    list: str
    template: str
    language: str
    signature: str
    action: Action | None
    audience: Mapping[str, Any]  # as written; `audience.asking` gives it meaning
    fields: Mapping[str, str]  # the layout's own; each declared one is there
    layout: TemplateDefinition
    lines: Mapping[str, int]  # dotted key of the front matter → its line
    body: str
    body_line: int
    faults: tuple[Diagnostic, ...] = ()
    is_urgent: bool = False  # goes to those, too, who asked for fewer mails
    is_public: bool = False  # is in the public archive once it was sent
    # Rules of `mailer check` that the author leaves unheeded, each with the reason.
    waived: Mapping[str, str] = field(default_factory=dict[str, str])
    translates: str = ""  # of a translation: `wording.mark_of` the original's words that it is of; "" says nothing
    translations: tuple[Source, ...] = ()  # the same in other languages, each named by its `language`
    test: PlannedTest | None = None
    # Versions of the test that the front matter says, by letter: what is different in them.
    tried: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    variants: tuple[Source, ...] = ()  # the other versions of the test, in order, each with its translations
    petition: str = ""  # the newsletter whose signatures it tells of
    data_sources: tuple[DataSource, ...] = ()  # where it takes data from; the same for all languages
    issue: str = ""  # of a series: the slug of the campaign it is compiled for
    series: Mapping[str, Any] | None = None  # as written, of one that repeats; `schedule.series_keys` gives it meaning
    is_off: bool = False  # a thanks.md that says `send: false`
    # Added by those who know the page and its signatures: what a thanks.md thanks for, and what merge tags may name.
    signed: Signed | None = None
    told: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    tables: Mapping[str, LookupTable] = field(default_factory=dict[str, LookupTable])  # that its tags may look into
    data: FrozenData | None = None  # what was read from `data_sources`; None until somebody did

    @property
    def versions(self) -> dict[str, Source]:
        """All that it is mailed as, by the same names as `Message.versions`."""
        arms = dict(zip(ARMS, (self, *self.variants), strict=False)) if self.variants else {"": self}
        return {
            version_name(arm, language): one
            for arm, tried in arms.items()
            for language, one in ((ORIGINAL, tried), *((one.language, one) for one in tried.translations))
        }

    @property
    def campaign(self) -> str:
        """The slug of the campaign that mails it."""
        return self.issue or self.newsletter.slug

    @property
    def is_thanks(self) -> bool:
        """Whether it is mailed by itself to each person who signs, and no newsletter."""
        return is_thanks(self.file)

    def place(self, key: str) -> Place:
        """Where a key of the front matter is ("audience.segment"), or the nearest key above it that does."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        return Place(self.file, self.lines.get(key, 1))
