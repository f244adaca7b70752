"""The addresses of Automations: all of them, a new one, one drawn with who is where, and what changes it."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import RedirectResponse, Response

from mailer.automations.control.figures import automation_states
from mailer.automations.first_automation import CHOICES
from mailer.automations.saving import begin_automation
from mailer.automations.steps import kind_of
from mailer.editing.folders import folder_name, free_name, plain_name
from mailer.editing.git.commits import into_git
from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.web.studio.automations import adding, running, settings, steps, stuck
from mailer.web.studio.automations.numbers import mark_of, newest_figures, shown_figures, shown_state, state_of
from mailer.web.studio.automations.shown import all_automations, automation_of, is_edited
from mailer.web.studio.automations.words import again_words, window_words
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.palette import matches
from mailer.web.studio.core.rooms import Access, Deed, PaletteHit, Room, SidebarPlace, StudioRoute

LONGEST_NAME = 70
EVERY_SECONDS = 2.0


def show(visit: Visit) -> Response:
    """All of them."""
    found = all_automations(visit)
    figures = {one.slug: newest_figures(visit, one.slug) for one in found}
    with visit.database.read() as connection:
        states = automation_states(connection)
    return page(
        visit,
        "automations/automations.html",
        found=found,
        states={one.slug: shown_state(states.get(one.slug)) for one in found},
        figures={slug: kept.figures for slug, kept in figures.items() if kept},
    )


def show_one(visit: Visit) -> Response:
    """One, drawn, with who is where."""
    one = automation_of(visit)
    automation, kept = one.automation, newest_figures(visit, one.slug)
    figures = kept.figures if kept else None
    return page(
        visit, "automations/automation.html", one=one, kind_of=kind_of, state=state_of(visit, one.slug),
        numbers=shown_figures(figures, automation) if figures else None, counting=kept is None,
        mark=mark_of(visit, one.slug), stuck=stuck.stuck_of(visit, one.slug), is_edited=is_edited(visit, one),
        window=window_words(automation) if automation else "", again=again_words(automation) if automation else "",
        goals=[one.choices.name("pages", goal) for goal in automation.goals] if automation else [],
        to=one.choices.name("lists", automation.list) if automation else "",
        done=visit.query.get("done", ""),
    )  # fmt: skip


def moves(visit: Visit) -> Response:
    """Tells the page when a number changes."""
    return live(visit, lambda later: mark_of(later, later.path["name"]), every_seconds=EVERY_SECONDS)


def new(visit: Visit) -> Response:
    """The ready-made ones to choose from."""
    return _new(visit)


def make(visit: Visit) -> Response:
    """Make one, and show it."""
    kind, petition = visit.form.get("kind"), visit.form.get("petition")
    title = visit.form.get("title")[:LONGEST_NAME]
    title = title or next((one.title for one in CHOICES if one.name == kind), "")
    try:
        slug = free_name(visit.workspace, plain_name(title) or folder_name(title, at=visit.now))
        with visit.database.write() as connection:
            begin_automation(
                visit.workspace, connection, visit.who, slug, kind, title=title, petition=petition, at=visit.now
            )
    except MailerError as error:
        return _new(visit, wrong=error, title=title)
    into_git(visit.workspace, visit.database, visit.who, slug, f"Begin the automation {slug}")
    return RedirectResponse(f"/automations/{slug}?done=made", 303)


def find(visit: Visit, words: str) -> Iterable[PaletteHit]:
    """Automations for Ctrl-K."""
    found = all_automations(visit)
    return [
        PaletteHit(one.title, "Automation", f"/automations/{one.slug}", "workflow")
        for one in found
        if matches(words, one.title)
    ]


def _new(visit: Visit, *, wrong: MailerError | None = None, title: str = "") -> Response:
    return page(
        visit, "automations/new.html", status=422 if wrong else 200, kinds=CHOICES, wrong=wrong, title=title,
        pages=settings.page_choices(visit, visit.workspace.action_pages()),
    )  # fmt: skip


HERE = "/automations/{name}"
ROOM = Room(
    routes=(
        StudioRoute("/automations", show, Access.SIGNED_IN),
        StudioRoute("/automations/-/new", new, Right.WRITE),
        StudioRoute("/automations/-/new", make, Right.WRITE, method="POST"),
        StudioRoute(HERE, show_one, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/moves", moves, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/start", running.show_start, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/start", running.start, Right.SEND, method="POST"),
        StudioRoute(f"{HERE}/approve", running.approve, Right.APPROVE, method="POST"),
        StudioRoute(f"{HERE}/rehearsed/moves", running.rehearsed, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/stop", running.show_stop, Access.SIGNED_IN),
        StudioRoute(f"{HERE}/stop", running.stop, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/close", running.close, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/mails/{{mail}}/resume", stuck.resume, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/mails/{{mail}}/decide", stuck.decide, Right.PAUSE, method="POST"),
        StudioRoute(f"{HERE}/settings", settings.show, Right.WRITE),
        StudioRoute(f"{HERE}/settings", settings.save, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/add", adding.show, Right.WRITE),
        StudioRoute(f"{HERE}/add", adding.add, Right.WRITE, method="POST"),
        StudioRoute(f"{HERE}/steps/{{step}}", steps.show, Right.WRITE),
        StudioRoute(f"{HERE}/steps/{{step}}", steps.change, Right.WRITE, method="POST"),
    ),
    places=(SidebarPlace("/automations", "Automations", "workflow", group=1, key="m"),),
    deeds=(Deed("New automation", "/automations/-/new", "workflow", asks=Right.WRITE),),
    find=find,
    waits=stuck.waits,
    wrong=stuck.wrong,
)
