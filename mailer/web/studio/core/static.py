"""The studio's own style and script, and the vendored files beside them, served under a name that changes with them.

All are read when the studio starts. Their address holds a digest of the whole folder, so browsers keep them for a year,
and a module finds the one beside it by a relative address.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response

from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.rooms import Access, Room, StudioRoute
from mailer.web.studio.vendored import without_comments

FOLDER = Path(__file__).parent.parent / "static"
ICONS = next(FOLDER.glob("vendor/lucide-static@*")) / "icons"
TYPES = {
    ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".png": "image/png",
}  # fmt: skip
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
SVG_INSIDE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, and how it is served."""

    content: bytes
    content_type: str
    packed: bytes  # by gzip, which every browser takes


@cache
def files() -> dict[str, StaticFile]:
    """Every file that is served, by its path below static/. Icons are part of the pages and not among them."""
    found = (path for path in sorted(FOLDER.rglob("*")) if path.suffix in TYPES and ICONS not in path.parents)
    return {path.relative_to(FOLDER).as_posix(): _read(path) for path in found}


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    if path.suffix == ".js":
        content = without_comments(content.decode()).encode()
    return StaticFile(content, TYPES[path.suffix], gzip.compress(content, mtime=0))


@cache
def digest() -> str:
    """Changes whenever one of the files does."""
    whole = hashlib.sha256()
    for name, file in files().items():
        whole.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
    return whole.hexdigest()[:16]


def static_base() -> str:
    """The address that all of them are below."""
    return f"/static/{digest()}"


def static(name: str) -> str:
    """The address of a file of static/, such as studio.css. Raises KeyError for one that isn't there."""
    assert files()[name]
    return f"{static_base()}/{name}"


@cache
def icon(name: str, *, small: bool = False) -> Markup:
    """An icon of Lucide, to stand beside a word; it says nothing by itself."""
    inside = SVG_INSIDE.search((ICONS / f"{PurePosixPath(name).name}.svg").read_text(encoding="utf-8"))
    assert inside
    paths = " ".join(inside[1].split())
    return Markup(  # noqa: S704 - a file of ours
        f'<svg class="i{" s" if small else ""}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{paths}</svg>'
    )


def _give(visit: Visit) -> Response:
    """A file. One asked for by an older digest is not kept: a page that was open over an update asks once more."""
    file = files().get(visit.path["name"])
    if file is None:
        raise HTTPException(404)
    headers = {"Vary": "Accept-Encoding"} | (FOR_EVER if visit.path["digest"] == digest() else {})
    if "gzip" in visit.request.headers.get("accept-encoding", ""):
        return Response(file.packed, media_type=file.content_type, headers=headers | {"Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.content_type, headers=headers)


ROOM = Room(routes=(StudioRoute("/static/{digest}/{name:path}", _give, Access.ANYBODY),))
