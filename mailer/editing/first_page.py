"""The first sign page of a newsletter. Nobody sees it before its words are written: a page with faults isn't shown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from mailer.compose.source.frontmatter import FrontMatter, split_front_matter
from mailer.editing.files import one_at_a_time, write_file
from mailer.editing.folders import message_path, quoted
from mailer.editing.save import read_exact
from mailer.editing.splice import FrontValue, splice
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import ACTION_FILE, Workspace


def make_page(workspace: Workspace, connection: Connection, actor: Actor, slug: str, *, at: datetime) -> None:
    """Write the newsletter's sign page with its mail's list, language and headline, and lead the mail's button there.

    Raises `MailerError`, with nothing written, when there is a page already, or the mail's front matter can't be read.
    """
    actor.require(Right.WRITE)
    one_at_a_time(connection)
    newsletter = workspace.newsletter(slug)
    if newsletter.has_action_page:
        raise MailerError("this newsletter has a sign page already", remedy="Load the page again.")
    text, path = read_exact(workspace, slug), message_path(newsletter.folder)
    front, faults = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file="")
    if front is None or path is None:
        raise MailerError("the newsletter’s fields can’t be read", diagnostics=faults)
    led = splice(text, {"action.url": None, "action.page": True, **_label(front.data.get("action"))})
    said = (front.data.get(key) for key in ("headline", "subject"))
    headline = next((words for words in said if isinstance(words, str) and words and "{" not in words), "")
    page = _first_page(workspace, headline, front)
    write_file(newsletter.folder / ACTION_FILE, page.encode(), within=workspace.newsletters)
    write_file(path, led.encode(), within=workspace.newsletters)
    audit.record(connection, actor, "sign page begun", at=at, subject=audit.newsletter_subject(slug))


def _label(action: object) -> dict[str, FrontValue]:
    has_label = isinstance(action, dict) and "label" in action
    return {} if has_label else {"action.label": "Add your name"}


def _first_page(workspace: Workspace, headline: str, front: FrontMatter) -> str:
    box, usual, spoken = "", "en", front.data.get("language")  # a page without a box for news is in English
    name = str(front.data.get("list") or "")
    if name in workspace.list_names():
        mailed = workspace.list_definition(name)
        spoken = spoken or mailed.language
        if mailed.consent:
            box, usual = f"opt_in:\n  list: {name}\n", mailed.language
    page = f'---\nheadline: "{quoted(headline)}"\nstatement: ""\n{box}---\n'
    return splice(page, {"language": spoken}) if isinstance(spoken, str) and spoken != usual else page
