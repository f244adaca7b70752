"""The page of one order of long work. Each room says what its topics are called, and where what they bring is."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.long_work.orders import WorkStatus, find_work
from mailer.store.jobs import ask_to_stop
from mailer.store.tables.states import JobState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Access, LongWork, Room, StudioRoute
from mailer.web.studio.work.beside import worker_of

LOOK_EVERY_SECONDS = 0.5


def show(visit: Visit) -> Response:
    """How far it is, or what came of it."""
    work, shown = _asked(visit)
    after = shown.after(work) if work.state is JobState.DONE else ""
    return page(visit, "work/work.html", work=work, shown=shown, after=after, mark=_mark(work))


def moves(visit: Visit) -> Response:
    """Events whenever it moved."""
    _asked(visit)
    return live(visit, lambda later: _mark(_asked(later)[0]), every_seconds=LOOK_EVERY_SECONDS)


def stop(visit: Visit) -> Response:
    """End it where that is safe; what it has not finished is not done."""
    work, _ = _asked(visit)
    with visit.database.write() as connection:
        ask_to_stop(connection, work.id)
    worker_of(visit.studio).wake()
    return RedirectResponse(f"/long-work/{work.id}", 303)


def _asked(visit: Visit) -> tuple[WorkStatus, LongWork]:
    number = visit.path["number"]
    with visit.database.read() as connection:
        found = find_work(connection, int(number)) if number.isascii() and number.isdigit() else None
    shown = next((room.work[found.topic] for room in visit.studio.rooms if found and found.topic in room.work), None)
    if found is None or shown is None:
        raise HTTPException(404)
    visit.who.require(shown.asks)
    return found, shown


def _mark(work: WorkStatus) -> str:
    return f"{work.state} {work.done} {work.of} {work.words} {work.stopping}"


ROOM = Room(
    routes=(
        StudioRoute("/long-work/{number}", show, Access.SIGNED_IN),
        StudioRoute("/long-work/{number}/moves", moves, Access.SIGNED_IN),
        StudioRoute("/long-work/{number}/stop", stop, Access.SIGNED_IN, method="POST"),
    ),
)
