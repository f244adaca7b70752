"""The addresses of All results: newsletters compared, people who come, leave and act, and the sign pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.audience.petition.delivered import petition_delivered
from mailer.audience.selection.saved_segments import SavedSegment, segment_names
from mailer.audience.selection.saving_segments import save_segment
from mailer.editing.git.commits import keep_in_git
from mailer.experiments.words import named
from mailer.reports.acting import DAYS, acting_within
from mailer.reports.compared import named_rows
from mailer.reports.export import compared_as_csv
from mailer.reports.list_figures import ListFigures, ListMonth
from mailer.reports.sign_pages import SignPageFigures
from mailer.reports.tested.past import past_tests, together
from mailer.staff.rights import Right
from mailer.web.studio.all_results import compare
from mailer.web.studio.all_results.kept import newest_acting, newest_all
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Room, SidebarPlace, StudioRoute
from mailer.web.studio.lists.figures import growth_chart, how_words, month_name, newest_lists, source_words
from mailer.web.studio.newsletters.shelf import shelf_of
from mailer.web.studio.petition.waiting import waiting_comments

PLACES = (("/results", "Newsletters", "mail"), ("/results/people", "People", "users"),
          ("/results/tests", "Tests", "list-checks"), ("/results/pages", "Sign pages", "pen-line"))  # fmt: skip
LOOK_EVERY_SECONDS = 1.0
SOURCES = 12  # that are shown


def show(visit: Visit) -> Response:
    """Newsletters beside each other."""
    kept, lists = newest_all(visit), compare.seen_lists(visit)
    view = compare.read_view(visit.query, lists)
    values: dict[str, Any] = {}
    if kept is not None:
        found = compare.wanted(visit, kept.figures.newsletters, view)
        rows = compare.rows_of(visit, found, view)
        words, whole = compare.headline(found)
        values = {
            "rows": rows, "chart": compare.chart_of(rows, view), "words": words, "whole": whole,
            "has_any": bool(kept.figures.newsletters),
        }  # fmt: skip
    return page(
        visit, "all_results/compare.html", sections=_sections("/results"), kept=kept, view=view, lists=lists,
        views=compare.VIEWS, measures=compare.MEASURES, told=compare.told, seen=_seen(visit), **values,
    )  # fmt: skip


def download(visit: Visit) -> Response:
    """What is compared, as CSV."""
    kept, view = newest_all(visit), compare.read_view(visit.query, compare.seen_lists(visit))
    if kept is None:  # it is being counted: the page says so
        return RedirectResponse("/results", 303)
    keys, rows = named_rows(compare.wanted(visit, kept.figures.newsletters, view), view.by, visit.zone)
    headers = {"Content-Disposition": 'attachment; filename="newsletters.csv"'}
    return Response(compared_as_csv(keys, rows), media_type="text/csv; charset=utf-8", headers=headers)


def show_people(visit: Visit) -> Response:
    """How lists grow and shrink, where people come from, and who acted lately."""
    kept, acting = newest_lists(visit), newest_acting(visit)
    lists = compare.seen_lists(visit)
    figures = [kept.figures.get(name, ListFigures()) for name in lists] if kept else []
    months = _together(figures)
    sources: dict[tuple[str, str], int] = defaultdict(int)
    for one in (source for list_ in figures for source in list_.sources):
        sources[one.how, one.source] += one.joined
    most = sorted(sources.items(), key=lambda one: (-one[1], one[0]))
    return page(
        visit, "all_results/people.html", sections=_sections("/results/people"), kept=kept, months=months,
        chart=growth_chart(months), month_name=month_name, how_words=how_words, source_words=source_words,
        sources=most[:SOURCES], others=sum(number for _, number in most[SOURCES:]),
        rows=[(lists[name], name, one) for name, one in zip(lists, figures, strict=bool(figures))],
        acting=acting.figures if acting and visit.who.lists is None else None, days=DAYS,
        saved=segment_names(visit.workspace), name_of=_segment_name, seen=_seen(visit),
    )  # fmt: skip


def save_acting(visit: Visit) -> Response:
    """Save those who acted within some days as a segment, and open it."""
    days = next((one for one in DAYS if str(one) == visit.form.get("days")), None)
    if days is None:
        raise HTTPException(400)
    title, about = f"Acted in the last {days} days", "Signed, or followed a link of a mail."
    segment = SavedSegment(_segment_name(days), title, acting_within(days), about)
    if segment.name not in segment_names(visit.workspace):
        with visit.database.write() as connection:
            save_segment(visit.workspace, connection, visit.who, segment, at=visit.now)
        keep_in_git(visit.workspace, visit.database, visit.who, "lists/segments", f"Save the segment {segment.name}")
    return RedirectResponse(f"/segments/{segment.name}?done=saved", 303)


def show_pages(visit: Visit) -> Response:
    """Every sign page with its signatures as they come."""
    kept = newest_all(visit)
    files = [one for one in shelf_of(visit.studio).newsletters(visit.workspace) if one.has_page and not one.is_away]
    waiting = {file.slug: number for file, number in waiting_comments(visit)}
    counted: Mapping[str, SignPageFigures] = kept.figures.pages if kept else {}
    with visit.database.read() as connection:
        found = [
            (
                file,
                counted.get(file.slug, SignPageFigures()),
                petition_delivered(connection, file.slug),
                waiting.get(file.slug, 0),
            )
            for file in files
            if visit.who.may_work_on((file.list,))
        ]
    found.sort(key=lambda one: (-one[1].week, -one[1].signed))
    return page(
        visit, "all_results/pages.html", sections=_sections("/results/pages"), kept=kept, found=found, seen=_seen(visit)
    )


def show_tests(visit: Visit) -> Response:
    """What was tried in all newsletters, what came out, and what it says together. Everything is kept with each test's
    decision, so nothing is counted for it."""
    files = {one.slug: one for one in shelf_of(visit.studio).newsletters(visit.workspace)}
    with visit.database.read() as connection:
        found = past_tests(connection)
    if visit.who.lists is not None:
        theirs = {slug for slug, file in files.items() if visit.who.may_work_on((file.list,))}
        found = together([one for one in found.tests if one.slug in theirs])
    names = {slug: file.name for slug, file in files.items()}
    return page(
        visit, "all_results/tests.html", sections=_sections("/results/tests"), found=found, names=names, named=named,
        seen=_seen(visit),
    )  # fmt: skip


def moves(visit: Visit) -> Response:
    """Events whenever something was counted again."""
    return live(visit, _seen, every_seconds=LOOK_EVERY_SECONDS)


def _seen(visit: Visit) -> str:
    kinds = (newest_all(visit), newest_lists(visit), newest_acting(visit))
    return "|".join(kept.at.isoformat() if kept else "" for kept in kinds)


def _sections(here: str) -> list[tuple[str, str, bool, str]]:
    return [(path, words, path == here, icon) for path, words, icon in PLACES]


def _segment_name(days: int) -> str:
    return f"acted-in-{days}-days"


def _together(figures: list[ListFigures]) -> list[ListMonth]:
    """The months of all lists; somebody on two lists is counted on both."""
    months: list[ListMonth] = []
    for column in zip(*(one.months for one in figures if one.months), strict=True):
        whole = ListMonth(column[0].begins)
        for month in column:
            whole.left += month.left
            _add(whole.joined, month.joined)
        months.append(whole)
    return months


def _add(to: dict[str, int], more: Mapping[str, int]) -> None:
    for how, number in more.items():
        to[how] = to.get(how, 0) + number


ROOM = Room(
    routes=(
        StudioRoute("/results", show, Right.REPORTS),
        StudioRoute("/results/newsletters.csv", download, Right.REPORTS),
        StudioRoute("/results/people", show_people, Right.REPORTS),
        StudioRoute("/results/people/acted", save_acting, Right.WRITE, method="POST"),
        StudioRoute("/results/pages", show_pages, Right.REPORTS),
        StudioRoute("/results/tests", show_tests, Right.REPORTS),
        StudioRoute("/results/moves", moves, Right.REPORTS),
    ),
    places=(SidebarPlace("/results", "Results", "chart-line", group=3, key="r", asks=Right.REPORTS),),
)
