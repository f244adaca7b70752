"""The files of the workspace's data/ folder that `lookup` may name: what each one's columns are, and its rows.

A file whose first column holds addresses names people: it belongs into data/private/, which git leaves alone.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mailer.audience.imports.files.reader import NotARow, Table, open_table
from mailer.audience.imports.headers import ALIASES, EMAIL, key
from mailer.compose.data.sources import DATA
from mailer.compose.data.tables import JoinedBy, LookupTable, faults_of_columns
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError
from mailer.private_files import OTHERS
from mailer.workspace import Workspace

PRIVATE = "private"
ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".json", ".ndjson")
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,79}")
POSTCODES = frozenset(
    ("postcode", "post_code", "postal_code", "postalcode", "zip", "zip_code", "zipcode", "plz", "postleitzahl",
     "code_postal", "codigo_postal", "cap", "postnummer", "postinumero", "kod_pocztowy", "cep", "pincode", "eircode")
)  # fmt: skip
ADDRESSES = frozenset(ALIASES[EMAIL]) - {"address", "adresse", "mail", "contact_email"} | {"mail"}


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that `lookup` may name."""

    name: str
    path: Path
    place: str  # as faults name it, such as data/constituencies.csv

    @property
    def is_private(self) -> bool:
        return self.path.parent.name == PRIVATE


class TableFiles(Mapping[str, LookupTable]):
    """The tables of a workspace by name. A file is read when its table is asked for. Raises `MailerError` then, with
    what is wrong with it."""

    def __init__(self, workspace: Workspace) -> None:
        self.files = {one.name: one for one in reversed(list(table_files(workspace)))}

    def __getitem__(self, name: str) -> LookupTable:
        return table_of(self.files[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


def table_files(workspace: Workspace) -> Iterator[TableFile]:
    """The files in data/ and data/private/ that may be tables, by name."""
    folder = workspace.root / DATA
    root = folder.resolve()  # a link would let a mail show any file of this machine
    for place in (folder, folder / PRIVATE):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.suffix.lower() in ENDINGS and NAME.fullmatch(path.stem) and _is_in(path, root):
                yield TableFile(path.stem, path, path.relative_to(workspace.root).as_posix())


def _is_in(path: Path, root: Path) -> bool:
    return path.is_file() and path.resolve().is_relative_to(root)


def table_of(file: TableFile) -> LookupTable:
    """The table in a file. Raises `MailerError` for one that can't be used."""
    try:
        status = file.path.stat()
        return _table_of(file, status.st_size, status.st_mtime_ns, status.st_ino)
    except OSError as error:
        remedy = "See that the file is there and that you may read it."
        raise MailerError(f"the file can’t be read: {error.strerror}", place=Place(file.place), remedy=remedy) from None


@lru_cache(maxsize=64)
def _table_of(file: TableFile, *_: int) -> LookupTable:
    """Kept while the file is as it was: each look at a text would read a table of millions of rows again."""
    with file.path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    columns = tuple(column.strip() for column in opened_table(file).columns)
    if wrong := faults_of_columns(columns):
        remedy = "Give each column a name of its own in the first line; the first is what the table is joined by."
        raise MailerError(wrong, place=Place(file.place), remedy=remedy)
    table = LookupTable(file.name, digest, _joined_by(columns[0]), columns)
    if table.kind is JoinedBy.ADDRESS and not file.is_private:
        remedy = f"Move it into {DATA}/{PRIVATE}/, which git leaves alone: addresses mustn’t get into version control."
        raise MailerError("this table names people by their addresses", place=Place(file.place), remedy=remedy)
    return table


def opened_table(file: TableFile) -> Table:
    """The file as the reader of imports opens it, which knows encodings and delimiters. Raises `MailerError`."""
    return open_table(file.path, is_header=filled, place=file.place)


def filled(cells: Sequence[str]) -> bool:
    """Whether a line may be what names the columns: more than one cell, each filled."""
    return len(cells) > 1 and all(cell.strip() for cell in cells)


def rows_of_table(file: TableFile, table: LookupTable) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row, as many as there are columns. Raises `MailerError` with the place."""
    width = len(table.columns)
    for line, row in opened_table(file).rows():
        if isinstance(row, NotARow) or len(row) > width:
            why = row.reason if isinstance(row, NotARow) else f"it has {len(row)} cells, and the table {width} columns"
            raise MailerError(f"a row can’t be read: {why}", place=Place(file.place, line), remedy="Correct the line.")
        yield line, [cell.strip() for cell in row] + [""] * (width - len(row))


def readable_by_others(file: TableFile) -> Diagnostic | None:
    """That a table that names people can be read by everybody on the machine."""
    if not file.is_private or os.name != "posix" or not stat.S_IMODE(file.path.stat().st_mode) & OTHERS:
        return None
    remedy = f"chmod 600 {file.place}"
    return Diagnostic("others on this machine can read it, and it names people", Place(file.place), remedy,
                      Level.WARNING)  # fmt: skip


def _joined_by(column: str) -> JoinedBy:
    name = key(column)
    if name in POSTCODES:
        return JoinedBy.POSTCODE
    if name in ADDRESSES:
        return JoinedBy.ADDRESS
    return JoinedBy.COUNTRY if name in ALIASES["country"] else JoinedBy.TEXT
