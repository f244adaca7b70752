"""Rows of a text file with delimiters: which one it is, which line names the columns, and the rows below that.

Spreadsheets put titles above the header, `sep=;` before it, and guards before formulas; all of that is taken off.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mailer.diagnostics import Place
from mailer.errors import MailerError

DELIMITERS = ",;\t|"
NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}  # for --delimiter, beside the signs
NONE = "\x1f"  # no delimiter: a control character that no cell may hold
SAMPLE_CHARACTERS = 64 * 1024
SAMPLE_ROWS = 200
MOST_TITLES = 20  # lines above the header
SEP = re.compile(r'\ufeff?"?sep=(.)"?', re.IGNORECASE)  # Excel's own first line
# What a spreadsheet would run as a formula; `exporting` puts a ' before it, as OWASP advises ("CSV Injection").
GUARDED = re.compile("''*[=+\\-@\t\r\n|%＝＋－＠]")

Row = tuple[int, list[str]]  # the line (or, in a JSON array, the record) from 1, and its values
IsHeader = Callable[[Sequence[str]], bool]


def unguarded(cell: str) -> str:
    """The cell without the ' that keeps spreadsheets from running it; exactly one."""
    return cell[1:] if GUARDED.match(cell) else cell


def bare(row: list[str]) -> list[str]:
    """The row without guards."""
    return [unguarded(cell) if cell[:1] == "'" else cell for cell in row]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a delimited file is laid out."""

    delimiter: str
    skipped: int  # lines before the first record: Excel's `sep=;`
    header: int  # records before the one that names the columns
    columns: list[str]
    line: int  # of the header
    nested: bool = False  # each line is one quoted value that holds the row


def layout_of(path: Path, encoding: str, *, place: str, is_header: IsHeader, delimiter: str = "") -> Dialect:
    """How the file is laid out, by its first lines. Raises `MailerError` when it has no rows or two delimiters fit."""
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(SAMPLE_CHARACTERS)
    lines = sample.splitlines(keepends=True)
    told = SEP.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    skipped = 1 if told else 0
    text = "".join(lines[skipped:])
    signs = delimiter or (told[1] if told else "\t" if path.suffix.lower() in (".tsv", ".tab") else DELIMITERS)
    fits = [_Fit(sign, _records(text, sign), is_header) for sign in signs]
    if not any(any(fit.columns) for fit in fits):
        raise MailerError("the file has no rows", place=Place(place))
    fits = [fit for fit in fits if fit.is_known] or fits
    best = max(fits, key=lambda fit: fit.rank)
    equal = [fit.delimiter for fit in fits if fit.rank == best.rank and len(fit.columns) > 1]
    if len(equal) > 1:
        shown = " and ".join(repr(sign) for sign in equal)
        raise MailerError(
            f"{shown} fit equally well as the sign between the columns", place=Place(place, best.line + skipped),
            remedy=f"Say which one it is: --delimiter '{equal[0]}'",
        )  # fmt: skip
    inner = _nested(best, is_header) if len(best.columns) == 1 else None
    columns, sign = (inner[1], inner[0]) if inner else (best.columns, best.delimiter)
    return Dialect(sign, skipped, best.header, columns, best.line + skipped, nested=bool(inner))


def rows_of(path: Path, encoding: str, layout: Dialect, *, place: str) -> Iterator[Row]:
    """The rows below the header, each with the line it begins on. Rows without any value are left out."""
    with path.open(encoding=encoding, newline="") as file:
        for _ in range(layout.skipped):
            file.readline()
        reader = csv.reader(file, delimiter=NONE if layout.nested else layout.delimiter, strict=True)
        line = before = layout.skipped + 1  # where the record begins: a quoted value may hold line ends
        try:
            for number, values in enumerate(reader):
                joined = "".join(values)
                if number > layout.header and joined and not joined.isspace():
                    row = next(csv.reader(values, delimiter=layout.delimiter)) if layout.nested else values
                    yield line, bare(row) if "'" in joined else row
                line = reader.line_num + before
        except csv.Error as error:
            unclosed = "unexpected end" in str(error) or "field larger" in str(error)
            raise MailerError(
                "a quote is opened and never closed" if unclosed else "the quotes of this row don't fit together",
                place=Place(place, line),
                remedy="Quotes within a value are doubled. Correct the line, or export the file again as CSV.",
            ) from error


class _Fit:
    """The first records as one delimiter cuts them, and which of them names the columns."""

    def __init__(self, delimiter: str, records: list[Row], is_header: IsHeader) -> None:
        self.delimiter, self.records = delimiter, records
        filled = [sum(1 for cell in row if cell.strip()) for _, row in records]
        found = (
            number
            for number, (_, row) in enumerate(records[:MOST_TITLES])
            if is_header(row) and not any("@" in cell for cell in row) and max([0, *filled[:number]]) < filled[number]
        )
        known = next(found, None)
        self.is_known = known is not None
        first = next((number for number, count in enumerate(filled) if count), 0)
        self.header = first if known is None else known
        self.line, self.columns = records[self.header] if records else (1, [])
        widths = [len(row) for (_, row), count in zip(records, filled, strict=True) if count][1:]
        alike = sum(1 for width in widths if width == len(self.columns))
        self.rank = (len(self.columns), alike / len(widths) if widths else 0)


def _records(text: str, delimiter: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    records: list[Row] = []
    line = 1
    try:
        for values in islice(reader, SAMPLE_ROWS):
            records.append((line, [cell.strip("\ufeff \t") for cell in values]))
            line = reader.line_num + 1
    except csv.Error:
        pass  # said with its place when the rows are read
    return records


def _nested(fit: _Fit, is_header: IsHeader) -> tuple[str, list[str]] | None:
    """The delimiter and header within lines that were quoted as a whole."""
    for sign in DELIMITERS:
        columns = [cell.strip() for row in csv.reader(fit.columns, delimiter=sign) for cell in row]
        if len(columns) > 1 and is_header(columns) and not any("@" in cell for cell in columns):
            return sign, columns
    return None
