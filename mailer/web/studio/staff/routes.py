"""What the folder brings to the house: its routes, and its two lines of the sidebar."""

from __future__ import annotations

from mailer.staff.rights import Right
from mailer.web.studio.core.rooms import Access, Deed, Room, SidebarPlace
from mailer.web.studio.staff import account, joining, log, members, sign_in

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
)
