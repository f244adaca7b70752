"""Turns the pages that lie beside the rooms into answers: in the house or bare, with a strict content policy.

A page is named by folder and file, such as today/today.html. Nothing in it runs but our own script, and an inline one
or a style only with the nonce of the answer. What people wrote is escaped, and may be in any script (<bdi>).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from mailer.counting import counted
from mailer.staff.accounts import account_by_id
from mailer.staff.rights import Right
from mailer.web.studio.core import moments
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.rooms import Access, SidebarPlace, Step
from mailer.web.studio.core.static import icon, static

FOLDER = Path(__file__).parent.parent
TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
FALLBACK = re.compile(r"""default\(\s*["'](.*?)["']""")
TONES = "abcd"  # of faces


@dataclass(frozen=True, slots=True)
class Face:
    """Somebody of the staff as pages show them."""

    name: str
    initials: str
    tone: str


def face(name: str) -> Face:
    """The face of a name or an address."""
    words = name.partition("@")[0].replace(".", " ").split() or ["?"]
    initials = (words[0][:1] + (words[-1][:1] if len(words) > 1 else words[0][1:2])).upper()
    return Face(name, initials, TONES[sum(name.encode()) % len(TONES)])


def policy(nonce: str) -> str:
    """The Content-Security-Policy of a page of the studio."""
    return (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def page(
    visit: Visit, name: str, /, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """The page `name` with `values`, for the visitor."""
    html = _environment().get_template(name).render(**_shared(visit), **values)
    found = {"Content-Security-Policy": policy(visit.nonce), **(headers or {})}
    return HTMLResponse(html, status_code=status, headers=found)


def part(visit: Visit, name: str, /, **values: Any) -> str:
    """The HTML of a page or of a part of one, as text: for the pieces that script exchanges."""
    return _environment().get_template(name).render(**_shared(visit), **values)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step of the way as the bar shows it."""

    label: str
    href: str
    words: str
    weight: str
    is_here: bool
    apart: bool


def way(visit: Visit, newsletter: Any, *, here: str) -> list[ShownStep]:
    """The steps of a newsletter with their facts. `newsletter` has a `slug`; `here` is the name of the open step."""
    steps: list[Step] = sorted((one for room in visit.studio.rooms for one in room.steps), key=lambda one: one.order)
    shown: list[ShownStep] = []
    for step in steps:
        if _has(newsletter, step):
            fact = step.fact(visit, newsletter)
            href = f"/newsletters/{newsletter.slug}/{step.path}"
            shown.append(ShownStep(step.label, href, fact.words, fact.weight.value, step.name == here, step.apart))
    return shown


def step_path(visit: Visit, newsletter: Any, name: str) -> str:
    """Where a newsletter's step of this name is; its first one while no room brings such a step."""
    steps = (one for room in visit.studio.rooms for one in room.steps if one.name == name and _has(newsletter, one))
    return f"/newsletters/{newsletter.slug}/{next((one.path for one in steps), '')}"


def _has(newsletter: Any, step: Step) -> bool:
    return step.when(newsletter) and (step.of_issues or not newsletter.is_issue)


def places(visit: Visit) -> list[SidebarPlace]:
    """The lines of the sidebar that this visitor may open, in their groups."""
    found = [one for room in visit.studio.rooms for one in room.places if may(visit, one.asks)]
    return sorted(found, key=lambda one: one.group)


def may(visit: Visit, asks: Any) -> bool:
    """Whether the visitor has what a route or place asks for."""
    if asks is Access.ANYBODY:
        return True
    return visit.actor is not None and (asks is Access.SIGNED_IN or visit.actor.may(asks))


def person(visit: Visit) -> Face | None:
    """Who visits, by the name of their account."""
    actor = visit.actor
    if actor is None:
        return None
    name = actor.name
    if actor.account_id is not None:
        with visit.database.read() as connection:
            name = account_by_id(connection, actor.account_id).name or name
    return face(name)


def _shared(visit: Visit) -> dict[str, Any]:
    zone = visit.zone

    def moment(when: datetime) -> str:
        return moments.moment(when, zone, visit.now)

    def long_moment(when: datetime) -> str:
        return moments.long_moment(when, zone, visit.now)

    def day(when: datetime) -> str:
        return moments.day(when, zone, visit.now)

    def clock(when: datetime) -> str:
        return moments.clock(when, zone)

    def distance(when: datetime) -> str:
        return moments.distance(when, visit.now)

    return {
        "visit": visit, "nonce": visit.nonce, "organisation": visit.workspace.settings.organisation.name or "Mailer",
        "places": places(visit), "me": person(visit), "now": visit.now, "town": moments.town(zone),
        "deeds": [deed for room in visit.studio.rooms for deed in room.deeds if may(visit, deed.asks)],
        "may": partial(may, visit), "right": Right, "short_day": partial(moments.short_day, zone=zone, now=visit.now),
        "moment": moment, "long_moment": long_moment,
        "day": day, "clock": clock, "distance": distance,
    }  # fmt: skip


def plain(text: str) -> str:
    """A subject as a list shows it: merge tags give way to their fallback, or to an ellipsis."""

    def words(tag: re.Match[str]) -> str:
        fallback = FALLBACK.search(tag[0])
        return fallback[1] if fallback else "…" if tag[0].startswith("{{") else ""

    return " ".join(TAG.sub(words, text).split())


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    words: dict[str, Any] = {"icon": icon, "static": static, "counted": counted, "face": face}
    words["in_words"] = moments.in_words
    words["span"] = moments.span
    made.globals.update(words)
    made.filters["plain"] = plain
    made.filters["number"] = lambda value: f"{value:,}"
    return made
