"""What the folder brings to the house: its routes, its line of the sidebar, and what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.responses import Response

from mailer.counting import counted
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may, page
from mailer.web.studio.core.rooms import Room, SidebarPlace, StudioRoute, WaitingTask
from mailer.web.studio.inbox import bursts


def show(visit: Visit) -> Response:
    """What waits for a decision."""
    return page(visit, "inbox/inbox.html", bursts=bursts.to_decide(visit))


def waits(visit: Visit) -> Iterator[WaitingTask]:
    """Bursts of unsubscribes, for those who may see who is in them."""
    if not may(visit, Right.SEE_PEOPLE):
        return
    for burst in bursts.to_decide(visit) or ():
        words = f"Their mail was “{burst.slug}”. Look at the list, then put them back or leave it"
        yield WaitingTask(
            f"A scanner may have unsubscribed {counted(burst.people)}", words, f"/inbox/bursts/{burst.number}", "Look"
        )


def count(visit: Visit) -> int:
    """How much waits."""
    return sum(1 for _ in waits(visit))


ROOM = Room(
    routes=(StudioRoute("/inbox", show, Right.REPORTS), *bursts.ROUTES),
    places=(SidebarPlace("/inbox", "Inbox", "inbox", group=3, key="I", asks=Right.REPORTS, phone=True, count=count),),
    waits=waits,
)
