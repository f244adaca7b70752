"""Which sign pages have comments that wait, for those who may decide about them; Today and Results ask, too."""

from __future__ import annotations

from mailer.audience.petition.comments import count_waiting, has_undecided
from mailer.compose.action_page.parse import ActionPage, read_action_page
from mailer.editing.folders import lists_of
from mailer.errors import MailerError
from mailer.staff.rights import Right
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import may
from mailer.web.studio.newsletters.shelf import ShelvedNewsletter, shelf_of
from mailer.workspace import Workspace


def waiting_comments(visit: Visit) -> list[tuple[ShelvedNewsletter, int]]:
    """The newsletters whose pages have comments that the visitor may decide about, and how many, up to
    `comments.MOST_COUNTED`."""
    if not (may(visit, Right.SEE_PEOPLE) and may(visit, Right.WRITE)):
        return []
    pages = [one for one in shelf_of(visit.studio).newsletters(visit.workspace) if one.has_page and not one.is_away]
    found: list[tuple[ShelvedNewsletter, int]] = []
    with visit.database.read() as connection:
        for file in (file for file in pages if has_undecided(connection, file.slug)):
            page = page_of(visit.workspace, file.slug)
            waiting = count_waiting(connection, file.slug, page.show_comments) if page else 0
            if waiting and visit.who.may_work_on(lists_of(visit.workspace, file.slug)):
                found.append((file, waiting))
    return found


def page_of(workspace: Workspace, slug: str) -> ActionPage | None:
    """The sign page of a newsletter; None where it can't be read, and the Write room says what is wrong with it."""
    try:
        return read_action_page(workspace.newsletter(slug))[0]
    except MailerError:
        return None
