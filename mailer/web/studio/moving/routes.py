"""The addresses of Moving: where from, what to fetch there, the way of a move from listmonk, and reports.

A move by files goes the way of any import (`imports.wizard`). What a move is made of is `mailer.moving`.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from mailer.audience.imports.files.uploads import MOST_BYTES
from mailer.long_work.moving import BRING, READ, REHEARSAL
from mailer.long_work.orders import WorkStatus
from mailer.moving.listmonk.folder import MoveFolders
from mailer.moving.origins import BY_NAME, ORIGINS
from mailer.moving.report import list_moves
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Deed, LongWork, Room, StudioRoute
from mailer.web.studio.moving import listmonk, report

HERE = "/imports/moving"


def show(visit: Visit) -> Response:
    """Where do they come from? And the moves there were."""
    folders = MoveFolders(visit.workspace.root)
    with visit.database.read() as connection:
        moves = [one for one in list_moves(connection) if one.report and report.is_theirs(visit, one)]
        known = {one.token for one in moves}
    begun = [one for one in folders.all() if one.token not in known] if visit.who.may(Right.SETTINGS) else []
    return page(visit, "moving/moving.html", origins=ORIGINS, moves=moves, begun=begun)


def fetch(visit: Visit) -> Response:
    """Which files to fetch from one program, and the place to bring them."""
    origin = BY_NAME.get(visit.path["origin"])
    if origin is None:
        raise HTTPException(404)
    lists = [(name, visit.workspace.list_definition(name).title) for name in visit.workspace.list_names()
             if visit.who.may(Right.IMPORT, name)]  # fmt: skip
    return page(
        visit, "moving/origin.html", origin=origin, lists=lists, most=MOST_BYTES, most_mb=MOST_BYTES >> 20,
        may_ask=visit.who.may(Right.SETTINGS), login={"url": "", "user": ""}, wrong=None,
    )  # fmt: skip


def _after(work: WorkStatus) -> str:
    return f"{listmonk.PLACE}/{work.order['move']}" if "move" in work.order else HERE


def _after_move(work: WorkStatus) -> str:
    return f"{HERE}/{(work.result or {}).get('move', '')}"


ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Right.IMPORT),
        StudioRoute(f"{HERE}/from/{{origin}}", fetch, Right.IMPORT),
        *listmonk.ROUTES,
        *report.ROUTES,
    ),
    deeds=(Deed("Move house from another program", HERE, "house", asks=Right.IMPORT),),
    work={
        READ: LongWork("Reading listmonk", Right.SETTINGS, _after, "See what is there"),
        REHEARSAL: LongWork("Rehearsing a move", Right.SETTINGS, _after, "See the rehearsal"),
        BRING: LongWork("Moving house", Right.SETTINGS, _after_move, "See the report"),
    },
)
