"""One piece of news, whatever it was read from, and which of many a message shows.

Everything in it is plain text on one line: what a stranger wrote can't be more than words, wherever it is put.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from mailer.compose.visible import UNFIT

LONGEST_TITLE = 200  # characters
LONGEST_SUMMARY = 400
LONGEST_LINK = 1900  # below what the link table takes, with the workspace's parameters
LATE = timedelta(days=2)  # an entry may show up so long after the moment it bears: caches, approval on their side
UNREAD = ("script", "style", "template", "title", "head")
ENTRY_FIELDS = ("title", "link", "date", "summary", "author")


@dataclass(frozen=True, slots=True)
class DataEntry:
    """An entry of a feed. `id` tells it from others, `date` is when it was published, None when it doesn't say."""

    id: str
    title: str
    link: str
    date: datetime | None
    summary: str = ""
    author: str = ""

    @property
    def key(self) -> str:
        """Its id, short enough to be kept."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:16]

    def as_values(self, zone: str) -> dict[str, str]:
        """What templates see. The date is that of the workspace's clocks, as the filter `date` reads it."""
        local = self.date.astimezone(ZoneInfo(zone)) if self.date else None
        date = local.replace(tzinfo=None).isoformat(timespec="minutes") if local else ""
        return dict(zip(ENTRY_FIELDS, (self.title, self.link, date, self.summary, self.author), strict=True))


@dataclass(frozen=True, slots=True)
class EntryWindow:
    """Which entries are asked for: published after `since` and until `now`, none of which is in `seen` (keys)."""

    now: datetime
    since: datetime | None = None
    seen: Collection[str] = ()

    def lets(self, entry: DataEntry) -> bool:
        """Whether the entry is one of them. One from the future waits until its day.

        With `seen`, what was told apart before decides, and `since` only keeps very old ones from coming back: feeds
        show an entry minutes after the time it bears, and an old one again when a newer is deleted. An entry without a
        date is new until it was seen.
        """
        if entry.date is not None and entry.date > self.now:
            return False
        if entry.key in self.seen:
            return False
        if self.since is None or entry.date is None:
            return True
        return entry.date > (self.since - LATE if self.seen else self.since)


def newest_first(entries: Iterable[DataEntry]) -> list[DataEntry]:
    """Each entry once, the newest first; those without a date come last, in the order they were in."""
    each = list({entry.id: entry for entry in reversed(list(entries))}.values())[::-1]
    begin = datetime.min.replace(tzinfo=UTC)
    return sorted(each, key=lambda one: one.date or begin, reverse=True)


def plain(text: str) -> str:
    """The text on one line, without control characters and what turns the direction of all that follows."""
    return " ".join(UNFIT.sub(" ", text).split())


def shortened(text: str, most: int) -> str:
    """The text, cut between words where it is longer."""
    if len(text) <= most:
        return text
    kept, blank, _ = text[:most].rpartition(" ")
    return (kept if blank and len(kept) > most // 2 else text[: most - 1]).rstrip(" ,;:.–-") + "…"


def text_of_markup(html: str) -> str:
    """What a reader sees of HTML, on one line."""
    if "<" not in html and "&" not in html:
        return plain(html)
    reader = _Words()
    reader.feed(html)
    reader.close()
    return plain("".join(reader.words))


def web_address(link: str, base: str) -> str:
    """`link` as a web address, relative ones from `base`; "" when it is none that may be in a mail."""
    try:
        found = urljoin(base, "".join(UNFIT.sub("", link).split()))
        parts = urlsplit(found)
        sound = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return ""
    return found if sound and len(found) <= LONGEST_LINK and not set(found) & set('<>"\\') else ""


class _Words(HTMLParser):
    """Collects the words of HTML; elements are blanks between them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in UNREAD
        if tag not in INLINE:
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.hidden = max(0, self.hidden - (tag in UNREAD))
        if tag not in INLINE:
            self.words.append(" ")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


INLINE = frozenset(("a", "abbr", "b", "bdi", "cite", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "small",
                    "span", "strong", "sub", "sup", "u", "wbr"))  # fmt: skip
