"""Tables of data/, seen, brought in and replaced; and a newsletter's sources below `data:`, with what they hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.compose.data.sources import DATA
from mailer.compose.data.tables import EXAMPLE
from mailer.compose.expressions.filters import format_date
from mailer.compose.source.message_file import read_source
from mailer.delivery.data.overview import TableState, states_of, tables_of
from mailer.delivery.data.read import read_data
from mailer.delivery.data.saving import save_table
from mailer.delivery.data.tables import rows_of_table
from mailer.editing.git.commits import keep_in_git
from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.core.palette import matches
from mailer.web.studio.core.rooms import PaletteHit, Room, SidebarPlace, StudioRoute
from mailer.web.studio.imports.multipart import MultipartForm
from mailer.web.studio.newsletters.listing import everything, one

HERE = "/data"
MOST_UPLOADED = 12_000_000  # bytes: some 250,000 rows; a larger table is put into data/ itself
SHOWN = 8  # rows of a table


@dataclass(frozen=True, slots=True)
class TableLook:
    """A table as its page shows it. Of one that names people there are no rows."""

    state: TableState
    rows: list[list[str]]


def show(visit: Visit) -> Response:
    """All tables."""
    return _page(visit)


def show_table(visit: Visit) -> Response:
    """One table: its columns, its first rows, who uses it, and another file in its place."""
    return _table_page(visit, visit.path["table"])


async def bring(visit: Visit) -> Response:
    """Take a table in; without a name, by that of its file."""
    return await _take(visit, "")


async def replace(visit: Visit) -> Response:
    """Take another file in the place of a table's."""
    return await _take(visit, visit.path["table"])


async def _take(visit: Visit, name: str) -> Response:
    form, pieces = MultipartForm(visit.request), list[bytes]()

    async def take(data: bytes) -> None:
        pieces.append(data)

    await form.read(take)
    return await run_in_threadpool(_taken, visit, name, form.file_name, b"".join(pieces))


def _taken(visit: Visit, name: str, file_name: str, content: bytes) -> Response:
    called = name or Path(file_name).stem
    try:
        if not content:
            raise MailerError("no table was chosen", remedy="Choose a file, then press the button again.")
        table = save_table(visit.workspace, visit.database, visit.who, name=called, file_name=file_name,
                           content=content, at=visit.now)  # fmt: skip
    except MailerError as error:
        return _table_page(visit, name, wrong=error) if name else _page(visit, wrong=error)
    keep_in_git(visit.workspace, visit.database, visit.who, DATA, f"Bring in the table {table.name}")
    return RedirectResponse(f"{HERE}/{table.name}?done=1", 303)


def _page(visit: Visit, *, wrong: MailerError | None = None) -> Response:
    names = {one.slug: one.name for one in everything(visit)}
    return page(
        visit, "data/tables.html", status=422 if wrong else 200, found=tables_of(visit.database, visit.workspace),
        names=names, wrong=wrong, most=MOST_UPLOADED, example=EXAMPLE,
    )  # fmt: skip


def _table_page(visit: Visit, name: str, *, wrong: MailerError | None = None) -> Response:
    state = next((one for one in tables_of(visit.database, visit.workspace) if one.file.name == name), None)
    if state is None:
        raise HTTPException(404)
    listed = {one.slug: one for one in everything(visit)}
    uses = [listed[slug] for slug in state.used_by if slug in listed]
    return page(
        visit, "data/table.html", status=422 if wrong else 200, look=TableLook(state, _rows(state)), uses=uses,
        wrong=wrong, done="done" in visit.query, most=MOST_UPLOADED,
    )  # fmt: skip


def _rows(state: TableState) -> list[list[str]]:
    if state.table is None or state.file.is_private:
        return []
    try:
        return [cells for _, cells in islice(rows_of_table(state.file, state.table), SHOWN)]
    except MailerError:  # which the check tells
        return []


# Of a newsletter


def show_sources(visit: Visit) -> Response:
    """What each source of a newsletter held when it was read last."""
    newsletter = one(visit, visit.path["name"])
    try:
        source = read_source(visit.workspace.newsletter(newsletter.slug))
    except MailerError as error:
        return page(visit, "data/sources.html", newsletter=newsletter, steps=way(visit, newsletter, here="write"),
                    found=[], wrong=error)  # fmt: skip
    found = states_of(source, read_data(visit.database, source, now=visit.now)) if source.data_sources else []
    return page(
        visit, "data/sources.html", newsletter=newsletter, steps=way(visit, newsletter, here="write"), found=found,
        wrong=None, dated=format_date,
    )  # fmt: skip


def read_again(visit: Visit) -> Response:
    """Ask every source now."""
    slug = visit.path["name"]
    read_data(visit.database, read_source(visit.workspace.newsletter(slug)), now=visit.now, again=True)
    return RedirectResponse(f"/newsletters/{slug}/data", 303)


def find(visit: Visit, words: str) -> Iterable[PaletteHit]:
    """Tables for Ctrl-K."""
    if not visit.who.may(Right.WRITE):
        return []
    names = (one.file.name for one in tables_of(visit.database, visit.workspace))
    return [PaletteHit(name, "Table", f"{HERE}/{name}", "table-2") for name in names if matches(words, name, "table")]


ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Right.WRITE),
        StudioRoute(HERE, bring, Right.WRITE, method="POST", most_bytes=MOST_UPLOADED + (64 << 10)),
        StudioRoute(HERE + "/{table}", show_table, Right.WRITE),
        StudioRoute(HERE + "/{table}", replace, Right.WRITE, method="POST", most_bytes=MOST_UPLOADED + (64 << 10)),
        StudioRoute("/newsletters/{name}/data", show_sources, Right.WRITE),
        StudioRoute("/newsletters/{name}/data", read_again, Right.WRITE, method="POST"),
    ),
    places=(SidebarPlace(HERE, "Data", "table-2", group=4, asks=Right.WRITE),),
    find=find,
)
