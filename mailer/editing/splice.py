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
FrontValue = str | bool | int | float | tuple[str, ...] | None  # None, an empty text or list take a key out
WIDE = 1_000_000  # characters in a line, so that PyYAML never breaks one


class CannotSplice(MailerError):
    """The front matter is written in a way that only a person can change."""


def splice(text: str, changes: Mapping[str, FrontValue]) -> str:
    """`text`, a whole file, with values of its front matter changed by dotted key ("action.label").

    None, an empty text or list take a key out, with all below it, its line, and what would be left empty above it.
    Raises `CannotSplice`.
    """
    crlf = "\r\n" in text and "\n" not in text.replace("\r\n", "")
    found = text.replace("\r\n", "\n") if crlf else text
    for key, sent in changes.items():
        value = sent.replace("\r\n", "\n") if isinstance(sent, str) else sent
        value = None if value in ("", ()) else value
        said = _read(found)
        wanted = _with(said, key, value)
        if said != wanted:  # else it says so already, however it is written
            found = _spliced(found, key, value, wanted)
    return found.replace("\n", "\r\n") if crlf else found


def head_end(text: str) -> int:
    """Where the text below the front matter begins. Raises `CannotSplice` when there is no front matter."""
    after = text.find("\n", _head(text)[1])
    return len(text) if after < 0 else after + 1


def _spliced(text: str, key: str, value: FrontValue, wanted: Mapping[str, str]) -> str:
    start, end = _head(text)
    above, path = text[start:end], key.split(".")
    root = _composed(above, key)
    for changed in _changed(above, root, path, value):
        whole = text[:start] + changed + text[end:]
        if _read(whole) == wanted and whole[_head(whole)[1] :] == text[end:]:
            return whole
    raise _cannot(key)


def _changed(above: str, root: Any, path: list[str], value: FrontValue) -> Iterator[str]:
    """`above` with a value put in, changed or taken out: the ways to write it, the best first."""
    if value is None:
        yield _taken_out(above, root, path)
    elif isinstance(value, tuple):
        entry = _walk(root, path)[1]
        if entry and isinstance(entry[1], yaml.SequenceNode) and not entry[1].flow_style:
            yield _items_changed(above, entry[1], value)
        else:
            yield _in_head(above, root, path, f"[{', '.join(map(_item, value))}]")
    elif isinstance(value, str):
        for written in _ways(value, style=_style(root, path), indent=_indent(root, path)):
            yield _in_head(above, root, path, written)
    else:
        yield _in_head(above, root, path, yaml.safe_dump(value).split("\n")[0])


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
        if not isinstance(entry[1], yaml.MappingNode):
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
    """`above` with a value put in, or changed."""
    node, entry, left = _walk(root, path)
    if entry is None:
        return _added(above, node, left, written)
    value = entry[1]
    if not isinstance(value, yaml.ScalarNode) and not (value.flow_style and written.startswith("[")):
        raise _cannot(".".join(path))
    first, last = _span(above, value)
    gap = "" if first and above[first - 1] in " \t" else " "
    return above[:first] + gap + written + above[last:]


def _span(above: str, value: Any) -> tuple[int, int]:
    """Where a value begins and ends. Those on lines of their own end with their last line that isn't blank."""
    first, last = value.start_mark.index, value.end_mark.index
    if isinstance(value, yaml.CollectionNode) and not value.flow_style:
        return first, _span(above, value.value[-1][1] if isinstance(value.value[-1], tuple) else value.value[-1])[1]
    if isinstance(value, yaml.ScalarNode) and value.style in ("|", ">"):
        last = first + len(above[first:last].rstrip())
    return first, last


def _taken_out(above: str, root: Any, path: list[str]) -> str:
    """`above` without a key and its lines; with the last key below another, that one goes as well."""
    node, entry, _ = _walk(root, path)
    if entry is None:
        return above
    if len(path) > 1 and len(node.value) == 1:
        return _taken_out(above, root, path[:-1])
    if node.flow_style:
        at = node.value.index(entry)
        if at + 1 < len(node.value):
            return above[: entry[0].start_mark.index] + above[node.value[at + 1][0].start_mark.index :]
        return above[: node.value[at - 1][1].end_mark.index] + above[entry[1].end_mark.index :]
    return _without_lines(above, entry[0].start_mark.index, _span(above, entry[1])[1])


def _without_lines(above: str, first: int, last: int) -> str:
    after = above.find("\n", last)
    return above[: above.rfind("\n", 0, first) + 1] + ("" if after < 0 else above[after + 1 :])


def _items_changed(above: str, node: Any, items: tuple[str, ...]) -> str:
    """A list on lines of its own with other items: those that stay keep their lines, with what is behind them."""
    edge, there = " " * node.start_mark.column, [one.value for one in node.value]
    keep = [one for one in there if one in items]
    if items[: len(keep)] != tuple(keep):  # another order
        keep = []
    at = above.rfind("\n", 0, node.start_mark.index) + 1
    pieces, last_kept = [above[:at]], 1
    for one in node.value:
        first, end = above.rfind("\n", 0, one.start_mark.index) + 1, above.find("\n", _span(above, one)[1]) + 1
        pieces.append(above[at:first])  # comments
        if one.value in keep:
            pieces.append(above[first:end])
            last_kept = len(pieces)
        at = end
    pieces[last_kept:last_kept] = [f"{edge}- {_item(one)}\n" for one in items[len(keep) :]]
    return "".join(pieces) + above[at:]


def _item(text: str) -> str:
    """An item of a list, plain where it can be."""
    if _is_plain(text) and not any(sign in text for sign in ",[]{}"):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    return yaml.dump(text, default_style='"', allow_unicode=True, width=WIDE).rstrip("\n")


def _added(above: str, parent: Any, names: list[str], written: str) -> str:
    if parent and parent.flow_style:
        first = parent.start_mark.index + 1
        rest = ", " if parent.value else ""
        return f"{above[:first]}{names[0]}: {written}{rest}{above[first:]}"
    edge = parent.start_mark.column if parent else 0
    lines = [f"{' ' * (edge + 2 * depth)}{name}:" for depth, name in enumerate(names)]
    at = len(above)
    if edge:  # behind the last value of its block
        at = above.find("\n", len(above[: parent.value[-1][1].end_mark.index].rstrip())) + 1 or at
    gap = "\n" if at and above[at - 1] != "\n" else ""
    return f"{above[:at]}{gap}{NEWLINE.join(lines)} {written}\n{above[at:]}"


def _ways(value: str, *, style: str | None, indent: int) -> Iterator[str]:
    """A text as YAML, as people would write it: in the quotes it had, over several lines, plain; last in quotes."""
    if value.strip("\n") and "\n" in value and not value.startswith((" ", "\n", "\t")):
        keep = "" if re.search(r"[^\n]\n\Z", value) else "+" if value.endswith("\n") else "-"
        edge = " " * (indent + 2)
        lines = [f"{edge}{line}" if line else "" for line in value.rstrip("\n").split("\n")]
        yield NEWLINE.join([f"|{keep}", *lines])
    elif style == "'":
        yield "'" + value.replace("'", "''") + "'"
    elif style != '"' and _is_plain(value):
        yield value
    elif '"' in value and "'" not in value and value.isprintable():
        yield f"'{value}'"
    yield _quoted(value)


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
        raise CannotSplice("the file has no fields above its text", remedy="Begin it with two lines --- around them.")
    at = start
    while at < len(text):
        end = text.find("\n", at)
        line = text[at:] if end < 0 else text[at:end]
        if line.rstrip() == FENCE:
            return start, at
        if end < 0:
            break
        at = end + 1
    raise CannotSplice("the fields above the text have no end", remedy="Put a line --- below them in the file.")


def _read(text: str) -> dict[str, str]:
    """Every value of the front matter that isn't an empty text, by dotted key: as Python writes it, since True == 1."""
    front, _ = split_front_matter(text.removeprefix("\ufeff").replace("\r\n", "\n"), file="")
    return {} if front is None else {key: repr(value) for key, value in _flat(front.data, "") if value != ""}


def _flat(data: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(cast(dict[str, Any], value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _with(values: Mapping[str, str], key: str, value: FrontValue) -> dict[str, str]:
    """What `_read` gives once a key says this."""
    others = {name: said for name, said in values.items() if name != key and not name.startswith(f"{key}.")}
    return others if value is None else others | {key: repr(list(value) if isinstance(value, tuple) else value)}


def _cannot(key: str) -> CannotSplice:
    return CannotSplice(
        f"{key} is written in a way that can’t be changed here", remedy="Change it in the newsletter’s file."
    )
