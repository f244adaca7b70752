"""The address that the terminal prints: it gives the browser the key of this run, and leads on."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.web.studio.core.access import is_run_key, set_run_key
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.core.rooms import Access, Room, StudioRoute


def address(studio: Studio, to: str = "/") -> str:
    """What to open in a browser: with the key of the run where that is how people come in."""
    if studio.run_key is None:
        return f"{studio.origins[0]}{to}"
    return f"{studio.origins[0]}/open/{studio.run_key}?to={to}"


def own_path(text: str) -> str:
    """A path of the studio, from an address that leads on to one; "/" for what leads elsewhere."""
    parts = urlsplit(text)
    safe = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if safe and not parts.netloc and not parts.scheme else "/"


def _open(visit: Visit) -> Response:
    if not is_run_key(visit.studio, visit.path["key"]):
        raise HTTPException(404)
    response = RedirectResponse(own_path(visit.query.get("to", "/")), 303)
    set_run_key(visit, response)
    return response


ROOM = Room(routes=(StudioRoute("/open/{key}", _open, Access.ANYBODY),))
