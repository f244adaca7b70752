"""Which lists a visitor sees, and the views that each has."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from mailer.web.studio.core.context import Visit
from mailer.workspace import SLUG

VIEWS = (("", "People", "users"), ("settings", "Form and settings", "settings"))


def list_named(visit: Visit) -> str:
    """The list in the address. Raises HTTPException 404 where there is none, or none that the visitor works with."""
    name = visit.path["list"]
    if not SLUG.fullmatch(name) or name not in lists_seen(visit):
        raise HTTPException(404)
    return name


def lists_seen(visit: Visit) -> list[str]:
    """The names of the lists that the visitor works with."""
    limits = visit.who.lists
    return [name for name in visit.workspace.list_names() if limits is None or name in limits]


def tabs(visit: Visit, name: str, here: str) -> list[tuple[str, str, bool, str]]:
    """The views of a list, for `segments` of core/parts.html."""
    return [(f"/lists/{name}/{path}".rstrip("/"), words, path == here, icon) for path, words, icon in VIEWS]
