"""The available providers: each is a folder `mailer/transports/<name>/`, whose `settings` module declares its section
of mailer.toml.

They are discovered by listing `mailer/transports/`, so adding a folder adds a provider. Everything else a provider does
is in its `provider` module, which higher layers read (`mailer.transports.provider`).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from mailer.diagnostics import Diagnostic
from mailer.settings.limits import one_of

FOLDER = "mailer.transports"
DEFAULT = "outbox"  # needs no account, and nothing leaves


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody types who sets a service up: a key of the provider's section, or a secret of its."""

    name: str
    label: str  # as the service calls it
    help: str = ""  # where it is found
    choices: tuple[tuple[str, str], ...] = ()  # value and words, where there are few


@dataclass(frozen=True, slots=True)
class Preset:
    """How one mail service is set up: what it is called, what is the same for everybody, and what each account has."""

    name: str  # in addresses; letters and hyphens
    title: str  # as people know it
    asks: tuple[Asked, ...] = ()
    sets: Mapping[str, str | int] = field(default_factory=dict[str, "str | int"])  # keys of the section
    about: str = ""  # one line, to choose by
    guide: tuple[str, ...] = ()  # what to do there, in order
    own_return_path: bool = False  # mails leave with one of the service's, so bounces and SPF are its business


@dataclass(frozen=True, slots=True)
class ProviderSection:
    """What mailer.toml and secrets.toml say of one provider.

    `name` is its folder, its section, the value of `transport` and, for one that reports events, the last part of
    /hooks/<name>; letters alone, since MAILER_<NAME>_<KEY> sets a key.
    """

    name: str
    title: str  # as people write it
    kind: type[Any]  # the dataclass of the section, with limits and defaults for all
    secrets: tuple[str, ...] = ()  # names in secrets.toml, MAILER_<NAME> in the environment
    presets: tuple[Preset, ...] = ()  # the services that it reaches, or its own


def preset_of(section: ProviderSection, held: object) -> Preset | None:
    """The preset that a section's settings are of: the first that fits, since the more general ones come last."""

    def fits(preset: Preset) -> bool:
        offered = ((one.name, [value for value, _ in one.choices]) for one in preset.asks if one.choices)
        same = (getattr(held, key) == value for key, value in preset.sets.items())
        return all(same) and all(getattr(held, key) in values for key, values in offered)

    return next((one for one in section.presets if fits(one)), None)


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
