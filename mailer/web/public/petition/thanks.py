"""/act/<slug>/thanks: thanks people once they have signed, and takes what they like to add to their signature.

The page is the same for everybody, but for those who come from signing: their address says which signature it was
(`own_page`), so it can thank by the name they typed and add to what they filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from mailer.audience.petition.signatures import add_to_signature
from mailer.compose.action_page.parse import ActionPage
from mailer.compose.templating.link_table import LANGUAGE_FIELD
from mailer.delivery.webhooks.events import tell_signature
from mailer.web.pages.signature_form import Filled, asked, blank, read
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_form
from mailer.web.public.http.paths import up
from mailer.web.public.petition.own_page import OwnPage, seal, unseal
from mailer.web.public.petition.page_now import PURPOSE, find_page, page_now

OWN, ADDED, NEWS = "own", "added", "news"


async def show(request: Request) -> Response:
    """The thanks, with links for sharing and what is asked for next."""
    door = door_of(request)
    page = await find_page(request, door)
    accepted = request.headers.get("accept-language", "")
    return await _page(request, door, page, blank(accepted, guess=False))


async def add(request: Request) -> Response:
    """Add to the signature. 303 to the page that says so; 422 with what was typed if something is wrong."""
    door = door_of(request)
    await door.limits.hold(PURPOSE, request)
    page = await find_page(request, door)
    own = _own(request, door, page)
    filled = _later(await read_form(request), page, request, door)
    if filled.errors:
        return await _page(request, door, page, filled)
    if own is not None and await door.threads.write(_add, door, page, own, filled):
        door.acts.signed(page)
        door.courier.wake()
    # After too long a time nothing is added, and the page doesn't say that it was.
    return Response(status_code=303, headers={"Location": thanks_address(request, page, own, added=own is not None)})


def thanks_address(
    request: Request, page: ActionPage, own: OwnPage | None, *, news: bool = False, added: bool = False
) -> str:
    """The address of the thanks, in the language of what was signed; relative, so that it works behind any path a web
    server puts before ours."""
    door = door_of(request)
    language = request.query_params.get(LANGUAGE_FIELD, "")[:20] or (page.language if page.languages else "")
    said = {
        LANGUAGE_FIELD: language, NEWS: "1" if news else "", ADDED: "1" if added else "",
        OWN: seal(own, door.signing_keys, at=door.clock()) if own else "",
    }  # fmt: skip
    query = urlencode({name: value for name, value in said.items() if value})
    start = up(request) + ("" if request.url.path.endswith("/thanks") else f"{page.slug}/")
    return f"{start}thanks" + (f"?{query}" if query else "")


def _own(request: Request, door: Door, page: ActionPage) -> OwnPage | None:
    return unseal(request.query_params.get(OWN, ""), door.signing_keys, page=page.slug, now=door.clock())


def _later(form: Mapping[str, tuple[str, ...]], page: ActionPage, request: Request, door: Door) -> Filled:
    """What can be added once somebody has signed: nothing that had to be filled in before."""
    filled = read(form, page, None, door.language(request, page.language))
    before = {one.name for one in asked(page, None) if one.required}
    return replace(
        filled,
        typed={name: text for name, text in filled.typed.items() if name not in before},
        errors={name: words for name, words in filled.errors.items() if name not in before},
    )


async def _page(request: Request, door: Door, page: ActionPage, filled: Filled) -> Response:
    language, own = door.language(request, page.language), _own(request, door, page)
    now = await page_now(door, page, language)
    values = now.thanking(language, filled, by_link=own is not None and own.by_link)
    return door.pages.response(
        "signed.html", language, status=422 if filled.errors else 200, **values, name=own.name if own else "",
        news=NEWS in request.query_params, added=own is not None and ADDED in request.query_params,
        may_add=own is not None and bool(values["rows"] or page.show_names or page.asks_to_show_comments),
        add_url=thanks_address(request, page, own),
    )  # fmt: skip


def _add(door: Door, page: ActionPage, own: OwnPage, filled: Filled) -> bool:
    at, who = door.clock(), filled.who(page, None)
    with door.database.write() as connection:
        added = add_to_signature(connection, own.signature, who, by_link=own.by_link, at=at)
        if added:
            tell_signature(
                connection, settings=door.workspace.settings, signature_id=own.signature, opt_in=False, new=False, at=at
            )
    return added
