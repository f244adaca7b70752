"""Fields of forms, made of the settings that the schema declares: how a value is shown, and what of it was typed.

The schema says of what kind a setting is and within what limits; here it gets the words of campaigners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

from mailer.editing.toml_edit import TomlValue
from mailer.settings import Settings
from mailer.settings.loader import sections
from mailer.settings.providers import provider_sections
from mailer.settings.tables import PEOPLE_PER_DAY, RATES_BY_DOMAIN, Setting, settings_of
from mailer.web.studio.core.context import Form

MARK = ":"  # between the name and the value of a table's line


class SettingKind(StrEnum):
    """How a setting is asked for."""

    TEXT = "text"
    TICK = "tick"
    NUMBER = "number"
    PERCENT = "percent"  # a share of 1, asked for in hundredths
    LINES = "lines"  # a list, one item a line
    PAIRS = "pairs"  # a table, one “name: value” a line
    DAY = "day"
    CHOICE = "choice"
    COLOUR = "colour"


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting on a page. `name` is as messages name it: brand.primary. `kind`: where the schema's own isn't it."""

    name: str
    label: str
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    given_kind: SettingKind | None = None
    suggested: Callable[[], Iterable[str]] | None = None  # words to choose from while typing

    @property
    def kind(self) -> SettingKind:
        if self.choices:
            return SettingKind.CHOICE
        return self.given_kind or _kind_of(setting_named(self.name))


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A field as a form has it. `variable`: what sets it in the environment, so that it can't be changed here."""

    field: SettingField
    text: str
    wrong: str = ""
    variable: str = ""


@lru_cache(maxsize=256)
def setting_named(name: str) -> Setting:
    """What the schema says of a setting. Raises KeyError."""
    section, _, key = name.rpartition(".")
    return settings_of(sections()[section] if section else Settings)[key]


def value_of(settings: Settings, name: str) -> Any:
    """The value that a setting has."""
    section, _, _ = name.rpartition(".")
    held: Any = settings
    if section in provider_sections():
        kind: type[Any] = sections()[section]
        held = settings.section(kind)
    elif section:
        held = getattr(settings, section)
    return getattr(held, setting_named(name).field)


def shown(field: SettingField, value: Any) -> str:
    """A value as a form has it."""
    match field.kind:
        case SettingKind.TICK:
            return "on" if value else ""
        case SettingKind.PERCENT:
            return f"{100 * value:.6g}"
        case SettingKind.NUMBER:
            return f"{value:g}" if isinstance(value, float) else str(value)
        case SettingKind.LINES:
            return "\n".join(map(str, cast("tuple[object, ...]", value)))
        case SettingKind.PAIRS:
            pairs = cast("Mapping[str, object]", value).items()
            return "\n".join(f"{name}{MARK} {_plain(one)}" for name, one in pairs)
        case SettingKind.DAY:
            return value.isoformat() if isinstance(value, date) else ""
        case _:
            return str(value)


def changes(fields: Iterable[SettingField], form: Form, before: Settings) -> dict[str, TomlValue]:
    """What a form changes of these settings; None for one that is left empty, which gives it its default. What isn't
    a number where one is asked for stays text: the schema says what is wrong with it."""
    found: dict[str, TomlValue] = {}
    for field in fields:
        if field.kind is not SettingKind.TICK and field.name not in form:
            continue
        typed = form.get(field.name).replace("\r\n", "\n")
        if typed != shown(field, value_of(before, field.name)):
            found[field.name] = read(field, typed)
    return found


def read(field: SettingField, typed: str) -> TomlValue:
    """What was typed, as mailer.toml says it."""
    if field.kind is SettingKind.TICK:
        return bool(typed)
    if not typed:
        return None
    setting = setting_named(field.name)
    lines = [line.strip() for line in typed.split("\n") if line.strip()]
    match field.kind:
        case SettingKind.PERCENT:
            share = _number(typed.removesuffix("%").strip())
            return share if isinstance(share, str) else round(share / 100, 8)
        case SettingKind.NUMBER | SettingKind.CHOICE if not isinstance(setting.default, str):
            number = _number(typed)
            return int(number) if isinstance(number, float) and number.is_integer() else number
        case SettingKind.LINES if setting.shape is PEOPLE_PER_DAY:
            days = [_number(word) for line in lines for word in line.replace(";", " ").split()]
            whole = tuple(int(day) for day in days if isinstance(day, float) and day.is_integer())
            return whole if len(whole) == len(days) else typed
        case SettingKind.LINES:
            return tuple(lines)
        case SettingKind.PAIRS:
            pairs = (line.partition(MARK) for line in lines)
            numbers = setting.shape is RATES_BY_DOMAIN
            return {name.strip(): _number(one.strip()) if numbers else one.strip() for name, _, one in pairs}
        case _:
            return typed


def _number(text: str) -> float | str:
    """A number as people write it, 1,000 included; the text itself where it is none."""
    try:
        return float(text.replace(",", "").replace(" ", ""))
    except ValueError:
        return text


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _kind_of(setting: Setting) -> SettingKind:
    default = setting.default
    if isinstance(default, bool):
        return SettingKind.TICK
    if isinstance(default, (int, float)):
        return SettingKind.NUMBER
    if isinstance(default, tuple):
        return SettingKind.LINES
    if isinstance(default, Mapping):
        return SettingKind.PAIRS
    return SettingKind.DAY if default is None else SettingKind.TEXT
