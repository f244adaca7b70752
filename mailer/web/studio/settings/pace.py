"""Pace and warm-up in plain words: how long a rate takes, and a plan for an address that nobody knows yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from mailer.staff.rights import Right
from mailer.web.studio.core.context import Form, Visit
from mailer.web.studio.core.moments import span
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.settings import forms
from mailer.web.studio.settings.sections import PACE

EXAMPLES = (1_000, 10_000, 100_000)  # people
FIRST_DAY, MOST_DAYS = 200, 16  # as docs/pace-and-guard-rails.md begins; 16 doublings are more than six million


def more(visit: Visit) -> Mapping[str, Any]:
    """How long some numbers of people take at the rate that is set."""
    rate = visit.workspace.settings.pace.per_second
    return {"takes": [(people, span(timedelta(seconds=people / rate))) for people in EXAMPLES] if rate else []}


def plan(visit: Visit) -> Response:
    """The form with a plan for as many people as were typed. Nothing is saved yet."""
    typed = visit.form.get("largest").replace(",", "").replace(" ", "")
    people = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0
    fields = {
        "base": forms.settings_text(visit.workspace), "pace.warm_up": "\n".join(map(str, steps(people))),
        "pace.warm_up_since": visit.now.astimezone(visit.zone).date().isoformat(),
    }  # fmt: skip
    form = Form(urlencode(fields).encode()) if people else forms.NO_FORM
    return forms.answer(PACE, more, visit, form=form, planned=people)


def steps(people: int) -> list[int]:
    """People a day, doubled from day to day until a whole list of `people` may be mailed."""
    found = [FIRST_DAY]
    while found[-1] * 2 < people and len(found) < MOST_DAYS:
        found.append(found[-1] * 2)
    return found


ROUTES = (StudioRoute(f"{PACE.path}/plan", plan, Right.SETTINGS, method="POST"),)
