"""Changes values of a TOML file that staff write, in place: comments, order, blanks and other values stay as they are.

What the values may be is for the callers: they hand in `check`, which reads the new text before it replaces the file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection

from mailer.editing.files import one_at_a_time, write_file
from mailer.editing.save import SaveConflict, Saved
from mailer.errors import MailerError

NEWLINE, BOM = "\n", "\ufeff"
TomlValue = str | bool | int | float | tuple[str, ...] | tuple[int, ...] | Mapping[str, str | int | float] | None
_ABSENT = object()


class CannotChangeToml(MailerError):
    """The file is written in a way that only a person can change."""


def change_toml(text: str, changes: Mapping[str, TomlValue]) -> str:
    """`text`, a whole file, with values changed by dotted key ("brand.primary").

    None takes a key out with its line. A mapping is a whole table: keys that it lacks are taken out. What says the same
    already isn't touched. Raises `CannotChangeToml`; its words quote nothing of the file, which may hold secrets.
    """
    bom = BOM if text.startswith(BOM) else ""
    crlf = "\r\n" in text and NEWLINE not in text.replace("\r\n", "")
    found = text.removeprefix(BOM).replace("\r\n", NEWLINE) if crlf else text.removeprefix(BOM)
    for key, sent in changes.items():
        now = _value(read_values(found), key.split("."))
        for path, value in _single(key.split("."), sent, now):
            found = _changed(found, path, value)
    return bom + (found.replace(NEWLINE, "\r\n") if crlf else found)


def save_toml(
    connection: Connection, path: Path, changes: Mapping[str, TomlValue], *, base: str | None, within: Path,
    check: Callable[[str], object], mode: int = 0o644,
) -> Saved | SaveConflict:  # fmt: skip
    """Write the changes into the file at `path`, in one moment; a file that isn't there is made, with `mode`.

    `base` is the file as it was for the person who changes it. Where the file holds another by now, the changes are put
    into that one, unless one of these values was changed there as well, to another: then nothing is written. Without
    `base` what is there is changed, whatever it says. `check` raises for a text that may not be written. Recording who
    did it is for the caller, in the same transaction. Raises `MailerError`, with nothing written.
    """
    one_at_a_time(connection)
    now = read_toml_text(path)
    merged = base is not None and base != now
    if base is not None and merged:  # what says the same as before leaves alone what others made of it
        changes = {key: value for key, value in changes.items() if change_toml(base, {key: value}) != base}
        if not _apart(base, now, changes):
            return SaveConflict(theirs=now, mine=change_toml(base, changes))
    text = change_toml(now, changes)
    check(text)
    if text != now:
        write_file(path, text.encode("utf-8"), within=within, mode=mode)
    return Saved(text, merged=merged)


def read_toml_text(path: Path) -> str:
    """The file as it is, with its line ends; "" where there is none. Raises `MailerError`."""
    if not path.exists():
        return ""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise CannotChangeToml(f"{path.name} is not UTF-8 text", remedy="Save it with the encoding UTF-8.") from None


def read_values(text: str) -> dict[str, Any]:
    """What a TOML text says. Raises `CannotChangeToml`."""
    try:
        return tomllib.loads(text.removeprefix(BOM))
    except tomllib.TOMLDecodeError:
        raise CannotChangeToml("the file is not valid TOML", remedy="Put it right in the file first.") from None


def _apart(base: str, now: str, changes: Mapping[str, TomlValue]) -> bool:
    """Whether nobody else changed one of these values meanwhile to something that isn't wanted."""
    before, after = read_values(base), read_values(now)
    wanted = read_values(change_toml(base, changes))
    for key in changes:
        path = key.split(".")
        if repr(_value(after, path)) not in (repr(_value(before, path)), repr(_value(wanted, path))):
            return False
    return True


def _single(path: list[str], value: TomlValue, now: object) -> list[tuple[list[str], TomlValue]]:
    """The change of a whole table as changes of its keys."""
    if not isinstance(value, Mapping):
        return [(path, value)]
    gone = [name for name in cast(dict[str, Any], now) if name not in value] if isinstance(now, dict) else []
    return [*(([*path, name], None) for name in gone), *(([*path, name], one) for name, one in value.items())]


def _changed(text: str, path: list[str], value: TomlValue) -> str:
    said = read_values(text)
    plain = list(value) if isinstance(value, tuple) else value
    before = _value(said, path)
    if repr(before) == repr(_ABSENT if plain is None else plain):  # by repr, since True == 1
        return text
    if before is _ABSENT and text and not text.endswith(NEWLINE):
        text += NEWLINE
    try:
        found = _written(text, path, plain)
    except Exception as error:  # tomlkit refuses in many ways
        raise _cannot(path) from error
    if _flat(read_values(found)) != _flat(_with(said, path, plain)):
        raise _cannot(path)
    return found


def _written(text: str, path: list[str], value: Any) -> str:
    import tomlkit  # here, since it takes a while and only those who change something need it
    from tomlkit.items import Array

    document: Any = tomlkit.parse(text)
    *above, name = path
    table = document
    for one in above:
        if one not in table:
            table[one] = tomlkit.table()
        table = table[one]
    before = table.get(name)
    if value is None and (found := _without_section(text, path)) is not None:
        return found
    if value is None:
        table.remove(name)
        return document.as_string()
    table[name] = (
        tomlkit.string(value, multiline=NEWLINE in value and "\r" not in value) if isinstance(value, str) else value
    )
    if isinstance(table[name], Array) and isinstance(before, Array):
        table[name].multiline(NEWLINE in before.as_string())
    if before is None:
        _behind_the_last(table, name)
    return document.as_string()


def _without_section(text: str, path: list[str]) -> str | None:
    """The text without the section at `path`, but with the comment above the next one, which tomlkit takes for a part
    of this one; None where it can't be cut out as lines."""
    name = r"\s*\.\s*".join(f'"?{re.escape(one)}"?' for one in path)
    header = re.search(rf"^[ \t]*\[\s*{name}\s*\][^\n]*\n?", text, re.MULTILINE)
    if header is None:
        return None
    above, below = text[: header.start()].rstrip(NEWLINE), text[header.end() :]
    kept = re.search(r"(?:^[ \t\r]*(?:#[^\n]*)?\n)*(?:^[ \t]*\[|^[ \t]*#[^\n]*\Z|\Z)", below, re.MULTILINE)
    assert kept is not None, "every text has an end"
    found = (above and above + NEWLINE) + below[kept.start() :]
    try:
        is_right = _flat(tomllib.loads(found)) == _flat(_with(tomllib.loads(text), path, None))
    except tomllib.TOMLDecodeError:  # a text of several lines looked like a section
        return None
    return found if is_right else None


def _behind_the_last(table: Any, name: str) -> None:
    """Move a new key up to right below the table's last one: further down may be the comment of the next section."""
    from tomlkit.items import AoT, InlineTable, Null, Table

    if isinstance(table, InlineTable):
        return
    body: list[Any] = (table.value if isinstance(table, Table) else table).body
    at = next(index for index, (key, _) in enumerate(body) if key is not None and key.key == name)
    values = [index for index, (key, item) in enumerate(body[:at]) if key and not isinstance(item, (Table, AoT, Null))]
    if values:
        body.insert(values[-1] + 1, body.pop(at))


def _value(data: Mapping[str, Any], path: list[str]) -> Any:
    """What is at a place; `_ABSENT` where nothing is."""
    found: Any = data
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return _ABSENT
        found = cast(dict[str, Any], found)[name]
    return found


def _with(data: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    """What a file says once this is changed."""
    name, *below = path
    if below:
        return {**data, name: _with(data.get(name, {}), below, value)}
    others = {key: one for key, one in data.items() if key != name}
    return others if value is None else {**others, name: value}


def _flat(data: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Every value by its place, as Python writes it; a table that holds nothing is none."""
    found: dict[tuple[str, ...], str] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found |= _flat(cast(dict[str, Any], value), (*prefix, name))
        else:
            found[*prefix, name] = repr(value)
    return found


def _cannot(path: list[str]) -> CannotChangeToml:
    return CannotChangeToml(
        f"{'.'.join(path)} is written in a way that can’t be changed here", remedy="Change it in the file itself."
    )
