"""Reads the questions of a page's own below `fields:` in action.md. Every fault is told, with its key and a remedy.

fields:
  postcode: required
  school:
    label: Which school do your children go to?
  role:
    label: I am a
    choices: [Parent, Teacher, Neighbour]
    required: true
  help:
    label: I can help on Saturday
    kind: tick
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from mailer.compose.action_page.html import TAG
from mailer.compose.visible import is_visible
from mailer.errors import nearest
from mailer.petition_fields.own import (
    LONGEST_CHOICE,
    LONGEST_LABEL,
    MOST_CHOICES,
    OWN_KEY,
    OWN_KINDS,
    RESERVED,
    OwnField,
    own_field,
)
from mailer.petition_fields.table import FieldKind

KEYS = ("label", "kind", "choices", "required", "pass_on")
QUOTES = "Put it in quotes, such as"  # YAML takes yes, no, on and off for true and false
Fault = Callable[[str, str, str], None]  # takes what is wrong, the key it is at, and the remedy


def read_own_field(key: str, declared: Mapping[Any, Any], fault: Fault) -> OwnField | None:
    """The question `key` as it is declared; None when anything is wrong, which `fault` is told."""
    path, faults = f"fields.{key}", list[tuple[str, str, str]]()

    def wrong(message: str, at: str, remedy: str) -> None:
        at = at if at.partition(".")[0] in ("", *map(str, declared)) else "label"  # a key that isn't there has no line
        faults.append((message, f"{path}.{at}" if at else path, remedy))

    if not OWN_KEY.fullmatch(key):
        wrong(f"{key!r} is no name for a question", "", "Up to 40 small letters a–z, digits and _, a letter first.")
    elif key in RESERVED:
        wrong(f"{key} has a meaning of its own", "", f"Name the question otherwise, such as {key}_2.")
    for name in declared:
        if name not in KEYS:
            wrong(f"unknown key {path}.{name}", str(name), nearest(str(name), KEYS))
    label = _words(declared.get("label"), "label", LONGEST_LABEL, wrong)
    if not label and declared.get("label") in (None, ""):
        wrong(f"{path} has no label", "", "Write what people read, such as `label: Which school?`, or take it out.")
    truths = {name: _truth(declared.get(name, False), name, wrong) for name in ("required", "pass_on")}
    choices = dict(_choices(declared.get("choices"), wrong))
    kind = _kind(declared.get("kind"), "choices" in declared, wrong)
    if kind is FieldKind.CHOICE and len(choices) < 2:
        wrong(f"{path} needs at least two choices", "choices", "Such as `choices: [Parent, Teacher]`.")
    elif kind is not FieldKind.CHOICE and choices:
        wrong(f"{path} has choices and is a {kind}", "choices", "Take them out, or write `kind: choice`.")
    for one in faults:
        fault(*one)
    if faults:
        return None
    return own_field(
        key, label=label, kind=kind, required=truths["required"], choices=choices, passed_on=truths["pass_on"]
    )


def _kind(value: Any, has_choices: bool, wrong: Fault) -> FieldKind:
    kind = next((one for one in OWN_KINDS if one == value), None)
    if kind is None:
        kind = FieldKind.CHOICE if has_choices else FieldKind.TEXT
        if value is not None:
            wrong(f"{str(value)!r} is no kind of question", "kind", f"One of {', '.join(OWN_KINDS)}.")
    return kind


def _choices(value: Any, wrong: Fault) -> Iterator[tuple[str, str]]:
    """What is kept of each choice, and its words: the same for a list, key and text of a mapping."""
    pairs: list[tuple[Any, Any, str]]
    if value is None:
        return
    if isinstance(value, dict):
        pairs = [(key, text, f"choices.{key}") for key, text in cast(dict[Any, Any], value).items()]
    elif isinstance(value, list):
        pairs = [(None, text, f"choices.{number}") for number, text in enumerate(cast(list[Any], value))]
    else:
        wrong("choices must be a list", "choices", "Such as `choices: [Parent, Teacher]`.")
        return
    if len(pairs) > MOST_CHOICES:
        wrong(f"there are {len(pairs)} choices", "choices", f"At most {MOST_CHOICES}, so that the page stays small.")
    seen: set[str] = set()
    for key, text, at in pairs:
        words = _words(text, at, LONGEST_CHOICE, wrong)
        kept = words if key is None else _words(key, at, LONGEST_CHOICE, wrong)
        if text in (None, ""):
            wrong("a choice has no words", at, "Write them, or take the line out.")
        elif kept in seen:
            wrong(f"the choice {kept!r} is there twice", at, "Keep one of them.")
        elif kept and words:
            seen.add(kept)
            yield kept, words


def _words(value: Any, at: str, longest: int, wrong: Fault) -> str:
    """A text on one line, as people read it; "" when it isn't one."""
    if value is None or value == "":
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        wrong(f"{at} must be text", at, f'{QUOTES} "{"Yes" if value is True else "No" if value is False else "…"}".')
        return ""
    words = " ".join(value.split())
    if not is_visible(words):
        wrong(f"{at} has no words that can be seen", at, "Write them, or take the line out.")
        return ""
    if len(words) > longest:
        wrong(f"{at} has {len(words)} characters", at, f"At most {longest}: it is read on a phone.")
    if TAG.search(words):
        wrong("merge tags can't be used on a page", at, "A page is the same for everybody.")
    return words


def _truth(value: Any, at: str, wrong: Fault) -> bool:
    if not isinstance(value, bool):
        wrong(f"{at} must be true or false", at, f"Without quotes: {at}: true")
    return value is True
