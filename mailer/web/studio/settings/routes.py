"""What the room brings to the house: its pages, its line of the sidebar, and its subjects for Ctrl-K."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may
from mailer.web.studio.core.rooms import Deed, PaletteHit, Room, SidebarPlace, StudioRoute
from mailer.web.studio.settings import bounces, brand, domain, forms, overview, pace, sending, webhook
from mailer.web.studio.settings.sections import BOUNCES, BRAND, PACE, PAGES, SENDERS, WEBHOOK

# What pages show beside their form.
MORE: dict[str, forms.More] = {
    BRAND.name: brand.more,
    SENDERS.name: sending.senders_of_lists,
    PACE.name: pace.more,
    BOUNCES.name: bounces.more,
    WEBHOOK.name: webhook.more,
}
OWN_SAVE = (WEBHOOK,)  # those that save in a way of their own


def find(visit: Visit, words: str) -> Iterator[PaletteHit]:
    """Pages of the room by their title, and single settings by what they are called."""
    if not may(visit, Right.SETTINGS):
        return
    wanted = words.lower()
    for section in PAGES:
        if wanted in section.title.lower():
            yield PaletteHit(section.title, "settings", section.path, section.icon)
        else:
            for field in section.fields:
                if wanted in field.label.lower():
                    yield PaletteHit(field.label, section.title, f"{section.path}#f-{field.name}", section.icon)


ROOM = Room(
    routes=(
        StudioRoute("/settings", overview.show, Right.SETTINGS),
        *sending.ROUTES,
        *domain.ROUTES,
        *(
            route
            for section in PAGES
            for route in forms.routes(section, MORE.get(section.name))
            if route.method == "GET" or section not in OWN_SAVE
        ),
        *pace.ROUTES,
        *bounces.ROUTES,
        *webhook.ROUTES,
        *brand.ROUTES,
    ),
    places=(SidebarPlace("/settings", "Settings", "settings", group=9, asks=Right.SETTINGS),),
    deeds=(
        Deed("Check everything", domain.PATH, "list-checks", asks=Right.SETTINGS),
        Deed("Send a test mail", sending.PATH, "send", asks=Right.SETTINGS),
    ),
    find=find,
)
