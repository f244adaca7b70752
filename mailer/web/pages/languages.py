"""The switch between the languages of a page: each by its own name, the one that is shown without a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from mailer.compose.templating.link_table import LANGUAGE_FIELD
from mailer.locale.cldr import own_name

KEPT = ("t", "source", "utm_source")  # of the address: who came, and what brought them
LONGEST = 200  # characters of what is taken over


@dataclass(frozen=True, slots=True)
class LanguageLink:
    """One language of a page: its code (BCP 47), its name in itself, its address, whether it is shown now."""

    code: str
    name: str
    href: str
    is_here: bool


def language_switch(languages: Sequence[str], here: str, query: Mapping[str, str]) -> list[LanguageLink]:
    """A link to each of `languages`; none where there is one language alone. `query` is of the page's address."""
    if len(languages) < 2:
        return []
    kept = {name: query[name][:LONGEST] for name in KEPT if query.get(name)}
    return [
        LanguageLink(code, own_name(code), f"?{urlencode({LANGUAGE_FIELD: code, **kept})}", code == here)
        for code in languages
    ]
