"""The check of an automation: what its file says and names, and each of its messages by every rule."""

from __future__ import annotations

from datetime import datetime

from mailer.automations.names import sound_automation
from mailer.checking.collect import Scope
from mailer.checking.preflight import Preflight, check_source
from mailer.checking.runner import ruled
from mailer.compose.source.message_file import read_source
from mailer.diagnostics import Diagnostic, Level, Place, worst_first
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.workspace import Newsletter


def check_automation(database: Database, newsletter: Newsletter, *, scope: Scope, now: datetime) -> list[Preflight]:
    """The check of the definition, called by the automation's name, then that of each message in its folder, called
    <slug>/<file>. What is said of a message's file is said there alone."""
    files, found, used = newsletter.messages(), list[Diagnostic](), None
    try:
        with database.read() as connection:
            used = sound_automation(connection, newsletter).messages
    except MailerError as error:
        found += error.diagnostics
    checked = [_checked(database, newsletter, file, scope=scope, now=now) for file in files]
    said = {(one.place, one.message) for each in checked for one in each.remarks}
    own = [ruled(one) for one in found if (one.place, one.message) not in said]
    if used is not None:
        own += [_unused(newsletter, file) for file in files if file not in used]
    return [Preflight(newsletter.slug, tuple(worst_first(own))), *checked]


def _checked(database: Database, newsletter: Newsletter, file: str, *, scope: Scope, now: datetime) -> Preflight:
    name = f"{newsletter.slug}/{file}"
    try:
        found = check_source(database, read_source(newsletter, file), scope=scope, now=now)
    except MailerError as error:
        return Preflight(name, tuple(worst_first(map(ruled, error.diagnostics))))
    return Preflight(
        name, found.remarks, found.plan, found.selection, found.figures, found.html_bytes, reached=found.reached
    )


def _unused(newsletter: Newsletter, file: str) -> Diagnostic:
    remedy = f'A step mails it: send = "{file}". Or take the file out.'
    place = Place(newsletter.place(file))
    return ruled(Diagnostic(f"no step mails {file}", place, remedy, level=Level.WARNING))
