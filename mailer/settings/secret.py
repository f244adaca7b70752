"""Secrets: from the environment or from secrets.toml, which only its owner may read. Never printed, never in git."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from mailer.errors import Fault, FaultsFound, MailerError, Place

SECRETS_FILE = "secrets.toml"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must never be printed. Signing keys come newest first: the first signs, all verify."""

    signing_keys: tuple[str, ...] = field(default=(), repr=False)
    address_key: str = field(default="", repr=False)  # keys the hash under which suppressed addresses are kept
    smtp_password: str = field(default="", repr=False)
    sendgrid_api_key: str = field(default="", repr=False)

    def require_signing(self) -> tuple[bytes, ...]:
        """The signing keys as bytes; raises when there is none, since an unsigned link could be forged."""
        if not self.signing_keys:
            raise MailerError(
                "there is no signing key, so links and unsubscribes could be forged",
                hint=f"Run `mailer init .` to make {SECRETS_FILE}, or set MAILER_SIGNING_KEYS.",
            )
        return tuple(key.encode() for key in self.signing_keys)

    def require_address_key(self) -> bytes:
        """The key of the address hash as bytes."""
        if not self.address_key:
            raise MailerError(
                "there is no address key, under which suppressed addresses are remembered",
                hint=f"Run `mailer init .` to make {SECRETS_FILE}, or set MAILER_ADDRESS_KEY.",
            )
        return self.address_key.encode()


def read_secrets(root: Path, environ: Mapping[str, str] = os.environ) -> Secrets:
    """Secrets from secrets.toml (readable by its owner alone) with MAILER_* variables laid over it."""
    data: dict[str, Any] = {}
    path = root / SECRETS_FILE
    if path.exists():
        mode = stat.S_IMODE(path.stat().st_mode)
        if os.name == "posix" and mode & 0o077:
            raise MailerError(
                f"{SECRETS_FILE} can be read by others on this machine",
                place=Place(SECRETS_FILE),
                hint=f"Run: chmod 600 {SECRETS_FILE}",
            )
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            # The parser's own message may quote the line, and with it a secret.
            raise MailerError("this is not valid TOML", place=Place(SECRETS_FILE)) from None
    keys = environ.get("MAILER_SIGNING_KEYS")
    signing = tuple(keys.split()) if keys else _texts(data.get("signing_keys", []))
    faults = [
        Fault("a signing key is shorter than 32 characters", place=Place(SECRETS_FILE))
        for key in signing
        if len(key) < 32
    ]
    unknown = set(data) - {f.name for f in fields(Secrets)}
    faults += [Fault(f"unknown secret {name!r}", place=Place(SECRETS_FILE)) for name in sorted(unknown)]
    if faults:
        raise FaultsFound("The secrets have faults:", faults)
    return Secrets(
        signing_keys=signing,
        address_key=environ.get("MAILER_ADDRESS_KEY") or str(data.get("address_key", "")),
        smtp_password=environ.get("MAILER_SMTP_PASSWORD") or str(data.get("smtp_password", "")),
        sendgrid_api_key=environ.get("MAILER_SENDGRID_API_KEY") or str(data.get("sendgrid_api_key", "")),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in cast(list[object], value)) if isinstance(value, list) else ()
