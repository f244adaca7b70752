"""/progress/<slug>.png: how many have signed, as a picture for mails; drawn when it is requested.

It is the same for everybody, and nothing is stored about who opens it.
"""

from __future__ import annotations

from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.settings import Brand
from mailer.web.pages.progress_png import draw
from mailer.web.public.core.context import Door, door_of

# Long enough for a campaign that arrives everywhere at once; mail providers' proxies may keep it for longer.
HEADERS = {"Cache-Control": "public, max-age=60", "Cross-Origin-Resource-Policy": "cross-origin"}


async def show(request: Request) -> Response:
    """The picture. 404 for a newsletter without an action page."""
    door = door_of(request)
    content = await door.threads.read(_picture, door, str(request.path_params["slug"]))
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type="image/png", headers=HEADERS)


def _picture(door: Door, slug: str) -> bytes | None:
    page = door.acts.find(slug)
    if page is None:
        return None
    brand = door.workspace.settings.brand
    signed = door.acts.tally(page, door.clock()).signatures
    return _drawn(signed, page.target, (brand.primary, brand.on_primary, brand.text, brand.surface))


@lru_cache(maxsize=64)
def _drawn(signed: int, target: int | None, colours: tuple[str, str, str, str]) -> bytes:
    primary, on_primary, text, surface = colours
    return draw(signed, target, Brand(primary=primary, on_primary=on_primary, text=text, surface=surface))
