"""Rows of an Excel workbook (.xlsx), by openpyxl; and what to do with files of other spreadsheets."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from mailer.audience.imports.files.delimited import MOST_TITLES, IsHeader, Row, bare
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError

LARGEST_BYTES = 1 << 30  # of a workbook's XML: what a small file can be blown up to
SAVE_AS = "Open it in the spreadsheet and save it as CSV in UTF-8."


def is_workbook(path: Path) -> bool:
    """Whether this is an Excel workbook, whatever it is called. Raises for the old format, which can't be read."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"\xd0\xcf\x11\xe0"):  # OLE2: .xls, or a workbook with a password
        raise MailerError(
            "this is a spreadsheet of an old kind, or one with a password", place=Place(path.name), remedy=SAVE_AS
        )
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" in names:
                if sum(entry.file_size for entry in archive.infolist()) > LARGEST_BYTES:
                    raise MailerError("the workbook is too large", place=Place(path.name), remedy=SAVE_AS)
                return True
    except BadZipFile:
        raise MailerError("the file is damaged", place=Place(path.name), remedy="Export it again.") from None
    if "content.xml" in names or "xl/workbook.bin" in names or "Index/Document.iwa" in names:
        raise MailerError("this kind of spreadsheet can't be read", place=Place(path.name), remedy=SAVE_AS)
    return False


def header_of(path: Path, *, place: str, is_header: IsHeader) -> tuple[list[str], int, tuple[Diagnostic, ...]]:
    """The names of the columns, the row that holds them, and whether other sheets were left out."""
    first: tuple[int, list[str]] | None = None
    for number, row in _sheet_rows(path, place=place):
        if any(row):
            first = first or (number, row)
            if is_header(row) and not any("@" in cell for cell in row):
                first = (number, row)
                break
        if number > MOST_TITLES:
            break
    if first is None:
        raise MailerError(
            "the first sheet has no rows", place=Place(place), remedy="Move the people to the first sheet."
        )
    with _opened(path, place) as book:
        others = book.sheetnames[1:]
    shown = ", ".join(repr(name) for name in others[:3])
    warning = Diagnostic(
        f"only the first sheet was read, not {shown}", place=Place(place), level=Level.WARNING,
        remedy="Save the others as files of their own if there are people in them.",
    )  # fmt: skip
    return first[1], first[0], (warning,) if others else ()


def rows_below(path: Path, line: int, *, place: str) -> Iterator[Row]:
    """The rows below the header on that line; those without any value are left out."""
    return ((number, bare(row)) for number, row in _sheet_rows(path, place=place) if number > line and any(row))


def _sheet_rows(path: Path, *, place: str) -> Iterator[Row]:
    with _opened(path, place) as book:
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # some programs write none, or too small ones
        for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield number, _texts(row)


def _texts(row: Sequence[Any]) -> list[str]:
    cells = [_text(value) for value in row]
    while cells and not cells[-1]:  # rows end where the widest of the sheet does
        cells.pop()
    return cells


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != value.time().min else value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value).strip()


@contextmanager
def _opened(path: Path, place: str) -> Generator[Any, None, None]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise MailerError(
            "reading Excel workbooks needs openpyxl, which is not installed", place=Place(place),
            remedy=f"Install it: pip install 'advocacy-mailer[xlsx]'. Or: {SAVE_AS}",
        ) from None  # fmt: skip
    from xml.etree.ElementTree import ParseError

    from openpyxl.utils.exceptions import InvalidFileException

    with warnings.catch_warnings():  # about styles and other things that aren't read here
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(path, read_only=True, data_only=True)
            try:
                yield book
            finally:
                book.close()
        except (InvalidFileException, BadZipFile, ParseError, KeyError, ValueError, IndexError, OSError) as error:
            raise MailerError(f"the workbook can't be read: {error}", place=Place(place), remedy=SAVE_AS) from error
