"""The available providers: each is a folder `mailer/transports/<name>/`, whose `settings` module declares its section
of mailer.toml.

They are discovered by listing `mailer/transports/`, so adding a folder adds a provider. Everything else a provider does
is in its `provider` module, which higher layers read (`mailer.transports.provider`).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

from mailer.diagnostics import Diagnostic
from mailer.settings.limits import one_of

FOLDER = "mailer.transports"
DEFAULT = "outbox"  # needs no account, and nothing leaves


@dataclass(frozen=True, slots=True)
class ProviderSection:
    """What mailer.toml and secrets.toml say of one provider.

    `name` is its folder, its section, the value of `transport` and, for one that reports events, the last part of
    /hooks/<name>; letters alone, since MAILER_<NAME>_<KEY> sets a key.
    """

    name: str
    title: str  # as people write it
    kind: type  # the dataclass of the section, with limits and defaults for all
    secrets: tuple[str, ...] = ()  # names in secrets.toml, MAILER_<NAME> in the environment


@lru_cache(maxsize=1)
def provider_sections() -> Mapping[str, ProviderSection]:
    """All providers by name, the embedded one first: the `SECTION` of each folder's `settings` module."""
    folder = importlib.import_module(FOLDER)
    found = [
        importlib.import_module(f"{FOLDER}.{one.name}.settings").SECTION
        for one in pkgutil.iter_modules(folder.__path__)
        if one.ispkg and find_spec(f"{FOLDER}.{one.name}.settings") is not None
    ]
    return {one.name: one for one in sorted(found, key=lambda one: (one.name != DEFAULT, one.name))}


def provider(name: str, value: str) -> Iterable[Diagnostic]:
    """The limit of `transport`: one of the folders."""
    return one_of(provider_sections())(name, value)
