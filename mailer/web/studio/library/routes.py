"""The addresses of the library, and what Ctrl-K finds there."""

from __future__ import annotations

from collections.abc import Iterable

from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.palette import matches
from mailer.web.studio.core.rooms import PaletteHit, Room, SidebarPlace
from mailer.web.studio.library import pictures, templates
from mailer.web.studio.newsletters.gallery import choices


def find(visit: Visit, words: str) -> Iterable[PaletteHit]:
    """Templates for Ctrl-K."""
    if not visit.who.may(Right.WRITE):
        return []
    found = [one for one in choices(visit.workspace) if matches(words, one.label, "template")]
    return [PaletteHit(one.label, "Template", f"/templates/{one.name}", "layout-template") for one in found]


ROOM = Room(
    routes=(*pictures.ROUTES, *templates.ROUTES),
    places=(
        SidebarPlace("/pictures", "Pictures", "image", group=4, asks=Right.WRITE),
        SidebarPlace("/templates", "Templates", "layout-template", group=4, asks=Right.WRITE),
    ),
    find=find,
)
