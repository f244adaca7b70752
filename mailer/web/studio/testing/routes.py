"""The addresses of a newsletter's test: setting it up, and deciding it by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from mailer.compose.source.message_file import read_source, source_of
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.delivery.campaigns import orders
from mailer.editing.git.commits import into_git
from mailer.editing.save import Edit, SaveConflict, read_exact, save
from mailer.editing.splice import head_end
from mailer.errors import MailerError
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import Right
from mailer.web.studio.audience.room import faults_in_words
from mailer.web.studio.audience.saving import base_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, step_path, way
from mailer.web.studio.core.rooms import Room, StudioRoute
from mailer.web.studio.newsletters.listing import ListedNewsletter, has_left, one
from mailer.web.studio.testing.buys import asked_of, what_it_buys
from mailer.web.studio.testing.form import HOURS, PARTS, TrialForm, changes, saved_form, sent_form, written

HERE = "/newsletters/{name}/test"
MOVED = "Somebody changed the newsletter after you opened this page. What you see is theirs; yours was not saved."


@dataclass(frozen=True, slots=True)
class _Told:
    words: str = ""
    wrong: Sequence[str] = ()


def show(visit: Visit) -> Response:
    """What is tried, as it is saved."""
    newsletter = one(visit, visit.path["name"])
    if has_left(newsletter):
        return RedirectResponse(step_path(visit, newsletter, "results"), 303)
    form = saved_form(read_source(visit.workspace.newsletter(newsletter.slug)))
    return _page(visit, newsletter, form, _Told("Saved." if visit.query.get("done") else ""))


def keep(visit: Visit) -> Response:
    """Save what was asked into the newsletter's file, and nothing else of it."""
    newsletter = one(visit, visit.path["name"])
    source = read_source(visit.workspace.newsletter(newsletter.slug))
    asked = sent_form(visit.form, saved_form(source))
    if newsletter.status is not None:
        wrong = "It is on its way, so nothing is changed any more. Take it off the schedule first."
        return _page(visit, newsletter, asked, _Told(wrong=[wrong]))
    try:
        wrong = _save(visit, newsletter.slug, asked)
    except NotAllowed:
        raise
    except MailerError as error:
        return _page(visit, newsletter, asked, _Told(wrong=faults_in_words(error)))
    if wrong:
        return _page(visit, newsletter, asked, _Told(wrong=[wrong]))
    return RedirectResponse(f"/newsletters/{newsletter.slug}/test?done=1", 303)


def decide(visit: Visit) -> Response:
    """Everybody else gets the version that was pressed."""
    slug, limits = visit.path["name"], visit.workspace.settings.guard
    orders.decide_test(visit.database, slug, visit.who, arm=visit.form.get("arm"), limits=limits, now=visit.now)
    return RedirectResponse(f"/newsletters/{slug}/following", 303)


def _save(visit: Visit, slug: str, asked: TrialForm) -> str:
    """Why it wasn't saved; "" when it was. Raises `MailerError` with what would be wrong with the file."""
    workspace, base = visit.workspace, base_of(visit)
    source = source_of(base, workspace.newsletter(slug))
    edit = Edit(base, base[head_end(base) :], changes(asked, source))
    after = source_of(edit.text, workspace.newsletter(slug))
    said = {one.message for one in source.faults}
    if faults := [one for one in after.faults if one.message not in said and one.stops]:
        raise MailerError("it can’t be tried like this", diagnostics=faults)
    asked_of(visit, after)
    with visit.database.write() as connection:
        done = save(workspace, connection, visit.who, slug, edit, at=visit.now)
    if isinstance(done, SaveConflict):
        return MOVED
    problem = into_git(workspace, visit.database, visit.who, slug, f"Choose what {slug} tries")
    return f"Saved. It is not in git yet: {problem.message}. {problem.remedy}" if problem else ""


def _page(visit: Visit, newsletter: ListedNewsletter, form: TrialForm, told: _Told) -> Response:
    source = read_source(visit.workspace.newsletter(newsletter.slug))
    buys = what_it_buys(visit, source, form, now="count" in visit.query)
    values: dict[str, Any] = {
        "form": form, "told": told, "said": written(source), "parts": PARTS, "hours": HOURS, "buys": buys,
        "base": json.dumps(read_exact(visit.workspace, newsletter.slug)),
        "can_write": visit.who.may(Right.WRITE, newsletter.file.list) and newsletter.status is None,
        "gains": json.dumps(buys.curves) if buys else "",
    }  # fmt: skip
    return page(
        visit, "testing/testing.html", status=422 if told.wrong else 200, newsletter=newsletter,
        steps=way(visit, newsletter, here="write"), **values,
    )  # fmt: skip


ROOM = Room(
    routes=(
        StudioRoute(HERE, show, Right.REPORTS),
        StudioRoute(HERE, keep, Right.WRITE, method="POST", most_bytes=4 * LARGEST_BYTES),
        StudioRoute(f"{HERE}/decide", decide, Right.SEND, method="POST"),
    ),
)
