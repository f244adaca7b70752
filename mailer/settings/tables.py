"""Reads a TOML table into the dataclass that declares its keys: each by the type and the limits of its field.

A field is all there is to a setting: its name is the key (without a last _), its type says what is read, `Annotated`
carries the limits (`limits`) and, where the type's own words don't say enough, a `Shape`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

from mailer.diagnostics import Diagnostic, Place
from mailer.errors import nearest
from mailer.settings.limits import Limit

TRUTHS = {"true": True, "false": False}  # of the environment, where everything is text
BY_THE_PROGRAM = "set by the program"  # marks a field that no file sets


@dataclass(frozen=True, slots=True)
class Shape:
    """How a value is read. `expected` completes “must be”; `read` raises when the value isn't that."""

    expected: str
    example: str
    read: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """One key, as its field declares it."""

    field: str
    shape: Shape
    limits: tuple[Limit, ...]
    default: Any


@dataclass(frozen=True, slots=True)
class TableRead:
    """The fields that a table gives, and everything wrong with it."""

    values: Mapping[str, Any]
    faults: tuple[Diagnostic, ...]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, (bool, float)):
        raise TypeError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else TRUTHS[value]


def _day(value: Any) -> date:
    return value if type(value) is date else date.fromisoformat(value)


def _list_of(kind: type[str | int]) -> Callable[[Any], tuple[Any, ...]]:
    """A list; from the environment, where there are none, words with spaces between."""

    def read(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str):
            return tuple(kind(word) for word in value.split())
        if not isinstance(value, list) or any(type(item) is not kind for item in cast(list[Any], value)):
            raise TypeError
        return tuple(cast(list[Any], value))

    return read


def _table_of(item: Callable[[Any], Any], key: Callable[[str], str] = str) -> Callable[[Any], dict[str, Any]]:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise TypeError
        return {key(name): item(one) for name, one in cast(dict[str, Any], value).items()}

    return read


SHAPES: Mapping[Any, Shape] = {
    str: Shape("text", '"text"', _text),
    int: Shape("a whole number", "20", _whole),
    float: Shape("a number", "0.5", _number),
    bool: Shape("true or false", "true", _truth),
    date | None: Shape("a day", "2026-12-01", _day),
    tuple[str, ...]: Shape("a list of texts", '["s1", "s2"]', _list_of(str)),
    tuple[int, ...]: Shape("a list of whole numbers", "[1, 2]", _list_of(int)),
    Mapping[str, str]: Shape("a table of texts", '{ name = "text" }', _table_of(_text)),
}
PEOPLE_PER_DAY = replace(
    SHAPES[tuple[int, ...]], expected="a list of whole numbers of people, one for each day", example="[200, 400, 800]"
)
AUTO_OR_NUMBER = Shape('"auto" or a whole number', '"auto"', lambda value: 0 if value == "auto" else _whole(value))
DURATION = replace(SHAPES[str], expected="a duration", example='"10m"')
RATES_BY_DOMAIN = Shape(
    "a table of mails a second for each domain", '{ "gmail.com" = 20 }', _table_of(_number, str.lower)
)


@lru_cache
def settings_of(kind: type) -> Mapping[str, Setting]:
    """What a dataclass declares, by key. Sections within it and what the program sets are left out."""
    hints = get_type_hints(kind, include_extras=True)
    found = {one.name.rstrip("_"): _setting(one, hints[one.name]) for one in fields(kind)}
    return {key: setting for key, setting in found.items() if setting is not None}


def _setting(field: Field[Any], hint: Any) -> Setting | None:
    said = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    if is_dataclass(said[0]) or BY_THE_PROGRAM in said:
        return None
    shapes = [one for one in said if isinstance(one, Shape)]
    default = field.default if field.default_factory is MISSING else field.default_factory()
    limits = tuple(one for one in said[1:] if not isinstance(one, Shape))
    return Setting(field.name, shapes[0] if shapes else SHAPES[said[0]], limits, default)


def read_table(kind: type, table: Mapping[str, Any], *, section: str, place: Callable[[str], Place]) -> TableRead:
    """Reads `table` by the fields of `kind`; what it doesn't have keeps its default, which has limits as well.

    `section` is "" for a file's first level, where `table` has known keys alone.
    """
    known = settings_of(kind)
    values: dict[str, Any] = {}
    faults = [
        Diagnostic(f"unknown setting {key!r} in [{section}]", place(key), nearest(key, known))
        for key in table
        if key not in known
    ]
    for key, setting in known.items():
        name = f"{section}.{key}" if section else key
        value = setting.default
        if key in table:
            try:
                value = values[setting.field] = setting.shape.read(table[key])
            except (KeyError, TypeError, ValueError, OverflowError):
                shape = setting.shape
                remedy = f"For example: {key} = {shape.example}"
                faults.append(Diagnostic(f"{name} must be {shape.expected}, not {table[key]!r}", place(key), remedy))
                continue
        for limit in setting.limits:
            if found := list(limit(name, value)):
                faults += [replace(one, place=place(key)) for one in found]
                break
    return TableRead(values, tuple(faults))
