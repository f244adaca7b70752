"""Saves what is in the Write room, for the room's script: what was sent, and what became of it, are JSON."""

from __future__ import annotations

import json
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from mailer.compose.source.message_file import MARKDOWN_FILE
from mailer.editing.drafts import end_drafts
from mailer.editing.folders import message_path
from mailer.editing.git import into_git
from mailer.editing.save import Edit, SaveConflict, Saved, read_exact, save
from mailer.errors import MailerError
from mailer.web.studio.compose.fields import LONGEST_VALUE, form_keys, form_of
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.listing import one


def save_text(visit: Visit) -> Response:
    """Write the text and the changed fields into the newsletter's file, unless somebody changed the same lines."""
    edit = read_edit(visit)
    if one(visit, visit.path["name"]).was_sent:
        return _refused("it was sent, and stays as people got it. Make a copy to write on")
    try:
        with visit.database.write() as connection:
            done = save(visit.workspace, connection, visit.who, visit.path["name"], edit, at=visit.now)
            if not isinstance(done, SaveConflict):
                end_drafts(connection, visit.who, visit.path["name"], file_of(visit), at=visit.now)
    except MailerError as error:
        return _refused(f"{error.message}. {error.remedy}".strip())
    if isinstance(done, SaveConflict):
        return JSONResponse({"state": "conflict", "theirs": done.theirs, "mine": done.mine}, status_code=412)
    problem = into_git(
        visit.workspace, visit.database, visit.who, visit.path["name"], _message(visit.path["name"], done)
    )
    told = f"It is not in git yet: {problem.message}. {problem.remedy}" if problem else ""
    mark = looks_of(visit.studio).mark(visit, visit.path["name"])
    return JSONResponse({"state": "merged" if done.merged else "saved", "base": done.text, "mark": mark, "git": told})


def file_of(visit: Visit) -> str:
    """The name of the newsletter's file, whether it is there or not."""
    path = message_path(visit.workspace.newsletter(visit.path["name"]).folder)
    return path.name if path else MARKDOWN_FILE


def base_text(visit: Visit) -> str:
    """The file as it is now, exact, for the page to base its saves on; "" where it can't be edited."""
    try:
        return read_exact(visit.workspace, visit.path["name"])
    except MailerError:
        return ""


def _message(slug: str, done: Saved) -> str:
    return f"Save {slug}" + (", put together with another change" if done.merged else "")


def _refused(words: str) -> Response:
    return JSONResponse({"state": "refused", "words": words}, status_code=422)


def read_edit(visit: Visit) -> Edit:
    """What the script sent of what is in the editor. Raises HTTPException 400 for what the form doesn't have."""
    try:
        sent: Any = json.loads(visit.body)
        base, text, fields = sent["base"], sent["body"], sent["fields"]
    except (ValueError, KeyError, TypeError):
        raise HTTPException(400) from None
    if not (isinstance(base, str) and isinstance(text, str) and isinstance(fields, dict)):
        raise HTTPException(400)
    given = cast(dict[object, object], fields)
    known = form_keys(form_of(looks_of(visit.studio).saved(visit, visit.path["name"]).source, visit.workspace))
    changed = {key: value for key, value in given.items() if isinstance(key, str) and isinstance(value, str)}
    fits = all(len(value) <= LONGEST_VALUE for value in changed.values())
    if len(changed) != len(given) or not known >= changed.keys() or not fits:
        raise HTTPException(400)
    return Edit(base, text, changed)
