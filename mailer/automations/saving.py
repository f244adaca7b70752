"""Changes automation.toml for staff: in place, checked before it is written, in the audit log with who did it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from mailer.automations.definition import automation_from
from mailer.automations.first_automation import make_automation
from mailer.editing.files import one_at_a_time, write_file
from mailer.editing.save import digest
from mailer.editing.toml_edit import read_toml_text
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import AUTOMATION_FILE, Newsletter, Workspace

BEGUN, SAVED = "automation begun", "automation saved"  # as the audit log says it


class ChangedMeanwhile(MailerError):
    """Somebody else changed the file since it was read. Nothing is written."""


def begin_automation(
    workspace: Workspace, connection: Connection, actor: Actor, slug: str, kind: str, *, title: str, petition: str,
    at: datetime,
) -> Path:  # fmt: skip
    """Make a ready-made automation. Raises `MailerError`, with nothing made."""
    actor.require(Right.WRITE)
    one_at_a_time(connection)
    path = make_automation(workspace, slug, kind, petition=petition, title=title, lists=actor.lists)
    subject = audit.newsletter_subject(slug)
    audit.record(connection, actor, BEGUN, at=at, subject=subject, detail=f"from the ready-made {kind}")
    return path


def change_automation(
    connection: Connection, actor: Actor, newsletter: Newsletter, change: Callable[[str], str], *, base: str,
    what: str, at: datetime, message: tuple[str, str] | None = None,
) -> str:  # fmt: skip
    """Write what `change` makes of the file; returns that. `base` is the digest of the file as it was shown. `message`:
    a file to be written beside it first, with its text, unless it is there.

    Raises `MailerError` with every fault that the automation would have, `ChangedMeanwhile` where the file is another
    by now, and `NotAllowed`; then nothing is written.
    """
    actor.require(Right.WRITE)
    one_at_a_time(connection)
    path = newsletter.folder / AUTOMATION_FILE
    before = read_toml_text(path)
    if digest(before) != base:
        remedy = "Look at it as it is now, and change it again."
        raise ChangedMeanwhile("somebody else changed this automation meanwhile", remedy=remedy)
    after = change(before)
    if after == before:
        return after
    beside = newsletter.folder / message[0] if message else None
    made = message is not None and beside is not None and not beside.exists()
    if message is not None and beside is not None and made:
        write_file(beside, message[1].encode("utf-8"), within=newsletter.workspace.newsletters)
    try:
        automation = automation_from(after, newsletter)
        actor.require_work_on({automation.list})
    except BaseException:
        if beside is not None and made:
            beside.unlink(missing_ok=True)
        raise
    write_file(path, after.encode("utf-8"), within=newsletter.workspace.newsletters)
    audit.record(
        connection, actor, SAVED, at=at, subject=audit.newsletter_subject(newsletter.slug), detail=what,
        before=digest(before), after=digest(after),
    )  # fmt: skip
    return after
