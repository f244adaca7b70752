"""The address of Today."""

from __future__ import annotations

from starlette.responses import Response

from mailer.delivery.campaigns.status import campaign_statuses
from mailer.store.tables.states import CampaignState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import whole_day
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import Access, Place, Room, StudioRoute


def show(visit: Visit) -> Response:
    """The front page."""
    with visit.database.read() as connection:
        statuses = campaign_statuses(connection)
    leaving = [one for one in statuses if one.state in (CampaignState.SENDING, CampaignState.PAUSED)]
    coming = [one for one in statuses if one.state is CampaignState.SCHEDULED]
    return page(
        visit, "today/today.html", today=whole_day(visit.now, visit.zone), leaving=leaving, coming=coming[::-1],
    )  # fmt: skip


ROOM = Room(
    routes=(StudioRoute("/", show, Access.SIGNED_IN),),
    places=(Place("/", "Today", "house", group=1, key="T", phone=True),),
)
