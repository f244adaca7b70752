"""What a provider is besides its settings: how mails go to it, and what the rest of the program must know about it.

A provider is one folder, `mailer/transports/<name>/`: `settings` declares its section, `provider` has this value under
the name `PROVIDER`. Importing either is cheap; what sends is imported when something is sent.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from mailer.errors import MailerError
from mailer.settings.providers import FOLDER, ProviderSection, provider_sections
from mailer.settings.schema import Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import Transport
from mailer.transports.events import EventSource


@dataclass(frozen=True, slots=True)
class DnsExpectations:
    """What the DNS of a sending domain must say for mails by this provider to be believed.

    `own_return_path`: bounces go to the provider's own domain, whose SPF record it maintains. `selectors`: where to
    look for DKIM keys when the settings name none; `cname`: as CNAME records, so that it can change the keys itself.
    `relay_host`: the host whose name and address must match, for a relay that may be our own.
    """

    own_return_path: bool = False
    selectors: tuple[str, ...] = ()
    cname: bool = False
    relay_host: Callable[[Settings], str] | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One way to send."""

    section: ProviderSection
    make: Callable[[Settings, Secrets, Path], Transport]  # relative paths start at the path; opens nothing
    where: Callable[[Settings], str]  # what `mailer send` says before anything goes
    leaves: Callable[[Settings], bool] = lambda _settings: True  # whether mails are sure to reach other machines
    connections: Callable[[Settings], int] = lambda _settings: 1  # open side by side
    mails_stay: bool = False  # whatever is set, nothing leaves: faults of the DNS can wait
    one_reply_to: bool = False  # all mails of a request have one Reply-To, so who replies is told by the sender alone
    dns: DnsExpectations = DnsExpectations()
    events: Callable[[], EventSource] | None = None  # of one that posts what became of mails to /hooks/<name>

    def event_source(self) -> EventSource:
        """Its webhook. Raises `MailerError` for a provider without one."""
        if self.events is None:
            raise MailerError(f"{self.title} has no webhook")
        return self.events()

    @property
    def name(self) -> str:
        return self.section.name

    @property
    def title(self) -> str:
        return self.section.title


@cache
def provider_named(name: str) -> Provider:
    """The provider whose folder is `name`. Raises `MailerError` when there is none."""
    known = provider_sections()
    if name not in known:
        raise MailerError(f"unknown transport {name!r}", remedy=f"Choose one of: {', '.join(known)}.")
    return cast(Provider, importlib.import_module(f"{FOLDER}.{name}.provider").PROVIDER)


def make_transport(settings: Settings, secrets: Secrets, *, root: Path) -> Transport:
    """The transport that `settings.transport` names; relative paths count from `root`. Opens nothing yet."""
    return provider_named(settings.transport).make(settings, secrets, root)
