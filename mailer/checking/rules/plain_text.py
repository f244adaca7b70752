"""Rules about the plain text, and about notes: each mark has its note, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.checking.registry import TEXT, looked_at_elsewhere, rule
from mailer.checking.specimen import Specimen
from mailer.diagnostics import Diagnostic, Level, Place

LONGEST_LINE = 78  # characters, RFC 5322 §2.1.1
SAME_STORY = 0.75  # of the words that the HTML shows must be in the text
TAG = re.compile(
    r"</?(?:a|b|br|div|em|h[1-6]|i|img|li|p|span|strong|table|td|tr|ul|mj-[a-z]+)(?:\s[^>]*)?/?>|&nbsp;|&#\d+;"
)
MARK = re.compile(r"\[\^([^\]\s]+)\](?!:)")
NOTE = re.compile(r"^\[\^([^\]\s]+)\]:", re.MULTILINE)


@rule(
    "text.missing", Level.ERROR, "the mail has no plain text",
    why="Some people read nothing else, and filters distrust HTML alone (SpamAssassin: MIME_HTML_ONLY).",
)  # fmt: skip
def missing(specimen: Specimen) -> Iterator[Diagnostic]:
    if not specimen.text.strip():
        yield Diagnostic("the plain text is empty", TEXT, "Write words into the message.")


@rule(
    "text.other-story", Level.WARNING, "the plain text doesn't say what the HTML says",
    why="People who read the text miss something, and filters dislike it (SpamAssassin: MPART_ALT_DIFF, 2.2).",
)  # fmt: skip
def other_story(specimen: Specimen) -> Iterator[Diagnostic]:
    shown, told = _words(specimen.html.text()), _words(specimen.text)
    lost = shown - told
    if len(shown) >= 20 and len(lost) > len(shown) * (1 - SAME_STORY):
        some = ", ".join(sorted(lost, key=len, reverse=True)[:5])
        yield Diagnostic(f"{len(lost)} of {len(shown)} different words are only in the HTML, such as {some}", TEXT,
                         "Move words from the template into the message.")  # fmt: skip


@rule(
    "text.unwrapped", Level.WARNING, "a line of the plain text is longer than 78 characters",
    why="Many programs show it as it is, and it runs out of the window (RFC 5322 §2.1.1).",
)  # fmt: skip
def unwrapped(specimen: Specimen) -> Iterator[Diagnostic]:
    for number, line in enumerate(specimen.text.split("\n"), 1):
        if (
            len(line) > LONGEST_LINE
            and "://" not in line
            and max(map(len, line.split()), default=0) < LONGEST_LINE // 2
        ):
            yield Diagnostic(f"line {number} has {len(line)} characters: “{line[:40]}…”", TEXT, "Break it.")


@rule(
    "text.tags", Level.WARNING, "the plain text shows tags or entities",
    why="People see the raw tags.",
)  # fmt: skip
def tags(specimen: Specimen) -> Iterator[Diagnostic]:
    for found in {match[0] for match in TAG.finditer(specimen.text)}:
        yield Diagnostic(
            f"the text has {found}", specimen.place_of(found), "Write Markdown: **bold**, *italic*, [words](https://…)."
        )


looked_at_elsewhere(
    "text.note-missing", Level.ERROR, "a mark such as [^1] has no note", waivable=False,
    why="The mark would be mailed as it is, and the source it promises isn't there.",
)  # fmt: skip


@rule(
    "text.note-unused", Level.WARNING, "a note has no mark in the text",
    why="It is left out of the mail, and somebody wrote it for a reason.",
)  # fmt: skip
def note_unused(specimen: Specimen) -> Iterator[Diagnostic]:
    marks = set(MARK.findall(specimen.source.body))
    for number, line in _body(specimen):
        for name in NOTE.findall(line):
            if name not in marks:
                yield Diagnostic(f"the note [^{name}] has no mark", Place(specimen.source.file, number),
                                 f"Put [^{name}] behind the sentence it is for.")  # fmt: skip


def _body(specimen: Specimen) -> Iterator[tuple[int, str]]:
    """The numbered lines of a Markdown body."""
    if not specimen.source.is_mjml:
        yield from enumerate(specimen.source.body.split("\n"), specimen.source.body_line)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{4,}", re.sub(r"https?://\S+", " ", text).lower()))
