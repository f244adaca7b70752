"""Changes a picture in a draft: another file in its place, or other words for what it shows.

What was sent, is being sent or waits for its time keeps what it has. So do approvals: they are bound to the bytes that
somebody looked at (`review.content`), so another picture in an approved draft asks for another approval by itself.

The file that was there stays beside the new one, since earlier versions of the text name it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, or_, select

from mailer.editing.files import one_at_a_time
from mailer.editing.folders import lists_of
from mailer.editing.library.pictures import PictureUse, is_page
from mailer.editing.library.references import PictureSwap, swapped
from mailer.editing.pictures import MailPicture, save_picture
from mailer.editing.save import Edit, SaveConflict, read_exact, save
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.tables.core import campaigns
from mailer.store.tables.states import CampaignState
from mailer.workspace import Workspace

REPLACED, DESCRIBED = "picture replaced", "picture described"  # as the audit log says it


def fixed(connection: Connection) -> frozenset[str]:
    """The newsletters whose pictures stay: those that have left, are leaving, or are to leave at a time. One that was
    taken off the schedule is a draft again."""
    stays = or_(campaigns.c.state != CampaignState.CANCELLED, campaigns.c.launched_at.is_not(None))
    return frozenset(connection.execute(select(campaigns.c.slug).where(stays)).scalars())


def replace_picture(
    workspace: Workspace, connection: Connection, actor: Actor, use: PictureUse, picture: MailPicture, *, at: datetime
) -> None:
    """Show `picture` wherever a draft shows the one of `use`. Raises `MailerError`, with no text changed."""
    swap = PictureSwap({use.name: picture.name}, {}, frozenset())
    edits = _edits(workspace, connection, actor, use, swap)
    save_picture(workspace, actor, use.slug, picture)
    _save(workspace, connection, actor, use, edits, at=at)
    _record(connection, actor, REPLACED, use, f"{use.name} → {picture.name}", at=at)


def describe_picture(
    workspace: Workspace, connection: Connection, actor: Actor, use: PictureUse, *, was: str, alt: str, at: datetime
) -> None:
    """Say `alt` of a picture wherever a draft says `was` of it; "" where it says nothing. `alt` is as `read_alt` gives
    it. Raises `MailerError`, with nothing changed."""
    edits = _edits(workspace, connection, actor, use, PictureSwap({}, {was: alt}, frozenset({use.name})))
    _save(workspace, connection, actor, use, edits, at=at)
    _record(connection, actor, DESCRIBED, use, f"{use.name}: {alt}", at=at)


def _edits(
    workspace: Workspace, connection: Connection, actor: Actor, use: PictureUse, swap: PictureSwap
) -> dict[str, Edit]:
    """What must change in each file, judged before anything is written."""
    actor.require(Right.WRITE)
    actor.require_work_on(lists_of(workspace, use.slug))
    one_at_a_time(connection)
    if use.slug in fixed(connection):
        raise MailerError("it left or is about to, and stays as people get it", remedy="Make a copy to work on.")
    edits = {file: swapped(read_exact(workspace, use.slug, file), swap, of_page=is_page(file)) for file in use.places}
    return {file: edit for file, edit in edits.items() if edit.text != edit.base}


def _save(
    workspace: Workspace, connection: Connection, actor: Actor, use: PictureUse, edits: dict[str, Edit], *, at: datetime
) -> None:
    for file, edit in edits.items():
        done = save(workspace, connection, actor, use.slug, edit, at=at, file=file)
        if isinstance(done, SaveConflict):
            raise MailerError(f"{file} was changed at the same moment", remedy="Try once more.")


def _record(connection: Connection, actor: Actor, action: str, use: PictureUse, detail: str, *, at: datetime) -> None:
    audit.record(connection, actor, action, at=at, subject=audit.newsletter_subject(use.slug), detail=detail)


def drafts_with(uses: Collection[PictureUse], stays: Collection[str]) -> list[PictureUse]:
    """Those of them that can be changed: drafts whose text names the picture."""
    return [one for one in uses if one.places and one.slug not in stays]
