"""Opens a file of people, whatever program wrote it: its encoding, format and delimiter found, its rows one by one.

Nothing is held in memory but what is being looked at. What the columns mean is for `columns`.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast

from mailer.audience.sqlite_tools import rows_of_json
from mailer.errors import Fault, MailerError, Place

LONGEST_LINE_BYTES = 1 << 20
LARGEST_JSON_BYTES = 64 << 20  # an array has to be read whole; lines of JSON have not
MOST_COLUMNS = 500
BLOCK_BYTES = 1 << 16
DELIMITERS = ",;\t|"
MARKS = (  # the longer first: UTF-32's begins like UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Row = tuple[int, list[str]]  # the line (or, in a JSON array, the record) from 1, and its values


@dataclass(frozen=True, slots=True)
class Table:
    """A file being read: the names of its columns, its rows, and what was odd about it."""

    place: str  # the file as people call it
    columns: list[str]
    rows: Iterator[Row]
    position: Callable[[], int]  # bytes read so far
    size: int  # of the file, in bytes
    warnings: tuple[Fault, ...]


@contextmanager
def open_table(path: Path) -> Generator[Table, None, None]:
    """The table in a CSV, TSV, JSON or newline-JSON file. Raises `MailerError` when it can't be read as any of them.

    The rows may raise too: for a quote that is never closed.
    """
    encoding, warnings = _survey(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            start = _first_sign(file)
            file.seek(0)
            if start == "[":
                columns, rows = _json_array(path, encoding)
            elif start == "{":
                columns, rows = _json_lines(file, path)
            else:
                columns, rows = _delimited(file, path)
            if len(columns) > MOST_COLUMNS:
                message = f"there are {len(columns)} columns; {MOST_COLUMNS} is the most"
                raise MailerError(message, place=Place(path.name))
            yield Table(path.name, columns, rows, cast(BinaryIO, file.buffer).tell, path.stat().st_size, warnings)
    except UnicodeDecodeError as error:
        raise MailerError(
            f"the file says it is {encoding.upper()}, and isn't", place=Place(path.name), hint="Export it as UTF-8."
        ) from error


def _survey(path: Path) -> tuple[str, tuple[Fault, ...]]:
    """The encoding of a file, by one pass over its bytes that also finds what no text file has."""
    with path.open("rb") as file:
        head = file.read(4)
        if not head:
            raise MailerError("the file is empty", place=Place(path.name))
        marked = next((name for mark, name in MARKS if head.startswith(mark)), "")
        file.seek(0)
        utf8 = codecs.getincrementaldecoder("utf-8")()
        is_utf8, line, run = not marked or marked == "utf-8-sig", 1, 0
        one_line = b"[" in head.removeprefix(codecs.BOM_UTF8)[:1]  # a JSON array may be; its size is limited apart
        while block := file.read(BLOCK_BYTES):
            if b"\0" in block and not marked.startswith(("utf-16", "utf-32")):
                raise _nul(path, line + block[: block.index(b"\0")].count(b"\n"), block)
            run = _unbroken(block, run)
            if run > LONGEST_LINE_BYTES and not one_line:
                raise MailerError(
                    f"a line is longer than {LONGEST_LINE_BYTES // 1024:,} kB",
                    place=Place(path.name, line + block.count(b"\n")),
                    hint="This is not a table of people, or its line ends were lost. Export it again as CSV.",
                )
            line += block.count(b"\n")
            is_utf8 = is_utf8 and _decodes(utf8, block, final=False)
        is_utf8 = is_utf8 and _decodes(utf8, b"", final=True)
    if marked.startswith(("utf-16", "utf-32")) or is_utf8:
        return marked or "utf-8", ()
    return _western(path)


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


def _nul(path: Path, line: int, block: bytes) -> MailerError:
    wide = block.count(b"\0") * 3 > len(block)
    return MailerError(
        "the file holds NUL bytes, which no text has",
        place=Place(path.name, line),
        hint="It looks like UTF-16 without its mark. Save it as CSV in UTF-8."
        if wide
        else "It is damaged, or is not a table at all (a spreadsheet?). Export it as CSV in UTF-8.",
    )


def _western(path: Path) -> tuple[str, tuple[Fault, ...]]:
    """Windows-1252 for a file that isn't UTF-8, with a warning: it fits many encodings, so names may be wrong."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("cp1252")
            except UnicodeDecodeError:
                raise MailerError(
                    "the file is neither UTF-8 nor Windows-1252",
                    place=Place(path.name, number),
                    hint="Export it again as CSV in UTF-8.",
                ) from None
    hint = "Look at some names with accents; if they are wrong, export the file again in UTF-8."
    return "cp1252", (
        Fault("the file is not UTF-8; it was read as Windows-1252", place=Place(path.name), hint=hint, warning=True),
    )


def _first_sign(file: TextIOWrapper) -> str:
    while block := file.read(BLOCK_BYTES):
        if bare := block.lstrip("\ufeff \t\r\n"):
            return bare[0]
    return ""


def _delimited(file: TextIOWrapper, path: Path) -> tuple[list[str], Iterator[Row]]:
    first = file.readline(LONGEST_LINE_BYTES)
    file.seek(0)
    delimiter = "\t" if path.suffix.lower() in (".tsv", ".tab") else _delimiter(first)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    rows = _csv_rows(reader, path)
    header = next((row for row in rows if any(cell.strip() for cell in row[1])), None)
    if header is None:
        raise MailerError("the file has no rows", place=Place(path.name))
    return [cell.strip("\ufeff \t") for cell in header[1]], rows


def _delimiter(header: str) -> str:
    """The delimiter that the header has most of, outside quotes."""
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def _csv_rows(reader: Any, path: Path) -> Iterator[Row]:
    line = 1  # where the record begins: a quoted value may hold line ends
    try:
        for values in reader:
            yield line, values
            line = reader.line_num + 1
    except csv.Error as error:
        unclosed = "unexpected end" in str(error) or "field larger" in str(error)
        raise MailerError(
            "a quote is opened and never closed" if unclosed else "the quotes of this row don't fit together",
            place=Place(path.name, line),
            hint="Quotes within a value are doubled. Mend the line, or export the file again as CSV.",
        ) from error


def _json_array(path: Path, encoding: str) -> tuple[list[str], Iterator[Row]]:
    if path.stat().st_size > LARGEST_JSON_BYTES:
        raise MailerError(
            f"a JSON array of more than {LARGEST_JSON_BYTES >> 20} MB is not read",
            place=Place(path.name),
            hint="Write one object to a line (newline-delimited JSON), or CSV.",
        )
    records = rows_of_json(path, encoding)
    columns: dict[str, None] = {}
    for record in records:
        if isinstance(record, dict):
            columns.update(dict.fromkeys(map(str, cast(dict[Any, Any], record))))
    names = list(columns)
    return names, ((number, _values(record, names)) for number, record in enumerate(records, start=1))


def _json_lines(file: TextIOWrapper, path: Path) -> tuple[list[str], Iterator[Row]]:
    columns: dict[str, None] = {}
    for line in file:
        record = _loads(line)
        if isinstance(record, dict):
            columns.update(dict.fromkeys(map(str, cast(dict[Any, Any], record))))
    if not columns:
        raise MailerError("no line of this file is a JSON object", place=Place(path.name))
    file.seek(0)
    names = list(columns)
    lines = ((number, line) for number, line in enumerate(file, start=1) if line.strip())
    return names, ((number, _values(_loads(line), names)) for number, line in lines)


def _loads(line: str) -> object:
    try:
        return json.loads(line) if line.strip() else None
    except (ValueError, RecursionError):
        return None


def _values(record: object, names: list[str]) -> list[str]:
    """The record's values as texts; none at all when it isn't an object, so that the row is turned away."""
    if not isinstance(record, dict):
        return []
    known = cast(dict[str, object], record)
    return [_text(known.get(name)) for name in names]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
