"""Opens a file of people, whatever program wrote it: its encoding and format found, its rows one by one.

Nothing is held in memory but what is being looked at. What the columns mean is for `columns`.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mailer.audience.imports.files.delimited import IsHeader, Row, layout_of, rows_of
from mailer.audience.imports.files.workbooks import header_of, is_workbook, rows_below
from mailer.audience.imports.meaning.values import as_text
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError

LONGEST_LINE_BYTES = 1 << 20
LARGEST_JSON_BYTES = 64 << 20  # an array has to be read whole; lines of JSON have not
LONGEST_NUMBER = 1000  # digits; Python itself reads a few thousand
MOST_COLUMNS = 500
BLOCK_BYTES = 1 << 16
SIGNS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32", "cp1252": "Windows-1252"}
MARKS = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class NotARow(list[str]):
    """In place of a row's values: what is there can't be one, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Table:
    """A file of people: the names of its columns, its rows whenever they are asked for, and what was odd about it."""

    place: str  # the file as people call it
    columns: list[str]  # each name once: the second Email is "Email (2)"
    rows: Callable[[], Iterator[Row]]
    warnings: tuple[Diagnostic, ...] = ()
    line: int = 1  # of the header
    layout: str = ""  # the format and encoding in words, such as "CSV with ; between the columns, UTF-8"


def open_table(path: Path, *, is_header: IsHeader, place: str = "", delimiter: str = "") -> Table:
    """The table in a CSV, TSV, JSON, newline-JSON or Excel file. Raises `MailerError` when it is none of these.

    `is_header` knows a line that names the columns, among titles above it. The rows may raise too: for a quote that
    is never closed.
    """
    place = place or path.name
    table = _workbook(path, place, is_header) if is_workbook(path) else _text_table(path, place, is_header, delimiter)
    if len(table.columns) > MOST_COLUMNS:
        message = f"there are {len(table.columns)} columns; {MOST_COLUMNS} is the most"
        raise MailerError(message, place=Place(place))
    return table


def _workbook(path: Path, place: str, is_header: IsHeader) -> Table:
    columns, line, warnings = header_of(path, place=place, is_header=is_header)
    return Table(
        place, numbered(columns), lambda: rows_below(path, line, place=place), warnings, line, "an Excel workbook"
    )


def _text_table(path: Path, place: str, is_header: IsHeader, delimiter: str) -> Table:
    encoding, warnings = _survey(path, place)
    try:
        start = _first_sign(path, encoding)
        if start == "[":
            columns, rows = _json_array(path, encoding, place)
            return Table(place, columns, rows, warnings, layout="JSON")
        if start == "{":
            columns, rows = _json_lines(path, encoding, place)
            return Table(place, columns, rows, warnings, layout="lines of JSON")
        layout = layout_of(path, encoding, place=place, is_header=is_header, delimiter=delimiter)
    except UnicodeDecodeError as error:
        raise _undecodable(encoding, place) from error

    def rows_again() -> Iterator[Row]:
        try:
            yield from rows_of(path, encoding, layout, place=place)
        except UnicodeDecodeError as error:
            raise _undecodable(encoding, place) from error

    named = f"{SIGNS.get(layout.delimiter, layout.delimiter)} between the columns, {ENCODINGS[encoding]}"
    return Table(place, numbered(layout.columns), rows_again, warnings, layout.line, named)


def numbered(columns: Sequence[str]) -> list[str]:
    """The names of columns with each name once: of two called Email, the second is "Email (2)"."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name and name in names:
            number += 1
            name = f"{column} ({number})"
        names.append(name)
    return names


def _undecodable(encoding: str, place: str) -> MailerError:
    message = f"the file says it is {encoding.upper()}, and isn't"
    return MailerError(message, place=Place(place), remedy="Export it as UTF-8.")


def _survey(path: Path, place: str) -> tuple[str, tuple[Diagnostic, ...]]:
    """The encoding of a file, by one pass over its bytes that also finds what no text file has."""
    with path.open("rb") as file:
        head = file.read(4)
        if not head:
            raise MailerError("the file is empty", place=Place(place))
        marked = next((name for mark, name in MARKS if head.startswith(mark)), "")
        file.seek(0)
        utf8 = codecs.getincrementaldecoder("utf-8")()
        is_utf8, line, run = not marked or marked == "utf-8-sig", 1, 0
        one_line = b"[" in head.removeprefix(codecs.BOM_UTF8)[:1]  # a JSON array may be; its size is limited apart
        while block := file.read(BLOCK_BYTES):
            if b"\0" in block and not marked.startswith(("utf-16", "utf-32")):
                raise _nul(place, line + block[: block.index(b"\0")].count(b"\n"), block)
            run = _unbroken(block, run)
            if run > LONGEST_LINE_BYTES and not one_line:
                raise MailerError(
                    f"a line is longer than {LONGEST_LINE_BYTES // 1024:,} kB",
                    place=Place(place, line + block.count(b"\n")),
                    remedy="This is not a table of people, or its line ends were lost. Export it again as CSV.",
                )
            line += block.count(b"\n")
            is_utf8 = is_utf8 and _decodes(utf8, block, final=False)
        is_utf8 = is_utf8 and _decodes(utf8, b"", final=True)
    if marked.startswith(("utf-16", "utf-32")) or is_utf8:
        return marked or "utf-8", ()
    return _western(path, place)


def _unbroken(block: bytes, before: int) -> int:
    """The bytes since the last line end, when `before` bytes without one precede the block."""
    last = max(block.rfind(b"\n"), block.rfind(b"\r"))
    return before + len(block) if last < 0 else len(block) - last - 1


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _nul(place: str, line: int, block: bytes) -> MailerError:
    wide = block.count(b"\0") * 3 > len(block)
    return MailerError(
        "the file holds NUL bytes, which no text has",
        place=Place(place, line),
        remedy="It looks like UTF-16 without its mark. Save it as CSV in UTF-8."
        if wide
        else "It is damaged, or is not a table at all (a spreadsheet?). Export it as CSV in UTF-8.",
    )


def _western(path: Path, place: str) -> tuple[str, tuple[Diagnostic, ...]]:
    """Windows-1252 for a file that isn't UTF-8, with a warning: it fits many encodings, so names may be wrong."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("cp1252")
            except UnicodeDecodeError:
                raise MailerError(
                    "the file is neither UTF-8 nor Windows-1252",
                    place=Place(place, number),
                    remedy="Export it again as CSV in UTF-8.",
                ) from None
    remedy = "Look at some names with accents; if they are wrong, export the file again in UTF-8."
    return "cp1252", (
        Diagnostic(
            "the file is not UTF-8; it was read as Windows-1252", place=Place(place), remedy=remedy, level=Level.WARNING
        ),
    )


def _first_sign(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, newline="") as file:
        while block := file.read(BLOCK_BYTES):
            if shown := block.lstrip("\ufeff \t\r\n"):
                return shown[0]
    return ""


Rows = Callable[[], Iterator[Row]]


def _json_array(path: Path, encoding: str, place: str) -> tuple[list[str], Rows]:
    if path.stat().st_size > LARGEST_JSON_BYTES:
        raise MailerError(
            f"a JSON array of more than {LARGEST_JSON_BYTES >> 20} MB is not read",
            place=Place(place),
            remedy="Write one object to a line (newline-delimited JSON), or CSV.",
        )
    try:
        records = cast(list[Any], json.loads(path.read_text(encoding=encoding).lstrip("\ufeff"), parse_int=_integer))
    except json.JSONDecodeError as error:
        raise MailerError(f"this is not valid JSON: {error.msg}", place=Place(place, error.lineno)) from None
    except RecursionError:
        raise MailerError("this JSON is nested too deeply", place=Place(place)) from None
    names = _members(records)
    return names, lambda: ((number, _values(record, names)) for number, record in enumerate(records, start=1))


def _json_lines(path: Path, encoding: str, place: str) -> tuple[list[str], Rows]:
    def records() -> Iterator[tuple[int, object]]:
        with path.open(encoding=encoding) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _loads(line)

    names = _members(record for _, record in records())
    if not names:
        raise MailerError("no line of this file is a JSON object", place=Place(place))
    return names, lambda: ((number, _values(record, names)) for number, record in records())


def _members(records: Iterable[object]) -> list[str]:
    names: dict[str, None] = {}
    for record in records:
        if isinstance(record, dict):
            names.update(dict.fromkeys(map(str, cast(dict[Any, Any], record))))
    return list(names)


class _Long:
    """A number with more digits than a person's field can mean."""

    def __init__(self, digits: int) -> None:
        self.digits = digits


def _integer(text: str) -> int | _Long:
    return int(text) if len(text) <= LONGEST_NUMBER else _Long(len(text))


def _loads(line: str) -> object:
    try:
        return json.loads(line, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _values(record: object, names: list[str]) -> list[str]:
    """The record's values as texts."""
    if not isinstance(record, dict):
        return NotARow("this is not a JSON object")
    known = cast(dict[str, object], record)
    long = next((value.digits for value in known.values() if isinstance(value, _Long)), 0)
    if long:
        return NotARow(f"a number is too long: {long:,} digits")
    try:
        return [as_text(known.get(name)) for name in names]
    except TypeError:  # a long number within a list
        return NotARow("a number is too long")
