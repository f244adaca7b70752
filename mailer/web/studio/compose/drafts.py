"""Keeps what is being written in the Write room, for the room's script, and gives it back."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from mailer.editing.drafts import (
    DraftText,
    KeptDraft,
    drafts_of,
    keep_draft,
    last_unsaved,
    read_draft_text,
    who_is_writing,
)
from mailer.errors import MailerError
from mailer.web.studio.compose.parts import Part
from mailer.web.studio.compose.saving import kept_as, read_edit
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import moment


def keep(visit: Visit, part: Part) -> Response:
    """Keep what is in the editor, and say who else is writing."""
    written, slug = read_edit(visit, part), visit.path["name"]
    file = kept_as(visit, part)
    with visit.database.write() as connection:
        text = DraftText(written.base, written.body, written.fields)
        keep_draft(connection, visit.who, slug, file, text, at=visit.now)
        return JSONResponse({"writing": list(who_is_writing(connection, visit.who, slug, file, now=visit.now))})


def show_all(visit: Visit, part: Part) -> Response:
    """Which drafts are kept, the newest first."""
    with visit.database.read() as connection:
        found = drafts_of(connection, visit.path["name"], kept_as(visit, part))
    return JSONResponse([as_json(visit, one) for one in found])


def show_one(visit: Visit, part: Part) -> Response:
    """What one of them holds."""
    number = visit.path["draft"]
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise HTTPException(404)
    try:
        with visit.database.read() as connection:
            text = read_draft_text(connection, visit.path["name"], kept_as(visit, part), int(number))
    except MailerError:
        raise HTTPException(404) from None
    return JSONResponse({"base": text.base, "body": text.body, "fields": dict(text.fields)})


def unsaved(visit: Visit, part: Part) -> dict[str, object] | None:
    """The visitor's own newest draft that they haven't saved, for the page to offer."""
    with visit.database.read() as connection:
        found = last_unsaved(connection, visit.who, visit.path["name"], kept_as(visit, part))
    return as_json(visit, found) if found else None


def writing(visit: Visit, part: Part) -> list[str]:
    """Who else is writing on it."""
    with visit.database.read() as connection:
        return list(who_is_writing(connection, visit.who, visit.path["name"], kept_as(visit, part), now=visit.now))


def as_json(visit: Visit, draft: KeptDraft) -> dict[str, object]:
    """A draft as the script shows it in a list."""
    when = moment(draft.at, visit.zone, visit.now)
    return {"id": draft.id, "by": draft.by, "when": when, "at": draft.at.isoformat(), "saved": draft.is_saved}
