"""Changes single values of a front matter and leaves every other byte as it is: comments, order, quotes, unknown keys.

A file is edited by people, by engineers' editors and by the studio, and none of them may undo the others' hand. So a
value is replaced where it is written (YAML 1.1 as PyYAML marks it), and the result is read again to be sure that it
says what was asked and nothing else changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml

from mailer.compose.source.frontmatter import masked, split_front_matter
from mailer.errors import MailerError

FENCE, NEWLINE = "---", "\n"
Value = str | int | bool
WIDE = 1_000_000  # characters in a line, so that PyYAML never breaks one


class CannotSplice(MailerError):
    """The front matter is written in a way that only a person can change."""


def splice(text: str, changes: Mapping[str, Value]) -> str:
    """`text`, a whole file, with values of its front matter changed by dotted key ("action.label").

    An empty text takes a key out, with its line, and what is above it when nothing else is left below that. Raises
    `CannotSplice`.
    """
    crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    found = text.replace("\r\n", "\n") if crlf else text
    for key, sent in changes.items():
        value = sent.replace("\r\n", "\n") if isinstance(sent, str) else sent
        if _read(found).get(key, "") != value:  # else it says so already, however it is written
            found = _spliced(found, key, value)
    return found.replace("\n", "\r\n") if crlf else found


def head_end(text: str) -> int:
    """Where the text below the front matter begins. Raises `CannotSplice` when there is no front matter."""
    after = text.find("\n", _head(text)[1])
    return len(text) if after < 0 else after + 1


def _spliced(text: str, key: str, value: Value) -> str:
    start, end = _head(text)
    above, path = text[start:end], key.split(".")
    root = _composed(above, key)
    wanted = _read(text) | {key: value}
    for written in _ways(value, style=_style(root, path), indent=_indent(root, path)):
        whole = text[:start] + _in_head(above, root, path, "" if value == "" else written) + text[end:]
        if _filled(_read(whole)) == _filled(wanted) and whole[_head(whole)[1] :] == text[end:]:
            return whole
    raise _cannot(key)


def _composed(above: str, key: str) -> Any:
    """The mapping that the front matter is, with the places of its values; None when it is empty.

    Texts that only our reader takes without quotes (`Sewage in our river: 3,412 hours`) are as long as they are.
    """
    for readable in (above, masked(above)):
        try:
            root = cast(Any, yaml.compose(readable, Loader=yaml.SafeLoader))
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        if root is None or (isinstance(root, yaml.MappingNode) and not root.flow_style):
            return root
    raise _cannot(key)


def _walk(root: Any, path: list[str]) -> tuple[Any, Any, list[str]]:
    """The innermost mapping on the way to a key, its entry there (name and value, or None), and the names left over."""
    node, left = root, list(path)
    while node is not None:
        entry = next((one for one in node.value if one[0].value == left[0]), None)
        if entry is None or len(left) == 1:
            return node, entry, left
        if not isinstance(entry[1], yaml.MappingNode) or entry[1].flow_style:
            raise _cannot(".".join(path))
        node, left = entry[1], left[1:]
    return None, None, left


def _style(root: Any, path: list[str]) -> str | None:
    entry = _walk(root, path)[1]
    return entry[1].style if entry and isinstance(entry[1], yaml.ScalarNode) else None


def _indent(root: Any, path: list[str]) -> int:
    """How far a key is from the left edge, where it is or where it would be added."""
    node, entry, left = _walk(root, path)
    return (node.start_mark.column if node else 0) + (0 if entry else 2 * (len(left) - 1))


def _in_head(above: str, root: Any, path: list[str], written: str) -> str:
    """`above` with a value put in, changed, or taken out (\"\")."""
    node, entry, left = _walk(root, path)
    if entry is None:
        return _added(above, node, left, written) if written else above
    value = entry[1]
    if not isinstance(value, yaml.ScalarNode):
        raise _cannot(".".join(path))
    first, last = value.start_mark.index, value.end_mark.index
    if value.style in ("|", ">"):  # it ends where the next key begins, or blank lines before that
        last = first + len(above[first:last].rstrip())
    if not written:
        begins = above.rfind("\n", 0, _outermost(root, path).start_mark.index) + 1
        after = above.find("\n", last)
        return above[:begins] + ("" if after < 0 else above[after + 1 :])
    gap = "" if first and above[first - 1] in " \t" else " "
    return above[:first] + gap + written + above[last:]


def _outermost(root: Any, path: list[str]) -> Any:
    """The name that goes with the value at `path`: its own, or that of the block in which it is the only one."""
    entries = [_walk(root, path[: depth + 1])[1] for depth in range(len(path))]
    while len(entries) > 1 and len(entries[-2][1].value) == 1:
        entries.pop()
    return entries[-1][0]


def _added(above: str, parent: Any, names: list[str], written: str) -> str:
    edge = parent.start_mark.column if parent else 0
    lines = [f"{' ' * (edge + 2 * depth)}{name}:" for depth, name in enumerate(names)]
    at = len(above)
    if edge:  # behind the last value of its block
        at = above.find("\n", len(above[: parent.value[-1][1].end_mark.index].rstrip())) + 1 or at
    gap = "\n" if at and above[at - 1] != "\n" else ""
    return f"{above[:at]}{gap}{NEWLINE.join(lines)} {written}\n{above[at:]}"


def _ways(value: Value, *, style: str | None, indent: int) -> Iterator[str]:
    """A value as YAML, as people would write it: in the quotes it had, over several lines, plain; last in quotes."""
    if not isinstance(value, str):
        yield str(value).lower()
    elif value.strip("\n") and "\n" in value and not value.startswith((" ", "\n", "\t")):
        keep = "" if re.search(r"[^\n]\n\Z", value) else "+" if value.endswith("\n") else "-"
        edge = " " * (indent + 2)
        lines = [f"{edge}{line}" if line else "" for line in value.rstrip("\n").split("\n")]
        yield NEWLINE.join([f"|{keep}", *lines])
    elif style == "'":
        yield "'" + value.replace("'", "''") + "'"
    elif style != '"' and _is_plain(value):
        yield value
    if isinstance(value, str):
        yield yaml.dump(value, default_style='"', allow_unicode=True, width=WIDE).rstrip("\n")


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


def _filled(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value != ""}


def _cannot(key: str) -> CannotSplice:
    return CannotSplice(
        f"{key} is written in a way that can’t be changed here", remedy="Change it in the newsletter’s file."
    )
