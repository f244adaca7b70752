"""What the rules look at: a newsletter compiled, merged and parsed, with its files and its audience's figures.

A frozen value: rules read it and ask nothing of the world. `collect` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailer.audience.selection.languages import VersionReach
from mailer.audience.selection.segment_sql import Unread
from mailer.audience.selection.select import Selection
from mailer.checking.evidence.audience_stats import AudienceStats
from mailer.compose.html_tree import Element
from mailer.compose.message import Link, Message
from mailer.compose.source.images import PictureFacts
from mailer.compose.source.message_file import Source
from mailer.diagnostics import Place
from mailer.senders import RESERVED_DOMAINS, domain_of
from mailer.settings import Settings
from mailer.workspace import ListDefinition

if TYPE_CHECKING:  # asked for seldom, and by what is slow to load
    from mailer.checking.evidence.link_probe import LinkResponse
    from mailer.checking.evidence.spamassassin import SpamTest


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture of the mail as its file is."""

    name: str
    content_type: str
    size_bytes: int
    facts: PictureFacts | None  # None where the file can't be read


@dataclass(frozen=True, slots=True)
class Specimen:
    """A newsletter as the rules see it. `html` and `text` have every branch of every condition, so that all of
    them are looked at; `mail` is the longest HTML as it leaves, `subject` and `preheader` are the best one's."""

    source: Source
    message: Message
    settings: Settings
    definition: ListDefinition
    fields: frozenset[str]  # what merge tags may name of a supporter
    html: Element
    mail: str
    text: str
    subject: str
    preheader: str
    headers: Mapping[str, str]  # of the longest mail, by small letters
    click_stem: str  # what a tracked link's address begins with in `html`
    files: Mapping[str, str]  # what was written in CSS and HTML: templates, blocks and a message.mjml, by name
    pictures: tuple[PictureFile, ...]
    pages: frozenset[str]  # newsletters with a sign page
    today: date
    audience: AudienceStats | None = None  # of those who get this version; None when nobody was merged
    reach: VersionReach | None = None  # of the same people
    original: Source | None = None  # what it is a translation of
    selection: Selection | None = None  # of all who get the newsletter
    unread: tuple[Unread, ...] = ()  # what the segment can't read
    answers: Mapping[str, LinkResponse] = field(
        default_factory=dict[str, "LinkResponse"]
    )  # by address; empty when not online
    spam: tuple[SpamTest, ...] = ()

    @property
    def is_example(self) -> bool:
        """Whether the workspace itself is one: its sender is at a name nobody can own, so nobody real is mailed."""
        return is_reserved(domain_of(self.settings.sender.from_))

    def place_of(self, needle: str) -> Place:
        """The line of the message file on which `needle` is written, or the file."""
        source = self.source
        for key in ("subject", "preheader", "action.url", "action.label", "signature", *source.fields):
            written = {
                "subject": source.subject, "preheader": source.preheader, "signature": source.signature,
                "action.url": source.action.url if source.action else "",
                "action.label": source.action.label if source.action else "",
            }.get(key) or source.fields.get(key, "")  # fmt: skip
            if needle and needle in written:
                return source.place(key)
        for number, line in enumerate(source.body.split("\n"), source.body_line):
            if needle and needle in line:
                return Place(source.file, number)
        return Place(source.file)

    def link_of(self, anchor: Element) -> Link | None:
        """The row of the link table behind an <a>, or None when it isn't tracked."""
        href = anchor.attrs.get("href", "")
        number = href[len(self.click_stem) :] if href.startswith(self.click_stem) else ""
        return next((link for link in self.message.links if str(link.n) == number), None)

    def links(self) -> Iterator[tuple[Link, Place]]:
        """The tracked links, each with its place as well as the words of the file tell it."""
        for link in self.message.links:
            address = link.url.partition("?")[0]
            yield link, self.source.place("action.url") if link.is_action else self.place_of(address)

    def lines(self) -> Iterator[tuple[str, Place]]:
        """Everything the author wrote that people read, line by line."""
        source = self.source
        yield source.subject, source.place("subject")
        yield source.preheader, source.place("preheader")
        yield source.headline, source.place("headline")
        if source.action:
            yield source.action.label, source.place("action.label")
        for key in source.fields:
            yield source.fields[key], source.place(key)
        if not source.is_mjml:
            comments = re.sub(r"\{#.*?#\}", lambda found: "\n" * found[0].count("\n"), source.body, flags=re.DOTALL)
            for number, line in enumerate(comments.split("\n"), source.body_line):
                yield line, Place(source.file, number)
        yield source.signature, source.place("signature")


def is_reserved(host: str) -> bool:
    """Whether a host's name is one that nobody can own."""
    return any(host == name or host.endswith(f".{name}") for name in RESERVED_DOMAINS)


def host_of(url: str) -> str:
    """The host an address names, in small letters; "" when it can't be read."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
