"""The files of an import, one by one: those named, and the tables within a zip, such as Mailchimp's of three files."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from zipfile import BadZipFile, ZipFile, ZipInfo

from mailer.audience.imports.files.workbooks import is_workbook
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError
from mailer.private_files import open_private

TABLES = (".csv", ".tsv", ".tab", ".txt", ".json", ".jsonl", ".ndjson", ".xlsx")
MOST_FILES = 100
LARGEST_BYTES = 4 << 30  # unpacked, all of a zip together


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file with a table in it, and what people call it."""

    path: Path
    name: str
    warnings: tuple[Diagnostic, ...] = ()


@contextmanager
def source_files(paths: Sequence[Path]) -> Generator[list[SourceFile], None, None]:
    """The tables among the files named, those of a zip unpacked meanwhile. Raises `MailerError` for a bad zip."""
    with TemporaryDirectory(prefix="mailer-import-") as folder:
        files: list[SourceFile] = []
        for number, path in enumerate(paths):
            if _is_zip(path):
                files += _unpacked(path, Path(folder, str(number)))
            else:
                files.append(SourceFile(path, path.name))
        yield files


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4)
    return head == b"PK\x03\x04" and not is_workbook(path)


def _unpacked(path: Path, folder: Path) -> list[SourceFile]:
    folder.mkdir()
    at = Place(path.name)
    try:
        with ZipFile(path) as archive:
            entries = [one for one in archive.infolist() if not one.is_dir() and not _is_hidden(one)]
            tables = [one for one in entries if PurePosixPath(one.filename).suffix.lower() in TABLES]
            others = [one.filename for one in entries if one not in tables]
            if not tables:
                raise MailerError(
                    "there is no table of people in this zip", place=at, remedy=f"Looked for {', '.join(TABLES)}."
                )
            if len(tables) > MOST_FILES or sum(one.file_size for one in tables) > LARGEST_BYTES:
                raise MailerError("this zip holds too much", place=at, remedy="Unpack it and import its files.")
            files = [_unpack(archive, one, folder / f"{number}", path.name) for number, one in enumerate(tables)]
    except (BadZipFile, RuntimeError, NotImplementedError, OSError) as error:  # RuntimeError: a password
        raise MailerError(
            f"the zip can't be read: {error}", place=at, remedy="Unpack it and import its files."
        ) from None
    if others:
        left = Diagnostic(f"left out of the zip: {', '.join(others[:5])}", place=at, level=Level.WARNING)
        files[0] = SourceFile(files[0].path, files[0].name, (left,))
    return files


def _is_hidden(entry: ZipInfo) -> bool:
    parts = PurePosixPath(entry.filename).parts
    return parts[-1].startswith(".") or "__MACOSX" in parts


def _unpack(archive: ZipFile, entry: ZipInfo, folder: Path, name: str) -> SourceFile:
    folder.mkdir()
    inner = PurePosixPath(entry.filename)
    target = folder / f"table{inner.suffix.lower()}"  # never a path of the zip's own choice
    with archive.open(entry) as packed, open_private(target, "wb") as file:
        shutil.copyfileobj(packed, file)
    return SourceFile(target, f"{name}/{inner.name}")
