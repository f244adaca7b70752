"""The room's first page: people found as one types, and Ctrl-K's share of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import cast
from urllib.parse import urlencode

from starlette.responses import Response

from mailer.audience.people.search import PeopleSearch, ensure_search, find_numbers, found_people, has_search
from mailer.audience.selection.saved_segments import segment_titles
from mailer.audience.supporter_care.bulk import search_for
from mailer.audience.tags import known_tags
from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.store.engine.errors import DatabaseTrouble
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.core.pages import may, page
from mailer.web.studio.core.rooms import PaletteHit
from mailer.web.studio.newsletters.listing import list_titles

ASKED = {"q": "words", "tag": "tag", "list": "list", "segment": "segment"}  # in the address, and what it is
SHOWN = 50  # people on the page
LONGEST = 100  # characters of what is looked for
FOR_PALETTE = 5
LEAST = 2  # letters, before Ctrl-K looks for people


def show(visit: Visit) -> Response:
    """The people that a search finds, the newest first."""
    asked, titles = asked_of(visit), list_titles(visit)
    limit = None if visit.who.lists is None else sorted(visit.who.lists)
    wrong = None
    with visit.database.read() as connection:
        try:
            search = search_for(connection, visit.workspace, asked, limit, now=visit.now)
        except MailerError as error:  # a saved segment that is gone, or has faults
            wrong, search = error, PeopleSearch(lists=())
        found = found_people(connection, find_numbers(connection, search, limit=SHOWN + 1))
        tags = known_tags(connection)
        indexed = has_search(connection)
    if not indexed:
        make_index_beside(visit.studio)
    return page(
        visit, "people/people.html", search=search, asked=asked, found=found[:SHOWN], more=len(found) > SHOWN,
        tags=tags, lists=[(name, title) for name, title in titles.items() if limit is None or name in limit],
        titles=titles, query=query_of(asked), segments=segments_of(visit), wrong=wrong,
    )  # fmt: skip


def asked_of(visit: Visit) -> Mapping[str, str]:
    """What the address asks for. A segment may ask about any list, so it isn't for those who are limited to some."""
    asked = {name: visit.query.get(key, "").strip()[:LONGEST] for key, name in ASKED.items()}
    return asked if visit.who.lists is None else {**asked, "segment": ""}


def query_of(asked: Mapping[str, str]) -> str:
    """The same as the end of an address."""
    return urlencode({key: asked[name] for key, name in ASKED.items() if asked[name]})


def segments_of(visit: Visit) -> Mapping[str, str]:
    """The saved segments by name, for those who may see everybody: a segment may ask about other lists."""
    return segment_titles(visit.workspace) if visit.who.lists is None else {}


def find(visit: Visit, words: str) -> Iterable[PaletteHit]:
    """People for Ctrl-K, for those who may see them."""
    if not may(visit, Right.SEE_PEOPLE) or len(words.strip()) < LEAST:
        return []
    search = PeopleSearch(words.strip(), lists=visit.who.lists)
    with visit.database.read() as connection:
        if not has_search(connection) and " " in search.words:  # every text would be looked through at each key
            return []
        found = found_people(connection, find_numbers(connection, search, limit=FOR_PALETTE))
    return [
        PaletteHit(one.fields["name"] or one.fields["email"], one.fields["email"], f"/people/{one.id}", "user")
        for one in found
    ]


def make_index_beside(studio: Studio) -> None:
    """Make the index of words while no page waits for it."""
    running = cast("Future[None] | None", studio.kept.get("people index"))
    if running is None or running.done():
        studio.kept["people index"] = studio.beside.submit(_make_index, studio)


def _make_index(studio: Studio) -> None:
    with suppress(DatabaseTrouble):  # an import has the database; the next search asks again
        ensure_search(studio.database)
