"""Saved segments: all of them, and one in the builder with how many are in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.audience.fields import known_fields
from mailer.audience.selection.groups import subscribed_to
from mailer.audience.selection.saved_segments import (
    SavedSegment,
    check_segment,
    known_names,
    read_segment,
    segment_names,
    segment_path,
    segment_titles,
    written_out,
)
from mailer.audience.selection.saving_segments import (
    newsletters_asking,
    remove_segment,
    save_segment,
    segments_asking,
)
from mailer.audience.selection.segment_sql import condition
from mailer.editing.git.commits import keep_in_git
from mailer.editing.save import SaveConflict
from mailer.editing.toml_edit import read_toml_text
from mailer.errors import MailerError
from mailer.reports.list_figures import SILENT
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import Right
from mailer.store.tables.core import people
from mailer.web.studio.audience.asked import LONGEST_TEXT
from mailer.web.studio.audience.builder import (
    MODES,
    BuilderGroup,
    BuilderRow,
    pressed,
    read_builder,
    rows_in,
    to_builder,
    to_expression,
    unfinished,
)
from mailer.web.studio.audience.choices import choices_of
from mailer.web.studio.audience.room import faults_in_words
from mailer.web.studio.audience.subjects import RowSubject, subjects
from mailer.web.studio.core.context import Form, Visit
from mailer.web.studio.core.pages import page, part
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.lists.visitor import base_sent, lists_seen, short_name
from mailer.web.studio.newsletters.listing import list_titles
from mailer.web.studio.newsletters.shelf import shelf_of

NEW = "-"  # in the address of a new segment: none can be called so
LONGEST = 300  # characters of a title
UNFINISHED = "A condition isn’t finished, so nothing is saved."


@dataclass(frozen=True, slots=True)
class SegmentForm:
    """What the form holds. Without `conditions` they are the expression `text`."""

    title: str
    about: str
    conditions: BuilderGroup | None
    text: str
    name: str = ""

    def expression(self, known: Mapping[str, RowSubject]) -> str:
        return self.text.strip() if self.conditions is None else to_expression(self.conditions, known)


def show_all(visit: Visit) -> Response:
    """Every saved segment, with what asks for it."""
    found: list[tuple[str, SavedSegment | None, str, Sequence[str]]] = []
    fields = _fields(visit)
    with visit.database.read() as connection:
        known = known_names(connection, visit.workspace, fields=fields)
        for name in segment_names(visit.workspace):
            used, one = newsletters_asking(visit.workspace, connection, [name]), None
            try:
                one = read_segment(visit.workspace, name)
                check_segment(one, known)
                found.append((name, one, "", used))
            except MailerError as error:
                found.append((name, one, " ".join(faults_in_words(error)), used))
    return page(visit, "lists/segments.html", found=found, new=NEW)


def show(visit: Visit) -> Response:
    """One in the builder; at "-" an empty one, or what ?expression= says."""
    name = visit.path["segment"]
    known = _known(visit)
    if name == NEW:
        text = visit.query.get("expression", "")[:LONGEST_TEXT]
        group = to_builder(text, known, fields=_fields(visit))
        form = SegmentForm("", "", _begun(group), text)
        return _page(visit, form, known)
    text = _file_of(visit, name)
    try:
        found = read_segment(visit.workspace, name)
    except MailerError as error:
        return _page(visit, SegmentForm(name, "", None, ""), known, base=text, wrong=faults_in_words(error))
    group = to_builder(found.expression, known, fields=_fields(visit))
    form = SegmentForm(found.title, found.about, group, found.expression)
    return _page(visit, form, known, base=text, done=visit.query.get("done", ""))


def change(visit: Visit) -> Response:
    """A button of the form: one that changes the rows, or Save."""
    name, known = visit.path["segment"], _known(visit)
    form = _sent(visit.form, known, visit)
    base = base_sent(visit.form)
    if visit.form.get("do") != "save":
        return _page(visit, form, known, base=base)
    if form.conditions is not None and any(unfinished(row, known) for row in rows_in(form.conditions)):
        return _page(visit, form, known, base=base, wrong=[UNFINISHED], strict=True)
    named = name if name != NEW else form.name or short_name(form.title)
    segment = SavedSegment(named, form.title, form.expression(known), form.about)
    try:
        with visit.database.write() as connection:
            done = save_segment(visit.workspace, connection, visit.who, segment, at=visit.now, base=base)
    except NotAllowed:
        raise
    except MailerError as error:
        return _page(visit, form, known, base=base, wrong=faults_in_words(error))
    if isinstance(done, SaveConflict):
        wrong = ["Somebody changed the same meanwhile. Below is yours; press Save to put it in the place of theirs."]
        return _page(visit, form, known, base=done.theirs, wrong=wrong, status=412)
    keep_in_git(visit.workspace, visit.database, visit.who, "lists/segments", f"Save the segment {named}")
    return RedirectResponse(f"/segments/{named}?done=saved", 303)


def rows(visit: Visit) -> Response:
    """The rows after a button or a choice, for script: nothing is saved or counted."""
    known = _known(visit)
    return HTMLResponse(part(visit, "lists/segment_rows.html", **_shown(visit, _sent(visit.form, known, visit), known)))


def count(visit: Visit) -> Response:
    """How many are in it, for script."""
    known = _known(visit)
    if visit.request.method == "POST":
        expression = _sent(visit.form, known, visit).expression(known)
    else:
        expression = read_segment(visit.workspace, visit.path["segment"]).expression
    return HTMLResponse(part(visit, "lists/segment_count.html", **_counted(visit, expression)))


def remove(visit: Visit) -> Response:
    """Take it away, unless something asks for it."""
    name = visit.path["segment"]
    _file_of(visit, name)
    with visit.database.write() as connection:
        remove_segment(visit.workspace, connection, visit.who, name, at=visit.now)
    keep_in_git(visit.workspace, visit.database, visit.who, "lists/segments", f"Take the segment {name} away")
    return RedirectResponse("/segments", 303)


def save_silent(visit: Visit) -> Response:
    """A segment of those on a list who gave no sign for 12 months."""
    name = visit.form.get("list")
    if name not in lists_seen(visit):
        raise HTTPException(404)
    title = list_titles(visit)[name]
    segment = SavedSegment(
        f"silent-{name}", f"Silent for 12 months on {title}", f'subscribed("{name}") and {SILENT}',
        "On the list for longer, and for 12 months neither signed nor followed a link.",
    )  # fmt: skip
    if segment.name not in segment_names(visit.workspace):
        with visit.database.write() as connection:
            save_segment(visit.workspace, connection, visit.who, segment, at=visit.now)
        keep_in_git(visit.workspace, visit.database, visit.who, "lists/segments", f"Save the segment {segment.name}")
    return RedirectResponse(f"/segments/{segment.name}?done=saved", 303)


def _sent(form: Form, known: Mapping[str, RowSubject], visit: Visit) -> SegmentForm:
    button, text = form.get("do"), form.text("text")[:LONGEST_TEXT]
    group = None if form.get("shown") == "text" else pressed(read_builder(form, known), button)
    if button == "as-text" and group is not None:
        group, text = None, to_expression(group, known)
    elif button == "as-rows" and group is None:
        group = to_builder(text, known, fields=_fields(visit))
    return SegmentForm(form.get("title")[:LONGEST], form.get("about")[:LONGEST], group, text, form.get("name"))


def _begun(group: BuilderGroup | None) -> BuilderGroup | None:
    return BuilderGroup(group.mode, (BuilderRow(),)) if group is not None and not group.items else group


def _page(
    visit: Visit, form: SegmentForm, known: Mapping[str, RowSubject], *, base: str = "", wrong: Sequence[str] = (),
    done: str = "", strict: bool = False, status: int = 0,
) -> Response:  # fmt: skip
    name = visit.path["segment"]
    with visit.database.read() as connection:
        used = [] if name == NEW else newsletters_asking(visit.workspace, connection, [name])
    names = {one.slug: one.name for one in shelf_of(visit.studio).newsletters(visit.workspace)}
    titles = segment_titles(visit.workspace)
    return page(
        visit, "lists/segment.html", status=status or (422 if wrong else 200), name=name, new=NEW,
        base=json.dumps(base),
        wrong=wrong, done=done, newsletters=[(one, names.get(one, one)) for one in used],
        may_change=visit.who.may(Right.WRITE),
        segments=[(one, titles.get(one, one)) for one in segments_asking(visit.workspace, name)],
        **_shown(visit, form, known, strict=strict),
    )  # fmt: skip


def _shown(visit: Visit, form: SegmentForm, known: Mapping[str, RowSubject], *, strict: bool = False) -> dict[str, Any]:
    return {
        "asked": form, "choices": choices_of(visit), "known": known, "modes": MODES, "unfinished": unfinished,
        "strict": strict,
    }  # fmt: skip


def _counted(visit: Visit, expression: str) -> dict[str, Any]:
    """How many people on the visitor's lists match; `faults` where that can't be counted."""
    if not expression:
        return {"number": None, "of": None, "faults": []}
    lists = lists_seen(visit)
    try:
        with visit.database.read(of_everyone=True) as connection:
            names = known_names(connection, visit.workspace, fields=_fields(visit))
            holds = condition(written_out(expression, names), now=visit.now)
            on_lists = people.c.id.in_(subscribed_to(lists))
            number, of = (
                int(connection.execute(select(func.count()).select_from(people).where(*which)).scalar_one())
                for which in ((on_lists, holds), (on_lists,))
            )
    except MailerError as error:
        return {"number": None, "of": None, "faults": faults_in_words(error)}
    return {"number": number, "of": of, "faults": []}


def _known(visit: Visit) -> Mapping[str, RowSubject]:
    return subjects(sorted(_fields(visit)), questions=True)


def _fields(visit: Visit) -> frozenset[str]:
    with visit.database.read() as connection:
        return known_fields(connection, visit.workspace.sound_lists())


def _file_of(visit: Visit, name: str) -> str:
    """The file of a segment as it is. Raises HTTPException 404 where there is none."""
    if name not in segment_names(visit.workspace):
        raise HTTPException(404)
    return read_toml_text(segment_path(visit.workspace, name))


HERE = "/segments/{segment}"
ROUTES = (
    StudioRoute("/segments", show_all, Right.REPORTS),
    StudioRoute("/segments/-/silent", save_silent, Right.WRITE, method="POST"),
    StudioRoute(HERE, show, Right.REPORTS),
    StudioRoute(HERE, change, Right.WRITE, method="POST"),
    StudioRoute(f"{HERE}/rows", rows, Right.WRITE, method="POST"),
    StudioRoute(f"{HERE}/count", count, Right.REPORTS),
    StudioRoute(f"{HERE}/count", count, Right.WRITE, method="POST"),
    StudioRoute(f"{HERE}/remove", remove, Right.WRITE, method="POST"),
)
