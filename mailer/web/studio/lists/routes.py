"""The addresses of Lists: all of them, one with its people, and what Ctrl-K finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import Response

from mailer.errors import MailerError
from mailer.reports.list_figures import ListFigures
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.palette import matches
from mailer.web.studio.core.rooms import Deed, PaletteHit, Room, SidebarPlace, StudioRoute
from mailer.web.studio.lists import segment_room, settings
from mailer.web.studio.lists.figures import (
    growth_chart,
    how_words,
    month_name,
    newest_lists,
    source_words,
    wordings,
)
from mailer.web.studio.lists.visitor import list_named, lists_seen, tabs
from mailer.workspace import ListDefinition

SOURCES = 8  # that are shown
EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ShownList:
    """One line of the room. `definition` is None where the file can't be read, and `wrong` says why."""

    name: str
    definition: ListDefinition | None
    figures: ListFigures | None
    wrong: str = ""

    @property
    def title(self) -> str:
        return self.definition.title if self.definition else self.name


def show(visit: Visit) -> Response:
    """Every list."""
    kept = newest_lists(visit)
    found = [_shown(visit, name, kept.figures.get(name, ListFigures()) if kept else None) for name in lists_seen(visit)]
    found.sort(key=lambda one: (-(one.figures.members.subscribed if one.figures else 0), one.title.lower()))
    return page(visit, "lists/lists.html", found=found, kept=kept, counts=kept.mark if kept else "")


def show_one(visit: Visit) -> Response:
    """Who is on a list, how it grows, and what they agreed to."""
    name, kept = list_named(visit), newest_lists(visit)
    figures = kept.figures.get(name, ListFigures()) if kept else None
    one = _shown(visit, name, figures)
    consent = one.definition.consent if one.definition else ""
    return page(
        visit, "lists/list.html", one=one, kept=kept, figures=figures, tabs=tabs(visit, name, ""),
        chart=growth_chart(figures.months) if figures else None, month_name=month_name, how_words=how_words,
        source_words=source_words, sources=SOURCES, wordings=wordings(visit, name, consent, figures),
        counts=kept.mark if kept else "",
    )  # fmt: skip


def moves(visit: Visit) -> Response:
    """Tells the pages once something newer was counted."""

    def mark(later: Visit) -> str:
        kept = newest_lists(later)
        return kept.mark if kept else ""

    return live(visit, mark, every_seconds=EVERY_SECONDS)


def find(visit: Visit, words: str) -> Iterable[PaletteHit]:
    """Lists for Ctrl-K."""
    shown = [_shown(visit, name, None) for name in lists_seen(visit)]
    return [PaletteHit(one.title, "List", f"/lists/{one.name}", "users") for one in shown if matches(words, one.title)]


def _shown(visit: Visit, name: str, figures: ListFigures | None) -> ShownList:
    try:
        return ShownList(name, visit.workspace.list_definition(name), figures)
    except MailerError as error:
        return ShownList(name, None, figures, "; ".join(one.message for one in error.diagnostics))


ROOM = Room(
    routes=(
        StudioRoute("/lists", show, Right.REPORTS),
        StudioRoute("/lists/-/moves", moves, Right.REPORTS),
        *settings.ROUTES,
        *segment_room.ROUTES,
        StudioRoute("/lists/{list}", show_one, Right.REPORTS),
    ),
    places=(SidebarPlace("/lists", "Lists", "list-checks", group=2, key="l", asks=Right.REPORTS),),
    deeds=(Deed("New list", "/lists/-/new", "plus", Right.SETTINGS),),
    find=find,
)
