"""Rules about what an inbox shows: the subject and the preheader (rules of the group `subject`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.checking.registry import looked_at_elsewhere, rule
from mailer.checking.specimen import Specimen
from mailer.diagnostics import Diagnostic, Level, Place

LONGEST = 50  # characters a phone shows in its widest list; 33 in the narrowest (emailtooltester's tests)
PREHEADER_SHORTEST, PREHEADER_LONGEST = 40, 110
# Joined by U+200D, a skin tone, or two letters for a flag: older Windows and Android show the pieces side by side.
BREAKABLE = re.compile("[\u200d\U0001f3fb-\U0001f3ff]|[\U0001f1e6-\U0001f1ff]{2}|[\U000e0020-\U000e007f]|\u20e3")
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b]")
HABITS = (
    (re.compile(r"^\s*(re|fw|fwd|aw|wg|tr|sv|rv)\s*:", re.IGNORECASE), "begins like a reply, but isn't one"),
    (re.compile(r"[!?]{2,}|!.*!"), "has more than one exclamation or question mark"),
    (re.compile(r"[$€£]{2,}|\b100 ?%|\bfree\s*!|\bact now\b|\bclick (here|now)\b|\burgent\b.*!|\bwinner\b|\bcash\b",
                re.IGNORECASE), "contains words typical of spam"),
    (re.compile(r"(\w)( \1?\w){4,}$|\b\w( \w){4,}\b"), "is s p a c e d out"),
    (re.compile(r"\.{4,}|_{3,}|[*=~]{3,}|[→►★✓✔]{2,}"), "is decorated with signs"),
)  # fmt: skip

looked_at_elsewhere(
    "subject.missing", Level.ERROR, "the subject is empty, for everybody or for some", waivable=False,
    why="A mail without a subject looks like a mistake or spam, and many filters discard it.",
)  # fmt: skip
looked_at_elsewhere(
    "subject.no-preheader", Level.WARNING, "there is no preheader",
    why="An inbox then shows the first words of the mail after the subject, often “View in browser”.",
)  # fmt: skip


@rule(
    "subject.long", Level.WARNING, "the subject is longer than 50 characters",
    why="Phones cut it off; the first 33 characters are what everybody sees.",
)  # fmt: skip
def long(specimen: Specimen) -> Iterator[Diagnostic]:
    if len(specimen.subject) > LONGEST:
        cut = specimen.subject[:33].rstrip()
        yield Diagnostic(f"the subject has {len(specimen.subject)} characters; the narrowest phone shows “{cut}…”",
                         specimen.source.place("subject"), "Put what matters into the first 33.")  # fmt: skip


@rule(
    "subject.preheader-length", Level.NOTE, "the preheader is shorter than 40 or longer than 110 characters",
    why="A short one is filled up with the next words of the mail; a long one is cut off.",
)  # fmt: skip
def preheader_length(specimen: Specimen) -> Iterator[Diagnostic]:
    length = len(specimen.preheader)
    if length and not PREHEADER_SHORTEST <= length <= PREHEADER_LONGEST:
        yield Diagnostic(f"the preheader has {length} characters", specimen.source.place("preheader"),
                         "40 to 100 are shown well, the main words first.")  # fmt: skip


@rule(
    "subject.equal", Level.WARNING, "the preheader says the same as the subject",
    why="That spends two lines of the inbox on saying one thing.",
)  # fmt: skip
def equal(specimen: Specimen) -> Iterator[Diagnostic]:
    subject, preheader = _bare(specimen.subject), _bare(specimen.preheader)
    if subject and preheader.startswith(subject):
        remedy = "Let it carry on where the subject ends: what happened, what the reader can do."
        yield Diagnostic("the preheader repeats the subject", specimen.source.place("preheader"), remedy)


@rule(
    "subject.capitals", Level.WARNING, "the subject or the preheader is in capitals",
    why="It reads as shouting, and filters count it (SpamAssassin: SUBJ_ALL_CAPS).",
)  # fmt: skip
def capitals(specimen: Specimen) -> Iterator[Diagnostic]:
    for key, text in (("subject", specimen.subject), ("preheader", specimen.preheader)):
        words = [word for word in re.findall(r"[^\W\d_]{3,}", text) if word.upper() != word.lower()]
        shouted = [word for word in words if word.isupper()]
        if len(shouted) > 2 and len(shouted) * 2 > len(words):
            yield Diagnostic(f"the {key} is in capitals", specimen.source.place(key), "Write it as a sentence.")


@rule(
    "subject.emoji", Level.NOTE, "an emoji in the subject or preheader falls apart, or there are several",
    why="Flags, skin tones and joined signs show as boxes or letters in older Outlook and Windows; several look like "
    "advertising.",
)  # fmt: skip
def emoji(specimen: Specimen) -> Iterator[Diagnostic]:
    for key, text in (("subject", specimen.source.subject), ("preheader", specimen.source.preheader)):
        if BREAKABLE.search(text):
            yield Diagnostic(f"the {key} has an emoji made of several signs", specimen.source.place(key),
                             "Take a simple one, or none.")  # fmt: skip
        elif len(EMOJI.findall(text)) > 1:
            yield Diagnostic(f"the {key} has several emoji", specimen.source.place(key), "Keep one.")


@rule(
    "subject.spam-habits", Level.WARNING, "the subject looks like spam",
    why="Filters and people both look for these.",
)  # fmt: skip
def spam_habits(specimen: Specimen) -> Iterator[Diagnostic]:
    for pattern, words in HABITS:
        if pattern.search(specimen.subject):
            yield Diagnostic(
                f"the subject {words}", specimen.source.place("subject"), "Say plainly what the mail is about."
            )


@rule(
    "subject.spamassassin", Level.WARNING, "SpamAssassin, where it is installed, gives a point or more for something",
    why="Many mail servers use it. Its reasons teach more than its score; some of its tests are old.",
)  # fmt: skip
def spamassassin(specimen: Specimen) -> Iterator[Diagnostic]:
    for test in specimen.spam:
        if test.points >= 1.0:
            yield Diagnostic(f"SpamAssassin gives {test.points:.1f} points for {test.name}: {test.description}",
                             Place(part="mail"), "Most servers call a mail spam from 5 points in total.")  # fmt: skip


def _bare(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
