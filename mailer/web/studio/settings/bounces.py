"""The bounce mailbox: its password, and a test that mails to it and looks whether that arrives."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.responses import RedirectResponse, Response

from mailer.delivery.feedback.mailbox_readers import Imap
from mailer.editing.settings.secrets import write_secrets
from mailer.errors import MailerError
from mailer.settings.secrets import variable_of
from mailer.staff.rights import Right
from mailer.transports.loopback import on_this_machine
from mailer.transports.provider import provider_named
from mailer.transports.trial import send_trial
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.settings import forms
from mailer.web.studio.settings.sections import BOUNCES
from mailer.web.studio.settings.told import Told, refusal

PASSWORD, SENT = "imap_password", "bounce test"
MARK_BYTES = 8
NO_ARRIVAL = "Wait a minute and look again. If it never arrives: does the mailbox take addresses with a + in them?"


def more(visit: Visit) -> Mapping[str, Any]:
    """Whether there is a password, and whether a test mail is on its way."""
    name, provider = variable_of(PASSWORD), provider_named(visit.workspace.settings.transport)
    return {
        "kept": bool(visit.workspace.secrets.imap_password), "variable": name if os.environ.get(name) else "",
        "sent": visit.studio.kept.get(SENT, ""), "reports": provider.title if provider.events else "",
    }  # fmt: skip


def password(visit: Visit) -> Response:
    """Keep the password."""
    if not visit.form.get("password"):
        return RedirectResponse(BOUNCES.path, 303)
    try:
        with visit.database.write() as connection:
            write_secrets(visit.workspace, connection, visit.who, {PASSWORD: visit.form.get("password")}, at=visit.now)
    except MailerError as error:
        return forms.answer(BOUNCES, more, visit, told=refusal("The password stays as it is.", error))
    return RedirectResponse(f"{BOUNCES.path}?saved", 303)


def send(visit: Visit) -> Response:
    """Open the mailbox, and mail to an address of it that nobody else knows."""
    settings = visit.workspace.settings
    try:
        _open(visit).close()
        local, _, domain = settings.bounces.address.partition("@")
        if not local:
            raise MailerError("it has no address yet")
        mark = f"check-{secrets.token_hex(MARK_BYTES)}"
        send_trial(visit.workspace, f"{local}+{mark}@{domain}", at=visit.now, subject=f"Bounce mailbox {mark}")
    except MailerError as error:
        return forms.answer(BOUNCES, more, visit, told=refusal("The test did not get so far.", error))
    visit.studio.kept[SENT] = mark
    told = Told("The mailbox can be read, and a mail is on its way to it.", "Look for it in a minute.", good=True)
    return forms.answer(BOUNCES, more, visit, told=told)


def look(visit: Visit) -> Response:
    """Look for that mail among the newest."""
    mark = str(visit.studio.kept.get(SENT, ""))
    try:
        mailbox = _open(visit)
        try:
            came = bool(mark) and any(mark.encode() in mail.raw for mail in mailbox.latest())
        finally:
            mailbox.close()
    except MailerError as error:
        return forms.answer(BOUNCES, more, visit, told=refusal("The mailbox could not be read.", error))
    if not came:
        return forms.answer(BOUNCES, more, visit, told=Told("It has not arrived yet.", NO_ARRIVAL))
    visit.studio.kept.pop(SENT, None)
    told = Told("It arrived, tag and all.", "Mails that come back will be understood.", good=True)
    return forms.answer(BOUNCES, more, visit, told=told)


def _open(visit: Visit) -> Imap:
    settings, kept = visit.workspace.settings, visit.workspace.secrets.imap_password
    if not settings.bounces.imap:
        raise MailerError("it isn’t said yet where the mailbox is read", remedy="Fill in “Where it is read”, and save.")
    return Imap(settings.bounces.imap, password=kept, may_be_plain=on_this_machine, only_look=True)


ROUTES = (
    StudioRoute(f"{BOUNCES.path}/password", password, Right.SETTINGS, method="POST"),
    StudioRoute(f"{BOUNCES.path}/test", send, Right.SETTINGS, method="POST"),
    StudioRoute(f"{BOUNCES.path}/look", look, Right.SETTINGS, method="POST"),
)
