"""The addresses of Audience: the room, its rows while they change, its count; and the builder for words in the text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from mailer.audience.selection.front_matter import read_audience
from mailer.audience.selection.languages import in_words, reach
from mailer.audience.selection.spec import Audience
from mailer.compose.expressions.ast import ANYTHING
from mailer.compose.source.message_file import read_source, spoken_in
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.counting import counted
from mailer.editing.save import read_exact
from mailer.errors import MailerError
from mailer.staff.actor import NotAllowed
from mailer.staff.rights import Right
from mailer.web.studio.audience import condition
from mailer.web.studio.audience.asked import HOURS, AudienceForm, saved_form, sent_form
from mailer.web.studio.audience.builder import MODES, unfinished
from mailer.web.studio.audience.choices import BuilderChoices, choices_of, country_name
from mailer.web.studio.audience.counting import CountedAudience, count, known_count, reasons, sees_names
from mailer.web.studio.audience.room import AudienceRoom, faults_in_words, room_of
from mailer.web.studio.audience.saving import room_of_base, save_audience
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, part, way
from mailer.web.studio.core.rooms import Fact, Room, Step, StudioRoute, Weight
from mailer.web.studio.newsletters.listing import ListedNewsletter, list_titles, one

SENT = "It was sent, and stays as people got it. Make a copy to choose another audience."
UNFINISHED = "A condition isn’t finished, so nothing is saved."
TOLD = {"saved": "Saved.", "merged": "Saved, and put together with what somebody else changed meanwhile."}


@dataclass(frozen=True, slots=True)
class _Told:
    """What the page says of what was done. `strict`: unfinished rows say so; `base` is the file that the next save is
    based on, None for what it is now; `conflict`: that file has another audience; `now`: count before answering."""

    words: str = ""
    wrong: Sequence[str] = ()
    strict: bool = False
    base: str | None = None
    conflict: bool = False
    now: bool = False


def show(visit: Visit) -> Response:
    """The room, with the audience as it is saved. It is counted only when asked to: a million people take a second."""
    room = room_of(visit)
    told = _Told(TOLD.get(visit.query.get("done", ""), ""), now=visit.query.get("count") == "1")
    return _page(visit, room, saved_form(room.source, room.known, fields=room.fields), told)


def change(visit: Visit) -> Response:
    """A button of the form: one that changes it, one that counts, or Save."""
    room, base = room_of_base(visit)
    asked = sent_form(visit.form, room.known, fields=room.fields)
    if visit.form.get("do") != "save":
        return _page(visit, room, asked, _Told(base=base, now=True))
    if one(visit, visit.path["name"]).was_sent:
        return _page(visit, room, asked, _Told(base=base, wrong=[SENT]))
    if asked.is_unfinished(room.known):
        return _page(visit, room, asked, _Told(base=base, wrong=[UNFINISHED], strict=True))
    try:
        done = save_audience(visit, room, asked, base)
    except NotAllowed:
        raise
    except MailerError as error:
        return _page(visit, room, asked, _Told(base=base, wrong=faults_in_words(error)))
    if done.theirs is not None:
        return _page(visit, room_of(visit), asked, _Told(base=done.theirs, conflict=True, now=True))
    if done.told:
        return _page(visit, room_of(visit), asked, _Told(f"Saved. {done.told}"))
    state = "merged" if done.merged else "saved"
    return RedirectResponse(f"/newsletters/{visit.path['name']}/audience?done={state}", 303)


def rows(visit: Visit) -> Response:
    """The form after a button or a choice, for script: nothing is saved or counted."""
    room = room_of(visit)
    asked = sent_form(visit.form, room.known, fields=room.fields)
    return HTMLResponse(part(visit, "audience/asking.html", **_shown(visit, room, asked, choices=choices_of(visit))))


def count_saved(visit: Visit) -> Response:
    """The count of the audience as it is saved, for script."""
    room = room_of(visit)
    return _counted(visit, room, saved_form(room.source, room.known, fields=room.fields))


def count_sent(visit: Visit) -> Response:
    """The count of what the form asks for, for script."""
    room = room_of(visit)
    return _counted(visit, room, sent_form(visit.form, room.known, fields=room.fields))


def _counted(visit: Visit, room: AudienceRoom, asked: AudienceForm) -> Response:
    values = _counting(visit, room, asked, choices=choices_of(visit, whole=True), now=True)
    return HTMLResponse(part(visit, "audience/counted.html", **values))


def _page(visit: Visit, room: AudienceRoom, asked: AudienceForm, told: _Told) -> Response:
    newsletter, choices = one(visit, visit.path["name"]), choices_of(visit, whole=told.now)
    theirs = saved_form(room.source, room.known, fields=room.fields) if told.conflict else None
    base = read_exact(visit.workspace, newsletter.slug) if told.base is None else told.base
    values: dict[str, Any] = {
        **_shown(visit, room, asked, choices=choices, strict=told.strict),
        **_counting(visit, room, asked, choices=choices, now=told.now),
        "newsletter": newsletter, "steps": way(visit, newsletter, here="audience"), "told": told.words,
        "wrong": told.wrong, "theirs": theirs, "base": json.dumps(base),
        "can_write": visit.who.may(Right.WRITE) and not newsletter.was_sent,
    }  # fmt: skip
    status = 412 if told.conflict else 422 if told.wrong else 200
    return page(visit, "audience/audience.html", status=status, **values)


def _shown(
    visit: Visit, room: AudienceRoom, asked: AudienceForm, *, choices: BuilderChoices, strict: bool = False
) -> dict[str, Any]:
    """What the form's own page needs."""
    return {
        "slug": visit.path["name"], "asked": asked, "choices": choices, "known": room.known, "modes": MODES,
        "hours": HOURS, "unfinished": unfinished, "strict": strict,
    }  # fmt: skip


def _counting(
    visit: Visit, room: AudienceRoom, asked: AudienceForm, *, choices: BuilderChoices, now: bool
) -> dict[str, Any]:
    """What the page of the count needs. `counted` is None when nobody counted yet, or it can't be read."""
    faults: list[str] = []
    found: CountedAudience | None = None
    why: list[tuple[str, int]] = []
    sees = False
    try:
        audience = room.understood(asked)
        sees = sees_names(visit, audience)
        found = count(visit, audience, names=sees) if now else known_count(visit, audience)
        why = reasons(found, audience, choices) if found else []
    except NotAllowed:
        raise
    except MailerError as error:
        faults = faults_in_words(error)
    reached = reach(found.languages, spoken_in(room.source)) if found else {}
    return {
        "languages": in_words(list(reached.values())), "counted": found, "why": why,
        "faults": faults, "sees": sees, "country_name": country_name,
        "partly": asked.is_unfinished(room.known),
    }  # fmt: skip


def people_asked(visit: Visit, newsletter: ListedNewsletter) -> Fact:
    """How many get it, by the last count; before there is one, which lists it is for."""
    if newsletter.was_sent or newsletter.is_moving:
        return Fact(counted(newsletter.asked))
    try:
        source = read_source(visit.workspace.newsletter(newsletter.slug))
        with visit.database.read() as connection:
            audience: Audience = read_audience(connection, source, fields=ANYTHING)
    except MailerError:
        return Fact("Can’t be read", Weight.STOPS)
    known = known_count(visit, audience)
    if known is not None:
        return Fact(counted(known.selection.chosen))
    titles = list_titles(visit)
    return Fact(", ".join(titles.get(name, name) for name in audience.include))


HERE = "/newsletters/{name}"
ROOM = Room(
    routes=(
        StudioRoute(f"{HERE}/audience", show, Right.REPORTS),
        StudioRoute(f"{HERE}/audience", change, Right.WRITE, method="POST", most_bytes=4 * LARGEST_BYTES),
        StudioRoute(f"{HERE}/audience/rows", rows, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/audience/count", count_saved, Right.REPORTS),
        StudioRoute(f"{HERE}/audience/count", count_sent, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/condition", condition.show, Right.WRITE),
        StudioRoute(f"{HERE}/condition", condition.change, Right.WRITE, method="POST"),
    ),
    steps=(Step("audience", "Audience", "audience", order=2, fact=people_asked),),
)
