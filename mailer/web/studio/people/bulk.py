"""One thing done to everybody a search or a saved segment finds: how many first, then a job that outlives the page."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from mailer.audience.people.search import PeopleSearch
from mailer.audience.supporter_care.bulk import BulkDeed, BulkOrder, check_order, count_people, search_for
from mailer.audience.tags import known_tags
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.long_work.bulk_people import TOPIC, export_of
from mailer.long_work.orders import WorkStatus, find_work, folder_of, start_work
from mailer.staff.actor import NotAllowed
from mailer.staff.audit import record
from mailer.staff.rights import Right
from mailer.store.tables.states import JobState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import LongWork
from mailer.web.studio.newsletters.listing import list_titles
from mailer.web.studio.people.search_page import asked_of, query_of, segments_of
from mailer.web.studio.work.beside import worker_of

DONE = {
    BulkDeed.TAG: "people tagged", BulkDeed.UNTAG: "a tag taken off people", BulkDeed.LIST: "people put on a list",
    BulkDeed.LEAVE: "people unsubscribed", BulkDeed.EXPORT: "people exported",
}  # fmt: skip


def show(visit: Visit) -> Response:
    """How many they are, and what can be done."""
    return _page(visit)


def begin(visit: Visit) -> Response:
    """Ask for the work, once the number that was typed is that of the people it is about."""
    form, asked = visit.form, asked_of(visit)
    try:
        if form.get("deed") not in tuple(BulkDeed):
            raise HTTPException(400)
        lists = None if visit.who.lists is None else sorted(visit.who.lists)
        order = BulkOrder(
            BulkDeed(form.get("deed")), asked, lists, tag=form.get("tag"), name=form.get("name"),
            source=form.get("source"), wording=form.get("wording"),
        )  # fmt: skip
        check_order(visit.workspace, visit.who, order)
        with visit.database.write() as connection:
            number = count_people(connection, search_for(connection, visit.workspace, asked, lists, now=visit.now))
            typed = "".join(letter for letter in form.get("number") if letter.isdigit())
            if typed != str(number):
                raise MailerError(
                    f"they are {counted(number)}, not {typed or 'none'}",
                    remedy="Type that number if you mean them all.",
                )
            what = ", ".join(filter(None, (order.tag and f"tag {order.tag}", order.name and f"list {order.name}")))
            detail = f"{counted(number)}{f', {what}' if what else ''}"
            record(connection, visit.who, DONE[order.deed], at=visit.now, detail=detail, reason=order.source)
            work = start_work(connection, TOPIC, order.to_json(), actor=visit.who, now=visit.now)
    except NotAllowed:
        raise
    except MailerError as wrong:
        return _page(visit, wrong=wrong, typed=form.values())
    worker_of(visit.studio).wake()
    return RedirectResponse(f"/long-work/{work}", 303)


def download(visit: Visit) -> Response:
    """The file of an export, for who asked for it."""
    number = visit.path["number"]
    with visit.database.read() as connection:
        work = find_work(connection, int(number)) if number.isascii() and number.isdigit() else None
    if work is None or work.topic != TOPIC or work.state is not JobState.DONE or work.asked_by != visit.who.name:
        raise HTTPException(404)
    with visit.database.read() as connection:
        file = export_of(connection, folder_of(visit.workspace.root, work.id))
    if file is None:
        raise MailerError(
            "this file isn’t here any more", remedy="It was a week old, or somebody in it was forgotten. Export again."
        )
    headers = {"Cache-Control": "no-store"}
    return FileResponse(file, media_type="text/csv", filename=f"people-{work.id}.csv", headers=headers)


def _after(work: WorkStatus) -> str:
    return f"/people/exports/{work.id}" if (work.result or {}).get("file") else "/people"


def _page(visit: Visit, *, wrong: MailerError | None = None, typed: Mapping[str, str] | None = None) -> Response:
    asked, titles = asked_of(visit), list_titles(visit)
    lists = None if visit.who.lists is None else sorted(visit.who.lists)
    with visit.database.read() as connection:
        search = search_for(connection, visit.workspace, asked, lists, now=visit.now)
        number, tags = count_people(connection, search), known_tags(connection)
    mine = [(name, title) for name, title in titles.items() if visit.who.may(Right.IMPORT, name)]
    return page(
        visit, "people/bulk.html", status=422 if wrong else 200, number=number, tags=tags, lists=mine, wrong=wrong,
        typed=typed or {}, query=query_of(asked), said=_said(visit, asked, titles, search), whole=lists is None,
        wordings={name: visit.workspace.list_definition(name).consent for name, _ in mine},
    )  # fmt: skip


def _said(visit: Visit, asked: Mapping[str, str], titles: Mapping[str, str], search: PeopleSearch) -> str:
    """Who they are, in words."""
    parts = [
        f"“{search.words}”" if search.words else "", f"tagged {search.tag}" if search.tag else "",
        f"on {titles.get(search.list, search.list)}" if search.list else "",
        f"in the segment {segments_of(visit).get(asked['segment'], '')}" if asked.get("segment") else "",
    ]  # fmt: skip
    return ", ".join(filter(None, parts)) or "everybody"


WORK = {TOPIC: LongWork("Changing people", Right.SEE_PEOPLE, _after, "Go on")}
