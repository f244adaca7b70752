"""How a file comes: in pieces by script, so that one that breaks off goes on where it ended, or by the plain form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from mailer.audience.imports.files.uploads import MOST_BYTES, Upload, Uploads
from mailer.errors import MailerError
from mailer.long_work import importing
from mailer.long_work.orders import start_work
from mailer.moving.origins import BY_NAME as ORIGINS
from mailer.staff.rights import Right
from mailer.web.studio.core import errors
from mailer.web.studio.core.context import Visit
from mailer.web.studio.imports.multipart import MultipartForm
from mailer.web.studio.work.beside import worker_of

PIECE_BYTES = 1 << 20  # the largest piece; script begins with smaller ones


def begin(visit: Visit) -> Response:
    """Script announces a file: its name, size and list. Answers with the address to send pieces to."""
    size = visit.form.get("size")
    try:
        fields = {name: visit.form.get(name) for name in ("list", "origin", "joins")}
        upload = _begun(visit, visit.form.get("name"), int(size) if size.isdecimal() else 0, fields)
    except MailerError as error:
        return _refused(error)
    return JSONResponse({"address": f"/imports/files/{upload.token}", "at": 0})


def at(visit: Visit) -> Response:
    """How much of a file has come."""
    uploads, upload = the_upload(visit)
    return JSONResponse({"address": f"/imports/files/{upload.token}", "at": uploads.received(upload)})


def piece(visit: Visit) -> Response:
    """Take a piece: the body, at ?at=, with its SHA-256. One that was damaged on its way, or doesn't follow, changes
    nothing, and the answer says where to go on."""
    uploads, upload = the_upload(visit)
    place = visit.query.get("at", "")
    come = uploads.received(upload)
    sound = hashlib.sha256(visit.body).hexdigest() == visit.query.get("sha256", "")
    if not place.isdecimal() or int(place) != come or not sound:
        return JSONResponse({"at": come}, status_code=409)
    try:
        come = uploads.put(upload, come, visit.body)
    except MailerError as error:
        return _refused(error)
    if come < upload.size:
        return JSONResponse({"at": come, "next": ""})
    if "look" not in upload.work:
        try:
            upload = arrived(visit, uploads, upload)
        except MailerError as error:
            return _refused(error)
    return JSONResponse({"at": come, "next": f"/imports/files/{upload.token}"})


async def whole(visit: Visit) -> Response:
    """The plain form: the file comes in one request, and goes to the disk as it comes."""
    form = MultipartForm(visit.request)
    uploads = Uploads(visit.workspace.root)
    upload: Upload | None = None
    come = 0

    async def take(data: bytes) -> None:
        nonlocal upload, come
        if upload is None:
            named = visit.request.headers.get("content-length", "")
            most = min(int(named) if named.isdecimal() else MOST_BYTES, MOST_BYTES)
            upload = await run_in_threadpool(_begun, visit, form.file_name, most, form.fields)
        come = await run_in_threadpool(uploads.put, upload, come, data)

    try:
        await form.read(take)
    except BaseException:
        if upload is not None:
            await run_in_threadpool(uploads.remove, upload)
        raise
    if upload is None:
        error = MailerError("no file was chosen", remedy="Choose one, then press the button again.")
        return await run_in_threadpool(errors.told, visit, error, 422)
    upload = await run_in_threadpool(uploads.take_whole, upload)
    try:
        upload = await run_in_threadpool(arrived, visit, uploads, upload)
    except MailerError as error:
        return await run_in_threadpool(errors.told, visit, error, 422)
    return RedirectResponse(f"/imports/files/{upload.token}", 303)


def arrived(visit: Visit, uploads: Uploads, upload: Upload) -> Upload:
    """A file has come as a whole: it is looked over, with those that it was brought for. Returns the upload of all."""
    if not upload.joins:
        return look_over(visit, uploads, upload)
    into = uploads.find(upload.joins)
    if into is None or uploads.received(into) != into.size or "import" in into.work:
        uploads.remove(upload)
        raise MailerError("the import that this file is for isn’t open any more", remedy="Bring all its files again.")
    visit.who.require(Right.IMPORT, into.list)
    into = uploads.join(upload, into)
    return look_over(visit, uploads, into)


def look_over(visit: Visit, uploads: Uploads, upload: Upload) -> Upload:
    """Ask for the file to be looked over."""
    return order(visit, uploads, replace(upload, checked=()), "look", importing.LOOK)


def order(visit: Visit, uploads: Uploads, upload: Upload, step: str, topic: str) -> Upload:
    """Ask for long work about an upload, and remember which it is."""
    with visit.database.write() as connection:
        number = start_work(connection, topic, {"upload": upload.token}, actor=visit.who, now=visit.now)
        upload = uploads.save(replace(upload, work={**upload.work, step: number}))
    worker_of(visit.studio).wake()
    return upload


def the_upload(visit: Visit) -> tuple[Uploads, Upload]:
    """The upload that the address names, of a list the visitor may import into."""
    uploads = Uploads(visit.workspace.root)
    upload = uploads.find(visit.path["token"])
    if upload is None:
        raise HTTPException(404)
    visit.who.require(Right.IMPORT, upload.list)
    return uploads, upload


def _begun(visit: Visit, name: str, size: int, fields: Mapping[str, str]) -> Upload:
    """A new upload. `fields`: the list, the program it comes from in a move, and the upload that it is a part of."""
    uploads = Uploads(visit.workspace.root)
    origin, joins = fields.get("origin", ""), fields.get("joins", "")
    into = uploads.find(joins)
    list_name = into.list if into else fields.get("list", "")
    visit.workspace.list_definition(list_name)
    visit.who.require(Right.IMPORT, list_name)
    return uploads.begin(
        name, size=size, list_name=list_name, by=visit.who.name, now=visit.now,
        origin=origin if origin in ORIGINS else "", joins=into.token if into else "",
    )  # fmt: skip


def _refused(error: MailerError) -> Response:
    words = f"{error.message[:1].upper()}{error.message[1:]}. {error.remedy}".strip()
    return JSONResponse({"words": words}, status_code=422)
