"""Both sides of a move, counted: what the other program says of its people, and what each of them is here.

Asked of the database while the judged rows of an import are still beside it, in its own transaction. Every row is one
of these, so that their sum is the rows of the other side:

- in: subscribed here, or pending;
- merged: the address is in an earlier row, and that row is counted;
- left out, with one reason.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Subquery, case, exists, func, literal, or_, select

from mailer.audience.consent.eligibility import BY_RANK, EVERY_LIST, suppression_rank
from mailer.audience.imports.files.zipped import source_files
from mailer.audience.imports.load.staging import StagedRows, stage
from mailer.audience.imports.meaning.statuses import STOPS, RowStatus
from mailer.audience.imports.row_check import FILE, Judge
from mailer.audience.imports.sources import ImportOptions, understood
from mailer.audience.people.csv_export import guarded
from mailer.private_files import whole_private
from mailer.store.engine.database import Database
from mailer.store.tables.core import people, subscriptions, suppressions
from mailer.store.tables.states import Membership
from mailer.workspace import ListDefinition

SUBSCRIBED, PENDING, OFF = (member.value for member in Membership)
IN = (SUBSCRIBED, PENDING)
MERGED, NO_CONSENT, REJECTED = "merged", RowStatus.NO_CONSENT.value, "rejected"
GRAVEST = (RowStatus.COMPLAINED, RowStatus.BOUNCED, RowStatus.STAFF, RowStatus.LEFT, RowStatus.UNSUBSCRIBED)
STOPPED = 100  # outcomes from here on are the rank of a suppression
HEADER = ("address", "file", "line", "there", "why not here")


@dataclass(frozen=True, slots=True)
class BothSides:
    """What the rows say at the other program → what became of them here → how many."""

    became: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, Mapping[str, int]])

    @property
    def read(self) -> int:
        return sum(self.theirs.values())

    @property
    def theirs(self) -> Mapping[str, int]:
        """What they are there."""
        return {there: sum(here.values()) for there, here in self.became.items()}

    @property
    def here(self) -> Mapping[str, int]:
        """What they are here."""
        found: Counter[str] = Counter()
        for here in self.became.values():
            found.update(here)
        return dict(found)

    @property
    def came(self) -> int:
        return sum(self.here.get(one, 0) for one in IN)

    @property
    def merged(self) -> int:
        return self.here.get(MERGED, 0)

    @property
    def left_out(self) -> Mapping[str, int]:
        """Reason → how many."""
        return {why: number for why, number in self.here.items() if why not in (*IN, MERGED)}


def take_account(connection: Connection, list_ids: Sequence[int], *, rejected: int) -> BothSides:
    """What became of the staged rows on these lists; `rejected` rows could not even be staged."""
    rows = _outcomes(list_ids)
    query = select(rows.c.status, rows.c.stops, rows.c.outcome, func.count()).group_by(
        rows.c.status, rows.c.stops, rows.c.outcome
    )
    became: dict[str, Counter[str]] = {}
    for status, stops, outcome, number in connection.execute(query):
        became.setdefault(_there(status, stops), Counter())[_here(outcome)] += int(number)
    if rejected:
        became[REJECTED] = Counter({REJECTED: rejected})
    return BothSides({there: dict(here) for there, here in became.items()})


def write_left_out(
    connection: Connection, list_ids: Sequence[int], *, files: Sequence[str], path: Path,
    refused: Iterable[tuple[int, str, list[str]]] = (),
) -> None:  # fmt: skip
    """Write everybody who was left out, and why, to a private CSV. `refused` are rows that could not be staged: line,
    reason and values."""
    rows = _outcomes(list_ids)
    out = rows.c.outcome.not_in(_KINDS.index(one) for one in (*IN, MERGED))
    query = select(rows.c.row, rows.c.address, rows.c.status, rows.c.stops, rows.c.outcome).where(out)
    with whole_private(path) as out_file:
        writer = csv.writer(out_file)
        writer.writerow(HEADER)
        for row in connection.execute(query.order_by(rows.c.row)):
            file_name, line = files[int(row.row) >> FILE], int(row.row) & ((1 << FILE) - 1)
            told = _there(row.status, row.stops), _here(row.outcome)
            writer.writerow([guarded(str(row.address)), guarded(file_name), str(line), *told])
        for line, reason, values in refused:
            shown = next((value for value in values if "@" in value), "").encode("utf-8", "replace").decode()
            writer.writerow([guarded(shown), "", line, REJECTED, guarded(reason)])


def account_of(
    database: Database, definition: ListDefinition, path: Path, *, list_ids: Sequence[int], address_key: bytes,
    now: datetime, asked: ImportOptions, left_out: Path,
) -> BothSides:  # fmt: skip
    """The account of a file in which each person of the other side is once, after its parts were brought. Everybody who
    is on none of the lists is written to `left_out`, with the reason."""
    refused: list[tuple[int, str, list[str]]] = []

    def refuse(line: int, reason: str, values: list[str]) -> None:
        refused.append((line, reason, values))

    with source_files([path]) as files, database.connect() as connection:
        (source,) = understood(files, definition, asked)
        judge = Judge(source.columns, address_key, now)
        with connection.begin():
            staged = StagedRows(connection)
            staged.fill(judge.people(source.table.rows(), refuse), lambda: None)
            staged.filled()
        try:
            with connection.begin():
                found = take_account(connection, list_ids, rejected=len(refused))
                write_left_out(connection, list_ids, files=[""], path=left_out, refused=refused)
        finally:
            with connection.begin():
                staged.drop()
    return found


_KINDS = (SUBSCRIBED, PENDING, MERGED, OFF, NO_CONSENT)


def _outcomes(list_ids: Sequence[int]) -> Subquery:
    """Each staged row with its outcome: a place in `_KINDS`, or STOPPED and the rank of what is against it."""
    before = func.row_number().over(partition_by=stage.c.address, order_by=stage.c.row)
    rows = select(stage, before.label("time")).subquery()
    against = suppressions.c.address_hash == rows.c.address_hash

    def rank(where: ColumnElement[bool]) -> ColumnElement[int]:
        return select(func.max(suppression_rank())).where(against, where).correlate(rows).scalar_subquery()

    def on(status: str) -> ColumnElement[bool]:
        """Whether they are on one of the lists with this status, and nothing is against that."""
        here = exists().where(
            people.c.address == rows.c.address, subscriptions.c.person_id == people.c.id,
            subscriptions.c.list_id.in_(list_ids), subscriptions.c.status == status,
        )  # fmt: skip
        if status == OFF:
            return here.correlate(rows)
        stopped = exists().where(
            against, or_(suppressions.c.list_id == EVERY_LIST, suppressions.c.list_id == subscriptions.c.list_id)
        )
        return here.where(~stopped.correlate(rows, subscriptions)).correlate(rows)

    stops = func.coalesce(
        rank(suppressions.c.list_id == EVERY_LIST), rank(suppressions.c.list_id.in_(list_ids))
    )  # fmt: skip
    outcome = case(
        (rows.c.time > 1, literal(_KINDS.index(MERGED))),
        (on(SUBSCRIBED), literal(_KINDS.index(SUBSCRIBED))),
        (on(PENDING), literal(_KINDS.index(PENDING))),
        (stops.is_not(None), STOPPED + stops),
        (on(OFF), literal(_KINDS.index(OFF))),
        else_=literal(_KINDS.index(NO_CONSENT)),
    )
    return select(rows.c.row, rows.c.address, rows.c.status, rows.c.stops, outcome.label("outcome")).subquery()


def _here(outcome: int) -> str:
    return BY_RANK[outcome - STOPPED].value if outcome >= STOPPED else _KINDS[outcome]


def _there(status: str, stops: int) -> str:
    return next((one.value for one in GRAVEST if stops & STOPS[one]), status)
