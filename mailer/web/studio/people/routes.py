"""What the folder brings to the house: its routes, its line of the sidebar, people for Ctrl-K."""

from __future__ import annotations

from mailer.staff.rights import Right
from mailer.web.studio.core.rooms import Room, SidebarPlace, StudioRoute
from mailer.web.studio.people import bulk, changes, person, search_page

ROOM = Room(
    routes=(
        StudioRoute("/people", search_page.show, Right.SEE_PEOPLE),
        StudioRoute("/people/bulk", bulk.show, Right.IMPORT),
        StudioRoute("/people/bulk", bulk.begin, Right.IMPORT, method="POST"),
        StudioRoute("/people/exports/{number}", bulk.download, Right.EXPORT_PEOPLE),
        StudioRoute("/people/{id}", person.show_person, Right.SEE_PEOPLE),
        StudioRoute("/people/{id}/change", changes.change, Right.IMPORT, method="POST"),
        StudioRoute("/people/{id}/tag", changes.tag, Right.IMPORT, method="POST"),
        StudioRoute("/people/{id}/untag", changes.untag, Right.IMPORT, method="POST"),
        StudioRoute("/people/{id}/join", changes.join, Right.IMPORT, method="POST"),
        StudioRoute("/people/{id}/leave", changes.leave, Right.IMPORT, method="POST"),
        StudioRoute("/people/{id}/lift", changes.lift, Right.IMPORT, method="POST"),
        StudioRoute("/people/{id}/data", changes.data, Right.EXPORT_PEOPLE, method="POST"),
        StudioRoute("/people/{id}/forget", changes.forget, Right.EXPORT_PEOPLE, method="POST"),
    ),
    places=(SidebarPlace("/people", "People", "users", group=2, key="P", asks=Right.SEE_PEOPLE),),
    find=search_page.find,
    work=bulk.WORK,
)
