"""/progress/<slug>.png: how many have signed, as a picture for mails; drawn when it is requested.

`?lang=de` has figures and words in a language, `&mode=dark` has a dark ground. It is the same for everybody, and
nothing is stored about who opens it.
"""

from __future__ import annotations

from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.audience.petition.goals import goal_of
from mailer.compose.colours.palette import Palette, palettes
from mailer.web.pages.progress_png import ProgressWords, draw, share_of, words_in
from mailer.web.public.core.context import Door, door_of

# Long enough for a campaign that arrives everywhere at once; mail providers' proxies may keep it for longer.
HEADERS = {"Cache-Control": "public, max-age=60", "Cross-Origin-Resource-Policy": "cross-origin"}


async def show(request: Request) -> Response:
    """The picture. 404 for a newsletter without a sign page."""
    door = door_of(request)
    language, dark = request.query_params.get("lang", ""), request.query_params.get("mode") == "dark"
    content = await door.threads.read(_picture, door, str(request.path_params["slug"]), language, dark)
    if content is None:
        raise HTTPException(404)
    return Response(content, media_type="image/png", headers=HEADERS)


def _picture(door: Door, slug: str, language: str, dark: bool) -> bytes | None:
    page = door.acts.find(slug)
    if page is None:
        return None
    signed = door.acts.tally(page, door.clock()).signatures
    goal = goal_of(page.target, signed)
    target = goal.number if goal else None
    colours = palettes(door.workspace.settings.brand)[1 if dark else 0]
    return _drawn(words_in(language, signed, target), share_of(signed, target), colours)


@lru_cache(maxsize=64)
def _drawn(words: ProgressWords, share: float | None, colours: Palette) -> bytes:
    return draw(words, share, colours)
