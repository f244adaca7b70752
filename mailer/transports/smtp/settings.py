"""What mailer.toml can set of an SMTP relay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailer.settings.providers import ProviderSection, SectionFault, connections_fault

SECURITY = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True)
class Smtp:
    """A relay. `security`: "starttls" (usually port 587), "tls" (465) or "none" (a relay on this machine).

    `pipelining`: false for a relay that offers it and loses commands that are sent at once.
    """

    host: str = "localhost"
    port: int = 587
    security: str = "starttls"
    username: str = ""
    connections: int = 4
    timeout_seconds: float = 30.0
    pipelining: bool = True
    ca_file: str = ""  # trust this certificate authority beside the system's


def _faults(smtp: Smtp) -> Iterator[SectionFault]:
    if smtp.security not in SECURITY:
        yield SectionFault(
            "security", f"unknown smtp.security {smtp.security!r}", f"Choose one of: {', '.join(SECURITY)}."
        )
    if not 0 < smtp.port < 65536:
        yield SectionFault("port", "smtp.port must be from 1 to 65535")
    yield from connections_fault("smtp", smtp.connections)


SECTION = ProviderSection("smtp", "SMTP", Smtp, faults=_faults, secrets=("smtp_password",))
