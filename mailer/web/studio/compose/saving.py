"""Saves what is in the Write room, for the room's script: what was sent, and what became of it, are JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from mailer.compose.source.message_file import MARKDOWN_FILE
from mailer.editing.drafts import end_drafts
from mailer.editing.folders import message_path
from mailer.editing.git import into_git
from mailer.editing.save import Edit, SaveConflict, Saved, read_exact, save
from mailer.errors import MailerError
from mailer.web.studio.compose.fields import (
    LONGEST_VALUE,
    TextForm,
    as_values,
    form_keys,
    form_of,
    page_form,
    thanks_form,
)
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.compose.page_looks import saved_page
from mailer.web.studio.compose.parts import MAIL, THANKS, Part
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.listing import one


@dataclass(frozen=True, slots=True)
class WrittenText:
    """What is in the editor, as the script sends it: the file it is based on, the text, and the fields as typed."""

    base: str
    body: str
    fields: Mapping[str, str]


def save_text(visit: Visit, part: Part) -> Response:
    """Write the text and the changed fields into their file, unless somebody changed the same lines.

    What it is based on is the whole file; its digest in If-Match, where sent, must be that file's (RFC 9110 §13.1.1).
    """
    written, slug = read_edit(visit, part), visit.path["name"]
    named = visit.request.headers.get("if-match", "")
    if named and named != entity_tag(written.base):
        raise HTTPException(400)
    if part is MAIL and one(visit, slug).was_sent:
        return _refused("it was sent, and stays as people got it. Make a copy to write on")
    edit = Edit(written.base, written.body, as_values(written.fields, form_at(visit, part)), part.key)
    try:
        with visit.database.write() as connection:
            done = save(visit.workspace, connection, visit.who, slug, edit, at=visit.now, file=part.file)
            if not isinstance(done, SaveConflict):
                end_drafts(connection, visit.who, slug, kept_as(visit, part), at=visit.now)
    except MailerError as error:
        return _refused(f"{error.message}. {error.remedy}".strip())
    if isinstance(done, SaveConflict):
        tag = {"ETag": entity_tag(done.theirs)}
        return JSONResponse(
            {"state": "conflict", "theirs": done.theirs, "mine": done.mine}, status_code=412, headers=tag
        )
    problem = into_git(visit.workspace, visit.database, visit.who, slug, _message(slug, done))
    told = f"It is not in git yet: {problem.message}. {problem.remedy}" if problem else ""
    mark = looks_of(visit.studio).mark(visit, slug)
    state = "merged" if done.merged else "saved"
    return JSONResponse(
        {"state": state, "base": done.text, "mark": mark, "git": told}, headers={"ETag": entity_tag(done.text)}
    )


def entity_tag(text: str) -> str:
    """What HTTP calls a version of a file: its SHA-256."""
    return f'"{hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()}"'


def kept_as(visit: Visit, part: Part) -> str:
    """What the drafts of a text are kept under: its file's name, whether it is there or not."""
    path = None if part.file else message_path(visit.workspace.newsletter(visit.path["name"]).folder)
    return part.kept_as or (path.name if path else MARKDOWN_FILE)


def base_text(visit: Visit, part: Part) -> str:
    """The file as it is now, exact, for the page to base its saves on; "" where it can't be edited."""
    try:
        return read_exact(visit.workspace, visit.path["name"], part.file)
    except MailerError:
        return ""


def form_at(visit: Visit, part: Part) -> TextForm | None:
    """The form of a text as its file is now; None when its front matter can't be read."""
    if part is MAIL:
        return form_of(looks_of(visit.studio).saved(visit, visit.path["name"]).source, visit.workspace)
    front = saved_page(visit, part).front
    if front is None:
        return None
    return thanks_form(front) if part is THANKS else page_form(front, visit.workspace)


def _message(slug: str, done: Saved) -> str:
    return f"Save {slug}" + (", put together with another change" if done.merged else "")


def _refused(words: str) -> Response:
    return JSONResponse({"state": "refused", "words": words}, status_code=422)


def read_sent(visit: Visit) -> dict[str, Any]:
    """The object that the script sent as JSON: a form would change line ends. Raises HTTPException 400."""
    try:
        sent: Any = json.loads(visit.body)
    except ValueError:
        raise HTTPException(400) from None
    if not isinstance(sent, dict):
        raise HTTPException(400)
    return cast(dict[str, Any], sent)


def read_edit(visit: Visit, part: Part) -> WrittenText:
    """What the script sent of what is in the editor. Raises HTTPException 400 for what the form doesn't have."""
    sent = read_sent(visit)
    base, body, fields = (sent.get(key) for key in ("base", "body", "fields"))
    if not (isinstance(base, str) and isinstance(body, str) and isinstance(fields, dict)):
        raise HTTPException(400)
    given = cast(dict[object, object], fields)
    known = form_keys(form_at(visit, part))
    changed = {key: value for key, value in given.items() if isinstance(key, str) and isinstance(value, str)}
    fits = all(len(value) <= LONGEST_VALUE for value in changed.values())
    if len(changed) != len(given) or not known >= changed.keys() or not fits:
        raise HTTPException(400)
    return WrittenText(base, body, changed)
