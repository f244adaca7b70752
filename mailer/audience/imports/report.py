"""What became of each row of an import, counted, and the rows that were turned away, in a file of their own."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from mailer.audience.people.csv_export import guarded
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError
from mailer.private_files import open_private

SHOWN = 20  # rejected rows that are kept for the report
MOST_REASONS = 1000  # different ones that are counted apart
ABOUT = ("file", "line", "reason")  # the first columns; `columns` leaves them out again


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be imported."""

    line: int
    reason: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What one file was taken for, and what its rows say, before anything is written."""

    name: str
    rows: int
    kind: str  # the program whose export it is; "" when it is none that is known
    kind_name: str  # for --from
    statuses: Mapping[str, int]  # RowStatus, or "rejected" → rows
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    # column that says who may be mailed → value → its meaning, and how often it is there


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Each row read is counted once, in two ways.

    read = added + updated + unchanged + duplicate + no_consent + rejected + suppressed, and
    read = subscribed + pending + no_consent + rejected + the suppressed by their reasons.
    """

    read: int
    added: int  # newly on this list
    updated: int  # on the list before, now with something new
    unchanged: int
    duplicate: int  # the same address is further up in the files
    rejected: int
    suppressed: int  # left, bounced, complained or suppressed by staff, before or by this row; not mailed
    no_consent: int = 0  # known to another program, never agreed: not put on the list
    subscribed: int = 0
    pending: int = 0
    suppressed_by: Mapping[str, int] = field(default_factory=dict[str, int])  # reason → rows
    reasons: Mapping[str, int] = field(default_factory=dict[str, int])  # of the rejected, the most frequent first
    rejects: tuple[Rejected, ...] = ()  # the first of them
    files: Sequence[ReadFile] = ()
    warnings: tuple[Diagnostic, ...] = ()
    attributes: tuple[str, ...] = ()  # the fields that unknown columns became
    dry_run: bool = False
    id: int = 0  # of the import, by which it can be taken back; 0 of a dry run

    @property
    def adds_up(self) -> bool:
        """Whether both sums are the rows read."""
        become = (self.added, self.updated, self.unchanged, self.duplicate)
        apart = self.no_consent + self.rejected
        reasons = sum(self.suppressed_by.values())
        return (
            self.read == sum(become) + apart + self.suppressed
            and self.read == self.subscribed + self.pending + apart + reasons
        )


class Rejects:
    """Collects rejected rows: all to a CSV file if one is wanted, the first few and the reasons for the report.

    The file appears under its name only when the import is done. Spreadsheets run nothing in it.
    """

    def __init__(self, path: Path | None, headers: Mapping[str, Sequence[str]]) -> None:
        """`headers` has the columns of each file, by its name."""
        self.reasons: Counter[str] = Counter()
        self.first: list[Rejected] = []
        self.count = 0
        self._path = path
        self._file: TextIO | None = None
        self._several = len(headers) > 1
        # Of several files, each column once; a row's values go under its own file's names.
        columns = list(dict.fromkeys(column for header in headers.values() for column in header))
        single = next(iter(headers.values()), ())
        self._columns = columns if self._several else list(single)
        self._places = {name: [columns.index(column) for column in header] for name, header in headers.items()}
        if path is not None:
            self._partial = path.with_name(path.name + ".partial")
            try:
                self._file = open_private(self._partial, "w", encoding="utf-8", newline="")
            except OSError as error:
                raise MailerError(
                    f"{path} can't be written: {error.strerror}", remedy="Name a file in an existing folder."
                ) from None
            self._writer = csv.writer(self._file)
            self._writer.writerow(map(guarded, [*ABOUT[0 if self._several else 1 :], *self._columns]))

    def add(self, file: str, line: int, reason: str, values: list[str]) -> None:
        """Record a row that can't be imported."""
        self.count += 1
        # A word that isn't known is said, since something has to be done about it; other values are counted together.
        kind = reason if reason.startswith("unknown status") else reason.partition(":")[0]
        self.reasons[kind if kind in self.reasons or len(self.reasons) < MOST_REASONS else "other"] += 1
        if len(self.first) < SHOWN:
            self.first.append(Rejected(line, reason, file))
        if self._file is not None:
            cells = values
            if self._several:
                cells = [""] * len(self._columns)
                for place, value in zip(self._places[file], values, strict=False):
                    cells[place] = value
                cells += values[len(self._places[file]) :]
            # JSON may carry half a surrogate pair, which no file can.
            safe = [guarded(value.encode("utf-8", "replace").decode()) for value in cells]
            self._writer.writerow([*([guarded(file)] if self._several else []), line, guarded(reason), *safe])

    def finish(self) -> None:
        """Give the file its name. Without this, `close` leaves nothing behind."""
        if self._file is not None and self._path is not None:
            self._file.flush()
            self._partial.replace(self._path)

    def close(self) -> None:
        """Leave nothing half-written behind."""
        if self._file is not None:
            self._file.close()
            with suppress(FileNotFoundError):
                self._partial.unlink()
