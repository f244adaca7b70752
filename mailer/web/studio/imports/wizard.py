"""The way of one import: the file, its columns, the consent, the rehearsal, the import. Each step is an address."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from mailer.audience.imports.columns import OPTED_IN
from mailer.audience.imports.files.delimited import NAMES
from mailer.audience.imports.files.uploads import MOST_BYTES, REJECTS, SEEN, Upload, Uploads
from mailer.audience.imports.meaning.peers import BY_NAME, PEERS
from mailer.audience.imports.meaning.statuses import RowStatus
from mailer.audience.imports.sources import NO_PEER, ImportOptions
from mailer.errors import MailerError
from mailer.long_work import importing
from mailer.long_work.importing import options
from mailer.long_work.orders import WorkStatus, find_work
from mailer.staff.rights import Right
from mailer.store.tables.states import JobState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.imports.bringing import look_over, order, the_upload
from mailer.web.studio.imports.columns import MEANS, Recognised, chosen, recognise, unknown_words
from mailer.web.studio.imports.told import told_report

STEPS = (("file", "File"), ("columns", "Columns"), ("consent", "Consent"), ("rehearsal", "Rehearsal"),
         ("import", "Import"))  # fmt: skip
LONGEST_WORDING, LONGEST_AGREED = 2_000, 300  # characters
LOOK_EVERY_SECONDS = 0.5


def here(visit: Visit) -> Response:
    """Where an import is: what works is shown as it goes on, and what is over leads to the next step."""
    uploads, upload = the_upload(visit)
    running = next((step for step in ("import", "rehearsal", "look") if step in upload.work), "")
    work = _work(visit, upload, running)
    if work is None or work.state is JobState.DONE:
        if work and running == "import":
            done = work.result or {}
            place = f"/imports/moving/{done['move']}" if "move" in done else f"/imports/{done.get('number', 0)}"
            return RedirectResponse(place, 303)
        done = next((one for one in ("consent", "columns") if one in upload.checked), "")
        following = {"consent": "rehearsal", "columns": "consent", "": "columns"}[done]
        if uploads.received(upload) == upload.size and uploads.beside(upload, SEEN).exists():
            return RedirectResponse(f"/imports/files/{upload.token}/{following}", 303)
        return _page(visit, upload, "unfinished", "file", come=max(0, uploads.received(upload)))
    step = {"look": "file", "rehearsal": "rehearsal", "import": "import"}[running]
    return _page(
        visit, upload, "working", step, work=work, mark=_mark(work), signs=_signs(), running=running,
        refused=work.state is JobState.FAILED,
    )  # fmt: skip


def moves(visit: Visit) -> Response:
    """Events whenever what works on it moved."""
    _, upload = the_upload(visit)
    running = next((step for step in ("import", "rehearsal", "look") if step in upload.work), "")
    return live(visit, lambda later: _mark(_work(later, upload, running)), every_seconds=LOOK_EVERY_SECONDS)


def columns(visit: Visit) -> Response:
    """What is in each column, with what was recognised filled in."""
    _, upload, found = _recognised(visit)
    return _columns(visit, upload, found)


def save_columns(visit: Visit) -> Response:
    """Keep what was chosen; go on once nothing is open."""
    uploads, upload, _ = _recognised(visit)
    form, definition = visit.form, visit.workspace.list_definition(upload.list)
    asked = chosen(uploads, upload, definition, options(upload), form.values())
    found = recognise(uploads, upload, definition, asked)
    stops = bool(found.problems) or any(not row.chosen for row in found.rows)
    upload = _kept(uploads, upload, asked, *(() if stops else ("columns",)))
    if stops:
        return _columns(visit, upload, found, status=422)
    return RedirectResponse(f"/imports/files/{upload.token}/consent", 303)


def look_again(visit: Visit) -> Response:
    """Read the file as another kind, or with another sign between its columns."""
    uploads, upload = the_upload(visit)
    if uploads.received(upload) != upload.size or _is_running(_work(visit, upload, "import")):
        raise MailerError("the file isn't there to be read again", remedy="Bring it again.")
    kind, delimiter = visit.form.get("kind"), NAMES.get(visit.form.get("delimiter"), "")
    asked = ImportOptions(kind=kind if kind in {*BY_NAME, NO_PEER} else "", delimiter=delimiter)
    look_over(visit, uploads, _kept(uploads, upload, asked))
    return RedirectResponse(f"/imports/files/{upload.token}", 303)


def consent(visit: Visit) -> Response:
    """How, when and to what they agreed."""
    _, upload, found = _recognised(visit, "columns")
    return _consent(visit, upload, found, options(upload))


def save_consent(visit: Visit) -> Response:
    """Keep it, and rehearse."""
    uploads, upload, found = _recognised(visit, "columns")
    form, definition = visit.form, visit.workspace.list_definition(upload.list)
    said = {"list": definition.consent, "other": form.text("wording").strip()[:LONGEST_WORDING], "none": ""}
    which, agreed = form.get("which"), " ".join(form.get("agreed").split())[:LONGEST_AGREED]
    asked = replace(options(upload), agreed=agreed, wording=said.get(which))
    wrong = {"agreed": "" if agreed else "Say where and how: it is kept as proof with each of them."}
    wrong["wording"] = (
        "" if which in said and (asked.wording or which == "none") else "Say what they read, or that nobody knows."
    )
    if any(wrong.values()):
        return _consent(visit, upload, found, asked, which=which, wrong=wrong, status=422)
    return _rehearse(visit, uploads, _kept(uploads, upload, asked, "columns", "consent"))


def rehearsal(visit: Visit) -> Response:
    """What would become of each row; nothing has been imported."""
    uploads, upload, found = _recognised(visit, "columns", "consent")
    work = _work(visit, upload, "rehearsal")
    if work is None:
        return _page(visit, upload, "again", "rehearsal")
    if work.state is not JobState.DONE or "import" in upload.work:
        return RedirectResponse(f"/imports/files/{upload.token}", 303)
    report = (work.result or {})["report"]
    return _page(
        visit, upload, "rehearsal", "rehearsal", report=report, told=told_report(report), found=found,
        asked=options(upload), has_rejects=uploads.beside(upload, REJECTS).exists(),
        comes=report["subscribed"] + report["pending"],
    )  # fmt: skip


def rehearse(visit: Visit) -> Response:
    """Rehearse once more."""
    uploads, upload, _ = _recognised(visit, "columns", "consent")
    return _rehearse(visit, uploads, upload)


def begin_import(visit: Visit) -> Response:
    """Import what was rehearsed."""
    uploads, upload, _ = _recognised(visit, "columns", "consent")
    work = _work(visit, upload, "rehearsal")
    if work is None or work.state is not JobState.DONE:
        raise MailerError("it wasn't rehearsed yet", remedy="Look at the rehearsal first. Nothing was imported.")
    if not _is_running(_work(visit, upload, "import")):
        order(visit, uploads, upload, "import", importing.IMPORT)
    return RedirectResponse(f"/imports/files/{upload.token}", 303)


def rejects(visit: Visit) -> Response:
    """The rows that were turned away, with line and reason, to correct and bring again."""
    uploads, upload = the_upload(visit)
    path = uploads.beside(upload, REJECTS)
    if not path.exists():
        raise HTTPException(404)
    name = f"{upload.name.rpartition('.')[0] or upload.name}-left-out.csv"
    return FileResponse(
        path, media_type="text/csv; charset=utf-8", filename=name, headers={"Cache-Control": "no-store"}
    )


def remove(visit: Visit) -> Response:
    """Put a file away that shall not be imported."""
    uploads, upload = the_upload(visit)
    if _is_running(_work(visit, upload, "import")):
        raise MailerError("it is being imported just now", remedy="Stop that first, or wait.")
    uploads.remove(upload)
    return RedirectResponse("/imports", 303)


def _rehearse(visit: Visit, uploads: Uploads, upload: Upload) -> Response:
    order(visit, uploads, upload, "rehearsal", importing.REHEARSAL)
    return RedirectResponse(f"/imports/files/{upload.token}", 303)


def _recognised(visit: Visit, *needs: str) -> tuple[Uploads, Upload, Recognised]:
    """The upload with what was recognised. One that isn't so far is a page that isn't there yet."""
    uploads, upload = the_upload(visit)
    if not set(needs) <= set(upload.checked) or not uploads.beside(upload, SEEN).exists():
        raise HTTPException(404)
    definition = visit.workspace.list_definition(upload.list)
    return uploads, upload, recognise(uploads, upload, definition, options(upload))


def _kept(uploads: Uploads, upload: Upload, asked: ImportOptions, *checked: str) -> Upload:
    """What was asked is kept; a rehearsal of something else is not."""
    work = {step: number for step, number in upload.work.items() if step == "look"}
    return uploads.save(replace(upload, asked=asdict(asked), checked=checked, work=work))


def _columns(visit: Visit, upload: Upload, found: Recognised, *, status: int = 200) -> Response:
    asked = options(upload)
    return _page(
        visit, upload, "columns", "columns", status=status, found=found, asked=asked, means=MEANS, signs=_signs(),
        most=MOST_BYTES,
        statuses=[*RowStatus], unknown=[*unknown_words(found)], tried=status != 200,
        looks=sum(1 for row in found.rows if row.look),
        programs=[("", "Find out"), (NO_PEER, "None of these"), *((one.name, one.title) for one in PEERS)],
    )  # fmt: skip


def _consent(
    visit: Visit, upload: Upload, found: Recognised, asked: ImportOptions, *, which: str = "",
    wrong: dict[str, str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    definition = visit.workspace.list_definition(upload.list)
    if not which and asked.wording is not None:
        which = "none" if not asked.wording else "list" if asked.wording == definition.consent else "other"
    dated = [row for row in found.rows if row.chosen == OPTED_IN]
    return _page(
        visit, upload, "consent", "consent", status=status, found=found, asked=asked, which=which,
        wrong=wrong or {"agreed": "", "wording": ""},
        definition=definition, dated=dated, longest=LONGEST_WORDING,
    )  # fmt: skip


def _page(visit: Visit, upload: Upload, name: str, step: str, *, status: int = 200, **values: Any) -> Response:
    title = visit.workspace.list_definition(upload.list).title
    return page(
        visit, f"imports/{name}.html", status=status, upload=upload, step=step, steps=STEPS, list_title=title,
        address=f"/imports/files/{upload.token}", **values,
    )  # fmt: skip


def _work(visit: Visit, upload: Upload, step: str) -> WorkStatus | None:
    number = upload.work.get(step)
    with visit.database.read() as connection:
        return find_work(connection, number) if number else None


def _is_running(work: WorkStatus | None) -> bool:
    return work is not None and not work.is_over


def _mark(work: WorkStatus | None) -> str:
    return f"{work.state} {work.done} {work.of} {work.words} {work.stopping}" if work else ""


def _signs() -> list[tuple[str, str]]:
    return [("", "Find out"), ("comma", "Comma ,"), ("semicolon", "Semicolon ;"), ("tab", "Tab"), ("pipe", "Bar |")]


FILE = "/imports/files/{token}"
ROUTES = (
    StudioRoute(FILE, here, Right.IMPORT),
    StudioRoute(f"{FILE}/moves", moves, Right.IMPORT),
    StudioRoute(f"{FILE}/columns", columns, Right.IMPORT),
    StudioRoute(f"{FILE}/columns", save_columns, Right.IMPORT, method="POST"),
    StudioRoute(f"{FILE}/look", look_again, Right.IMPORT, method="POST"),
    StudioRoute(f"{FILE}/consent", consent, Right.IMPORT),
    StudioRoute(f"{FILE}/consent", save_consent, Right.IMPORT, method="POST"),
    StudioRoute(f"{FILE}/rehearsal", rehearsal, Right.IMPORT),
    StudioRoute(f"{FILE}/rehearsal", rehearse, Right.IMPORT, method="POST"),
    StudioRoute(f"{FILE}/import", begin_import, Right.IMPORT, method="POST"),
    StudioRoute(f"{FILE}/rejects.csv", rejects, Right.IMPORT),
    StudioRoute(f"{FILE}/remove", remove, Right.IMPORT, method="POST"),
)
