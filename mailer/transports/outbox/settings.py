"""What mailer.toml can set of the outbox."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.settings.providers import ProviderSection


@dataclass(frozen=True, slots=True)
class Outbox:
    """The local Maildir that takes the place of a mail service until there is one. `path` is relative to the
    workspace.
    """

    path: str = "outbox"


SECTION = ProviderSection("outbox", "the outbox", Outbox)
