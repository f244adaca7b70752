"""What MJML allows: its tags, what each may contain, and the type of each attribute. Data is in schema.json.

The data is derived from the npm package `to_html`, the reference implementation (licence: schema.LICENSE). What we
refuse although MJML allows it is in `forbidden`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

# Allowed on any component beside its own attributes.
EVERYWHERE = frozenset({"css-class", "mj-class"})
SETTERS = frozenset({"mj-all", "mj-class"})  # tags in mj-attributes that set attributes of others

# A merge tag in disguise, as the compiler makes them before MJML sees the source.
MARKER = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{8,}")

_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}){1,2}")
_RGB = re.compile(r"rgba?\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*(?:,\s*(?:0|1|0?\.\d+)\s*)?\)")
_SHOUTED = re.compile(r"-?[\d.]+(?:PX|Px|EM|Em)")
_TYPE = re.compile(r"(\w+)(?:\(([^)]*)\))?(?:\{([\d,]+)\})?")


@dataclass(frozen=True, slots=True)
class Tag:
    """One MJML tag. `ending`: its content is HTML and no other MJML tag."""

    name: str
    attributes: Mapping[str, str]
    children: frozenset[str]
    ending: bool


@dataclass(frozen=True, slots=True)
class _Schema:
    tags: Mapping[str, Tag]
    colours: frozenset[str]


@cache
def _schema() -> _Schema:
    data: dict[str, Any] = json.loads(files("mailer.compose").joinpath("schema.json").read_text(encoding="utf-8"))
    tags = {
        name: Tag(name, tag["attributes"], frozenset(tag["children"]), bool(tag.get("ending")))
        for name, tag in data["tags"].items()
    }
    return _Schema(tags, frozenset(data["colours"]))


def tags() -> Mapping[str, Tag]:
    """All MJML tags by name."""
    return _schema().tags


@cache
def all_attributes() -> Mapping[str, str]:
    """Every attribute of any component with one of its types: what mj-all and mj-class may set."""
    return {name: kind for tag in tags().values() for name, kind in tag.attributes.items()}


@cache
def attribute_types(name: str) -> Mapping[str, str]:
    """The attributes that the tag `name` may have, each with its type; none for what is no MJML tag."""
    if name in ("mj-all", "mj-class"):
        own = all_attributes()
    elif name in tags():
        own = tags()[name].attributes
    else:
        return {}
    return {**own, **dict.fromkeys(EVERYWHERE, "string"), **({"name": "string"} if name == "mj-class" else {})}


@lru_cache(maxsize=1024)
def settled(kind: str, value: str) -> str:
    """`value` of the schema's type `kind` in the one form that mrml reads rightly, where it can mean but one thing.

    It leaves a size with two blanks, a blank at its end or a bare 0 out of the widths it works out for Outlook.
    """
    match = _TYPE.fullmatch(kind)
    if match is None or match[1] == "string":
        return value
    if not match[1].startswith("unit"):
        return value.strip()
    sizes = [size.lower() if _SHOUTED.fullmatch(size) else size for size in value.rstrip("; \t\r\n\f").split()]
    if "" in (match[2] or "").split(","):  # a bare number has a meaning of its own, such as a line height
        return " ".join(sizes)
    return " ".join("0px" if size == "0" else size for size in sizes)


@lru_cache(maxsize=1024)
def value_fault(kind: str, value: str) -> str | None:
    """Why `value` doesn't fit the schema's type `kind`, in words that say what does; None when it fits."""
    match = _TYPE.fullmatch(kind)
    assert match is not None, kind
    base, options = match[1], (match[2] or "").split(",")
    if base in ("unit", "unitWithNegative"):
        return _unit_fault(value, options, match[3] or "1", negative=base == "unitWithNegative")
    if base == "integer":
        return None if re.fullmatch(r"\d+", value) else "must be a whole number"
    if base == "boolean":
        return None if value in ("true", "false") else "must be true or false"
    if base == "string" or MARKER.fullmatch(value):
        return None
    if base == "color":
        known = _HEX.fullmatch(value) or _RGB.fullmatch(value) or value.lower() in _schema().colours
        return None if known else "must be a colour like #1d4f91"
    return None if value in options else f"must be one of: {', '.join(option for option in options if option)}"


def _unit_fault(value: str, units: list[str], count: str, *, negative: bool) -> str | None:
    low, _, high = count.partition(",")
    values = value.split()
    if value == "auto" and "auto" in units:
        return None
    names = [unit for unit in units if unit not in ("", "auto")]
    one = re.compile(f"{'-?' if negative else ''}{_NUMBER}(?:{'|'.join(map(re.escape, names))}{'|' * ('' in units)})|0")
    if int(low) <= len(values) <= int(high or low) and all(one.fullmatch(item) for item in values):
        return None
    if any(MARKER.search(item) for item in values):
        return "can't hold a merge tag: sizes are worked out once, before there is a person"
    example = " or ".join(f"16{unit}" for unit in names) + (" or a bare number" if "" in units else "")
    many = f", up to {high} of them" if high else ""
    return f"must be a size such as {example}{many}"
