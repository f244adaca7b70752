"""The address of a newsletter's History."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.responses import Response

from mailer.counting import counted
from mailer.editing.versions import kept_of
from mailer.staff.rights import Right
from mailer.web.studio.core import moments
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.core.rooms import Fact, Room, Step, StudioRoute, WaitingTask
from mailer.web.studio.history import repository, versions
from mailer.web.studio.history.words import count_of, days, history_of
from mailer.web.studio.newsletters.listing import ListedNewsletter, one
from mailer.web.studio.staff.visitor import number_of


def show(visit: Visit) -> Response:
    """What was done with it, by day."""
    newsletter = one(visit, visit.path["name"])
    below = visit.query.get("before", "")
    with visit.database.read() as connection:
        found, more = history_of(connection, newsletter.slug, before_id=number_of(below) if below else None)
        kept = kept_of(connection, newsletter.slug, [line.version for line in found if line.version])
    names = [moments.day(line.at, visit.zone, visit.now) for line in found]
    older = f"/newsletters/{newsletter.slug}/history?before={more}" if more else ""
    return page(
        visit, "history/history.html", newsletter=newsletter, steps=way(visit, newsletter, here="history"),
        days=days(found, names), older=older, kept=kept,
    )  # fmt: skip


def _fact(visit: Visit, newsletter: ListedNewsletter) -> Fact:
    with visit.database.read() as connection:
        number = count_of(connection, newsletter.slug)
    return Fact(counted(number, "entry", "entries") if number else "Nothing yet")


def _wrong(visit: Visit) -> Iterable[WaitingTask]:
    """What is saved and hasn't reached the others."""
    if trouble := repository.repository_of(visit.studio).trouble:
        slug = next((found[1] for one in trouble.files if (found := IN_A_NEWSLETTER.search(one.path))), "")
        path = f"/newsletters/{slug}/" if slug else "/newsletters"
        yield WaitingTask("What is saved here isn’t with the others", trouble.words, path, "Look", "triangle-alert")


IN_A_NEWSLETTER = re.compile(r"(?:^|/)newsletters/([^/]+)/")
HERE = "/newsletters/{name}/history"
ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Right.REPORTS),
        StudioRoute("/newsletters/{name}/repository", repository.choose, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/{{version}}", versions.show, Right.REPORTS),
        StudioRoute(f"{HERE}/{{version}}", versions.bring_back, Right.WRITE, method="POST"),
    ),
    steps=(Step("history", "History", "history", order=99, fact=_fact, apart=True, of_issues=True),),
    wrong=_wrong,
)
