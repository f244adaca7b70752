"""Saves what is in the Write room: sent by the room's script as JSON, or as a form by a browser without script.

A form brings its base along, since a browser's text areas know no line ends but their own: its digest is sent as well,
and only a base that has it is merged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from mailer.compose.source.message_file import MARKDOWN_FILE, read_source, source_of, translation_of
from mailer.editing.drafts import DraftText, end_drafts, keep_draft
from mailer.editing.folders import message_path
from mailer.editing.git.commits import into_git
from mailer.editing.save import Edit, SaveConflict, Saved, read_exact, save
from mailer.errors import MailerError
from mailer.web.studio.compose.fields import (
    LONGEST_VALUE,
    TextForm,
    as_values,
    changed_fields,
    form_keys,
    form_of,
    page_form,
    thanks_form,
    translated_form,
    translated_page_form,
)
from mailer.web.studio.compose.looks import looks_of
from mailer.web.studio.compose.page_looks import look_at_page
from mailer.web.studio.compose.parts import MAIL, THANKS, Part
from mailer.web.studio.core.context import Visit
from mailer.web.studio.history.repository import repository_of
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
    written = read_edit(visit, part)
    named = visit.request.headers.get("if-match", "")
    if named and named != entity_tag(written.base):
        raise HTTPException(400)
    try:
        done, git = _save(visit, part, written)
    except MailerError as error:
        return JSONResponse({"state": "refused", "words": _words(error)}, status_code=422)
    if isinstance(done, SaveConflict):
        tag = {"ETag": entity_tag(done.theirs)}
        return JSONResponse(
            {"state": "conflict", "theirs": done.theirs, "mine": done.mine}, status_code=412, headers=tag
        )
    mark, state = looks_of(visit.studio).mark(visit, visit.path["name"]), "merged" if done.merged else "saved"
    return JSONResponse(
        {"state": state, "base": done.text, "mark": mark, "git": git}, headers={"ETag": entity_tag(done.text)}
    )


@dataclass(frozen=True, slots=True)
class SentForm:
    """What a browser without script sent, and what became of it: `done` is how it was saved, one of DONE, "" if it
    wasn't; `wrong` says why, or what is missing besides; `theirs` is the file where both changed the same lines."""

    body: str
    changed: Mapping[str, str]
    done: str = ""
    wrong: str = ""
    theirs: str = ""


DONE = {
    "saved": "Saved.",
    "merged": "Saved, and put together with what somebody else changed meanwhile. Nothing of yours is lost.",
    "back": "The earlier version is back. What it replaced is in History.",
}


def read_form(visit: Visit, part: Part, *, shown: str) -> SentForm:
    """What the room's form says, saved where that was pressed. `shown` is the text that the file has now.

    What isn't saved is kept as a draft.
    """
    now, sent = base_text(visit, part), visit.form
    base = _base_of_form(visit, now)
    form = form_at(visit, part) if base in (None, now) else _form_of_text(visit, part, base)
    lines = {field.key for field in form.fields if not field.long} if form else set[str]()
    typed = {key: " ".join(value.split("\n")) if key in lines else value for key, value in sent.values().items()}
    found = SentForm(sent.text("body"), changed_fields(typed, form))
    if "save-it" not in sent:
        return found
    if base == now and found.body == shown and not found.changed:
        return replace(found, done="saved")  # and the file is not written, which may have other line ends
    written = WrittenText(base if base is not None else now, found.body, found.changed)
    if base is None:
        ended = replace(found, theirs=now)
    else:
        try:
            done, git = _save(visit, part, written)
        except MailerError as error:
            ended = replace(found, wrong=f"Not saved: {_words(error)}")
        else:
            if not isinstance(done, SaveConflict):
                return replace(found, done="merged" if done.merged else "saved", wrong=git)
            ended = replace(found, theirs=done.theirs)
    with visit.database.write() as connection:
        text = DraftText(written.base, written.body, written.fields)
        keep_draft(connection, visit.who, visit.path["name"], kept_as(visit, part), text, at=visit.now)
    return ended


def kept_with(visit: Visit, part: Part, sent: SentForm) -> dict[str, Any]:
    """What a page brings along to be saved on: the file, its name for HTTP, and words about the save before."""
    base = sent.theirs or base_text(visit, part)
    return {
        "base": base, "base_tag": entity_tag(base), "done": DONE.get(sent.done, ""),
        "remote": repository_of(visit.studio).trouble,
    }  # fmt: skip


def _base_of_form(visit: Visit, now: str) -> str | None:
    """The file that a form is based on, exact; None when what the form brought along is not it."""
    named, brought = visit.form.get("if-match"), visit.form.text("based-on")
    return next((one for one in (now, brought, brought.replace("\n", "\r\n")) if entity_tag(one) == named), None)


def _save(visit: Visit, part: Part, written: WrittenText) -> tuple[Saved | SaveConflict, str]:
    """Saves it; what kept it from git, in words, comes with it. Raises `MailerError`."""
    slug = visit.path["name"]
    if part.name == MAIL.name and one(visit, slug).was_sent:
        raise MailerError("it was sent, and stays as people got it", remedy="Make a copy to write on")
    edit = Edit(written.base, written.body, as_values(written.fields, form_at(visit, part)), part.key)
    with visit.database.write() as connection:
        done = save(visit.workspace, connection, visit.who, slug, edit, at=visit.now, file=part.file)
        if isinstance(done, SaveConflict):
            return done, ""
        end_drafts(connection, visit.who, slug, kept_as(visit, part), at=visit.now)
    message = f"Save {slug}" + (", put together with another change" if done.merged else "")
    problem = into_git(visit.workspace, visit.database, visit.who, slug, message)
    return done, f"It is not in git yet: {_words(problem)}" if problem else ""


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
    if part.is_mail and not part.language:
        return form_of(looks_of(visit.studio).saved(visit, visit.path["name"], part).source, visit.workspace)
    return _form_of_text(visit, part, read_exact(visit.workspace, visit.path["name"], part.file))


def _form_of_text(visit: Visit, part: Part, text: str) -> TextForm | None:
    """The form of a text whose file held `text`."""
    newsletter, text = visit.workspace.newsletter(visit.path["name"]), text.removeprefix("\ufeff")
    try:
        if part.is_mail and not part.language:
            return form_of(source_of(text, newsletter, name=part.file), visit.workspace)
        if part.is_mail:
            original = read_source(newsletter, part.original_file)
            return translated_form(translation_of(original, part.language, text), original)
    except MailerError:
        return None
    look = look_at_page(visit, text, part)
    if look.front is None:
        return None
    if look.original is not None:
        return translated_page_form(look.front, look.original, thanks=part.name == THANKS.name)
    return thanks_form(look.front) if part.name == THANKS.name else page_form(look.front, visit.workspace)


def _words(error: MailerError) -> str:
    return f"{error.message}. {error.remedy}".strip()


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
