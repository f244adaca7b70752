"""What mailer.toml can set of an SMTP relay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailer.settings.limits import CONNECTIONS, above_zero, between, one_of
from mailer.settings.providers import ProviderSection
from mailer.transports.smtp.presets import PRESETS

SECURITY = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True)
class Smtp:
    """A relay. `security`: "starttls" (usually port 587), "tls" (465) or "none" (a relay on this machine).

    `pipelining`: false for a relay that offers it and loses commands that are sent at once.
    """

    host: str = "localhost"
    port: Annotated[int, between(1, 65535)] = 587
    security: Annotated[str, one_of(SECURITY)] = "starttls"
    username: str = ""
    connections: Annotated[int, CONNECTIONS] = 4
    timeout_seconds: Annotated[float, above_zero(at_most=600)] = 30.0
    pipelining: bool = True
    ca_file: str = ""  # trust this certificate authority beside the system's


SECTION = ProviderSection("smtp", "SMTP", Smtp, secrets=("smtp_password",), presets=PRESETS)
