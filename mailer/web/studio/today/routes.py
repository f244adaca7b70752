"""The address of Today."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from starlette.responses import Response

from mailer.editing.folders import lists_of
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.live import live
from mailer.web.studio.core.moments import whole_day
from mailer.web.studio.core.pages import may, page, step_path
from mailer.web.studio.core.rooms import Access, Room, SidebarPlace, StudioRoute
from mailer.web.studio.following.told import time_left
from mailer.web.studio.newsletters.listing import ListedNewsletter, everything
from mailer.web.studio.today.front_page import front_page

LOOK_EVERY_SECONDS = 2.0


def show(visit: Visit) -> Response:
    """The front page."""
    newsletters = everything(visit)
    found = front_page(visit, newsletters)
    return page(
        visit, "today/today.html", today=whole_day(visit.now, visit.zone), found=found, mark=_mark(newsletters),
        following={one.slug: step_path(visit, one, "following") for one in found.leaving},
        may_pause={one.slug for one in (*found.leaving, *found.soon) if _may_pause(visit, one)},
        time_left=partial(time_left, visit),
    )  # fmt: skip


def moves(visit: Visit) -> Response:
    """Events while something is leaving."""

    return live(visit, lambda later: _mark(everything(later)), every_seconds=LOOK_EVERY_SECONDS)


def _may_pause(visit: Visit, one: ListedNewsletter) -> bool:
    return may(visit, Right.PAUSE) and visit.who.may_work_on(lists_of(visit.workspace, one.slug))


def _mark(found: Sequence[ListedNewsletter]) -> str:
    moving = (one for one in found if one.is_on_its_way)
    return "|".join(f"{one.slug} {one.state.label} {one.share:.4f} {one.signed}" for one in moving)


ROOM = Room(
    routes=(StudioRoute("/", show, Access.SIGNED_IN), StudioRoute("/today/moves", moves, Access.SIGNED_IN)),
    places=(SidebarPlace("/", "Today", "house", group=1, key="T", phone=True),),
)
