"""The first page of Settings: every subject with what is set, and the way of a newcomer to the first mail."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import Response

from mailer.doctor.dns.domain import is_placeholder
from mailer.senders import domain_of, split_sender
from mailer.settings import Settings
from mailer.transports.loopback import on_this_machine
from mailer.transports.provider import provider_named
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.pages import page
from mailer.web.studio.settings.sections import (
    APPROVAL,
    BOUNCES,
    BRAND,
    CAPS,
    GUARD,
    LINKS,
    ORGANISATION,
    PACE,
    SENDERS,
    WEBHOOK,
    SettingsPage,
)

EXAMPLE = "Example Campaigns"  # as the sample of `mailer init` is called


@dataclass(frozen=True, slots=True)
class SettingsRow:
    """One subject: what it is now, and whether somebody should look at it."""

    path: str
    title: str
    icon: str
    words: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class FirstStep:
    """Something without which no newsletter should leave."""

    title: str
    words: str
    path: str
    done: bool


def show(visit: Visit) -> Response:
    """Everything that can be set."""
    settings = visit.workspace.settings
    steps = first_steps(visit)
    return page(
        visit, "settings/settings.html", groups=_groups(visit, settings), steps=steps,
        next_step=next((one for one in steps if not one.done), None),
    )  # fmt: skip


def first_steps(visit: Visit) -> list[FirstStep]:
    """The way from a new workspace to the first mail."""
    settings = visit.workspace.settings
    domain, host = domain_of(settings.sender.from_), urlsplit(settings.public.url).hostname or ""
    named = settings.organisation.name.strip() not in ("", EXAMPLE) and bool(settings.organisation.postal_address)
    return [
        FirstStep("Say who you are", "Name, postal address, time zone", ORGANISATION.path, named),
        FirstStep("Choose the sender", "An address of a domain that is yours", SENDERS.path,
                  bool(domain) and not is_placeholder(domain)),
        FirstStep("Choose who carries your mails", "A mail service, and a test mail to yourself", "/settings/sending",
                  not provider_named(settings.transport).mails_stay),
        FirstStep("Give your pages an address", "Links and unsubscribing lead there", ORGANISATION.path,
                  bool(host) and not on_this_machine(host)),
    ]  # fmt: skip


def _groups(visit: Visit, settings: Settings) -> list[tuple[str, list[SettingsRow]]]:
    steps = {one.title: one for one in first_steps(visit)}
    late = {one.path for one in steps.values() if not one.done}
    provider = provider_named(settings.transport)
    service = "Nobody yet: mails stay on this machine" if provider.mails_stay else _service(settings)
    sending = SettingsRow("/settings/sending", "Mail service", "send", service, "/settings/sending" in late)
    domain = domain_of(settings.sender.from_)
    doctor = SettingsRow("/settings/domain", "Check everything", "list-checks", f"DNS of {domain or 'your domain'}, "
                         "mail service, public address, database")  # fmt: skip
    return [
        ("Who you are", [_row(one, settings, late) for one in (ORGANISATION, BRAND, SENDERS)]),
        ("How mails leave", [sending, doctor, *(_row(one, settings, late) for one in (PACE, CAPS, GUARD, BOUNCES))]),
        ("Who may do what", [_row(APPROVAL, settings, late)]),
        ("What is told", [_row(one, settings, late) for one in (LINKS, WEBHOOK)]),
    ]


def _row(section: SettingsPage, settings: Settings, late: set[str]) -> SettingsRow:
    return SettingsRow(section.path, section.title, section.icon, _words(section, settings), section.path in late)


def _service(settings: Settings) -> str:
    provider = provider_named(settings.transport)
    return f"{provider.title}, {provider.where(settings)}"


def _words(section: SettingsPage, settings: Settings) -> str:  # noqa: PLR0911 - one for each page
    pace, guard, studio = settings.pace, settings.guard, settings.studio
    match section.name:
        case ORGANISATION.name:
            return " · ".join(filter(None, (settings.organisation.name, settings.zone, settings.public.url)))
        case BRAND.name:
            return f"Main colour {settings.brand.primary}{', with a logo' if settings.brand.logo else ''}"
        case SENDERS.name:
            return _sender(settings.sender.from_)
        case PACE.name:
            speed = f"{pace.per_second:g} a second" if pace.per_second else "As fast as the mail service takes them"
            return speed + (f", warming up over {len(pace.warm_up)} days" if pace.warm_up else "")
        case CAPS.name:
            words = settings.caps.in_words
            return f"{words[:1].upper()}{words[1:]}" if settings.caps else "No cap on how many mails people get"
        case GUARD.name:
            bounces, complaints = 100 * guard.bounce_rate, 100 * guard.complaint_rate
            return f"A newsletter pauses at {bounces:g} % bounces or {complaints:g} % complaints"
        case BOUNCES.name:
            return settings.bounces.address or "No mailbox of our own"
        case APPROVAL.name:
            asked = ("No approval is needed", "One person approves", "Two people approve")[studio.approvals]
            return f"{asked}, {f'then {studio.hold} to stop it' if studio.hold_for else 'and it leaves at once'}"
        case WEBHOOK.name:
            return urlsplit(settings.webhook.url).netloc if settings.webhook.url else "Nobody is told of signatures"
        case _:
            return "Links and openings are counted" if settings.tracking.opens else "Links are counted, openings aren’t"


def _sender(sender: str) -> str:
    if not sender:
        return "No sender yet"
    name, address = split_sender(sender)
    return f"{name} · {address}" if name else address
