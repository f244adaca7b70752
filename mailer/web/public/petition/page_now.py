"""A page as it is at this moment, for the routes that show it: found, counted, with the addresses of its pictures."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mailer.compose.action_page.page_pictures import PagePicture
from mailer.compose.action_page.parse import ActionPage
from mailer.compose.templating.link_table import LANGUAGE_FIELD
from mailer.locale.language import Language
from mailer.web.pages.picture_sizes import SizedPicture, sized
from mailer.web.pages.sign_page import PageNow
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.petition.pictures import link_preview

PURPOSE = "act"  # the name of the pages' rate limits


async def find_page(request: Request, door: Door, *wishes: str) -> ActionPage:
    """The page in the language that its address asks for, else the first of these wishes, else the browser's. Raises
    HTTPException 404."""
    return await door.threads.read(read_page, request, door, *wishes)


def read_page(request: Request, door: Door, *wishes: str) -> ActionPage:
    """The same in a thread that may wait for files."""
    page = door.acts.find(str(request.path_params["slug"]), door.wishes(request, *wishes))
    if page is None:
        raise HTTPException(404)
    return page


def now_there(door: Door) -> datetime:
    """The moment, in the workspace's time zone."""
    return door.clock().astimezone(ZoneInfo(door.workspace.settings.zone))


async def page_now(door: Door, page: ActionPage, language: Language) -> PageNow:
    """The page, counted."""
    told = await door.threads.read(door.acts.told, page, door.clock())
    settings = door.workspace.settings
    here = f"{door.root}/act/{page.slug}"

    def picture(one: PagePicture | None, widths: tuple[int, ...]) -> SizedPicture | None:
        return sized(one, f"{here}/picture", widths)

    return PageNow(
        page, told, now_there(door), f"{settings.public.url}/act/{page.path}", picture, link_preview(door, page),
        f"{here}/count?{urlencode({LANGUAGE_FIELD: language.code})}",
    )  # fmt: skip


async def count(request: Request) -> Response:
    """How many have signed, as a piece of the page: a script puts it in place of the one that is shown."""
    door = door_of(request)
    page = await find_page(request, door)
    language = door.language(request, page.language)
    now = await page_now(door, page, language)
    return HTMLResponse(door.pages.text("meter.html", language, **now.meter()))
