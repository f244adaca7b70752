"""Tables with a row for each postcode, country or person, as a message knows them: their columns, and no rows.

`lookup("constituencies", supporter.postcode).mp` names a file of the workspace's data/ folder. Its first column is what
it is joined by, and says by its name how spellings are compared. The rows are in `delivery.data.rows`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

LOOKUP = "lookup"  # the call, in mails
EXAMPLE = 'lookup("constituencies", supporter.postcode).mp'


class JoinedBy(StrEnum):
    """What the first column holds."""

    ADDRESS = "address"
    POSTCODE = "postcode"
    COUNTRY = "country"
    TEXT = "text"  # anything else: a town, a number of a member


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A table as it was when the message was made. `columns`: as its first line has them."""

    name: str
    digest: str  # of the file
    kind: JoinedBy
    columns: tuple[str, ...]

    def at(self, column: str) -> int | None:
        """The place of a column, written as in the file or as merge tags can: `MP name` is .mp_name as well."""
        if column in self.columns:
            return self.columns.index(column)
        plain, asked = [identifier_of(one) for one in self.columns], identifier_of(column)
        return plain.index(asked) if asked in plain else None

    @property
    def tags(self) -> list[str]:
        """The columns as merge tags write them, without the first."""
        return [identifier_of(one) for one in self.columns[1:]]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "columns": list(self.columns)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LookupTable:
        return cls(data["name"], data["digest"], JoinedBy(data["kind"]), tuple(data["columns"]))


class LookupOf(Protocol):
    """Which cell is asked for: what an expression's `Lookup` has."""

    @property
    def table(self) -> LookupTable: ...
    @property
    def column(self) -> int: ...


# The cell of a lookup for a key as the person's field has it: "" when it is empty, None when there is no such row.
Cells = Callable[[LookupOf, str], str | None]


def no_cells(lookup: LookupOf, key: str) -> str | None:
    """For somebody we know nothing about, and messages without tables."""
    return None


def identifier_of(column: str) -> str:
    """A column's name in small letters, digits and underscores."""
    return re.sub(r"\W+", "_", column.casefold()).strip("_")


def faults_of_columns(columns: Sequence[str]) -> str:
    """What is wrong with the names of a table's columns; "" when nothing is."""
    plain = [identifier_of(one) for one in columns]
    if len(columns) < 2:
        return "it has one column, so there is nothing to look up"
    if not all(plain):
        return "a column has no name"
    twice = next((one for one in plain if plain.count(one) > 1), "")
    return f"two columns are called {twice}" if twice else ""
