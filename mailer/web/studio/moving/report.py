"""The report of a move: both sides in numbers, who was left out for those who may see people, and the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from mailer.audience.imports.files.uploads import REJECTS, Uploads
from mailer.long_work.importing import UNDO
from mailer.long_work.orders import list_work, start_work
from mailer.moving.account import MERGED, NO_CONSENT, REJECTED
from mailer.moving.listmonk.folder import MoveFolders
from mailer.moving.report import LEFT_OUT, Move, find_move
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.imports.told import WIDTH
from mailer.web.studio.work.beside import worker_of

WORDS: Mapping[str, tuple[str, str]] = {  # as campaigners say it, and how it is coloured
    "subscribed": ("On a list here", "new"), "pending": ("Asked to join, not confirmed", "known"),
    "unsubscribed": ("Unsubscribed", "stopped"), "unsubscribed everywhere": ("Unsubscribed from everything", "stopped"),
    "complained": ("Reported spam", "stopped"), "bounced": ("Address stopped working", "died"),
    "suppressed by staff": ("Stopped by staff", "stopped"), "staff": ("Stopped by staff", "stopped"),
    NO_CONSENT: ("Never agreed, or on no list that was taken", "apart"),
    REJECTED: ("Could not be read", "bad"), MERGED: ("The same address as another", "apart"),
}  # fmt: skip
WARM_UP_FROM = 500  # people: below, no provider minds


@dataclass(frozen=True, slots=True)
class ToldSide:
    """One line: what people are, how many there were there and are here, and its piece of the bar."""

    title: str
    there: int
    here: int
    tone: str
    x: int
    width: int


def show(visit: Visit) -> Response:
    """Both sides, and what can be done now."""
    move = _move(visit)
    with visit.database.read() as connection:
        undoing = [one for one in list_work(connection, UNDO) if not one.is_over]
    numbers = {part["id"] for part in move.parts}
    running = next((one for one in undoing if one.order.get("number") in numbers), None)
    people: Mapping[str, Any] = move.told["people"]
    open_parts = [part for part in move.parts if part["undone_at"] is None and part["undo_until"]]
    ends = min((part["undo_until"] for part in open_parts), default=None)
    return page(
        visit, "moving/report.html", move=move, told=move.told, people=people, lines=_lines(people), running=running,
        can_be_undone=ends is not None and visit.now < ends, ends=ends, left=sum(people["left_out"].values()),
        undone=[part for part in move.parts if part["undone_at"]], titles=_titles(visit, move),
        has_left_out=visit.who.may(Right.SEE_PEOPLE) and _left_out(visit, move) is not None,
        rejects=_rejects(visit, move), words=WORDS, plans=bool(visit.workspace.settings.pace.warm_up),
        advise=people["in"] >= WARM_UP_FROM and visit.who.may(Right.SETTINGS),
    )  # fmt: skip


def signed(visit: Visit) -> Response:
    """The signed report as a file."""
    move = _move(visit)
    text = json.dumps(move.report, ensure_ascii=False, indent=2)
    headers = {"Content-Disposition": f'attachment; filename="migration-report-{move.id}.json"'}
    return Response(text, media_type="application/json", headers=headers)


def left_out(visit: Visit) -> Response:
    """Everybody who was left out, and why, for those who may see people."""
    move = _move(visit)
    path = _left_out(visit, move)
    if path is None:
        raise HTTPException(404)
    return FileResponse(
        path, media_type="text/csv; charset=utf-8", filename=f"move-{move.id}-left-out.csv",
        headers={"Cache-Control": "no-store"},
    )  # fmt: skip


def undo(visit: Visit) -> Response:
    """Take all of its imports back, the last first, as work beside the page."""
    move = _move(visit)
    with visit.database.write() as connection:
        for part in reversed(move.parts):
            if part["undone_at"] is None and part["undo_until"] and visit.now < part["undo_until"]:
                start_work(connection, UNDO, {"number": part["id"]}, actor=visit.who, now=visit.now)
    worker_of(visit.studio).wake()
    return RedirectResponse(f"/imports/moving/{move.id}", 303)


def is_theirs(visit: Visit, move: Move) -> bool:
    """Whether the visitor may import into every list of a move."""
    return visit.who.may_all(Right.IMPORT, [str(part["list"]) for part in move.parts])


def _move(visit: Visit) -> Move:
    number = visit.path["number"]
    with visit.database.read() as connection:
        found = find_move(connection, int(number)) if number.isascii() and number.isdecimal() else None
    if found is None or found.report is None:
        raise HTTPException(404)
    for part in found.parts:
        visit.who.require(Right.IMPORT, str(part["list"]))
    return found


def _left_out(visit: Visit, move: Move) -> Path | None:
    """The file, while it is kept: beside what was brought, or read."""
    root = visit.workspace.root
    upload, folder = Uploads(root).find(move.token), MoveFolders(root).find(move.token)
    path = Uploads(root).beside(upload, LEFT_OUT) if upload else None
    path = MoveFolders(root).left_out(folder) if folder else path
    return path if path is not None and path.exists() else None


def _rejects(visit: Visit, move: Move) -> str:
    upload = Uploads(visit.workspace.root).find(move.token)
    has_any = upload is not None and Uploads(visit.workspace.root).beside(upload, REJECTS).exists()
    return f"/imports/files/{move.token}/rejects.csv" if has_any else ""


def _titles(visit: Visit, move: Move) -> Mapping[str, str]:
    known = set(visit.workspace.list_names())
    names = {str(part["list"]) for part in move.parts}
    return {name: visit.workspace.list_definition(name).title if name in known else name for name in names}


def _lines(people: Mapping[str, Any]) -> Sequence[ToldSide]:
    """Both sides, each standing once; the pieces of the bar are those of this side."""
    there: dict[str, int] = {}
    here: dict[str, int] = {}
    for side, found in (("there", there), ("here", here)):
        for name, number in people[side].items():
            title = WORDS.get(name, (name, ""))[0]
            found[title] = found.get(title, 0) + number
    tones = dict(WORDS.values())
    order = [title for title in tones if title in there or title in here]
    order += [title for title in {**there, **here} if title not in tones]
    total, before, lines = max(1, int(people["theirs"])), 0, list[ToldSide]()
    for title in order:
        number = here.get(title, 0)
        x = WIDTH * before // total
        before += number
        width = max(3, WIDTH * before // total - x - 3) if number else 0
        lines.append(ToldSide(title, there.get(title, 0), number, tones.get(title, "apart"), x, width))
    return lines


ONE = "/imports/moving/{number}"
ROUTES = (
    StudioRoute(ONE, show, Right.IMPORT),
    StudioRoute(f"{ONE}/report.json", signed, Right.IMPORT),
    StudioRoute(f"{ONE}/left-out.csv", left_out, Right.SEE_PEOPLE),
    StudioRoute(f"{ONE}/undo", undo, Right.IMPORT, method="POST"),
)
