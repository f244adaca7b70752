"""The addresses of Backups. Taking one asks for *settings*; carrying one away, which names everybody, for *export
people* as well. Putting one back is for the terminal: it must be done while nothing else runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response, StreamingResponse

from mailer.long_work.backups import TOPIC
from mailer.long_work.orders import start_work
from mailer.staff.audit import record
from mailer.staff.rights import Right
from mailer.store.admin.backup import LOGGED_AS
from mailer.store.admin.kept_backups import KeptBackup, kept_backups
from mailer.store.admin.sealed import ENDING, SHORTEST_PASSPHRASE, seal
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import LongWork, Room, SidebarPlace, StudioRoute
from mailer.web.studio.today.went_wrong import BACKUP_OLD, last_backup
from mailer.web.studio.work.beside import worker_of

HERE = "/backups"


def show(visit: Visit) -> Response:
    """How old the last one is, and those that are kept here."""
    return _page(visit)


def take(visit: Visit) -> Response:
    """Copy the database now, beside the page."""
    with visit.database.write() as connection:
        number = start_work(connection, TOPIC, {}, actor=visit.who, now=visit.now)
    worker_of(visit.studio).wake()
    return RedirectResponse(f"/long-work/{number}", 303)


def download(visit: Visit) -> Response:
    """Carry one away, sealed with a passphrase."""
    found = _named(visit)
    passphrase = visit.form.text("passphrase")
    if len(passphrase) < SHORTEST_PASSPHRASE:
        return _page(visit, wrong=f"The passphrase needs {SHORTEST_PASSPHRASE} characters or more.", at=found)
    if passphrase != visit.form.text("again"):
        return _page(visit, wrong="The two passphrases are not the same.", at=found)
    with visit.database.write() as connection:
        record(
            connection, visit.who, "backup downloaded", at=visit.now, subject=LOGGED_AS, detail=found.path.name
        )  # fmt: skip
    name = found.path.name + ENDING
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_sealed(found.path, passphrase), media_type="application/octet-stream", headers=headers)


def remove(visit: Visit) -> Response:
    """Delete one, to make room."""
    found = _named(visit)
    found.path.unlink(missing_ok=True)
    with visit.database.write() as connection:
        record(connection, visit.who, "backup deleted", at=visit.now, subject=LOGGED_AS, detail=found.path.name)
    return RedirectResponse(HERE, 303)


def _sealed(path: Path, passphrase: str) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from seal(file, passphrase)


def _named(visit: Visit) -> KeptBackup:
    """The backup that the address names, out of those there are: no other file is ever opened."""
    for one in kept_backups(visit.workspace.root):
        if one.path.name == visit.path["file"]:
            return one
    raise HTTPException(404)


def _page(visit: Visit, *, wrong: str = "", at: KeptBackup | None = None) -> Response:
    with visit.database.read() as connection:
        last = last_backup(connection)
    return page(
        visit, "backups/backups.html", status=422 if wrong else 200, found=kept_backups(visit.workspace.root),
        last=last, is_old=last is None or visit.now - last > BACKUP_OLD, wrong=wrong, at=at,
        shortest=SHORTEST_PASSPHRASE,
    )  # fmt: skip


ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Right.SETTINGS),
        StudioRoute(HERE, take, Right.SETTINGS, method="POST"),
        StudioRoute(f"{HERE}/{{file}}", download, Right.EXPORT_PEOPLE, method="POST"),
        StudioRoute(f"{HERE}/{{file}}/delete", remove, Right.SETTINGS, method="POST"),
    ),
    places=(SidebarPlace(HERE, "Backups", "hard-drive", group=9, asks=Right.SETTINGS),),
    work={TOPIC: LongWork("Taking a backup", Right.SETTINGS, lambda _: HERE, "See the backups")},
)
