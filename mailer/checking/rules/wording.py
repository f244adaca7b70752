"""Rules about the words themselves: what was to be filled in, dates that are past, other programs' merge tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from textwrap import shorten

from mailer.checking.registry import looked_at_elsewhere, rule
from mailer.checking.specimen import Specimen
from mailer.compose.source.labels import words_for
from mailer.compose.source.message_file import Source
from mailer.compose.source.text_file import merge_conflicts
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.locale.cldr import locale_of
from mailer.locale.language import choose, closest, later

# Only words that stand for something else: [NGO] is an abbreviation, and a century is the XX. In [[ ]] is what a
# template's draft leaves to its writer; it may continue over several lines.
PLACEHOLDER = re.compile(
    r"\[\[.*?(?:\]\]|$)|\b(?i:lorem ipsum)\b|\b(?:TODO|FIXME|TBC|TBD|XXX+|PLACEHOLDER|TKTK)\b"
    r"|\[(?:[A-Z _-]*\b(?:NAME|DATE|LINK|URL|PLACE|CITY|COUNTRY|TITLE|NUMBER|AMOUNT|TEXT|ORGANI[SZ]ATION)\b[A-Z _-]*"
    r"|insert [^\]]{1,40}|your [^\]]{1,40})\](?!\()"
)
LONGEST_QUOTED = 60
FEWEST_WORDS = 8  # of a paragraph that can't be the same in two languages by chance, as a name is
RECENT_DAYS = 366  # an older date is history, unless the words look ahead
# Translators: Words before a date, not far from it, that make it a time to come. Write those that your language has, as
# many as there are, with | between.
AHEAD = later("until|till|by|before|deadline|join us|coming|upcoming|register")
ISO = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
DOTTED = re.compile(r"\b(\d{1,2})\. ?(\d{1,2})\. ?(20\d\d)\b")

looked_at_elsewhere(
    "writing.no-stand-in", Level.WARNING, "a name that many people lack has no stand-in",
    why="People who lack it get a hole. When the audience was merged and some have none, audience.greeting says it.",
)  # fmt: skip
looked_at_elsewhere(
    "writing.markdown", Level.ERROR, "signs of Markdown are left: ** x **, [words][x], ~~x~~, a table, - [x]",
    why="People would read the signs, and a link that wasn't understood leads nowhere. A backslash before a sign says "
    "that it is meant.",
)  # fmt: skip
looked_at_elsewhere(
    "writing.indented", Level.NOTE, "a paragraph begins with four spaces",
    why="In Markdown that is a code block, which doesn't exist in mails: it is a paragraph like the others.",
)  # fmt: skip
looked_at_elsewhere(
    "writing.foreign-tag", Level.ERROR, "a merge tag is written as other programs write them", waivable=False,
    why="It would be mailed as it is: “Dear {first_name}”.",
)  # fmt: skip

looked_at_elsewhere(
    "writing.outdated", Level.WARNING, "the original's words were changed since a translation of them was finished",
    why="People would read different things in different languages. Only translations that say what they are of are "
    "looked at.",
)  # fmt: skip


@rule(
    "writing.untranslated", Level.ERROR, "a paragraph of a translation is the original's, word for word",
    why="It was to be translated, and people would read half a mail in a language that isn't theirs.",
)  # fmt: skip
def untranslated(specimen: Specimen) -> Iterator[Diagnostic]:
    if specimen.original is None:
        return
    said = {words for words, _ in _paragraphs(specimen.original)}
    for words, line in _paragraphs(specimen.source):
        if words in said and words.count(" ") >= FEWEST_WORDS - 1:
            what = f"this paragraph isn't translated: “{shorten(words, LONGEST_QUOTED, placeholder=' …')}”"
            yield Diagnostic(what, Place(specimen.source.file, line), "Write it in the language of the file.")


def _paragraphs(source: Source) -> Iterator[tuple[str, int]]:
    """The paragraphs of a message with their words on one line, and the line on which each begins."""
    for found in re.finditer(r"(?:[^\n]*\S[^\n]*(?:\n|$))+", source.body):
        yield " ".join(found[0].split()), source.body_line + source.body.count("\n", 0, found.start())


@rule(
    "writing.placeholder", Level.ERROR,
    "something was to be filled in later: what a draft has in [[ ]], lorem ipsum, TODO, XXX, [NAME]",
    why="Everybody would read it.",
)  # fmt: skip
def placeholder(specimen: Specimen) -> Iterator[Diagnostic]:
    for line, place in specimen.lines():
        for found in PLACEHOLDER.finditer(line):
            words = shorten(found[0], LONGEST_QUOTED, placeholder="…")
            yield Diagnostic(f"“{words}” was to be filled in", place, "Write what should be there.")


@rule(
    "writing.conflict", Level.ERROR, "the text has the marks of a merge that nobody resolved: <<<<<<< and >>>>>>>",
    why="git writes both versions of what two people changed one above the other. People would read both.",
)  # fmt: skip
def conflict(specimen: Specimen) -> Iterator[Diagnostic]:
    source = specimen.source
    yield from merge_conflicts(source.body, file=source.file, first_line=source.body_line)


@rule(
    "writing.past-date", Level.WARNING, "a date in the text is past",
    why="The text was taken over from an older mail, or comes too late. A date of more than a year ago counts only "
    "after words such as “until” or “before”.",
)  # fmt: skip
def past_date(specimen: Specimen) -> Iterator[Diagnostic]:
    said = ahead_of(specimen.message.language)
    for line, place in specimen.lines():
        for start, day in dates(line, specimen.message.language):
            ahead = said.search(line[:start]) is not None
            age = (specimen.today - day).days
            if age > 0 and (ahead or (age <= RECENT_DAYS and day.year >= specimen.today.year - 1)):
                yield Diagnostic(f"{day.isoformat()} was {age} day{'s' if age > 1 else ''} ago", place,
                                 "Look whether the sentence still holds.")  # fmt: skip


@rule(
    "writing.own-words", Level.NOTE, "the mail's own words, such as Unsubscribe, aren't translated into its language",
    why="People who don't read English look for the way out, and mark as spam what they can't leave.",
)  # fmt: skip
def own_words(specimen: Specimen) -> Iterator[Diagnostic]:
    language = specimen.message.language
    if not closest(language):
        remedy = "A language is one file: see “Languages” in CONTRIBUTING.md."
        yield Diagnostic(f"“Unsubscribe” and the mail's other own words are in English: there is no catalogue for "
                         f"{language}", specimen.source.place("language"), remedy)  # fmt: skip


@rule(
    "writing.postscript", Level.NOTE, "a paragraph begins with P.S.",
    why="As ::: ps it goes below the signature, where people look for it, with P.S. in the message's language.",
)  # fmt: skip
def postscript(specimen: Specimen) -> Iterator[Diagnostic]:
    if specimen.source.is_mjml:
        return
    said = re.escape(words_for(specimen.message.language).ps.rstrip(".: "))
    mark = re.compile(rf"[*_]*(?:P\.? ?P?\.?-?S\.?|{said})(?:[*_]*[.:,][*_]*|[*_]+)(?=\s|$)", re.IGNORECASE)
    before = ""
    for number, line in enumerate(specimen.source.body.split("\n"), specimen.source.body_line):
        if not before.strip() and mark.match(line):
            remedy = "Write it between the lines ::: ps and :::, without P.S. before it."
            yield Diagnostic("a paragraph begins with P.S.", Place(specimen.source.file, number), remedy)
        before = line


def dates(line: str, language: str) -> Iterator[tuple[int, date]]:
    """The full dates in a line, with a year, and where each begins."""
    months = _months(language)
    names = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
    day_first = re.compile(
        rf"\b(\d{{1,2}})(?:st|nd|rd|th|er|º|°|\.)? (?:of |de |d’)?({names})\.? (?:de )?(20\d\d)\b", re.I
    )
    month_first = re.compile(rf"\b({names})\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (20\d\d)\b", re.I)
    found = [(m.start(), m[3], months[m[2].lower()], m[1]) for m in day_first.finditer(line)]
    found += [(m.start(), m[3], months[m[1].lower()], m[2]) for m in month_first.finditer(line)]
    found += [(m.start(), m[1], int(m[2]), m[3]) for m in ISO.finditer(line)]
    found += [(m.start(), m[3], int(m[2]), m[1]) for m in DOTTED.finditer(line)]
    for start, year, month, day in sorted(found):
        try:
            yield start, date(int(year), month, int(day))
        except ValueError:
            continue


@lru_cache(maxsize=16)
def ahead_of(language: str) -> re.Pattern[str]:
    """Finds the words of AHEAD, in English and in a language, in what is before a date."""
    words = dict.fromkeys((*AHEAD.split("|"), *choose(language).say(AHEAD).split("|")))
    # Not \b: to Python a word of Hindi may end in a sign that is no letter.
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, words))})(?!\w)[^.!?]{{0,40}}$", re.IGNORECASE)


@lru_cache(maxsize=16)
def _months(language: str) -> dict[str, int]:
    """The names of months in English and in a language (Unicode CLDR), in small letters, without a dot."""
    found: dict[str, int] = {}
    for locale in (locale_of(language), locale_of("en")):
        for width in ("wide", "abbreviated"):
            for number, name in dict(locale.months["format"][width]).items():
                found.setdefault(str(name).lower().rstrip("."), int(number))
    return found
