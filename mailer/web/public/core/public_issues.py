"""The public newsletters as `mail.archive` shows them, with fallbacks where they are personal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from sqlalchemy import Connection, select

from mailer.audience.people.people import example
from mailer.compose.languages import SpokenLanguages
from mailer.compose.merge import MergeProgram
from mailer.compose.message import Message
from mailer.compose.public_url import moved
from mailer.compose.source.event import CALENDAR_FILE
from mailer.compose.source.images import address, look
from mailer.compose.templating.link_table import LANGUAGE_FIELD
from mailer.delivery.ledger.mailed_message import frozen_message, public_campaigns, public_message
from mailer.senders import split_sender
from mailer.settings import Settings
from mailer.store.engine.database import Database
from mailer.store.tables.core import images
from mailer.web.last_used import LastUsed
from mailer.web.pages.article import Article, ArticlePicture, ArticleSource, article_of, urls_for_article

MOST_KEPT = 256  # issues in memory; one is some ten kilobytes
NOBODY = example({})


@dataclass(frozen=True, slots=True)
class Entry:
    """One public newsletter, with fallbacks where it is personal."""

    slug: str
    sent_at: datetime
    headline: str  # of the mail, else its subject
    preheader: str
    language: str
    direction: str
    number: int = 0  # the campaign's
    list: str = ""
    sender: str = ""  # the name it came from
    pictures: tuple[ArticlePicture, ...] = ()  # those that tell something

    @property
    def picture(self) -> ArticlePicture | None:
        """The first of them."""
        return next(iter(self.pictures), None)


@dataclass(frozen=True, slots=True)
class Issue:
    """A public newsletter as a page has it."""

    entry: Entry
    article: Article
    spoken: tuple[str, ...]  # the languages it was mailed in


class Archive:
    """What is public. A frozen message never changes, so each is read once while it is kept. Safe to use from several
    threads.

    `wishes` are languages, the most wanted first: a newsletter is shown in the first of them that it was mailed in.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._issues = LastUsed[int, tuple[SpokenLanguages, Mapping[str, Issue]]](MOST_KEPT)

    def entries(self, wishes: Sequence[str] = (), *, after: int = 0, most: int) -> tuple[Sequence[Entry], bool]:
        """At most so many, the newest first, `after` as many that are newer; and whether there are older ones."""
        with self._database.read() as connection:
            found = public_campaigns(connection)[after:]
            shown = [self._issue(connection, number, sent_at, wishes).entry for number, sent_at in found[:most]]
            return shown, len(found) > most

    def issue(self, slug: str, wishes: Sequence[str] = ()) -> Issue | None:
        """A public newsletter. None when it isn't there or isn't public."""
        with self._database.read() as connection:
            found = public_campaigns(connection, slug)[:1]
            return self._issue(connection, *found[0], wishes) if found else None

    def versions(self, slug: str) -> Sequence[Entry]:
        """A public newsletter in each of its languages; nothing when it isn't there or isn't public."""
        with self._database.read() as connection:
            found = public_campaigns(connection, slug)[:1]
            return [one.entry for one in self._known(connection, *found[0])[1].values()] if found else []

    def message(self, slug: str) -> Message | None:
        """The message of a public newsletter under the public address of now. None when it isn't there or isn't
        public."""
        with self._database.read() as connection:
            numbers = [number for number, _ in public_campaigns(connection, slug)]
            return self._moved(public_message(connection, numbers[0])[0]) if numbers else None

    def every_version(self, slug: str) -> Sequence[Message]:
        """All that it was mailed as, also the versions of a test that didn't win, to which a page that somebody has
        open may lead; nothing when it isn't there or isn't public."""
        with self._database.read() as connection:
            numbers = [number for number, _ in public_campaigns(connection, slug)]
            found = [self._moved(frozen_message(connection, number)) for number in numbers[:1]]
        return [one for message in found for one in message.versions.values()]

    def _moved(self, message: Message) -> Message:
        return moved(message, self._settings.public.url)

    def _issue(self, connection: Connection, number: int, sent_at: datetime, wishes: Sequence[str]) -> Issue:
        spoken, issues = self._known(connection, number, sent_at)
        return issues[spoken.version_for(*wishes)]

    def _known(
        self, connection: Connection, number: int, sent_at: datetime
    ) -> tuple[SpokenLanguages, Mapping[str, Issue]]:
        """The languages of a newsletter, and its issue in each version."""
        if (kept := self._issues.get(number)) is not None:
            return kept
        message, is_final = public_message(connection, number)
        message = self._moved(message)
        sizes = _sizes(connection, message)
        spoken = tuple(message.spoken.by_version.values())
        issues = {
            version: self._read(one, sizes, sent_at=sent_at, number=number, spoken=spoken)
            for version, one in message.versions.items()
        }
        return self._issues.keep(number, (message.spoken, issues)) if is_final else (message.spoken, issues)

    def _read(
        self, message: Message, sizes: Mapping[str, tuple[int, int]], *, sent_at: datetime, number: int,
        spoken: tuple[str, ...],
    ) -> Issue:  # fmt: skip
        program, settings = MergeProgram(message), self._settings
        click = f"{settings.public.url}/archive/{message.slug}/go"
        source = _source(message, settings, sizes, click=click)
        article = article_of(program.html(NOBODY, urls_for_article(click)), source)
        sender = split_sender(message.from_)[0]
        entry = Entry(
            message.slug, sent_at, article.headline or program.subject(NOBODY), program.preheader(NOBODY),
            message.language, message.direction, number, message.list,
            sender if sender != settings.organisation.name else "",
            tuple(one for one in article.pictures if one.digest),
        )  # fmt: skip
        return Issue(entry, article, spoken)


def _source(message: Message, settings: Settings, sizes: Mapping[str, tuple[int, int]], *, click: str) -> ArticleSource:
    base, brand = settings.public.url, settings.brand
    path = urlsplit(base).path
    marks = {address(one, base) for one in message.images if one.name in (brand.logo, brand.logo_dark)}

    def own(src: str) -> str:
        """Pictures of another site would tell it who reads."""
        return path + src.removeprefix(base) if src.startswith(f"{base}/") and src not in marks else ""

    return ArticleSource(
        own=own,
        size=lambda src: sizes.get(src.removeprefix(f"{path}/i/").partition("/")[0]),
        actions={f"{click}/{link.n}" for link in message.links if link.is_action},
        unsaid={message.constants.get("list", {}).get("description", "")},
        name=settings.organisation.name,
        calendar=f"{path}/archive/{message.slug}/{CALENDAR_FILE}?{urlencode({LANGUAGE_FIELD: message.language})}",
    )


def _sizes(connection: Connection, message: Message) -> dict[str, tuple[int, int]]:
    """The width and height in pixels of the message's pictures, by digest, so that nothing moves while they load."""
    wanted = [one.digest for one in message.every_image]
    rows = connection.execute(select(images.c.digest, images.c.content).where(images.c.digest.in_(wanted)))
    measured = {row.digest: look(row.content) for row in rows}
    return {digest: (facts.width, facts.height) for digest, facts in measured.items() if facts}
