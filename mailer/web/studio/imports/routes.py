"""The addresses of Imports: bring a file, see what is under way and what was done, and take an import back."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.audience.imports.files.uploads import MOST_BYTES, REJECTS, Upload, Uploads
from mailer.audience.imports.past import PastImport, find_import, list_imports
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.long_work.importing import IMPORT, LOOK, REHEARSAL, UNDO
from mailer.long_work.orders import WorkStatus, list_work, start_work
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Deed, LongWork, Room, SidebarPlace, StudioRoute
from mailer.web.studio.imports import bringing, wizard
from mailer.web.studio.imports.told import told_report
from mailer.web.studio.work.beside import worker_of

SHOWN = 50  # past imports
LARGEST_FORM = MOST_BYTES + (64 << 10)


@dataclass(frozen=True, slots=True)
class BegunImport:
    """A file that was brought and isn't imported."""

    upload: Upload
    words: str
    running: bool


def show(visit: Visit) -> Response:
    """Bring a file; what was begun; what was done."""
    uploads = Uploads(visit.workspace.root)
    uploads.sweep(visit.now)
    with visit.database.read() as connection:
        past = [one for one in list_imports(connection, limit=SHOWN) if visit.who.may(Right.IMPORT, one.list)]
        works = {one.id: one for one in list_work(connection, LOOK, REHEARSAL, IMPORT, limit=200)}
    begun = [
        _begun(uploads, one, works)
        for one in uploads.all()
        if visit.who.may(Right.IMPORT, one.list)
        and not one.joins
        and uploads.received(one) >= 0
        and not _is_done(one, works)
    ]
    lists = [(name, _title(visit, name)) for name in visit.workspace.list_names() if visit.who.may(Right.IMPORT, name)]
    return page(
        visit, "imports/imports.html", past=[(one, _became(one)) for one in past], begun=begun, lists=lists,
        most=MOST_BYTES, most_mb=MOST_BYTES >> 20, titles=dict(lists),
    )  # fmt: skip


def show_one(visit: Visit) -> Response:
    """What an import did, and the button that takes it back."""
    found = _past(visit)
    with visit.database.read() as connection:
        running = next(
            (one for one in list_work(connection, UNDO) if one.order.get("number") == found.id and not one.is_over),
            None,
        )
    uploads, upload = _upload_of(visit, found)
    has_rejects = upload is not None and uploads.beside(upload, REJECTS).exists()
    return page(
        visit, "imports/import.html", found=found, told=told_report(found.report) if found.report else (),
        can_be_undone=found.can_be_undone(visit.now), running=running, list_title=_title(visit, found.list),
        rejects=f"/imports/files/{upload.token}/rejects.csv" if upload and has_rejects else "",
    )  # fmt: skip


def undo(visit: Visit) -> Response:
    """Take an import back, as work beside the page."""
    found = _past(visit)
    if not found.can_be_undone(visit.now):
        raise MailerError("this import can’t be taken back any more", remedy="What it did stays as it is.")
    with visit.database.write() as connection:
        number = start_work(connection, UNDO, {"number": found.id}, actor=visit.who, now=visit.now)
    worker_of(visit.studio).wake()
    return RedirectResponse(f"/long-work/{number}", 303)


def _past(visit: Visit) -> PastImport:
    number = visit.path["number"]
    with visit.database.read() as connection:
        found = find_import(connection, int(number)) if number.isascii() and number.isdecimal() else None
    if found is None:
        raise HTTPException(404)
    visit.who.require(Right.IMPORT, found.list)
    return found


def _upload_of(visit: Visit, found: PastImport) -> tuple[Uploads, Upload | None]:
    """The upload that an import came from, while there is anything of it."""
    uploads = Uploads(visit.workspace.root)
    with visit.database.read() as connection:
        numbers = {one.id for one in list_work(connection, IMPORT) if (one.result or {}).get("number") == found.id}
    return uploads, next((one for one in uploads.all() if one.work.get("import") in numbers), None)


def _begun(uploads: Uploads, upload: Upload, works: dict[int, WorkStatus]) -> BegunImport:
    come = uploads.received(upload)
    if come < upload.size:
        return BegunImport(
            upload, f"{100 * come // upload.size} % has come. Choose the same file again, and it goes on", False
        )
    latest = max((works[number] for number in upload.work.values() if number in works), default=None, key=_by_number)
    if latest and not latest.is_over:
        words = {LOOK: "Being looked over", REHEARSAL: "Rehearsing", IMPORT: "Being imported"}[latest.topic]
        return BegunImport(upload, words, True)
    done = "consent" if "consent" in upload.checked else "columns" if "columns" in upload.checked else ""
    return BegunImport(
        upload, {"consent": "Rehearsed", "columns": "Consent is next", "": "Columns are next"}[done], False
    )


def _by_number(work: WorkStatus) -> int:
    return work.id


def _is_done(upload: Upload, works: dict[int, WorkStatus]) -> bool:
    work = works.get(upload.work.get("import", 0))
    return work is not None and (work.result or {}).get("number") is not None


def _became(one: PastImport) -> str:
    report = one.report
    if not report:
        return ""
    found = [counted(report["read"], "row"), f"{report['added']:,} new", f"{report['updated']:,} changed"]
    return ", ".join([*found, *([f"{report['rejected']:,} left out"] if report["rejected"] else [])])


def _title(visit: Visit, name: str) -> str:
    try:
        return visit.workspace.list_definition(name).title
    except MailerError:  # its file has faults, or is gone; Lists says so
        return name


def _after_a_file(work: WorkStatus) -> str:
    return f"/imports/files/{work.order['upload']}" if "upload" in work.order else "/imports"


def _after_undo(work: WorkStatus) -> str:
    return f"/imports/{(work.result or {}).get('number', '')}"


FILES = "/imports/files"
ROOM = Room(
    routes=(
        StudioRoute("/imports", show, Right.IMPORT),
        StudioRoute("/imports", bringing.whole, Right.IMPORT, method="POST", most_bytes=LARGEST_FORM),
        StudioRoute(FILES, bringing.begin, Right.IMPORT, method="POST"),
        StudioRoute(f"{wizard.FILE}/at", bringing.at, Right.IMPORT),
        StudioRoute(
            f"{wizard.FILE}/piece", bringing.piece, Right.IMPORT, method="POST", most_bytes=bringing.PIECE_BYTES
        ),
        *wizard.ROUTES,
        StudioRoute("/imports/{number}", show_one, Right.IMPORT),
        StudioRoute("/imports/{number}/undo", undo, Right.IMPORT, method="POST"),
    ),
    places=(SidebarPlace("/imports", "Imports", "file-down", group=2, asks=Right.IMPORT),),
    deeds=(Deed("Import people", "/imports", "file-down", asks=Right.IMPORT),),
    work={
        LOOK: LongWork("Looking over a file", Right.IMPORT, _after_a_file, "See what was recognised"),
        REHEARSAL: LongWork("Rehearsing an import", Right.IMPORT, _after_a_file, "See the rehearsal"),
        IMPORT: LongWork("Importing people", Right.IMPORT, _after_a_file, "See what was imported"),
        UNDO: LongWork("Taking an import back", Right.IMPORT, _after_undo, "See what was put back"),
    },
)
