"""The program that hears of signatures: a test call, a new key, and what was given up sent once more."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.delivery.webhooks.deliver import post
from mailer.editing.settings.secrets import write_secrets
from mailer.errors import MailerError
from mailer.settings.secrets import variable_of
from mailer.staff import audit
from mailer.staff.rights import Right
from mailer.store.jobs import WEBHOOK_CALL, count_jobs, try_again
from mailer.store.tables.states import JobState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.settings import forms
from mailer.web.studio.settings.sections import WEBHOOK
from mailer.web.studio.settings.told import Told, refusal

KEY, TEST_EVENT = "webhook_key", "test"
NEW_KEY_BYTES = 32


def more(visit: Visit) -> Mapping[str, Any]:
    """What waits, what was given up, and whether there is a key."""
    with visit.database.read() as connection:
        jobs = count_jobs(connection, WEBHOOK_CALL)
    waiting = jobs.get(JobState.QUEUED, 0) + jobs.get(JobState.RUNNING, 0)
    return {
        "waiting": waiting, "given_up": jobs.get(JobState.FAILED, 0),
        "has_key": bool(visit.workspace.secrets.webhook_key), "variable": _variable(),
        "url": visit.workspace.settings.webhook.url,
    }  # fmt: skip


def save(visit: Visit) -> Response:
    """Save the form. The first address gets a key at once: without one nothing would be sent any more, and supporters'
    pages would not start."""
    form, key = visit.form, ""
    if "base" not in form:
        raise HTTPException(400)
    try:
        if form.get("webhook.url") and not visit.workspace.secrets.webhook_key:
            key = _make_key(visit)
        overtaken = forms.save_fields(visit, WEBHOOK.fields, form)
    except MailerError as refused:
        return forms.answer(WEBHOOK, more, visit, form=form, refused=refused, new_key=key)
    if overtaken:
        return forms.answer(WEBHOOK, more, visit, form=form, overtaken=True, new_key=key)
    if key:
        return forms.answer(WEBHOOK, more, forms.later(visit), new_key=key)
    return RedirectResponse(f"{WEBHOOK.path}?saved", 303)


def new_key(visit: Visit) -> Response:
    """Make another key, shown this once."""
    try:
        key = _make_key(visit)
    except MailerError as refused:
        return forms.answer(WEBHOOK, more, visit, told=refusal("The key stays as it is.", refused))
    return forms.answer(WEBHOOK, more, forms.later(visit), new_key=key)


def test(visit: Visit) -> Response:
    """Call the program once, about nobody."""
    webhook = visit.workspace.settings.webhook
    body = json.dumps({"event": TEST_EVENT, "at": visit.now.isoformat()}, separators=(",", ":")).encode()
    try:
        if not webhook.url:
            raise MailerError("it has no address yet")
        key = visit.workspace.secrets.require_webhook()
        if why := post(webhook, key=key, call_id=secrets.token_hex(16), body=body, at=visit.now):
            raise MailerError(f"it did not take the test: {why}")
    except MailerError as error:
        return forms.answer(WEBHOOK, more, visit, told=refusal("The test did not arrive.", error))
    told = Told("It took the test.", "It got an event called “test”, signed as all others.", good=True)
    return forms.answer(WEBHOOK, more, visit, told=told)


def again(visit: Visit) -> Response:
    """Have what was given up sent once more, by the next run."""
    with visit.database.write() as connection:
        calls = try_again(connection, WEBHOOK_CALL)
        if calls:
            audit.record(
                connection, visit.who, "webhook calls sent again", at=visit.now, subject="settings", detail=str(calls)
            )  # fmt: skip
    return RedirectResponse(WEBHOOK.path, 303)


def _make_key(visit: Visit) -> str:
    key = secrets.token_urlsafe(NEW_KEY_BYTES)
    with visit.database.write() as connection:
        write_secrets(visit.workspace, connection, visit.who, {KEY: key}, at=visit.now)
    return key


def _variable() -> str:
    name = variable_of(KEY)
    return name if os.environ.get(name) else ""


ROUTES = (
    StudioRoute(WEBHOOK.path, save, Right.SETTINGS, method="POST", most_bytes=forms.MOST_BYTES),
    StudioRoute(f"{WEBHOOK.path}/key", new_key, Right.SETTINGS, method="POST"),
    StudioRoute(f"{WEBHOOK.path}/test", test, Right.SETTINGS, method="POST"),
    StudioRoute(f"{WEBHOOK.path}/again", again, Right.SETTINGS, method="POST"),
)
