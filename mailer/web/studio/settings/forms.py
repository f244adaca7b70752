"""Shows and saves the pages that are a form of settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.diagnostics import Diagnostic
from mailer.editing.save import SaveConflict
from mailer.editing.settings.change import SettingsRefused, change_settings, settings_text
from mailer.errors import MailerError
from mailer.settings import SETTINGS_FILE, Settings
from mailer.settings.loader import judge_settings, set_by_variable
from mailer.staff.rights import Right
from mailer.toml_file import toml_of
from mailer.web.studio.core.context import Form, Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.settings.fields import SettingField, ShownSetting, changes, shown, value_of
from mailer.web.studio.settings.sections import SettingsPage

MOST_BYTES = 512 * 1024  # of a form, which carries mailer.toml as it was
More = Callable[[Visit], Mapping[str, Any]]  # what a page shows beside its form
NO_FORM = Form(b"")
NO_FAULTS: Mapping[str, Diagnostic] = {}


def routes(section: SettingsPage, more: More | None = None) -> tuple[StudioRoute, ...]:
    """The addresses of a page: to look, and to save."""
    return (
        StudioRoute(section.path, partial(show, section, more), Right.SETTINGS),
        StudioRoute(
            section.path, partial(save, section, more), Right.SETTINGS, method="POST", most_bytes=MOST_BYTES
        ),
    )  # fmt: skip


def show(section: SettingsPage, more: More | None, visit: Visit) -> Response:
    """The page."""
    return answer(section, more, visit)


def save(section: SettingsPage, more: More | None, visit: Visit) -> Response:
    """Write what was changed; with faults, or where somebody changed the same meanwhile, show the form again."""
    form = visit.form
    try:
        conflict = save_fields(visit, section.fields, form)
    except MailerError as refused:
        return answer(section, more, visit, form=form, refused=refused)
    if conflict:
        return answer(section, more, visit, form=form, overtaken=True)
    return RedirectResponse(f"{section.path}?saved", 303)


def save_fields(visit: Visit, fields: tuple[SettingField, ...], form: Form, **extra: Any) -> bool:
    """Save what a form changes of these settings, and `extra` ones by name; whether somebody else changed the same
    meanwhile, so that nothing was written. Raises `MailerError`."""
    if "base" not in form:
        raise HTTPException(400)
    base = form.text("base")
    given = set_by_variable()
    wanted = changes([one for one in fields if one.name not in given], form, _settings_of(visit, base)) | extra
    with visit.database.write() as connection:
        saved = change_settings(visit.workspace, connection, visit.who, wanted, base=base, at=visit.now)
    return isinstance(saved, SaveConflict)


def later(visit: Visit) -> Visit:
    """The same visit with the settings as they are after a save."""
    return replace(visit, workspace=visit.studio.reader.read(), body=b"")


def shown_fields(
    visit: Visit, fields: tuple[SettingField, ...], form: Form, wrong: Mapping[str, Diagnostic]
) -> dict[str, ShownSetting]:
    """The fields by name: as typed where something was, else as the settings are."""
    given, settings = set_by_variable(), visit.workspace.settings
    found: dict[str, ShownSetting] = {}
    for field in fields:
        text = form.text(field.name) if "base" in form else shown(field, value_of(settings, field.name))
        variable = given.get(field.name, "")
        if variable:
            text = shown(field, value_of(settings, field.name))
        fault = wrong.get(field.name)
        found[field.name] = ShownSetting(field, text, words_of(fault, field.label) if fault else "", variable)
    return found


def words_of(fault: Diagnostic, label: str) -> str:
    """What is wrong with a field, by its label; the remedy unless it is about writing the file."""
    message = fault.message.replace(fault.part, label) if fault.part else fault.message
    remedy = "" if " = " in fault.remedy or "mailer.toml" in fault.remedy else fault.remedy
    return f"{message[:1].upper()}{message[1:]}. {remedy}".strip()


def form_values(
    visit: Visit, fields: tuple[SettingField, ...], *, form: Form = NO_FORM, refused: MailerError | None = None,
    overtaken: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What the template of a form needs."""
    wrong = refused.by_name if isinstance(refused, SettingsRefused) else NO_FAULTS
    elsewhere = [one for name, one in wrong.items() if name not in {field.name for field in fields}]
    return {
        "shown": shown_fields(visit, fields, form, wrong), "base": settings_text(visit.workspace), "refused": refused,
        "elsewhere": elsewhere, "overtaken": overtaken, "saved": "saved" in visit.query,
    }  # fmt: skip


def answer(
    section: SettingsPage, more: More | None, visit: Visit, *, form: Form = NO_FORM, refused: MailerError | None = None,
    overtaken: bool = False, **extra: Any,
) -> Response:  # fmt: skip
    """The page of a form, with what else its template needs."""
    values = form_values(visit, section.fields, form=form, refused=refused, overtaken=overtaken)
    status = 422 if refused else 409 if overtaken else 200
    beside = {**(more(visit) if more else {}), **extra}
    return page(visit, section.template, status=status, section=section, form=form, **values, **beside)


def _settings_of(visit: Visit, text: str) -> Settings:
    """The settings that a form was made of."""
    try:
        found = toml_of(text.encode(), SETTINGS_FILE)
        return judge_settings(found, visit.workspace.root, environ=os.environ)
    except MailerError:  # a file that has faults by now is refused when it is written
        return visit.workspace.settings
