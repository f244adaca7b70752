"""How inboxes cut the line by which a mail is chosen: sender, subject, preheader, each to what is shown of it.

The real cut depends on letters, windows and settings; these are the lengths to write for.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

# Joins the sign before it: emoji and its skin, joined emoji, flags' tags.
JOINING = ("\u200d", "\ufe0f")


@dataclass(frozen=True, slots=True)
class Inbox:
    """A mail program: how many characters it shows. With `together`, subject and preheader share one line."""

    name: str
    where: str
    sender: int
    subject: int
    preheader: int
    together: bool = False


# Phones: measured on devices by emailtooltester.com/en/blog/email-subject-lines-character-limit (an iPhone 14 with
# Apple Mail shows 48 and 99; of the Gmail apps the narrowest shows 33, and about one line of the preheader). Windows on
# a computer can be of any width: what is commonly named for Gmail's and Outlook's, to be taken as rough.
INBOXES = (
    Inbox("Gmail", "on a phone", 24, 33, 40),
    Inbox("Apple Mail", "on an iPhone", 28, 48, 99),
    Inbox("Gmail", "in a browser", 20, 70, 110, together=True),
    Inbox("Outlook", "on Windows", 30, 55, 55),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What one inbox shows, and what it leaves out."""

    inbox: Inbox
    sender: str
    subject: str
    subject_rest: str
    preheader: str
    preheader_rest: str


def lines(*, sender: str, subject: str, preheader: str, text: str) -> list[Line]:
    """The line in each inbox. Without a preheader they show the first words of the mail, `text`."""
    shown = preheader or " ".join(text.split())[:200]
    found: list[Line] = []
    for inbox in INBOXES:
        head, rest = cut(subject, inbox.subject)
        room = inbox.preheader - columns(head) if inbox.together else inbox.preheader
        below, left = cut(shown, max(room, 0))
        found.append(Line(inbox, cut(sender, inbox.sender)[0], head, rest, below, left))
    return found


def cut(text: str, most: int) -> tuple[str, str]:
    """What fits into `most` columns, and the rest. A sign is never cut apart from what joins it."""
    used = end = 0
    for at, character in enumerate(text):
        width = columns(character)
        if used + width > most:
            break
        used += width
        end = at + 1
    while 0 < end < len(text) and _joins(text, end):
        end -= 1
    return text[:end], text[end:]


def columns(text: str) -> int:
    """How wide a text is: wide signs, such as Chinese ones and emoji, count for two, joining ones for nothing."""
    return sum(0 if _adds_nothing(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _adds_nothing(character: str) -> bool:
    return character in JOINING or bool(unicodedata.combining(character))


def _joins(text: str, at: int) -> bool:
    """Whether a cut before `at` would part what belongs together."""
    return _adds_nothing(text[at]) or text[at - 1] == "\u200d"
