"""/v/<token>: the mail in the browser, this person's own version; /i/<digest>/<name>: the pictures mails show; and
/brand/<name>: those of the pages."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mailer.store.tables.core import images
from mailer.tracking.tokens import Named, Purpose
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.caching import unless_known

DIGEST_DIGITS = 16
BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
PICTURE_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",  # the address changes with the content
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",  # an SVG is a document too
    "Cross-Origin-Resource-Policy": "cross-origin",  # webmail shows them
}


async def view(request: Request) -> Response:
    """The mail as this person got it; with fallbacks in place of their data once they were forgotten."""
    door = door_of(request)
    named = door.named(request, Purpose.VIEW)
    html = await door.threads.read(_html, door, named)
    return HTMLResponse(with_main(html), headers={"Content-Security-Policy": mail_policy(door)})


async def picture(request: Request) -> Response:
    """A picture of a mailed message."""
    door = door_of(request)
    digest = str(request.path_params["digest"])
    found = await door.threads.read(_picture, door, digest) if len(digest) == DIGEST_DIGITS else None
    if found is None or not found[0].startswith("image/"):
        raise HTTPException(404)
    headers = {**PICTURE_HEADERS, "ETag": f'"{digest}"'}
    return unless_known(request, Response(found[1], media_type=found[0], headers=headers))


async def brand(request: Request) -> Response:
    """The logo or the icon."""
    found = next((one for one in door_of(request).pages.files if one.name == request.path_params["name"]), None)
    if found is None:
        raise HTTPException(404)
    headers = {**PICTURE_HEADERS, "ETag": f'"{found.name}"'}
    return unless_known(request, Response(found.content, media_type=found.content_type, headers=headers))


def with_main(html: str) -> str:
    """A mail as a web page, where screen reader users look for the main part. In a mail that would be of no
    use, and some programs take elements away that they don't know."""
    begins = BODY.search(html)
    if begins is None:
        return html
    end = html.lower().rfind("</body", begins.end())
    end = len(html) if end < 0 else end
    return f"{html[: begins.end()]}<main>{html[begins.end() : end]}</main>{html[end:]}"


def _html(door: Door, named: Named) -> str:
    letter = door.letters.find(named)
    return letter.html(named, door.letters.supporter(named, letter), door.letters.version(named, letter))


def mail_policy(door: Door) -> str:
    """Mail HTML has inline styles; it may show our own pictures and the brand's logo, and do nothing else."""
    settings = door.workspace.settings
    addresses = [urlsplit(url) for url in (settings.public.url, settings.brand.logo, settings.brand.logo_dark)]
    origins = [f"{url.scheme}://{url.netloc}" for url in addresses if url.scheme in ("http", "https")]
    allowed = " ".join(dict.fromkeys(["'self'", "data:", *origins]))
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {allowed}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _picture(door: Door, digest: str) -> tuple[str, bytes] | None:
    with door.database.read() as connection:
        row = connection.execute(
            select(images.c.content_type, images.c.content).where(images.c.digest == digest)
        ).first()
    return (row.content_type, row.content) if row else None
