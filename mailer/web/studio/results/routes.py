"""The addresses of Results: the report of one newsletter, its events, its figures as a file, its mail with figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from mailer.counting import counted
from mailer.reports.current import current_figures
from mailer.reports.export import as_csv
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.core.rooms import Fact, Room, Step, StudioRoute
from mailer.web.studio.newsletters.listing import ListedNewsletter, everything, has_left, one
from mailer.web.studio.preview.frame import policy
from mailer.web.studio.results import told
from mailer.web.studio.results.charts import bars_of, line_of
from mailer.web.studio.results.kept_figures import KeptFigures, newest_figures
from mailer.web.studio.results.mail_picture import kept_picture, mail_picture

LOOK_EVERY_SECONDS = 1.0
CHARTS = ("time", "bars", "table")
MEASURES = ("people", "signed", "all")


def show(visit: Visit) -> Response:
    """The report, as far as it is counted."""
    listed = everything(visit)  # which the usual is made of, so this one needn't be looked up beside it
    newsletter = next((one for one in listed if one.slug == visit.path["name"]), None) or _launched(visit)
    if newsletter.status is None or not has_left(newsletter):
        raise HTTPException(404)
    kept = newest_figures(visit, newsletter.status)
    values: dict[str, Any] = {"newsletter": newsletter, "steps": way(visit, newsletter, here="results"), "kept": kept}
    if kept is None:
        return page(visit, "results/results.html", seen="", **values)
    return page(visit, "results/results.html", seen=kept.at.isoformat(), **values, **_report(visit, listed, kept))


def moves(visit: Visit) -> Response:
    """Events whenever the figures were counted again."""
    _launched(visit)

    def counted_at(later: Visit) -> str:
        status = _launched(later).status
        kept = newest_figures(later, status) if status else None
        return kept.at.isoformat() if kept else ""

    return live(visit, counted_at, every_seconds=LOOK_EVERY_SECONDS)


def download(visit: Visit) -> Response:
    """The figures as CSV, counted for this file."""
    newsletter = _launched(visit)
    found = current_figures(visit.database, newsletter.slug, visit.workspace.settings)
    name = re.sub(r"[^\w-]", "", newsletter.slug)
    headers = {"Content-Disposition": f'attachment; filename="{name}-results.csv"'}
    return Response(as_csv(found), media_type="text/csv; charset=utf-8", headers=headers)


def mail(visit: Visit) -> Response:
    """The mail for its frame, with the figures that the address asks for."""
    newsletter = _launched(visit)
    kept = newest_figures(visit, newsletter.status) if newsletter.status else None
    links = told.shown_links(kept.figures, visit.query.get("measure", "")) if kept else []
    below = f"/newsletters/{newsletter.slug}/results/pictures"
    with visit.database.read() as connection:
        marks = {one.link.n: f"{one.number:,}" for one in links if one.number}
        html = mail_picture(connection, newsletter.slug, figures=marks, pictures=below)
    if html is None:
        raise HTTPException(404)
    headers = {
        "X-Frame-Options": "SAMEORIGIN", "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": policy(f"{_origin(visit)}{below}/"),
    }  # fmt: skip
    return HTMLResponse(html, headers=headers)


def picture(visit: Visit) -> Response:
    """A picture of the mail, as it was mailed."""
    with visit.database.read() as connection:
        found = kept_picture(connection, visit.path["name"], visit.path["digest"])
    if found is None:
        raise HTTPException(404)
    return Response(found[1], media_type=found[0])


def _report(visit: Visit, listed: Sequence[ListedNewsletter], kept: KeptFigures) -> dict[str, Any]:
    """What the page shows of the figures."""
    figures = kept.figures
    usual = told.usual_before(listed, figures.slug) if figures.signed.per_thousand_sent is not None else None
    of = "signatures" if figures.signed.people else "clicks"
    measure = visit.query.get("measure", "")
    measure = measure if measure in MEASURES else "signed" if figures.signed.people else "people"
    chart = visit.query.get("chart", "")
    chart = chart if chart in CHARTS else "time" if of == "signatures" else "bars"
    return {
        "figures": figures, "usual": usual, "of": of, "measure": measure, "chart": chart, "reason": told.reason,
        "step_words": told.STEP_WORDS.get(figures.course.step_seconds, "month"),
        "bars": bars_of(figures.course, of=of, zone=visit.zone),
        "line": line_of(
            figures.course, sent=figures.delivered.sent, usual=usual.per_thousand if usual else 0.0, zone=visit.zone
        ),
        "links": told.shown_links(figures, measure),
        "sources": told.sources(figures, {one.slug: one.name for one in listed}),
        "language_name": told.language_name, "classes": told.CLASSES, "places_of": told.PLACES,
        "address": f"/newsletters/{figures.slug}/results",
    }  # fmt: skip


def _launched(visit: Visit) -> ListedNewsletter:
    """The newsletter, which must have begun to leave."""
    found = one(visit, visit.path["name"])
    if not has_left(found):
        raise HTTPException(404)
    return found


def _fact(_visit: Visit, newsletter: ListedNewsletter) -> Fact:
    if newsletter.has_ask:
        return Fact(f"{newsletter.signed:,} signed")
    return Fact(f"{counted(newsletter.sent)}")


def _origin(visit: Visit) -> str:
    host = visit.request.headers["host"]
    return next(origin for origin in visit.studio.origins if urlsplit(origin).netloc == host)


HERE = "/newsletters/{name}/results"
ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Right.REPORTS),
        StudioRoute(f"{HERE}/moves", moves, Right.REPORTS),
        StudioRoute(f"{HERE}/figures.csv", download, Right.REPORTS),
        StudioRoute(f"{HERE}/mail", mail, Right.REPORTS),
        StudioRoute(f"{HERE}/pictures/{{digest}}", picture, Right.REPORTS),
    ),
    steps=(Step("results", "Results", "results", order=6, fact=_fact, when=has_left, of_issues=True),),
)
