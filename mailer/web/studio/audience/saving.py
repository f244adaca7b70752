"""Saves an audience into the newsletter's file, by the same save as the text."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from mailer.editing.git.commits import into_git
from mailer.editing.save import Edit, SaveConflict, save
from mailer.editing.splice import head_end
from mailer.web.studio.audience.asked import AudienceForm, front_matter_changes, to_front_matter
from mailer.web.studio.audience.room import AudienceRoom, room_of
from mailer.web.studio.core.context import Visit


@dataclass(frozen=True, slots=True)
class SavedAudience:
    """What became of it. `theirs`: nothing was saved, since the file says another audience by now, and this is the
    file. `told`: what git said."""

    theirs: str | None = None
    merged: bool = False
    told: str = ""


def save_audience(visit: Visit, room: AudienceRoom, asked: AudienceForm, base: str) -> SavedAudience:
    """Write what was asked for. `room` is that of the text `base`. Raises `MailerError` when it can't be."""
    slug, workspace = visit.path["name"], visit.workspace
    raw = to_front_matter(asked, room.source, room.known)
    room.read(raw)
    edit = Edit(base, base[head_end(base) :], front_matter_changes(room.source, raw))
    with visit.database.write() as connection:
        done = save(workspace, connection, visit.who, slug, edit, at=visit.now)
    if isinstance(done, SaveConflict):
        return SavedAudience(theirs=done.theirs)
    problem = into_git(workspace, visit.database, visit.who, slug, f"Choose the audience of {slug}")
    told = f"It is not in git yet: {problem.message}. {problem.remedy}" if problem else ""
    return SavedAudience(merged=done.merged, told=told)


def room_of_base(visit: Visit) -> tuple[AudienceRoom, str]:
    """The room as it was when the page was made, and the file it was made from."""
    base = base_of(visit)
    return room_of(visit, base=base), base


def base_of(visit: Visit) -> str:
    """The file that a page was made from, exact: it is sent as JSON, since a form would change its line ends."""
    try:
        base = json.loads(visit.form.text("base"))
    except ValueError:
        raise HTTPException(400) from None
    if not isinstance(base, str):
        raise HTTPException(400)
    return base
