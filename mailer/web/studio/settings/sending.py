"""The mail service: which one carries the mails, what to type for it, and a test mail that shows whether it does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailer.audience.addresses import normalise
from mailer.editing.settings.secrets import write_secrets
from mailer.errors import MailerError
from mailer.settings.providers import Asked, Preset, ProviderSection, preset_of, provider_sections
from mailer.settings.secrets import variable_of
from mailer.staff import audit
from mailer.staff.accounts import account_by_id
from mailer.staff.rights import Right
from mailer.transports.provider import provider_named
from mailer.transports.trial import send_trial
from mailer.web.studio.core.context import Form, Visit
from mailer.web.studio.core.pages import page, places
from mailer.web.studio.core.rooms import StudioRoute
from mailer.web.studio.settings.fields import SettingField
from mailer.web.studio.settings.forms import MOST_BYTES, NO_FORM, form_values, save_fields
from mailer.web.studio.settings.told import Told, refusal

PATH = "/settings/sending"


@dataclass(frozen=True, slots=True)
class MailService:
    """One choice: a preset of a provider. `chosen`: mails go by it now."""

    preset: Preset
    section: ProviderSection
    chosen: bool

    @property
    def path(self) -> str:
        return f"{PATH}/{self.preset.name}"

    @property
    def fields(self) -> tuple[SettingField, ...]:
        """What it asks for that is no secret."""
        name = self.section.name
        return tuple(
            SettingField(f"{name}.{one.name}", one.label, one.help, one.choices)
            for one in self.preset.asks
            if one.name not in self.section.secrets
        )

    @property
    def secrets(self) -> tuple[Asked, ...]:
        return tuple(one for one in self.preset.asks if one.name in self.section.secrets)


def show(visit: Visit) -> Response:
    """The services there are, and the test mail."""
    return _page(visit)


def show_one(visit: Visit) -> Response:
    """What to type for one of them."""
    return _page_of_one(visit, _service(visit))


def save(visit: Visit) -> Response:
    """Have mails go by this service from now on. Secrets are kept first: whatever else is wrong, nobody types them
    twice."""
    service, form = _service(visit), visit.form
    if "base" not in form:
        raise HTTPException(400)
    try:
        typed = {one.name: form.get(one.name) for one in service.secrets if form.get(one.name)}
        if typed:
            with visit.database.write() as connection:
                write_secrets(visit.workspace, connection, visit.who, typed, at=visit.now)
        name = service.section.name
        same = {f"{name}.{key}": value for key, value in service.preset.sets.items()}
        overtaken = save_fields(visit, service.fields, form, transport=name, **same)
    except MailerError as refused:
        return _page_of_one(visit, service, form=form, refused=refused)
    if overtaken:
        return _page_of_one(visit, service, form=form, overtaken=True)
    return RedirectResponse(f"{PATH}?saved", 303)


def test(visit: Visit) -> Response:
    """Send a test mail to an address that was typed."""
    typed = visit.form.get("to")
    try:
        to = normalise(typed)
        send_trial(visit.workspace, to, at=visit.now)
    except MailerError as error:
        return _page(visit, to=typed, told=refusal("No test mail left.", error), status=422)
    provider = provider_named(visit.workspace.settings.transport)
    with visit.database.write() as connection:
        audit.record(connection, visit.who, "test mail sent", at=visit.now, subject="settings", detail=provider.title)
    if provider.mails_stay:
        words = f"It is in {provider.where(visit.workspace.settings)}. Choose a service to have it leave."
    else:
        words = "See whether it arrives, and whether it is in the folder for spam."
    return _page(visit, to=typed, told=Told(f"{provider.title[:1].upper()}{provider.title[1:]} took it.", words, True))


def services(visit: Visit) -> list[MailService]:
    """Every service, those that mail first."""
    settings = visit.workspace.settings
    found: list[MailService] = []
    for section in provider_sections().values():
        chosen = preset_of(section, settings.section(section.kind)) if settings.transport == section.name else None
        found += [MailService(one, section, chosen is one) for one in section.presets]
    return sorted(found, key=lambda one: provider_named(one.section.name).mails_stay)


def senders_of_lists(visit: Visit) -> dict[str, Any]:
    """Who the mails of each list come from, "" for the usual sender; whether lists have a room of their own."""
    workspace, found = visit.workspace, list[tuple[str, str, str]]()
    for name in workspace.list_names():
        with suppress(MailerError):  # a list with faults is for the room of lists
            one = workspace.list_definition(name)
            found.append((name, one.title, one.from_))
    return {"senders": found, "has_lists": any(place.path == "/lists" for place in places(visit))}


def _service(visit: Visit) -> MailService:
    wanted = visit.path["service"]
    found = next((one for one in services(visit) if one.preset.name == wanted), None)
    if found is None:
        raise HTTPException(404)
    return found


def _page(visit: Visit, *, to: str = "", told: Told | None = None, status: int = 200) -> Response:
    settings = visit.workspace.settings
    provider = provider_named(settings.transport)
    return page(
        visit, "settings/sending.html", status=status, services=services(visit), provider=provider,
        where=provider.where(settings), to=to or _own_address(visit), told=told, saved="saved" in visit.query,
        sender=settings.sender.from_,
    )  # fmt: skip


def _page_of_one(
    visit: Visit, service: MailService, *, form: Form = NO_FORM, refused: MailerError | None = None,
    overtaken: bool = False,
) -> Response:  # fmt: skip
    values = form_values(visit, service.fields, form=form, refused=refused, overtaken=overtaken)
    settings, provider = visit.workspace.settings, provider_named(service.section.name)
    hook = f"{settings.public.url}/hooks/{provider.name}" if provider.events else ""
    return page(
        visit, "settings/service.html", status=422 if refused else 409 if overtaken else 200, service=service,
        kept=dict(_kept(visit, service)), hook=hook, **values,
    )  # fmt: skip


def _kept(visit: Visit, service: MailService) -> Iterator[tuple[str, str]]:
    """Which secrets there are, and where from: "file", or the variable that gives one."""
    for one in service.secrets:
        if os.environ.get(variable_of(one.name)):
            yield one.name, variable_of(one.name)
        elif visit.workspace.secrets.of_provider(one.name):
            yield one.name, "file"


def _own_address(visit: Visit) -> str:
    if visit.who.account_id is None:
        return ""
    with visit.database.read() as connection:
        return account_by_id(connection, visit.who.account_id).address


ROUTES = (
    StudioRoute(PATH, show, Right.SETTINGS),
    StudioRoute(f"{PATH}/test", test, Right.SETTINGS, method="POST"),
    StudioRoute(f"{PATH}/{{service}}", show_one, Right.SETTINGS),
    StudioRoute(f"{PATH}/{{service}}", save, Right.SETTINGS, method="POST", most_bytes=MOST_BYTES),
)
