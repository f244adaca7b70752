"""Which version of a mail people get: decided by the language that is known of them, for all who were chosen.

What is best for one language is for `SpokenLanguages`; here it is asked for every language that somebody reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func, literal, select

from mailer.audience.selection.select import places
from mailer.compose.languages import SpokenLanguages, primary
from mailer.counting import counted


@dataclass(frozen=True, slots=True)
class VersionReach:
    """The people who get one version of a mail. `instead`: those of them who read another language, by that language;
    there is no version for them."""

    language: str  # of the version
    people: int
    readers: Sequence[str]  # the languages that they read, "" for not known
    instead: Mapping[str, int]


def reach(languages: Mapping[str, int], spoken: SpokenLanguages) -> dict[str, VersionReach]:
    """Who gets which version of a mail, by version; also of versions that nobody gets."""
    found: dict[str, VersionReach] = {}
    taken = {code: spoken.version_for(code) for code in languages}
    for version, tag in spoken.by_version.items():
        readers = sorted(code for code in languages if taken[code] == version)
        instead = {code: languages[code] for code in readers if code and primary(code) != primary(tag)}
        found[version] = VersionReach(tag, sum(languages[code] for code in readers), readers, instead)
    return found


def told(reached: Iterable[VersionReach]) -> Iterator[str]:
    """Who gets a mail in a language that they may not read, in words: "French: 120 people get the English mail"."""
    for one in reached:
        for code, number in sorted(one.instead.items(), key=lambda pair: (-pair[1], pair[0])):
            gets = "gets" if number == 1 else "get"
            yield f"{language_name(code)}: {counted(number)} {gets} the {language_name(one.language)} mail"


def in_words(reached: Sequence[VersionReach]) -> list[str]:
    """Who gets which language, for people who send: one line for each version where there are several, and one for
    those who get a language that isn't theirs."""
    lines = [f"{language_name(one.language)}: {counted(one.people)}" for one in reached] if len(reached) > 1 else []
    return [*lines, *told(reached)]


def language_name(tag: str) -> str:
    """A language by its name in English, for staff: "Portuguese (Brazil)"; the tag itself where it has none."""
    from babel import Locale, UnknownLocaleError  # here, since it takes a while and most sends need no name

    try:
        return Locale.parse(tag, sep="-").english_name or tag
    except (UnknownLocaleError, ValueError):
        return tag


def languages_of(connection: Connection) -> dict[str, int]:
    """How many of those in `places` read each language; "" where none is known."""
    language = places.c.language
    query = select(language, func.count()).group_by(language)
    return {str(code): int(number) for code, number in connection.execute(query)}


def version_column(
    language: ColumnElement[str], languages: Iterable[str], spoken: SpokenLanguages
) -> ColumnElement[str]:
    """The version for each row by the `language` of its person, of which `languages` are read. Anybody else gets what
    people of no known language get."""
    otherwise = spoken.version_for("")
    differing = {code: version for code in sorted(languages) if (version := spoken.version_for(code)) != otherwise}
    if not differing:
        return literal(otherwise)
    return case(differing, value=language, else_=otherwise)
