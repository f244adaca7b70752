"""What is done about a newsletter's languages: add one, call it up to date with the original, take it away."""

from __future__ import annotations

from functools import partial

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.compose.source.written import LANGUAGE
from mailer.editing.git.commits import into_git
from mailer.editing.languages.translations import begin_translation, call_current, take_away
from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.web.studio.compose.parts import MAIL, PAGE, THANKS_MAIL, Part
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.rooms import Room, StudioRoute
from mailer.web.studio.newsletters.listing import one

HERE = "/newsletters/{name}/in"
ONE = f"{HERE}/{{language}}"


def add(visit: Visit) -> Response:
    """Begin a translation, and open it."""
    slug, language = _open(visit), visit.form.get("language").strip()
    if not LANGUAGE.fullmatch(language):
        raise MailerError("choose a language")
    with visit.database.write() as connection:
        begin_translation(visit.workspace, connection, visit.who, slug, language, at=visit.now)
    into_git(visit.workspace, visit.database, visit.who, slug, f"Begin {slug} in {language}")
    return RedirectResponse(f"/newsletters/{slug}/in/{language}/{visit.form.get('text')}", 303)


def current(visit: Visit, part: Part) -> Response:
    """Note that a translation is up to date with its original."""
    slug, language = _open(visit) if part is MAIL else one(visit, visit.path["name"]).slug, _language(visit)
    with visit.database.write() as connection:
        call_current(visit.workspace, connection, visit.who, slug, language, at=visit.now, file=part.original_file)
    into_git(visit.workspace, visit.database, visit.who, slug, f"Call {slug} in {language} up to date")
    return RedirectResponse(f"/newsletters/{slug}/in/{language}/{part.path}", 303)


def remove(visit: Visit) -> Response:
    """Take a language away; what it held is kept as a draft."""
    slug, language = _open(visit), _language(visit)
    with visit.database.write() as connection:
        take_away(visit.workspace, connection, visit.who, slug, language, at=visit.now)
    into_git(visit.workspace, visit.database, visit.who, slug, f"Take {slug} in {language} away")
    return RedirectResponse(f"/newsletters/{slug}/", 303)


def _open(visit: Visit) -> str:
    """The newsletter, unless it was sent: then it stays as people got it."""
    newsletter = one(visit, visit.path["name"])
    if newsletter.was_sent:
        raise MailerError("it was sent, and stays as people got it", remedy="Make a copy to write on.")
    return newsletter.slug


def _language(visit: Visit) -> str:
    language = visit.path["language"]
    if not LANGUAGE.fullmatch(language):
        raise HTTPException(404)
    return language


ROOM = Room(
    routes=(
        StudioRoute(HERE, add, Right.WRITE, method="POST"),
        StudioRoute(f"{ONE}/remove", remove, Right.WRITE, method="POST"),
        *(
            StudioRoute(f"{ONE}/{part.path}current", partial(current, part=part), Right.WRITE, method="POST")
            for part in (MAIL, PAGE, THANKS_MAIL)
        ),
    ),
)
