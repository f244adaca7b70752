"""Finds every fault in settings that have the right type but can't work. Reading the settings is left to `loader`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError
from mailer.senders import sender_fault
from mailer.settings.durations import seconds_of
from mailer.settings.providers import DEFAULT, provider_sections
from mailer.settings.schema import (
    CLIENT_FAMILIES,
    ROLES,
    Bounces,
    Brand,
    Check,
    Dns,
    Guard,
    Organisation,
    Pace,
    Public,
    Sender,
    SingleSignOn,
    StudioSettings,
    Tracking,
    Webhook,
)
from mailer.timezones import zone_named

# RFC 5321 §4.5.3.1.1 gives the part before the @ 64 octets; less a plus sign and a token of 39.
LONGEST_BOUNCE_LOCAL = 24

MOST_APPROVALS = (0, 1, 2)
LONGEST_HOLD_SECONDS = 24 * 3600

PlaceOf = Callable[[str | None, str | None], Place]  # section and key → file and line


def judge(values: Mapping[str, Any], place: PlaceOf) -> list[Diagnostic]:
    """Faults in values that have the right type but can't work."""
    faults: list[Diagnostic] = []

    def wrong(message: str, section: str | None, key: str, remedy: str = "") -> None:
        faults.append(Diagnostic(message, place=place(section, key), remedy=remedy))

    known = provider_sections()
    if values.get("transport", DEFAULT) not in known:
        remedy = f"Choose one of: {', '.join(known)}."
        wrong(f"unknown transport {values['transport']!r}", None, "transport", remedy)
    for name, provider in known.items():
        for fault in provider.faults(values.get(name, provider.kind())):
            wrong(fault.message, name, fault.key, fault.remedy)
    if not values.get("organisation", Organisation()).postal_address.strip():
        wrong(
            "organisation.postal_address is missing", "organisation", "postal_address",
            "The law in many countries asks for a postal address in every mail.",
        )  # fmt: skip
    sender: Sender = values.get("sender", Sender())
    for key, value in (("from", sender.from_), ("reply_to", sender.reply_to)):
        if value and (fault := sender_fault(f"sender.{key}", value)):
            wrong(fault.message, "sender", key, fault.remedy)
    faults += _judge_public(values.get("public", Public()), place)
    faults += _judge_studio(values.get("studio", StudioSettings()), place)
    faults += _judge_timezone(values.get("timezone", ""), place)
    faults += _judge_pace(values.get("pace", Pace()), values.get("guard", Guard()), place)
    faults += _judge_coming_back(values, place)
    faults += _judge_dns(values.get("dns", Dns()), sender, place)
    faults += _judge_sso(values.get("sso", SingleSignOn()), place)
    faults += _judge_check(values.get("check", Check()), place)
    return faults + _judge_brand(values.get("brand", Brand()), place)


def _judge_timezone(name: str, place: PlaceOf) -> list[Diagnostic]:
    try:
        if name:
            zone_named(name)
    except MailerError as error:
        return [Diagnostic(f"timezone: {error.message}", place=place(None, "timezone"), remedy=error.remedy)]
    return []


def _judge_public(public: Public, place: PlaceOf) -> list[Diagnostic]:
    faults: list[Diagnostic] = []

    def wrong(message: str, key: str, remedy: str = "") -> None:
        faults.append(Diagnostic(message, place=place("public", key), remedy=remedy))

    address = urlsplit(public.url)
    if address.scheme not in ("http", "https") or not address.netloc or address.query or public.url.endswith("/"):
        wrong("public.url must be http(s)://host without a slash at the end", "url")
    elif not public.url.isascii():  # it goes into headers that programs read, and every mail would be refused
        wrong("public.url must be written in ASCII", "url", "Write its xn-- form, as browsers copy it.")
    if public.unsubscribe_mailto and (fault := sender_fault("public.unsubscribe_mailto", public.unsubscribe_mailto)):
        wrong(fault.message, "unsubscribe_mailto", fault.remedy)
    return faults


def _judge_hold(hold: str, place: PlaceOf) -> list[Diagnostic]:
    where = place("studio", "hold")
    try:
        seconds = seconds_of(hold)
    except MailerError as error:
        return [Diagnostic(f"studio.hold: {error.message}", place=where, remedy=error.remedy)]
    if seconds > LONGEST_HOLD_SECONDS:
        return [Diagnostic(f"studio.hold is {hold}, longer than a day", place=where, remedy='Such as hold = "10m"')]
    return []


def _judge_studio(studio: StudioSettings, place: PlaceOf) -> list[Diagnostic]:
    faults: list[Diagnostic] = []
    parts = urlsplit(studio.url)
    # A cookie bound to its host has no path (RFC 6265bis §4.1.3.2), and passkeys work by TLS alone.
    if studio.url and (studio.url != f"https://{parts.netloc}" or not parts.netloc or not studio.url.isascii()):
        remedy = 'Such as url = "https://studio.example.org". On this machine alone leave it out.'
        faults.append(
            Diagnostic("studio.url must be https://host, without a path", place=place("studio", "url"), remedy=remedy)
        )
    if studio.approvals not in MOST_APPROVALS:
        faults.append(
            Diagnostic(
                f"studio.approvals must be 0, 1 or 2, not {studio.approvals}",
                place=place("studio", "approvals"),
                remedy="0: nobody has to approve; 1 or 2: as many people as that.",
            )
        )
    faults += _judge_hold(studio.hold, place)
    for proxy in studio.proxies:
        try:
            ip_network(proxy)
        except ValueError:
            where = place("studio", "proxies")
            faults.append(
                Diagnostic(f"{proxy!r} is not an IP address or network", place=where, remedy='Such as "10.0.0.0/8".')
            )
    return faults


def _judge_pace(pace: Pace, guard: Guard, place: PlaceOf) -> list[Diagnostic]:
    faults: list[Diagnostic] = []

    def wrong(message: str, section: str, key: str, remedy: str = "") -> None:
        faults.append(Diagnostic(message, place=place(section, key), remedy=remedy))

    if not 0 <= pace.per_second < math.inf:
        wrong("pace.per_second must be a number of mails a second, or 0 for no limit", "pace", "per_second")
    for earlier, later in pairwise(pace.warm_up):
        if later < earlier:
            wrong(f"pace.warm_up goes down, from {earlier:,} to {later:,} people a day", "pace", "warm_up")
            break
    for key in ("refused_share", "bounce_rate", "complaint_rate"):
        if not 0 <= getattr(guard, key) < 1:
            wrong(f"guard.{key} must be a share from 0 to 1", "guard", key, "Write 0.05 for 5 %; 0 turns it off.")
    for key in ("refusals_of_us", "bounces_at_least", "complaints_at_least"):
        if getattr(guard, key) < 1:
            wrong(f"guard.{key} must be 1 or more", "guard", key)
    if not 10 <= guard.refused_of <= 10_000:
        wrong("guard.refused_of must be from 10 to 10,000 people", "guard", "refused_of")
    if guard.troubles < 0:
        wrong("guard.troubles must be 1 or more, or 0 to turn it off", "guard", "troubles")
    return faults


def _judge_coming_back(values: Mapping[str, Any], place: PlaceOf) -> list[Diagnostic]:
    faults: list[Diagnostic] = []

    def wrong(message: str, section: str, key: str, remedy: str = "") -> None:
        faults.append(Diagnostic(message, place=place(section, key), remedy=remedy))

    for proxy in values.get("public", Public()).proxies:
        try:
            ip_network(proxy)
        except ValueError:
            wrong(f"{proxy!r} is not an IP address or network", "public", "proxies", 'Such as "10.0.0.0/8".')
    bounces: Bounces = values.get("bounces", Bounces())
    local, at, domain = bounces.address.rpartition("@")
    if bounces.address and not (at and local and domain and len(local) <= LONGEST_BOUNCE_LOCAL and "+" not in local):
        remedy = f"Such as bounces@example.org; at most {LONGEST_BOUNCE_LOCAL} characters and no + before the @."
        wrong("bounces.address must be a mailbox that takes tags", "bounces", "address", remedy)
    for key in ("soft_campaigns", "soft_days"):
        if getattr(bounces, key) < 1:
            wrong(f"bounces.{key} must be 1 or more", "bounces", key)
    if not 1 <= values.get("tracking", Tracking()).fresh_days <= 90:
        wrong("tracking.fresh_days must be from 1 to 90", "tracking", "fresh_days")
    webhook: Webhook = values.get("webhook", Webhook())
    if webhook.url and (urlsplit(webhook.url).scheme not in ("http", "https") or not urlsplit(webhook.url).netloc):
        wrong("webhook.url must be an http(s) address", "webhook", "url")
    if not 0 < webhook.timeout_seconds <= 60:
        wrong("webhook.timeout_seconds must be above 0 and at most 60", "webhook", "timeout_seconds")
    return faults


def _judge_sso(sso: SingleSignOn, place: PlaceOf) -> list[Diagnostic]:
    faults: list[Diagnostic] = []

    def wrong(message: str, key: str, remedy: str = "") -> None:
        faults.append(Diagnostic(message, place=place("sso", key), remedy=remedy))

    address = urlsplit(sso.issuer)
    nearby = address.hostname in ("127.0.0.1", "::1", "localhost")
    if sso.issuer and not (address.netloc and (address.scheme == "https" or (address.scheme == "http" and nearby))):
        wrong("sso.issuer must be an https address", "issuer", "The provider calls it issuer, or discovery URL.")
    if sso.issuer and not sso.client_id:
        wrong("sso.client_id is missing", "client_id", "The provider gives one when you register the studio there.")
    for group, role in sso.roles.items():
        if role not in ROLES:
            wrong(f"sso.roles gives {group!r} the unknown role {role!r}", "roles", f"Choose of: {', '.join(ROLES)}.")
    return faults


def _judge_dns(dns: Dns, sender: Sender, place: PlaceOf) -> list[Diagnostic]:
    faults: list[Diagnostic] = []
    try:
        if dns.server:
            dns.where()
    except ValueError:
        remedy = 'Such as "127.0.0.1:5353"; leave it out to use the system resolver.'
        where = place("dns", "server")
        faults.append(
            Diagnostic("dns.server must be an IP address, with or without a port", place=where, remedy=remedy)
        )
    if not 0 < dns.timeout_seconds <= 120:
        where = place("dns", "timeout_seconds")
        faults.append(Diagnostic("dns.timeout_seconds must be above 0 and at most 120", place=where))
    for selector in sender.dkim_selectors:
        # RFC 6376 §3.1: labels with dots between, below _domainkey of the sender's domain.
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", selector):
            where = place("sender", "dkim_selectors")
            remedy = "Only the part before ._domainkey, such as s1."
            faults.append(Diagnostic(f"{selector!r} can't be a DKIM selector", place=where, remedy=remedy))
    return faults


def _judge_check(check: Check, place: PlaceOf) -> list[Diagnostic]:
    remedy = f"Known: {', '.join(CLIENT_FAMILIES)}."
    where = place("check", "clients")
    return [
        Diagnostic(f"unknown family of mail programs {family!r}", place=where, remedy=remedy)
        for family in check.clients
        if family not in CLIENT_FAMILIES
    ]


def _judge_brand(brand: Brand, place: PlaceOf) -> list[Diagnostic]:
    faults: list[Diagnostic] = []
    for name in ("primary", "on_primary", "text", "muted", "background", "surface", "link"):
        colour = getattr(brand, name)
        if not (len(colour) == 7 and colour[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in colour[1:])):
            faults.append(Diagnostic(f"brand.{name} must be a colour like #1d4f91", place=place("brand", name)))
    for name, address in brand.social.items():
        parts = urlsplit(address)
        if parts.scheme != "https" or not parts.netloc or not name.strip():
            remedy = 'Such as social = { Bluesky = "https://bsky.app/profile/your-group.example" }'
            faults.append(
                Diagnostic(
                    f"brand.social: {name!r} needs an https address", place=place("brand", "social"), remedy=remedy
                )
            )
    return faults
