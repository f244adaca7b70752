"""Pictures that somebody drops, pastes or chooses in the Write room: prepared for mail, and kept beside the text."""

from __future__ import annotations

import re
import threading

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from mailer.editing.pictures import ENDINGS, MailPicture, prepare_picture, save_picture
from mailer.errors import MailerError
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.listing import one

NAME = re.compile(rf"[0-9a-f]{{16}}\.({'|'.join(ENDINGS.values())})")  # as `prepare_picture` names them
TYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif"}
_one_at_a_time = threading.Lock()  # a camera's largest picture takes 300 MB while it is scaled


def add(visit: Visit) -> Response:
    """Take a picture in: the body is its bytes. Answers with the name to write, where it is seen, and the mark of the
    newsletter's files with it."""
    slug = visit.path["name"]
    if one(visit, slug).was_sent:
        return _refused("It was sent, and stays as people got it. Make a copy to write on.")
    try:
        made = prepared(visit.body)
        save_picture(visit.workspace, visit.who, slug, made)
    except MailerError as error:
        return _refused(f"{error.message[:1].upper()}{error.message[1:]}. {error.remedy}".strip())
    address = f"/newsletters/{slug}/pictures/{made.name}"
    return JSONResponse({"source": made.name, "address": address, "mark": looks_of(visit.studio).mark(visit, slug)})


def prepared(data: bytes) -> MailPicture:
    """The picture as it is to be mailed, made while no other is. Raises `MailerError`."""
    with _one_at_a_time:
        return prepare_picture(data)


def show(visit: Visit) -> Response:
    """A picture that was taken in. Those of other names are shown by the look that holds them."""
    name = visit.path["file"]
    path = visit.workspace.newsletter(visit.path["name"]).folder / name
    if not NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
        raise HTTPException(404)
    return Response(path.read_bytes(), media_type=TYPES[name.rpartition(".")[2]])


def _refused(words: str) -> Response:
    return JSONResponse({"words": words}, status_code=422)
