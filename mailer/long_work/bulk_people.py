"""Does one thing to many people, in batches that are each whole, while mail goes out beside it."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from mailer.audience.people.people import FIELDS
from mailer.audience.supporter_care.bulk import (
    BulkDeed,
    BulkOrder,
    do_to_batch,
    export_batch,
    export_columns,
    people_of,
)
from mailer.counting import counted
from mailer.long_work.orders import FOLDER
from mailer.long_work.running import Running
from mailer.private_files import open_private, whole_private
from mailer.store.tables.core import people

TOPIC = "bulk-people"
BATCH = 500  # people: a batch takes part of a second, and nobody waits longer for the database
FILE = "people.csv"
INSIDE = "inside.json"  # the numbers of those in it
LOOK_AGAIN = timedelta(hours=1)


def change_many(running: Running) -> Mapping[str, Any]:
    """Do what was ordered to everybody who was meant when it began, also after a crash."""
    order = BulkOrder.from_json(running.order)
    numbers = _numbers(running, order)
    if order.deed is BulkDeed.EXPORT:
        return _export(running, numbers)
    changed = 0
    for done, batch in _batches(numbers):
        running.step(done, len(numbers))
        with running.database.write() as connection:
            changed += do_to_batch(connection, running.actor, order, batch, at=running.clock())
    return {"people": len(numbers), "changed": changed, "words": counted(len(numbers))}


def _numbers(running: Running, order: BulkOrder) -> list[int]:
    """The people it is about: noted before anything is done to them, since that may change what the search finds."""
    noted = running.folder / "numbers.json"
    if not noted.exists():
        with running.database.read() as connection:
            found = people_of(connection, running.workspace, order, now=running.clock())
        with whole_private(noted) as file:
            json.dump(found, file)
    return json.loads(noted.read_text(encoding="utf-8"))


def _export(running: Running, numbers: Sequence[int]) -> Mapping[str, Any]:
    own, inside = set[str](), list[int]()
    for done, batch in _batches(numbers):
        running.step(done, 2 * len(numbers))
        with running.database.read() as connection:
            own.update(export_columns(connection, batch))
    with open_private(exported(running.folder), encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerow([*FIELDS, *sorted(own)])
        for done, batch in _batches(numbers):
            running.step(len(numbers) + done, 2 * len(numbers))
            with running.database.read() as connection:
                inside += _known(connection, batch)
                export_batch(connection, batch, sorted(own), file)
    with whole_private(running.folder / INSIDE) as file:
        json.dump(inside, file)
    return {"people": len(numbers), "file": FILE}


def exported(folder: Path) -> Path:
    """The file that an export makes in its order's folder."""
    return folder / FILE


def export_of(connection: Connection, folder: Path) -> Path | None:
    """The file of an export; None when there is none, or none any more: once somebody in it was forgotten it is
    deleted, since it still names them."""
    path, noted = exported(folder), folder / INSIDE
    if not path.exists() or not noted.exists():
        return None
    numbers: list[int] = json.loads(noted.read_text(encoding="utf-8"))
    if all(len(_known(connection, batch)) == len(batch) for _, batch in _batches(numbers)):
        os.utime(noted)
        return path
    path.unlink(missing_ok=True)
    return None


def sweep_exports(connection: Connection, root: Path, *, now: datetime) -> None:
    """Delete exports that name somebody who was forgotten; each is looked at once an hour."""
    for noted in (root / FOLDER).glob(f"*/{INSIDE}"):
        with suppress(FileNotFoundError):
            if now.timestamp() - noted.stat().st_mtime >= LOOK_AGAIN.total_seconds():
                export_of(connection, noted.parent)


def _known(connection: Connection, numbers: Sequence[int]) -> list[int]:
    return [*connection.execute(select(people.c.id).where(people.c.id.in_(numbers))).scalars()]


def _batches(numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    for start in range(0, len(numbers), BATCH):
        yield start, numbers[start : start + BATCH]
