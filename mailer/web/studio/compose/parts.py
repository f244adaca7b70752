"""The texts of a newsletter that are written in the Write room: its mail, its sign page, and the thanks.

The thanks are a value of the page's file, so they have no file of their own. Each text has its address, its drafts and
its preview; saving is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailer.workspace import ACTION_FILE


@dataclass(frozen=True, slots=True)
class Part:
    """One text. `path` is behind the newsletter's address; `file` "" that of the mail, whichever it has; `key`: the key
    of the front matter that holds the text, "" when it is what is below it."""

    name: str
    label: str
    path: str
    file: str = ""
    key: str = ""

    @property
    def kept_as(self) -> str:
        """What its drafts are kept under; "" for those of the mail's file."""
        return f"{self.file} {self.key}".strip()

    def base(self, slug: str) -> str:
        """The address that what belongs to it is below."""
        return f"/newsletters/{slug}/{self.path}".rstrip("/")


MAIL = Part("mail", "Mail", "")
PAGE = Part("page", "Sign page", "page/", ACTION_FILE)
THANKS = Part("thanks", "Thanks", "thanks/", ACTION_FILE, "thanks")
PARTS = (MAIL, PAGE, THANKS)


@dataclass(frozen=True, slots=True)
class PartTab:
    """A tab above the text."""

    label: str
    href: str
    is_here: bool


def tabs(slug: str, here: Part) -> Sequence[PartTab]:
    """The tabs of a newsletter, with one of its texts open."""
    return [PartTab(part.label, f"/newsletters/{slug}/{part.path}", part is here) for part in PARTS]


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
