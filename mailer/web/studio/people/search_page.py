"""The room's first page: people found as one types, and Ctrl-K's share of it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import cast
from urllib.parse import urlencode

from starlette.responses import Response

from mailer.audience.people.search import PeopleSearch, ensure_search, find_numbers, found_people, has_search
from mailer.audience.tags import known_tags
from mailer.staff.rights import Right
from mailer.store.engine.errors import DatabaseTrouble
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.core.pages import may, page
from mailer.web.studio.core.rooms import PaletteHit
from mailer.web.studio.newsletters.listing import list_titles

SHOWN = 50  # people on the page
LONGEST = 100  # characters of what is looked for
FOR_PALETTE = 5
LEAST = 2  # letters, before Ctrl-K looks for people


def show(visit: Visit) -> Response:
    """Whom a search finds, the newest first."""
    search = search_of(visit)
    with visit.database.read() as connection:
        found = found_people(connection, find_numbers(connection, search, limit=SHOWN + 1))
        tags = known_tags(connection)
        indexed = has_search(connection)
    if not indexed:
        make_index_beside(visit.studio)
    titles = list_titles(visit)
    return page(
        visit, "people/people.html", search=search, found=found[:SHOWN], more=len(found) > SHOWN, tags=tags,
        lists=[(name, title) for name, title in titles.items() if search.lists is None or name in search.lists],
        titles=titles, query=query_of(search),
    )  # fmt: skip


def search_of(visit: Visit) -> PeopleSearch:
    """What the address asks for, within the visitor's lists."""
    words, tag, name = (visit.query.get(key, "").strip()[:LONGEST] for key in ("q", "tag", "list"))
    return PeopleSearch(words, tag, name, visit.who.lists)


def query_of(search: PeopleSearch) -> str:
    """The search as the end of an address."""
    asked = {"q": search.words, "tag": search.tag, "list": search.list}
    return urlencode({key: value for key, value in asked.items() if value})


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
