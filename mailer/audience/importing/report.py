"""What became of each row of an import, counted, and the rows that were turned away, in a file of their own."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from mailer.errors import Fault, MailerError
from mailer.private_files import open_private

SHOWN = 20  # rejected rows that are kept for the report


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be taken."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Each row read is counted once: read = added + updated + unchanged + duplicate + rejected + suppressed."""

    read: int
    added: int  # newly on this list
    updated: int  # on the list before, now with something new
    unchanged: int
    duplicate: int  # the same address stood further up in the file
    rejected: int
    suppressed: int  # left, bounced, complained or suppressed by staff, before or by this row; not mailed
    reasons: Mapping[str, int] = field(default_factory=dict[str, int])  # of the rejected, the most frequent first
    rejects: tuple[Rejected, ...] = ()  # the first of them
    warnings: tuple[Fault, ...] = ()
    attributes: tuple[str, ...] = ()  # the fields that unknown columns became
    dry_run: bool = False

    @property
    def adds_up(self) -> bool:
        parts = (self.added, self.updated, self.unchanged, self.duplicate, self.rejected, self.suppressed)
        return self.read == sum(parts)


class Rejects:
    """Collects rejected rows: all to a CSV file if one is wanted, the first few and the reasons for the report.

    The file appears under its name only when the import is done.
    """

    def __init__(self, path: Path | None, columns: list[str]) -> None:
        self.reasons: Counter[str] = Counter()
        self.first: list[Rejected] = []
        self._path = path
        self._file: TextIO | None = None
        if path is not None:
            self._partial = path.with_name(path.name + ".partial")
            try:
                self._file = open_private(self._partial, "w", encoding="utf-8", newline="")
            except OSError as error:
                raise MailerError(
                    f"{path} can't be written: {error.strerror}", hint="Name a file in a folder that is there."
                ) from None
            self._writer = csv.writer(self._file)
            self._writer.writerow(["line", "reason", *columns])

    def add(self, line: int, reason: str, values: list[str]) -> None:
        self.reasons[reason.partition(":")[0]] += 1
        if len(self.first) < SHOWN:
            self.first.append(Rejected(line, reason))
        if self._file is not None:
            # JSON may carry half a surrogate pair, which no file can.
            safe = [value.encode("utf-8", "replace").decode() for value in values]
            self._writer.writerow([line, reason, *safe])

    @property
    def count(self) -> int:
        return self.reasons.total()

    def finish(self) -> None:
        """Give the file its name. Without this, `close` leaves nothing behind."""
        if self._file is not None and self._path is not None:
            self._file.flush()
            self._partial.replace(self._path)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            with suppress(FileNotFoundError):
                self._partial.unlink()
