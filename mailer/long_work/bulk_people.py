"""Does one thing to many people, in batches that are each whole, while mail goes out beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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
from mailer.long_work.running import Running
from mailer.private_files import open_private, whole_private

TOPIC = "bulk-people"
BATCH = 500  # people: a batch takes part of a second, and nobody waits longer for the database
FILE = "people.csv"


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
    own: set[str] = set()
    for done, batch in _batches(numbers):
        running.step(done, 2 * len(numbers))
        with running.database.read() as connection:
            own.update(export_columns(connection, batch))
    with open_private(exported(running.folder), encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerow([*FIELDS, *sorted(own)])
        for done, batch in _batches(numbers):
            running.step(len(numbers) + done, 2 * len(numbers))
            with running.database.read() as connection:
                export_batch(connection, batch, sorted(own), file)
    return {"people": len(numbers), "file": FILE}


def exported(folder: Path) -> Path:
    """The file that an export makes in its order's folder."""
    return folder / FILE


def _batches(numbers: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    for start in range(0, len(numbers), BATCH):
        yield start, numbers[start : start + BATCH]
