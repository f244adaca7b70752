"""The addresses of a scanner's unsubscribes: everybody in them first, then what staff decide."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.delivery.subscriptions.bursts import Burst, find_burst, leave_as_is, people_of, undo_burst
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may, page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.inbox.kept import open_bursts
from mailer.web.studio.newsletters.shelf import names_of

MOST_SHOWN = 500
HERE = "/inbox/bursts/{n}"


def to_decide(visit: Visit) -> list[Burst] | None:
    """Those that the visitor may decide about; None while they are searched for the first time."""
    if not may(visit, Right.PAUSE):
        return []
    found = open_bursts(visit)
    return None if found is None else [one for one in found if is_theirs(visit.who, one)]


def is_theirs(actor: Actor, burst: Burst) -> bool:
    """Whether its newsletter is theirs to work on."""
    return actor.may_work_on(burst.lists)


def show(visit: Visit) -> Response:
    """Who is in it, and what speaks for a scanner."""
    with visit.database.read() as connection:
        burst = _burst(visit, find_burst(connection, _number(visit), "", now=visit.now))
        found = people_of(connection, burst)
    back = sum(not one.why for one in found)
    return page(
        visit, "inbox/burst.html", called=names_of(visit), burst=burst, found=found[:MOST_SHOWN], total=len(found),
        back=back, apart=len(found) - back,
    )  # fmt: skip


def decide(visit: Visit) -> Response:
    """Put them back, or leave it: as many as the page showed."""
    choice, mark = visit.form.get("choice"), visit.form.get("mark")
    if choice not in ("undo", "people") or not mark:
        raise HTTPException(400)
    with visit.database.read() as connection:  # it may take a while, in which nobody else must wait
        burst = _burst(visit, find_burst(connection, _number(visit), mark, now=visit.now))
    with visit.database.write() as connection:
        if choice == "undo":
            undo_burst(connection, visit.who, burst, at=visit.now)
        else:
            leave_as_is(connection, visit.who, burst, at=visit.now)
    return RedirectResponse("/inbox", 303)


def _burst(visit: Visit, burst: Burst) -> Burst:
    if not is_theirs(visit.who, burst):
        raise HTTPException(404)
    return burst


def _number(visit: Visit) -> int:
    try:
        return int(visit.path["n"])
    except ValueError:
        raise HTTPException(404) from None


ROUTES = (
    StudioRoute(HERE, show, Right.SEE_PEOPLE),
    StudioRoute(HERE, decide, Right.SEE_PEOPLE, method="POST"),
)
