"""The way of a move from listmonk: it is read, its lists and the consent are asked about, rehearsed, brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.errors import MailerError
from mailer.long_work.moving import BRING, READ, REHEARSAL
from mailer.long_work.orders import WorkStatus, find_work, start_work
from mailer.moving.listmonk.api import Listmonk, base_url
from mailer.moving.listmonk.bring import suggested
from mailer.moving.listmonk.folder import MoveFolder, MoveFolders
from mailer.moving.listmonk.theirs import TheirList
from mailer.moving.origins import BY_NAME
from mailer.staff.rights import Right
from mailer.store.tables.states import JobState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.work.beside import worker_of
from mailer.workspace import SLUG

PLACE = "/imports/moving/listmonk"
STEPS = (("login", "listmonk"), ("lists", "Lists"), ("rehearsal", "Rehearsal"), ("move", "Move"))
LONGEST_WORDING, LONGEST_AGREED = 2_000, 300  # characters
LEFT_OUT = "-"
TOPICS = {"read": READ, "rehearsal": REHEARSAL, "move": BRING}


def begin(visit: Visit) -> Response:
    """Keep the login privately, and read listmonk beside the page."""
    form, folders = visit.form, MoveFolders(visit.workspace.root)
    login = {"url": form.get("url").strip(), "user": form.get("user").strip()}
    try:
        address = base_url(login["url"])
        Listmonk(address, login["user"], form.get("token").strip())
    except MailerError as error:
        return page(
            visit, "moving/origin.html", status=422, origin=BY_NAME["listmonk"], lists=[], most=0, most_mb=0,
            may_ask=True, login=login, wrong=error,
        )  # fmt: skip
    move = folders.begin(address, login["user"], form.get("token").strip(), by=visit.who.name, now=visit.now)
    return _order(visit, folders, move, "read")


def here(visit: Visit) -> Response:
    """Where the move is: what works is shown as it goes on, and what is over leads to the next step."""
    _, move = _move(visit)
    step = _step(move)
    work = _work(visit, move, step)
    if work is not None and work.state is not JobState.DONE:
        return _page(
            visit, move, "working", "login" if step == "read" else step, work=work, mark=_mark(work), running=step,
            refused=work.state is JobState.FAILED,
        )  # fmt: skip
    if work is not None and step == "move":
        return RedirectResponse(f"/imports/moving/{(work.result or {}).get('move', 0)}", 303)
    following = "rehearsal" if step == "rehearsal" else "lists"
    return RedirectResponse(f"{PLACE}/{move.token}/{following}", 303)


def moves(visit: Visit) -> Response:
    """Events whenever what works on it moved."""
    _, move = _move(visit)
    return live(visit, lambda later: _mark(_work(later, move, _step(move))), every_seconds=0.5)


def lists(visit: Visit) -> Response:
    """Which list goes where, and how they agreed; also after the rehearsal."""
    folders, move = _move(visit)
    return _lists(visit, folders, move)


def rehearsal(visit: Visit) -> Response:
    """What would happen; nothing has been moved."""
    _, move = _move(visit)
    work = _work(visit, move, "rehearsal")
    if work is None or work.state is not JobState.DONE or "move" in move.work:
        return RedirectResponse(f"{PLACE}/{move.token}", 303)
    return _rehearsal(visit, move, work)


def save(visit: Visit) -> Response:
    """Keep what was chosen, and rehearse."""
    folders, move = _move(visit)
    form = visit.form
    theirs = _their_lists(folders, move)
    onto = {str(one.id): name for one in theirs if (name := form.get(f"onto-{one.id}").strip()) not in ("", LEFT_OUT)}
    which, agreed = form.get("which"), " ".join(form.get("agreed").split())[:LONGEST_AGREED]
    wording = form.text("wording").strip()[:LONGEST_WORDING] if which == "other" else ""
    move = replace(move, onto=onto, agreed=agreed, wording=wording, drafts="drafts" in form)
    wrong = {
        "lists": "" if onto else "Choose one list at least.",
        "agreed": "" if agreed else "Say where and how: it is kept as proof with each of them.",
        "wording": "" if wording or which == "none" else "Say what they read, or that nobody knows.",
    }
    if odd := [name for name in onto.values() if not SLUG.fullmatch(name)]:
        wrong["lists"] = f"{odd[0]!r} can’t be the short name of a list: small letters, digits and hyphens."
    if any(wrong.values()):
        return _lists(visit, folders, move, which=which, wrong=wrong, status=422)
    for name in onto.values():
        visit.who.require(Right.IMPORT, name)
    return _order(visit, folders, move, "rehearsal")


def bring(visit: Visit) -> Response:
    """Move what was rehearsed."""
    folders, move = _move(visit)
    work = _work(visit, move, "rehearsal")
    if work is None or work.state is not JobState.DONE:
        raise MailerError("it wasn’t rehearsed yet", remedy="Look at the rehearsal first. Nothing was moved.")
    going = _work(visit, move, "move")
    if going is not None and (not going.is_over or going.state is JobState.DONE):
        return RedirectResponse(f"{PLACE}/{move.token}", 303)
    return _order(visit, folders, move, "move")


def again(visit: Visit) -> Response:
    """Try the step that didn't work once more."""
    folders, move = _move(visit)
    return _order(visit, folders, move, _step(move))


def remove(visit: Visit) -> Response:
    """Put away what was read, with its login."""
    folders, move = _move(visit)
    work = _work(visit, move, _step(move))
    if work is not None and not work.is_over:
        raise MailerError("it is being worked on just now", remedy="Stop that first, or wait.")
    folders.remove(move)
    return RedirectResponse("/imports/moving", 303)


def _order(visit: Visit, folders: MoveFolders, move: MoveFolder, step: str) -> Response:
    ended = {step} | ({"move"} if step == "rehearsal" else set[str]())
    kept = {name: number for name, number in move.work.items() if name not in ended}
    with visit.database.write() as connection:
        number = start_work(connection, TOPICS[step], {"move": move.token}, actor=visit.who, now=visit.now)
        folders.save(replace(move, work={**kept, step: number}))
    worker_of(visit.studio).wake()
    return RedirectResponse(f"{PLACE}/{move.token}", 303)


def _move(visit: Visit) -> tuple[MoveFolders, MoveFolder]:
    folders = MoveFolders(visit.workspace.root)
    move = folders.find(visit.path["token"])
    if move is None:
        raise HTTPException(404)
    return folders, move


def _step(move: MoveFolder) -> str:
    return next((step for step in ("move", "rehearsal") if step in move.work), "read")


def _work(visit: Visit, move: MoveFolder, step: str) -> WorkStatus | None:
    number = move.work.get(step)
    with visit.database.read() as connection:
        return find_work(connection, number) if number else None


def _their_lists(folders: MoveFolders, move: MoveFolder) -> list[TheirList]:
    if not folders.is_whole(move):
        raise MailerError("what was read of listmonk isn’t here any more", remedy="Begin again: it is read again.")
    theirs = folders.theirs(move)
    try:
        return theirs.lists()
    finally:
        theirs.close()


def _lists(
    visit: Visit, folders: MoveFolders, move: MoveFolder, *, which: str = "", wrong: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    found = _their_lists(folders, move)
    theirs = folders.theirs(move)
    try:
        people, texts = theirs.people, {name: len(theirs.kept(name)) for name in ("campaigns", "templates")}
    finally:
        theirs.close()
    usual = suggested(visit.workspace, found)
    ours = [(name, visit.workspace.list_definition(name).title) for name in visit.workspace.list_names()
            if visit.who.may(Right.IMPORT, name)]  # fmt: skip
    asked = bool(move.agreed or move.onto or wrong)
    chosen = {one.id: move.onto.get(str(one.id), LEFT_OUT) if asked else usual[one.id] for one in found}
    if not which and move.wording is not None:
        which = "other" if move.wording else "none"
    return _page(
        visit, move, "lists", "lists", status=status, found=found, chosen=chosen, usual=usual, ours=ours,
        known={name for name, _ in ours}, people=people, read_at=datetime.fromtimestamp(move.read_at, UTC),
        texts=texts, which=which, left_out=LEFT_OUT,
        wrong=wrong or {"lists": "", "agreed": "", "wording": ""}, longest=LONGEST_WORDING,
    )  # fmt: skip


def _rehearsal(visit: Visit, move: MoveFolder, work: WorkStatus) -> Response:
    reports: Mapping[str, Mapping[str, Any]] = (work.result or {})["reports"]
    named = {move.onto.get(str(one.id), ""): one.name for one in _their_lists(MoveFolders(visit.workspace.root), move)}
    titles = {name: _title(visit, name, named.get(name, name)) for name in reports}
    comes = sum(one["subscribed"] + one["pending"] for one in reports.values())
    return _page(visit, move, "rehearsal", "rehearsal", reports=reports, titles=titles, comes=comes)


def _title(visit: Visit, name: str, theirs: str) -> str:
    known = name in visit.workspace.list_names()
    return visit.workspace.list_definition(name).title if known else f"{theirs} (a new list)"


def _page(visit: Visit, move: MoveFolder, name: str, step: str, *, status: int = 200, **values: Any) -> Response:
    return page(
        visit, f"moving/{name}.html", status=status, move=move, step=step, steps=STEPS,
        address=f"{PLACE}/{move.token}", **values,
    )  # fmt: skip


def _mark(work: WorkStatus | None) -> str:
    return f"{work.state} {work.done} {work.of} {work.words} {work.stopping}" if work else ""


ONE = f"{PLACE}/{{token}}"
ROUTES = (
    StudioRoute(PLACE, begin, Right.SETTINGS, method="POST"),
    StudioRoute(ONE, here, Right.SETTINGS),
    StudioRoute(f"{ONE}/moves", moves, Right.SETTINGS),
    StudioRoute(f"{ONE}/lists", lists, Right.SETTINGS),
    StudioRoute(f"{ONE}/lists", save, Right.SETTINGS, method="POST"),
    StudioRoute(f"{ONE}/rehearsal", rehearsal, Right.SETTINGS),
    StudioRoute(f"{ONE}/move", bring, Right.SETTINGS, method="POST"),
    StudioRoute(f"{ONE}/again", again, Right.SETTINGS, method="POST"),
    StudioRoute(f"{ONE}/remove", remove, Right.SETTINGS, method="POST"),
)
