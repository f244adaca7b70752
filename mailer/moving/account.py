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

from sqlalchemy import Connection, Subquery, and_, case, func, literal, select

from mailer.audience.consent.eligibility import BY_RANK, EVERY_LIST, suppression_rank
from mailer.audience.imports.files.zipped import source_files
from mailer.audience.imports.load.staging import StagedRows, stage, staging
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
TOGETHER = 5_000  # rows that are fetched at once
MERGED, NO_CONSENT, REJECTED = "merged", RowStatus.NO_CONSENT.value, "rejected"
STAYING = (*IN, MERGED)
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
        return {why: number for why, number in self.here.items() if why not in STAYING}


def take_account(connection: Connection, list_ids: Sequence[int], *, rejected: int) -> BothSides:
    """What became of the staged rows on these lists; `rejected` rows could not even be staged."""
    rows = _outcomes(list_ids)
    kinds = (rows.c.status, rows.c.stops, rows.c.outcome)
    counts: Counter[tuple[str, str]] = Counter()
    for status, stops, outcome, number in connection.execute(select(*kinds, func.count()).group_by(*kinds)):
        counts[_there(status, stops), _here(outcome)] += int(number)
    return _sides(counts, rejected)


def account_with_names(
    connection: Connection, list_ids: Sequence[int], *, rejected: int, files: Sequence[str], path: Path,
    refused: Iterable[tuple[int, str, list[str]]] = (),
) -> BothSides:  # fmt: skip
    """The same, and everybody who was left out, and why, in a private CSV. `refused` are rows that could not be staged:
    line, reason and values."""
    rows = _outcomes(list_ids)
    counts: Counter[tuple[str, str]] = Counter()
    with whole_private(path) as out:
        writer = csv.writer(out)
        writer.writerow(HEADER)
        in_turn = select(rows).order_by(rows.c.row)
        found = connection.execute(in_turn, execution_options={"yield_per": TOGETHER})
        for row, address, status, stops, outcome in found:
            told = _there(status, stops), _here(outcome)
            counts[told] += 1
            if told[1] not in STAYING:
                line = str(row & ((1 << FILE) - 1))
                writer.writerow([guarded(address), guarded(files[int(row) >> FILE]), line, *told])
        for number, reason, values in refused:
            shown = next((value for value in values if "@" in value), "").encode("utf-8", "replace").decode()
            writer.writerow([guarded(shown), "", number, REJECTED, guarded(reason)])
    return _sides(counts, rejected)


def _sides(counts: Mapping[tuple[str, str], int], rejected: int) -> BothSides:
    became: dict[str, dict[str, int]] = {}
    for (there, here), number in counts.items():
        became.setdefault(there, {})[here] = number
    return BothSides(became | ({REJECTED: {REJECTED: rejected}} if rejected else {}))


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
        with staging(connection) as steps, steps.reading():
            staged = StagedRows(connection)
            staged.fill(judge.people(source.table.rows(), refuse), lambda: None)
            staged.filled()
            found = account_with_names(
                connection, list_ids, rejected=len(refused), files=[""], path=left_out, refused=refused
            )
    return found


_KINDS = (SUBSCRIBED, PENDING, MERGED, OFF, NO_CONSENT)


def _outcomes(list_ids: Sequence[int]) -> Subquery:
    """Each staged row with its outcome: a place in `_KINDS`, or STOPPED and the rank of what is against it. By joins of
    whole sets: asked for each row, a million would take minutes."""
    before = func.row_number().over(partition_by=stage.c.address, order_by=stage.c.row)
    rows = select(stage, before.label("time")).subquery()
    rank, on_every = suppression_rank(), suppressions.c.list_id == EVERY_LIST
    against = (
        select(
            suppressions.c.address_hash, func.max(case((on_every, rank))).label("everywhere"),
            func.max(case((~on_every, rank))).label("here"),
        )
        .where(suppressions.c.list_id.in_((EVERY_LIST, *list_ids)))
        .group_by(suppressions.c.address_hash)
        .subquery()
    )  # fmt: skip
    stops_here = and_(
        suppressions.c.address_hash == people.c.address_hash, suppressions.c.list_id == subscriptions.c.list_id
    )
    free = suppressions.c.address_hash.is_(None)
    standing = {SUBSCRIBED: 3, PENDING: 2}
    best = case(
        *((and_(subscriptions.c.status == status, free), number) for status, number in standing.items()),
        (subscriptions.c.status == OFF, 1),
        else_=0,
    )
    members = (
        select(people.c.address, func.max(best).label("best"))
        .select_from(subscriptions.join(people).outerjoin(suppressions, stops_here))
        .where(subscriptions.c.list_id.in_(list_ids))
        .group_by(people.c.address)
        .subquery()
    )
    outcome = case(
        (rows.c.time > 1, literal(_KINDS.index(MERGED))),
        (against.c.everywhere.is_not(None), STOPPED + against.c.everywhere),
        *((members.c.best == number, literal(_KINDS.index(status))) for status, number in standing.items()),
        (against.c.here.is_not(None), STOPPED + against.c.here),
        (members.c.best == 1, literal(_KINDS.index(OFF))),
        else_=literal(_KINDS.index(NO_CONSENT)),
    )
    source = rows.outerjoin(against, against.c.address_hash == rows.c.address_hash)
    source = source.outerjoin(members, members.c.address == rows.c.address)
    columns = (rows.c.row, rows.c.address, rows.c.status, rows.c.stops, outcome.label("outcome"))
    return select(*columns).select_from(source).subquery()


def _here(outcome: int) -> str:
    return BY_RANK[outcome - STOPPED].value if outcome >= STOPPED else _KINDS[outcome]


def _there(status: str, stops: int) -> str:
    return next((one.value for one in GRAVEST if stops & STOPS[one]), status)
