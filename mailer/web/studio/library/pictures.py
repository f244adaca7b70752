"""Pictures: all of them with what they show and where, each exchanged or described in every draft at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.compose.source.images import content_type
from mailer.editing.git.commits import into_git
from mailer.editing.library.changes import describe_picture, drafts_with, fixed, replace_picture
from mailer.editing.library.pictures import LibraryPicture, PictureLibrary, PictureUse, digest_of, is_page
from mailer.editing.library.references import read_alt
from mailer.editing.pictures import MOST_UPLOADED
from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.web.studio.compose.pictures import prepared
from mailer.web.studio.core import errors
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.palette import matches
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.imports.multipart import MultipartForm
from mailer.web.studio.newsletters.listing import ListedNewsletter, everything

SHOWN = 60  # at once; a search finds the rest
VIEWS = {"": "All", "drafts": "In drafts", "undescribed": "Not described", "unused": "Not used"}
LARGEST_FORM = MOST_UPLOADED + (64 << 10)
FORM_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class ShownUse:
    """A newsletter that shows the picture. `where` in words; `stays`: it keeps it whatever is done here."""

    newsletter: ListedNewsletter
    where: str
    stays: bool


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A draft that could not be changed, and why."""

    name: str
    error: MailerError


def library_of(studio: Studio) -> PictureLibrary:
    """The studio's library."""
    return cast(PictureLibrary, studio.kept.setdefault("pictures", PictureLibrary()))


def show(visit: Visit) -> Response:
    """All pictures, or those that are looked for."""
    words, view = visit.query.get("q", "").strip()[:100], visit.query.get("show", "")
    names = {one.slug: one.name for one in everything(visit)}
    stays = _fixed(visit)
    every = list(library_of(visit.studio).pictures(visit.workspace).values())
    asked = [one for one in every if not words or matches(words, *_said(one, names))]
    views = [(name, label, sum(_is_in(one, name, stays) for one in asked)) for name, label in VIEWS.items()]
    found = [one for one in asked if _is_in(one, view, stays)]
    return page(
        visit, "library/pictures.html", found=found[:SHOWN], left_off=max(0, len(found) - SHOWN), total=len(every),
        views=views, view=view, words=words, used=_used,
    )  # fmt: skip


def show_one(visit: Visit) -> Response:
    """One picture, large, with everywhere it is used."""
    return _page(visit, _picture(visit))


def file(visit: Visit) -> Response:
    """The picture itself. Its address names its bytes, so a browser may keep it."""
    digest = visit.path["digest"]
    library = library_of(visit.studio)
    path = library.path_of(digest)
    if path is None:
        library.pictures(visit.workspace)
        path = library.path_of(digest)
    data = path.read_bytes() if path and path.is_file() and not path.is_symlink() else b""
    if digest_of(data) != digest:
        raise HTTPException(404)
    headers = {
        "Cache-Control": "private, max-age=604800", "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return Response(data, media_type=content_type(data) or "image/webp", headers=headers)


async def replace(visit: Visit) -> Response:
    """Take a picture in and show it in the place of this one, in every draft."""
    form, pieces = MultipartForm(visit.request), list[bytes]()

    async def take(data: bytes) -> None:
        pieces.append(data)

    await form.read(take)
    return await run_in_threadpool(_replaced, visit, b"".join(pieces))


def _replaced(visit: Visit, data: bytes) -> Response:
    picture = _picture(visit)
    try:
        if not data:
            raise MailerError("no picture was chosen", remedy="Choose one, then press the button again.")
        made = prepared(data)
        if digest_of(made.data) == picture.digest:
            raise MailerError("this is the picture that is there already", remedy="Choose another one.")
    except MailerError as error:
        return errors.told(visit, error, 422)

    def change(connection: Connection, use: PictureUse) -> None:
        replace_picture(visit.workspace, connection, visit.who, use, made, at=visit.now)

    return _everywhere(visit, picture, drafts_with(picture.uses, _fixed(visit)), change, digest_of(made.data))


def describe(visit: Visit) -> Response:
    """Say something else of it, wherever a draft says the same now."""
    picture, was = _picture(visit), visit.form.text("was")
    try:
        alt = read_alt(visit.form.get("alt"))
    except MailerError as error:
        return _page(visit, picture, wrong=error, typed={was: visit.form.get("alt")}, status=422)

    def change(connection: Connection, use: PictureUse) -> None:
        describe_picture(visit.workspace, connection, visit.who, use, was=was, alt=alt, at=visit.now)

    uses = [one for one in drafts_with(picture.uses, _fixed(visit)) if was in one.alts]
    return _everywhere(visit, picture, uses, change, picture.digest)


def _everywhere(
    visit: Visit, picture: LibraryPicture, uses: Iterable[PictureUse], change: Callable[[Connection, PictureUse], None],
    digest: str,
) -> Response:  # fmt: skip
    """Change each draft in a transaction of its own: what is wrong with one keeps none of the others waiting."""
    done: list[PictureUse] = []
    left: list[LeftAlone] = []
    names = {one.slug: one.name for one in everything(visit)}
    for use in uses:
        try:
            with visit.database.write() as connection:
                change(connection, use)
        except MailerError as error:
            left.append(LeftAlone(names.get(use.slug, use.slug), error))
        else:
            done.append(use)
    for slug in dict.fromkeys(use.slug for use in done):
        into_git(visit.workspace, visit.database, visit.who, slug, f"Change a picture of {slug}")
    if left:
        return _page(visit, picture, done=len(done), left=left, status=422)
    return RedirectResponse(f"/pictures/{digest}?done={len({use.slug for use in done})}", 303)


def _page(
    visit: Visit, picture: LibraryPicture, *, status: int = 200, wrong: MailerError | None = None,
    typed: Mapping[str, str] | None = None, left: Iterable[LeftAlone] = (), done: int | None = None,
) -> Response:  # fmt: skip
    stays, listed = _fixed(visit), {one.slug: one for one in everything(visit)}
    drafts = drafts_with(picture.uses, stays)
    uses = [ShownUse(listed[use.slug], _where(use), use.slug in stays) for use in picture.uses if use.slug in listed]
    asked = visit.query.get("done", "")
    brand = visit.workspace.settings.brand
    return page(
        visit, "library/picture.html", status=status, one=picture, uses=uses, drafts=drafts,
        alts=_alts(drafts), wrong=wrong, typed=typed or {}, left=list(left),
        is_logo=_is_logo(picture, brand.logo, brand.logo_dark),
        approved=[one.newsletter.name for one in uses if not one.stays and one.newsletter.state.tone == "ok"],
        done=done if done is not None else int(asked) if asked.isdecimal() and len(asked) < 5 else None,
    )  # fmt: skip


def _picture(visit: Visit) -> LibraryPicture:
    found = library_of(visit.studio).pictures(visit.workspace).get(visit.path["digest"])
    if found is None:
        raise HTTPException(404)
    return found


def _fixed(visit: Visit) -> frozenset[str]:
    with visit.database.read() as connection:
        return fixed(connection)


def _alts(drafts: Iterable[PictureUse]) -> list[tuple[str, int]]:
    """What drafts say that it shows, each with the number of places."""
    said: dict[str, int] = {}
    for use in drafts:
        for found in use.places.values():
            for one in found:
                if one.alt is not None:
                    said[one.alt] = said.get(one.alt, 0) + 1
    return sorted(said.items(), key=lambda one: (-one[1], one[0]))


def _where(use: PictureUse) -> str:
    """In which of its texts."""
    found: dict[str, None] = {}
    for file in use.places:
        stem, *middle, _ = file.split(".")
        words = "sign page" if is_page(file) else "mail of thanks" if stem == "thanks" else "mail"
        found[f"{words} ({middle[0]})" if middle else words] = None
    return ", ".join(found) or "beside it, not shown"


def _is_in(one: LibraryPicture, view: str, stays: frozenset[str]) -> bool:
    drafts = drafts_with(one.uses, stays)
    if view == "drafts":
        return bool(drafts)
    if view == "undescribed":
        return any("" in use.alts for use in drafts)
    return view != "unused" or not (one.shared or any(use.places for use in one.uses))


def _said(one: LibraryPicture, names: Mapping[str, str]) -> list[str]:
    return [*one.names, *one.alts, *(names.get(use.slug, use.slug) for use in one.uses)]


def _used(one: LibraryPicture) -> int:
    return len({use.slug for use in one.uses if use.places})


def _is_logo(picture: LibraryPicture, *logos: str) -> bool:
    return any(logo in picture.shared for logo in logos if logo)


ROUTES = (
    StudioRoute("/pictures", show, Right.WRITE),
    StudioRoute("/pictures/{digest}", show_one, Right.WRITE),
    StudioRoute("/pictures/{digest}/file", file, Right.WRITE),
    StudioRoute("/pictures/{digest}/replace", replace, Right.WRITE, method="POST", most_bytes=LARGEST_FORM),
    StudioRoute("/pictures/{digest}/describe", describe, Right.WRITE, method="POST", most_bytes=FORM_BYTES),
)
