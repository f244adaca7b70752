"""Reads mailer.toml and MAILER_* variables into `Settings`, collecting every fault before it raises."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast, get_type_hints

from mailer.diagnostics import Diagnostic, Place, in_order
from mailer.errors import MailerError, nearest, raise_errors
from mailer.settings.providers import provider_sections
from mailer.settings.schema import Settings, conflicts
from mailer.settings.secrets import secret_names, variable_of
from mailer.settings.tables import read_table, settings_of
from mailer.toml_file import TomlFile, read_toml

SETTINGS_FILE = "mailer.toml"
OTHER_VARIABLES = ("MAILER_WORKSPACE", "MAILER_DEBUG")  # neither settings nor secrets


def sections() -> dict[str, type]:
    """The class of each section: those that `Settings` declares, and the providers'."""
    declared = get_type_hints(Settings)
    return {
        **{one.name: declared[one.name] for one in fields(Settings) if is_dataclass(declared[one.name])},
        **{name: one.kind for name, one in provider_sections().items()},
    }


def read_settings(root: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the workspace at `root`. Raises `MailerError` with every fault of the file and the environment."""
    try:
        found = read_toml(root / SETTINGS_FILE, SETTINGS_FILE)
    except FileNotFoundError:
        raise MailerError(
            f"{SETTINGS_FILE} is missing in {root}", remedy="Run `mailer init` to make a workspace."
        ) from None
    return _Reader(found, environ).settings(root)


def judge_settings(found: TomlFile, root: Path, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings as they would be if mailer.toml were `found`. Raises as `read_settings`, but the place of each fault
    is its setting, such as brand.primary, for forms that show it there."""
    return _Reader(found, environ, by_name=True).settings(root)


def set_by_variable(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The settings that the environment gives, whatever the file says: brand.primary → MAILER_BRAND_PRIMARY."""
    known = {name: name for name in settings_of(Settings)}
    known |= {f"{name}_{key}": f"{name}.{key}" for name, kind in sections().items() for key in settings_of(kind)}
    return {dotted: variable for name, dotted in known.items() if (variable := f"MAILER_{name.upper()}") in environ}


class _Reader:
    """What the file and the environment say, and everything wrong with it. `by_name`: each at its setting's name."""

    def __init__(self, found: TomlFile, environ: Mapping[str, str], *, by_name: bool = False) -> None:
        self.found = found
        self.by_name = by_name
        self.kinds = sections()
        self.top = settings_of(Settings)
        self.faults: list[Diagnostic] = []
        self.variables: dict[tuple[str, str], Place] = {}  # section and key → the variable that sets it
        self.tables: dict[str, dict[str, Any]] = {"": {}}  # section → its keys; "" is the file's first level
        for name, value in found.data.items():
            if name in self.kinds and isinstance(value, dict):
                self.tables[name] = dict(cast(dict[str, Any], value))
            elif name in self.kinds:
                self.faults.append(Diagnostic(f"{name} is a section: write [{name}]", found.key(name)))
            elif name in self.top:
                self.tables[""][name] = value
            else:
                remedy = nearest(name, [*self.kinds, *self.top])
                self.faults.append(Diagnostic(f"unknown setting {name!r}", found.key(name), remedy))
        for variable in sorted(set(environ) - {*OTHER_VARIABLES, *map(variable_of, secret_names())}):
            if variable.startswith("MAILER_"):
                self.override(variable, environ[variable])

    def override(self, variable: str, value: str) -> None:
        """MAILER_<NAME> and MAILER_<SECTION>_<NAME> come before what the file says."""
        name = variable.removeprefix("MAILER_").lower()
        section, _, key = ("", "", name) if name in self.top else name.partition("_")
        if key and (section in self.kinds or not section):
            self.tables.setdefault(section, {})[key] = value
            self.variables[section, key] = Place(variable)
        else:
            self.faults.append(Diagnostic(f"the variable {variable} is not a setting", Place("environment")))

    def place(self, section: str, key: str) -> Place:
        """Where a key is: a variable, its line or that of a table of its name; the file when nothing sets it."""
        if self.by_name:
            return Place(part=f"{section}.{key}" if section else key)
        if (section, key) in self.variables:
            return self.variables[section, key]
        found = self.found.place(section or None, key)
        return found if found.line else self.found.place(f"{section}.{key}" if section else key, None)

    def table(self, kind: type, section: str) -> dict[str, Any]:
        read = read_table(kind, self.tables.get(section, {}), section=section, place=partial(self.place, section))
        self.faults += read.faults
        return dict(read.values)

    def settings(self, root: Path) -> Settings:
        given = {name: kind(**self.table(kind, name)) for name, kind in self.kinds.items()}
        providers = {one.kind: given.pop(name) for name, one in provider_sections().items()}
        settings = Settings(root=root, providers=providers, **given, **self.table(Settings, ""))
        self.faults += [replace(one, place=self.place(section, key)) for section, key, one in conflicts(settings)]
        raise_errors("The settings have faults:", in_order(self.faults))
        return settings
