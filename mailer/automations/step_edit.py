"""Puts steps into automation.toml, takes them out and changes their order. Each is a section with the comments right
above it, and moves whole; all else stays as it is, to the byte. Values are changed by `editing.toml_edit`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mailer.automations.step_reading import THE_END
from mailer.editing.toml_edit import CannotChangeToml, change_toml
from mailer.errors import MailerError

HEADER = re.compile(r"\s*\[\s*steps\s*\.\s*([A-Za-z0-9_-]+)\s*\]\s*(#.*)?")
ANY_HEADER = re.compile(r"\s*\[")
LEADING = ("next", "then", "else")  # keys that name another step
Value = str | bool | Sequence[str]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the file: a step, or what is between steps. `gap`: the blank lines behind it."""

    name: str  # "" for what is no step
    text: str
    gap: str


def with_step(text: str, name: str, values: Mapping[str, Value], *, after: str) -> str:
    """The file with another step, behind the one named `after`; "" for the first place."""
    parts, end = _parts(text), "\r\n" if "\r\n" in text else "\n"
    if any(part.name == name for part in parts):
        raise MailerError(f"there is a step {name} already", remedy="Give it another name.")
    said = "".join(f"{key} = {_toml(value)}{end}" for key, value in values.items())
    new = _Part(name, f"[steps.{name}]{end}{said}", "")
    steps = [at for at, part in enumerate(parts) if part.name]
    at = next((at for at, part in enumerate(parts) if part.name == after), -1) if after else -1
    if at < 0:
        at = (steps[0] if steps else len(parts)) - 1
    if at >= 0:
        before = parts[at]
        own = before.text if before.text.endswith("\n") or not before.text else before.text + end
        new = replace(new, gap=before.gap if at + 1 < len(parts) else "")
        parts[at] = replace(before, text=own, gap=before.gap or end)
        new = replace(new, gap=new.gap or (end if at + 1 < len(parts) else ""))
    parts.insert(at + 1, new)
    return _joined(parts)


def without_step(text: str, name: str, *, instead: str) -> str:
    """The file without a step; what led to it leads to `instead`, the name of a step or "" for the end."""
    parts = _parts(text)
    at = _at(parts, name)
    gone = parts.pop(at)
    if at == len(parts) and at:
        parts[at - 1] = replace(parts[at - 1], gap=gone.gap)
    changed = _joined(parts)
    data: dict[str, Any] = tomllib.loads(changed.removeprefix("\ufeff")).get("steps", {})
    leads = [(step, key) for step, said in data.items() for key in LEADING if said.get(key) == name]
    return change_toml(changed, {f"steps.{step}.{key}": instead or THE_END for step, key in leads})


def moved(text: str, name: str, *, by: int) -> str:
    """The file with a step one place earlier (-1) or later (1); the same where there is no such place."""
    parts = _parts(text)
    places = [at for at, part in enumerate(parts) if part.name]
    mine = places.index(_at(parts, name))
    if not 0 <= mine + by < len(places):
        return text
    one, other = places[mine], places[mine + by]
    end = "\r\n" if "\r\n" in text else "\n"
    mine_, its = (part if part.text.endswith("\n") else replace(part, text=part.text + end)
                  for part in (parts[one], parts[other]))  # fmt: skip
    parts[one], parts[other] = replace(its, gap=mine_.gap), replace(mine_, gap=its.gap)
    return _joined(parts)


def _parts(text: str) -> list[_Part]:
    """The file in its parts. Raises `CannotChangeToml` for steps that aren't sections of their own."""
    lines = text.splitlines(keepends=True)
    heads = [at for at, line in enumerate(lines) if ANY_HEADER.match(line)]
    begins = [_with_comments(lines, at) for at in heads]
    found: list[_Part] = []
    for begin, finish, head in zip([0, *begins], [*begins, len(lines)], [None, *heads], strict=True):
        if begin == finish:
            continue
        match = HEADER.fullmatch(lines[head].rstrip()) if head is not None else None
        last = finish
        while last > begin and not lines[last - 1].strip():
            last -= 1
        found.append(_Part(match[1] if match else "", "".join(lines[begin:last]), "".join(lines[last:finish])))
    try:
        said = tomllib.loads(text.removeprefix("\ufeff")).get("steps", {})
    except tomllib.TOMLDecodeError:
        raise CannotChangeToml("the file is not valid TOML", remedy="Put it right in the file first.") from None
    if list(said) != [part.name for part in found if part.name]:
        raise CannotChangeToml("the steps are written in a way that can’t be changed here",
                               remedy="Write each as a section of its own, such as [steps.hello].")  # fmt: skip
    return found


def _with_comments(lines: Sequence[str], head: int) -> int:
    """The first of the comment lines right above a header."""
    while head and lines[head - 1].lstrip().startswith("#"):
        head -= 1
    return head


def _at(parts: Sequence[_Part], name: str) -> int:
    for at, part in enumerate(parts):
        if part.name == name and name:
            return at
    raise MailerError(
        f"there is no step {name!r}", remedy="Somebody may have taken it out meanwhile. Load the page again."
    )


def _joined(parts: Sequence[_Part]) -> str:
    return "".join(part.text + part.gap for part in parts)


def _toml(value: Value) -> str:
    import tomlkit  # here, since it takes a while and only those who change something need it

    return tomlkit.item(value if isinstance(value, str | bool) else list(value)).as_string()
