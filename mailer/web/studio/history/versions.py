"""An earlier version of one of a newsletter's files: what is different now, and bringing it back.

Bringing it back is a save of the whole file. It names what was looked at, so nothing newer is lost, and what it
replaces is a version as well.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.editing.git.commits import into_git
from mailer.editing.save import SaveConflict, WholeText, digest, read_exact, save
from mailer.editing.versions import Version, kept_of, read_version
from mailer.errors import MailerError
from mailer.review.changes import text_changes
from mailer.staff.rights import Right
from mailer.web.studio.compose.parts import MAIL, part_of
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page, way
from mailer.web.studio.history.words import save_of
from mailer.web.studio.newsletters.listing import one


def show(visit: Visit) -> Response:
    """The version, beside what is there now."""
    return _shown(visit, _version(visit))


def bring_back(visit: Visit) -> Response:
    """Put it in the place of what the visitor saw there."""
    visit.who.require(Right.WRITE)
    version, slug, workspace = _version(visit), visit.path["name"], visit.workspace
    try:
        now = read_exact(workspace, slug, version.file)
        if digest(now) != visit.form.get("if-match"):
            return _shown(visit, version, wrong=CHANGED)
        if not _stays_open(visit, version) and one(visit, slug).was_sent:
            raise MailerError("it was sent, and stays as people got it", remedy="Make a copy to write on")
        edit = WholeText(now, version.text)
        with visit.database.write() as connection:
            done = save(workspace, connection, visit.who, slug, edit, at=visit.now, file=version.file)
    except MailerError as error:
        return _shown(visit, version, wrong=f"Nothing was changed: {error.message}. {error.remedy}".strip())
    if isinstance(done, SaveConflict):
        return _shown(visit, version, wrong=CHANGED)
    problem = into_git(workspace, visit.database, visit.who, slug, f"Bring back an earlier version of {slug}")
    if problem:
        return _shown(visit, version, wrong=f"It is back, and not in git yet: {problem.message}. {problem.remedy}")
    path = part_of(workspace.newsletter(slug), version.file).path
    return RedirectResponse(f"/newsletters/{slug}/{path}?done=back", 303)


CHANGED = "Somebody changed it meanwhile, so nothing was brought back. This is what is different now."


def _shown(visit: Visit, version: Version, *, wrong: str = "") -> Response:
    newsletter = one(visit, visit.path["name"])
    try:
        now = read_exact(visit.workspace, newsletter.slug, version.file)
    except MailerError as error:
        now, wrong = "", wrong or f"It can’t be brought back: {error.message}."
    with visit.database.read() as connection:
        by, before = save_of(connection, newsletter.slug, version.digest)
        before = before if before in kept_of(connection, newsletter.slug, [before]) else ""
    may = visit.who.may(Right.WRITE) and bool(now) and (_stays_open(visit, version) or not newsletter.was_sent)
    return page(
        visit, "history/version.html", status=422 if wrong else 200, newsletter=newsletter,
        steps=way(visit, newsletter, here="history"), version=version, by=by, before=before,
        changes=text_changes(now, version.text) if now else [], now_is=digest(now), wrong=wrong, may_bring=may,
        what=f"The {part_of(visit.workspace.newsletter(newsletter.slug), version.file).label.lower()}",
    )  # fmt: skip


def _version(visit: Visit) -> Version:
    try:
        with visit.database.read() as connection:
            return read_version(connection, visit.path["name"], visit.path["version"])
    except MailerError:
        raise HTTPException(404) from None


def _stays_open(visit: Visit, version: Version) -> bool:
    """Whether it can be edited once the mail was sent."""
    return part_of(visit.workspace.newsletter(visit.path["name"]), version.file).name != MAIL.name
