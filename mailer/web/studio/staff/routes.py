"""What the folder brings to the house: its routes, its two lines of the sidebar, and colleagues for Ctrl-K."""

from __future__ import annotations

from collections.abc import Iterator

from mailer.staff.accounts import accounts
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may
from mailer.web.studio.core.rooms import Access, Deed, PaletteHit, Room, SidebarPlace
from mailer.web.studio.staff import account, joining, log, members, sign_in


def find(visit: Visit, words: str) -> Iterator[PaletteHit]:
    """Colleagues by name or address, for those who look after accounts."""
    if not may(visit, Right.STAFF):
        return
    with visit.database.read() as connection:
        found = accounts(connection)
    for one in found:
        if words.lower() in f"{one.name} {one.address}".lower():
            about = "no access" if one.disabled_at else one.role.value
            yield PaletteHit(one.name or one.address, about, f"{members.ROOM_PATH}/{one.id}", "user")


ROOM = Room(
    routes=(*sign_in.ROUTES, *joining.ROUTES, *account.ROUTES, *members.ROUTES, *log.ROUTES),
    places=(
        SidebarPlace("/staff", "Staff", "users", group=9, asks=Right.STAFF),
        SidebarPlace("/audit", "Who did what", "scroll-text", group=9, asks=Right.STAFF),
    ),
    deeds=(
        Deed("Add a colleague", "/staff#add", "user-plus", asks=Right.STAFF),
        Deed("Your account", "/account", "user", asks=Access.SIGNED_IN),
    ),
    find=find,
)
