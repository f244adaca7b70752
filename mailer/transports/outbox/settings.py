"""What mailer.toml can set of the outbox."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.settings.providers import Preset, ProviderSection


@dataclass(frozen=True, slots=True)
class Outbox:
    """The local Maildir that takes the place of a mail service until there is one. `path` is relative to the
    workspace.
    """

    path: str = "outbox"


NOBODY = Preset("outbox", "Nobody yet", about="Mails are kept in a folder on this machine, to try things out.")
SECTION = ProviderSection("outbox", "the outbox", Outbox, presets=(NOBODY,))
