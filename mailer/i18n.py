"""The languages of the supporters' pages and notices: which one a reader gets, and its words, numbers and lists.

The words are in locale/<language>.po, the usual catalogues of gettext; the English ones are in the texts themselves.
They are read when first needed, so that nothing has to be compiled and no second form of them can be stale.
`python -m scripts.catalogues` brings new words of the pages into every catalogue.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import cast
from unicodedata import combining, normalize

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from markupsafe import Markup

CATALOGUES = Path(__file__).parent / "locale"
ENGLISH = "en"
LANGUAGES = (ENGLISH, *sorted(path.stem for path in CATALOGUES.glob("*.po")))
MOST_ASKED = 20  # languages of an Accept-Language header that are looked at


def later(words: str) -> str:
    """Marks words that a page takes as a value, so that they are found for the catalogues; changes nothing."""
    return words


@dataclass(frozen=True, slots=True)
class Language:
    """A language that pages can be read in. `code` is BCP 47."""

    code: str
    direction: str  # ltr or rtl
    locale: Locale = field(repr=False)
    words: NullTranslations = field(repr=False)

    def say(self, words: str) -> str:
        """The English words in this language."""
        return str(self.words.ugettext(words))

    def number(self, value: float) -> str:
        """A number as it is written here: 12,500 or 12 500."""
        return str(format_decimal(value, locale=self.locale))

    def day(self, moment: date) -> str:
        """A day as it is written here: 25 November 2026."""
        return str(format_date(moment, format="long", locale=self.locale))

    def listed(self, names: Iterable[str]) -> Markup:
        """Names as HTML, strong and each in its own direction: "A, B and C"."""
        marked = [Markup("<strong><bdi>{}</bdi></strong>").format(name) for name in names]
        return Markup(format_list([str(one) for one in marked], locale=self.locale))  # noqa: S704 - escaped above

    def enumerated(self, names: Iterable[str]) -> str:
        """Names as plain text: "A, B and C"."""
        return format_list(list(names), locale=self.locale)

    def countries(self) -> list[tuple[str, str]]:
        """Code and name of each country, by name as this language sorts it, as nearly as code points can."""
        names = [(code, name) for code, name in self._territories().items() if len(code) == 2 and code.isalpha()]
        return sorted([pair for pair in names if pair[0] not in NO_COUNTRIES], key=lambda pair: _bare(pair[1]))

    def country(self, code: str) -> str:
        """The name of a country, or its code when it has none."""
        return self._territories().get(code, code)

    def _territories(self) -> Mapping[str, str]:
        return cast(Mapping[str, str], self.locale.territories)


# CLDR's territories that are no countries: unions, pseudo-locales, outlying and unknown regions.
NO_COUNTRIES = ("EU", "EZ", "UN", "XA", "XB", "QO", "ZZ", "CP", "DG", "AC", "TA", "CQ")


@cache
def language(code: str) -> Language:
    """One of LANGUAGES."""
    locale = Locale.parse(code)
    words = NullTranslations()
    if code != ENGLISH:
        with (CATALOGUES / f"{code}.po").open("rb") as file:
            catalogue = read_po(file, locale=code)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        words = Translations(compiled)
    return Language(code, "rtl" if locale.text_direction == "rtl" else "ltr", locale, words)


def choose(*wishes: str, accepted: str = "") -> Language:
    """The first of the wishes that pages can be read in, then the best of an Accept-Language header, then English."""
    for wish in (*wishes, *accepted_languages(accepted)):
        code = wish.replace("_", "-").lower().partition("-")[0]
        if code in LANGUAGES:
            return language(code)
    return language(ENGLISH)


def accepted_languages(header: str) -> Sequence[str]:
    """The languages of an Accept-Language header (RFC 9110 §12.5.4), the most wanted first."""
    found: list[tuple[float, str]] = []
    for item in header.split(",")[:MOST_ASKED]:
        name, _, weight = item.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if quality > 0:
            found.append((-quality, name.strip()))
    return [name for _, name in sorted(found, key=lambda pair: pair[0])]


def _bare(name: str) -> str:
    """A name without its accents, for sorting."""
    return "".join(c for c in normalize("NFD", name) if not combining(c)).casefold()
