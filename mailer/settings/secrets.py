"""Secrets: from the environment or from secrets.toml, which only its owner may read. Never printed, never in git."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, nearest
from mailer.settings.providers import provider_sections
from mailer.toml_file import read_toml

SECRETS_FILE = "secrets.toml"
SHORTEST_KEY = 32  # characters; what `mailer init` makes has 43


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must never be printed. Signing keys come newest first: the first signs, all verify."""

    signing_keys: tuple[str, ...] = field(default=(), repr=False)
    address_key: str = field(default="", repr=False)  # keys the hash under which suppressed addresses are kept
    api_keys: tuple[str, ...] = field(default=(), repr=False)  # of other sites that report conversions
    webhook_key: str = field(default="", repr=False)  # signs what we tell another program
    imap_password: str = field(default="", repr=False)
    sso_client_secret: str = field(default="", repr=False)  # of single sign-on
    providers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)  # by name, such as smtp_password

    def of_provider(self, name: str) -> str:
        """A secret that a provider's `settings` module names; "" when it isn't set."""
        return self.providers.get(name, "")

    def require_signing(self) -> tuple[bytes, ...]:
        """The signing keys as bytes; raises when there is none, since an unsigned link could be forged."""
        if not self.signing_keys:
            raise MailerError(
                "there is no signing key, so links and unsubscribes could be forged",
                remedy=f"Run `mailer init .` to make {SECRETS_FILE}, or set MAILER_SIGNING_KEYS.",
            )
        return tuple(key.encode() for key in self.signing_keys)

    def require_address_key(self) -> bytes:
        """The key of the address hash as bytes."""
        if not self.address_key:
            raise MailerError(
                "there is no address key, under which suppressed addresses are remembered",
                remedy=f"Run `mailer init .` to make {SECRETS_FILE}, or set MAILER_ADDRESS_KEY.",
            )
        return self.address_key.encode()

    def require_webhook(self) -> bytes:
        """The key that signs what another program is told; raises when there is none: it could believe anybody."""
        if not self.webhook_key:
            raise MailerError(
                "webhook.url is set, and there is no webhook key to sign with",
                remedy=f'Put webhook_key = "…" into {SECRETS_FILE} ({SHORTEST_KEY} characters or more; the other '
                "program checks signatures with it), or set MAILER_WEBHOOK_KEY.",
            )
        return self.webhook_key.encode()


COMMON = tuple(one.name for one in fields(Secrets) if one.name != "providers")  # whatever provider is set
LISTS = tuple(one.name for one in fields(Secrets) if str(one.type) == "tuple[str, ...]")


def read_secrets(root: Path, environ: Mapping[str, str] = os.environ) -> Secrets:
    """Secrets from secrets.toml (readable by its owner alone), overridden by MAILER_* variables."""
    path = root / SECRETS_FILE
    if not path.exists():
        return secrets_of({}, environ)
    if os.name == "posix":
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise MailerError(
                f"{SECRETS_FILE} can be read by others on this machine",
                place=Place(SECRETS_FILE),
                remedy=f"Run: chmod 600 {SECRETS_FILE}",
            )
    return secrets_of(read_toml(path, SECRETS_FILE, secret=True).data, environ)


def secrets_of(data: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Secrets:
    """The secrets as they would be if secrets.toml said `data`. Raises `MailerError` with every fault of them."""

    def one(name: str) -> str:
        return environ.get(variable_of(name)) or str(data.get(name, ""))

    def several(name: str) -> tuple[str, ...]:
        given = environ.get(variable_of(name))
        return tuple(given.split()) if given else _texts(data.get(name, []))

    signing, api_keys, webhook_key = several("signing_keys"), several("api_keys"), one("webhook_key")
    guessable = {
        "a signing key": signing,
        "an API key": api_keys,
        "the webhook key": (webhook_key,) * bool(webhook_key),
    }
    faults = [
        Diagnostic(f"{what} is shorter than {SHORTEST_KEY} characters", place=Place(SECRETS_FILE))
        for what, keys in guessable.items()
        for key in keys
        if len(key) < SHORTEST_KEY
    ]
    faults += _misshapen(data)
    if faults:
        raise MailerError("The secrets have faults:", diagnostics=faults)
    return Secrets(
        signing_keys=signing,
        address_key=one("address_key"),
        api_keys=api_keys,
        webhook_key=webhook_key,
        imap_password=one("imap_password"),
        sso_client_secret=one("sso_client_secret"),
        providers={name: value for name in _of_providers() if (value := one(name))},
    )


def environment_alone(root: Path, environ: Mapping[str, str] = os.environ) -> tuple[list[str], list[str]]:
    """The MAILER_* variables whose secrets come from the environment: those that secrets.toml doesn't have at all, and
    those that it has a different value for. A process started without them has no secret, or a different one."""
    path = root / SECRETS_FILE
    kept = read_toml(path, SECRETS_FILE, secret=True).data if path.exists() else {}
    missing: list[str] = []
    other: list[str] = []
    for name in secret_names():
        variable = variable_of(name)
        given: str = environ.get(variable, "")
        value: object = kept.get(name)
        if not given:
            continue
        if not value:
            missing.append(variable)
        elif given != value and given.split() != list(_texts(value)):
            other.append(variable)
    return missing, other


def _misshapen(data: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """What secrets.toml has that isn't a secret, or isn't in the form of one, and so would be ignored."""
    lists = {name: name in LISTS for name in secret_names()}
    place = Place(SECRETS_FILE)
    for name, value in data.items():
        items = cast(list[object], value) if isinstance(value, list) else [None]
        if name not in lists:
            yield Diagnostic(f"unknown secret {name!r}", place, nearest(name, lists))
        elif lists[name] and not all(isinstance(item, str) for item in items):
            yield Diagnostic(f"{name} must be a list of texts", place, f'Put it in brackets: {name} = ["…"]')
        elif not lists[name] and not isinstance(value, str):
            yield Diagnostic(f"{name} must be text", place, f'Put it in quotes: {name} = "…"')


def variable_of(secret: str) -> str:
    """The environment variable that gives a secret."""
    return f"MAILER_{secret.upper()}"


def _of_providers() -> list[str]:
    return [name for one in provider_sections().values() for name in one.secrets]


def secret_names() -> tuple[str, ...]:
    """All that secrets.toml may hold."""
    return (*COMMON, *_of_providers())


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in cast(list[object], value)) if isinstance(value, list) else ()
