"""A look over a whole file before it is imported: which values a column holds, and whether they are addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import Any

from mailer.audience.imports.files.delimited import Row
from mailer.audience.imports.files.reader import Table
from mailer.audience.imports.meaning.statuses import TELLING_STEMS, is_telling

TOGETHER = 1_000  # rows
MOST_VALUES = 200  # different ones of a column that are kept apart
LONGEST_VALUE = 60  # characters of one that are kept


@dataclass(slots=True)
class ColumnValues:
    """What was seen in one column."""

    values: Counter[str] = field(default_factory=Counter[str])  # none of them empty
    more: bool = False  # there are more values than these
    empty: int = 0
    filled: int = 0
    addresses: int = 0  # of the filled
    is_telling: bool = False  # a value can only be about consent

    @property
    def holds_addresses(self) -> bool:
        """Whether nearly all of the values are addresses."""
        return self.addresses > 0 and self.addresses >= 0.8 * self.filled

    def most_common(self, number: int) -> list[tuple[str, int]]:
        return self.values.most_common(number)

    def look_at(self, cells: Sequence[str]) -> None:
        filled = [cell for cell in map(str.strip, cells) if cell]
        self.empty += len(cells) - len(filled)
        self.filled += len(filled)
        joined = "\n".join(filled)
        if "@" in joined:
            self.addresses += sum(1 for cell in filled if "@" in cell and " " not in cell)
        if not self.more:
            self.values.update(cell[:LONGEST_VALUE] for cell in filled)
            self.more = len(self.values) > MOST_VALUES
        if not self.is_telling:
            folded = joined.casefold()
            if any(stem in folded for stem in TELLING_STEMS):
                telling = [cell for cell in filled if is_telling(cell)]
                self.is_telling = bool(telling)
                self.values.update(cell[:LONGEST_VALUE] for cell in telling[: 1 if self.more else 0])


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen in a file: one `ColumnValues` for each column, and how many rows there are."""

    columns: Sequence[ColumnValues]
    rows: int


def kept(survey: Survey) -> Mapping[str, Any]:
    """A survey as JSON can hold it: `restored` makes one of it."""
    names = [one.name for one in fields(ColumnValues)]
    return {"rows": survey.rows, "columns": [{name: getattr(one, name) for name in names} for one in survey.columns]}


def restored(told: Mapping[str, Any]) -> Survey:
    """What `kept` was made of."""
    columns = [ColumnValues(**one) for one in told["columns"]]
    for one in columns:
        one.values = Counter(one.values)
    return Survey(columns, told["rows"])


def survey(table: Table, heard: Callable[[int], None] = lambda _rows: None) -> Survey:
    """Look at every row once; `heard` is told how many now and then. Raises what reading the rows raises."""
    seen = [ColumnValues() for _ in table.columns]
    rows: Iterator[Row] = table.rows()
    count = 0
    while batch := list(islice(rows, TOGETHER)):
        count += len(batch)
        heard(count)
        width = len(seen)
        values = [row if len(row) == width else [*row[:width], *[""] * (width - len(row))] for _, row in batch]
        for one, cells in zip(seen, zip(*values, strict=True), strict=True):
            one.look_at(cells)
    return Survey(seen, count)
