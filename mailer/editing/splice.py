"""Changes single values of a front matter and leaves every other byte as it is: comments, order, quotes, unknown keys.

A file is edited by people, by engineers' editors and by the studio, and none of them may undo the others' hand. So a
value is replaced where it is written (YAML 1.1 as PyYAML marks it), and the result is read again to be sure that it
says what was asked and nothing else changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import yaml

from mailer.compose.source.frontmatter import split_front_matter
from mailer.errors import MailerError

FENCE = "---"
WIDE = 1_000_000  # characters in a line, so that PyYAML never breaks one


class CannotSplice(MailerError):
    """The front matter is written in a way that only a person can change."""


def splice(text: str, changes: Mapping[str, str]) -> str:
    """`text`, a whole message file, with values of its front matter changed by dotted key ("action.label").

    An empty text takes a key at the left edge out, with its line. Raises `CannotSplice`.
    """
    newline = "\r\n" if "\r\n" in text.split("\n", 1)[0] + "\n" else "\n"
    found = text
    for key, sent in changes.items():
        value = sent.replace("\r\n", "\n")
        if _read(found).get(key, "") == value:
            continue  # it says so already, however it is written
        found = _spliced(found, key, value, newline)
    return found


def head_end(text: str) -> int:
    """Where the text below the front matter begins. Raises `CannotSplice` when there is no front matter."""
    after = text.find("\n", _head(text)[1])
    return len(text) if after < 0 else after + 1


def _spliced(text: str, key: str, value: str, newline: str) -> str:
    start, end = _head(text)
    above = text[start:end]
    try:
        root = cast(Any, yaml.compose(above, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        raise _cannot(key) from None
    if root is not None and (not isinstance(root, yaml.MappingNode) or root.flow_style):
        raise _cannot(key)
    wanted = dict(_read(text))
    wanted.pop(key, None)
    if value:
        wanted[key] = value
    for plain in (True, False):
        changed = _in_head(above, root, key.split("."), value, newline, plain=plain)
        whole = text[:start] + changed + text[end:]
        if _same(whole, wanted, text):
            return whole
    raise _cannot(key)


def _in_head(above: str, root: Any, path: list[str], value: str, newline: str, *, plain: bool) -> str:
    """`above` with one value put in, changed or taken out."""
    node: Any = root
    indent = 0
    for depth, name in enumerate(path):
        pairs: list[tuple[Any, Any]] = [] if node is None else node.value
        pair = next((one for one in pairs if one[0].value == name), None)
        if pair is None:
            return _added(above, node, path[depth:], value, newline, indent=indent, plain=plain)
        if depth == len(path) - 1:
            return _replaced(above, pair, value, newline, indent=indent, plain=plain, top=depth == 0)
        node = pair[1]
        if not isinstance(node, yaml.MappingNode) or node.flow_style:
            raise _cannot(".".join(path))
        indent = node.start_mark.column
    raise _cannot(".".join(path))


def _replaced(above: str, pair: Any, value: str, newline: str, *, indent: int, plain: bool, top: bool) -> str:
    name, node = pair
    if not isinstance(node, yaml.ScalarNode):
        raise _cannot(name.value)
    first, last = node.start_mark.index, node.end_mark.index
    if node.style in ("|", ">"):  # its end is where the next key begins, or blank lines before that
        body = above[first:last]
        last = first + len(body.rstrip())
    if not value and top:
        line = above.rfind("\n", 0, name.start_mark.index) + 1
        after = above.find("\n", last)
        return above[:line] + ("" if after < 0 else above[after + 1 :])
    style = node.style if node.style in ("'", '"') and not plain else None
    written = _scalar(value, newline, indent=indent, style=style, plain=plain)
    gap = "" if first and above[first - 1] in " \t" else " "
    return above[:first] + gap + written + above[last:]


def _added(above: str, parent: Any, path: list[str], value: str, newline: str, *, indent: int, plain: bool) -> str:
    if not value:
        return above
    lines, edge = "", indent
    for name in path[:-1]:
        lines += f"{' ' * edge}{name}:{newline}"
        edge += 2
    lines += f"{' ' * edge}{path[-1]}: {_scalar(value, newline, indent=edge, style=None, plain=plain)}{newline}"
    at = len(above)
    if parent is not None and indent:  # behind the last value of its block
        at = parent.value[-1][1].end_mark.index
        after = above.find("\n", len(above[:at].rstrip()))
        at = len(above) if after < 0 else after + 1
    if at and above[at - 1] != "\n":
        lines = newline + lines
    return above[:at] + lines + above[at:]


def _scalar(value: str, newline: str, *, indent: int, style: str | None, plain: bool) -> str:
    """A text as YAML: as people would write it where that reads back, else in quotes."""
    if "\n" in value and plain and not value.startswith((" ", "\n", "\t")) and value.strip("\n"):
        keep = "" if value.endswith("\n") and not value.endswith("\n\n") else "-" if not value.endswith("\n") else "+"
        edge = " " * (indent + 2)
        lines = [f"{edge}{line}" if line else "" for line in value.rstrip("\n").split("\n")]
        return f"|{keep}{newline}" + newline.join(lines)
    if plain and "\n" not in value and _is_plain(value):
        return value
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return yaml.dump(value, default_style='"', allow_unicode=True, width=WIDE).rstrip("\n")


def _is_plain(value: str) -> bool:
    if value != value.strip() or " #" in value or ": " in value or value.endswith(":"):
        return False
    try:
        return yaml.safe_load(f"k: {value}\n") == {"k": value}
    except (yaml.YAMLError, ValueError):
        return False


def _head(text: str) -> tuple[int, int]:
    """Where the front matter between its two lines of --- begins and ends."""
    start = text.find("\n") + 1
    if not start or text[: start - 1].strip("\ufeff \t\r") != FENCE:
        raise CannotSplice("the front matter is missing", remedy="Begin the file with a line ---.")
    at = start
    while at < len(text):
        end = text.find("\n", at)
        line = text[at:] if end < 0 else text[at:end]
        if line.rstrip() == FENCE:
            return start, at
        if end < 0:
            break
        at = end + 1
    raise CannotSplice("the front matter has no end", remedy="End it with a line ---.")


def _read(text: str) -> dict[str, object]:
    """Every value of the front matter by dotted key."""
    front, _ = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file="")
    return {} if front is None else dict(_flat(front.data, ""))


def _flat(data: Mapping[str, Any], prefix: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in data.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            found += _flat(cast(dict[str, Any], value), f"{key}.")
        else:
            found.append((key, value))
    return found


def _same(whole: str, wanted: Mapping[str, object], before: str) -> bool:
    _, end = _head(whole)
    _, old_end = _head(before)
    return whole[end:] == before[old_end:] and {k: v for k, v in _read(whole).items() if v != ""} == {
        k: v for k, v in wanted.items() if v != ""
    }


def _cannot(key: str) -> CannotSplice:
    return CannotSplice(
        f"{key} is written in a way that can’t be changed here", remedy="Change it in the newsletter’s file."
    )
