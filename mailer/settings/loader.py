"""Reads mailer.toml and MAILER_* variables into `Settings`, collecting every fault before it raises."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any, cast

from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, nearest, raise_errors
from mailer.settings.constraints import judge
from mailer.settings.providers import provider_sections
from mailer.settings.schema import (
    Bounces,
    Brand,
    Check,
    Dns,
    Guard,
    Organisation,
    Pace,
    Public,
    Sender,
    Settings,
    SingleSignOn,
    StudioSettings,
    Tracking,
    Webhook,
)
from mailer.settings.secrets import COMMON, variable_of
from mailer.toml_file import TomlFile, read_toml

SETTINGS_FILE = "mailer.toml"
SECTIONS: Mapping[str, type] = {
    "organisation": Organisation, "sender": Sender, "public": Public, "pace": Pace, "guard": Guard, "brand": Brand,
    "dns": Dns, "tracking": Tracking, "bounces": Bounces, "webhook": Webhook, "check": Check,
    "sso": SingleSignOn,
    "studio": StudioSettings,
}  # fmt: skip
TOP_LEVEL = ("database", "transport", "timezone", "link_parameters")
# A field's type → what it is called, and an example.
EXPECTED = {
    "str": ("text", '"text"'), "int": ("a whole number", "20"), "float": ("a number", "0.5"),
    "bool": ("true or false", "true"),
}  # fmt: skip
TRUTHS = {"true": True, "false": False}  # of the environment, where everything is text
# Variables that are not settings: secrets, and where the workspace is.
OTHER_VARIABLES = (
    *(variable_of(name) for name in COMMON), "MAILER_WORKSPACE", "MAILER_DEBUG",
)  # fmt: skip


def read_settings(root: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the workspace at `root`. Raises `MailerError` with every fault of the file and the environment."""
    try:
        found = read_toml(root / SETTINGS_FILE, SETTINGS_FILE)
    except FileNotFoundError:
        raise MailerError(
            f"{SETTINGS_FILE} is missing in {root}", remedy="Run `mailer init` to make a workspace."
        ) from None
    reader = _Reader(found)
    values = reader.values(_merged(found.data, environ, reader))
    raise_errors("The settings have faults:", reader.faults + judge(values, found.place))
    providers = {one.kind: values.pop(name) for name, one in provider_sections().items() if name in values}
    return Settings(root=root, providers=providers, **values)


def _merged(data: dict[str, Any], environ: Mapping[str, str], reader: _Reader) -> dict[str, Any]:
    """The file's data, overridden by MAILER_<NAME> and MAILER_<SECTION>_<NAME>."""
    merged: dict[str, Any] = dict(data)
    secrets = {variable_of(name) for one in provider_sections().values() for name in one.secrets}
    for variable, value in sorted(environ.items()):
        if not variable.startswith("MAILER_") or variable in OTHER_VARIABLES or variable in secrets:
            continue
        name = variable.removeprefix("MAILER_").lower()
        section, _, key = name.partition("_")
        if name in TOP_LEVEL and name != "link_parameters":
            merged[name] = value
        elif section in reader.sections and key:
            table = merged.get(section)
            merged[section] = {**(cast(dict[str, Any], table) if isinstance(table, dict) else {}), key: value}
        else:
            reader.fault(f"the variable {variable} is not a setting", None)
    return merged


class _Reader:
    """Turns parsed TOML into the dataclasses, collecting faults with the line that each key is on."""

    def __init__(self, found: TomlFile) -> None:
        self.place = found.place
        self.key = found.key
        self.sections = {**SECTIONS, **{name: one.kind for name, one in provider_sections().items()}}
        self.faults: list[Diagnostic] = []

    def fault(self, message: str, place: Place | None, remedy: str = "") -> None:
        self.faults.append(Diagnostic(message, place=place or Place("environment"), remedy=remedy))

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in data.items():
            if name in self.sections and isinstance(value, dict):
                values[name] = self.section(name, cast(dict[str, Any], value))
            elif name in self.sections:
                self.fault(f"{name} is a section: write [{name}]", self.place(None, name))
            elif name == "link_parameters":
                values[name] = self.strings(name, value, self.place(name, None))
            elif name in TOP_LEVEL:
                values[name] = self.typed(value, "str", place=self.place(None, name), name=name)
            else:
                self.fault(f"unknown setting {name!r}", self.key(name), nearest(name, [*self.sections, *TOP_LEVEL]))
        return values

    def section(self, section: str, table: dict[str, Any]) -> object:
        kind = self.sections[section]
        types = {f.name.rstrip("_"): (f.name, str(f.type)) for f in fields(kind)}
        values: dict[str, Any] = {}
        for key, value in table.items():
            place = self.place(section, key)
            if key not in types:
                self.fault(f"unknown setting {key!r} in [{section}]", place, nearest(key, types))
            elif types[key][1] == "tuple[str, ...]":
                values[types[key][0]] = self.texts(value, place=place, name=f"{section}.{key}")
            elif key in ("social", "roles"):
                values[key] = self.strings(f"{section}.{key}", value, place)
            elif key == "domains":
                values[key] = self.rates(value, place)
            elif key == "warm_up":
                values[key] = self.plan(value, place)
            elif key == "warm_up_since":
                values[key] = self.day(value, place)
            else:
                name, type_name = types[key]
                values[name] = self.typed(value, type_name, place=place, name=f"{section}.{key}")
        return kind(**{name: value for name, value in values.items() if value is not None})

    def typed(self, value: Any, type_name: str, *, place: Place, name: str) -> Any:
        try:
            if type_name == "str" and isinstance(value, str):
                return value
            if type_name == "int" and not isinstance(value, (bool, float)):
                return int(value)
            if type_name == "float" and not isinstance(value, bool):
                return float(value)
            if type_name == "bool" and (isinstance(value, bool) or value in TRUTHS):
                return value if isinstance(value, bool) else TRUTHS[value]
        except (TypeError, ValueError):
            pass
        expected, example = EXPECTED[type_name]
        key = name.rpartition(".")[2]
        self.fault(f"{name} must be {expected}, not {value!r}", place, f"For example: {key} = {example}")
        return None

    def strings(self, name: str, value: Any, place: Place) -> dict[str, str]:
        if isinstance(value, dict) and all(isinstance(v, str) for v in cast(dict[str, Any], value).values()):
            return cast(dict[str, str], value)
        self.fault(f"{name} must be a table of texts", place)
        return {}

    def texts(self, value: Any, *, place: Place, name: str) -> tuple[str, ...]:
        """A list of texts; from the environment, where there are no lists, words separated by spaces."""
        given = value.split() if isinstance(value, str) else value
        if isinstance(given, list) and all(isinstance(one, str) for one in cast(list[Any], given)):
            return tuple(cast(list[str], given))
        self.fault(f"{name} must be a list of texts, not {value!r}", place, f'For example: {name} = ["s1", "s2"]')
        return ()

    def rates(self, value: Any, place: Place) -> dict[str, float]:
        table = cast(dict[str, Any], value) if isinstance(value, dict) else {"": value}
        if all(isinstance(v, (int, float)) and 0 < v < math.inf for v in table.values()):
            return {str(domain).lower(): float(v) for domain, v in table.items()}
        self.fault("pace.domains must name mails a second for each domain", place, 'For example: "gmail.com" = 20')
        return {}

    def plan(self, value: Any, place: Place) -> tuple[int, ...]:
        days = cast(list[Any], value) if isinstance(value, list) else []
        if isinstance(value, list) and all(
            isinstance(day, int) and not isinstance(day, bool) and day > 0 for day in days
        ):
            return tuple(days)
        self.fault(
            "pace.warm_up must list whole numbers of people, one for each day", place, "For example: [200, 400, 800]"
        )
        return ()

    def day(self, value: Any, place: Place) -> date | None:
        try:
            return value if type(value) is date else date.fromisoformat(value)
        except (TypeError, ValueError):
            self.fault(f"pace.warm_up_since must be a day, not {value!r}", place, "For example: 2026-12-01")
            return None
