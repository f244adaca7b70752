"""Asking for long work, and how far it is. The order is a job of the one queue, kept with who gave it and their rights.

What an order holds is JSON and for its topic's handler alone. What it brings is kept for 90 days, the order and the
files of its folder for seven.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from mailer.private_files import private_folder, unversioned_folder
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.jobs import STAFF_WORK, add
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import JobState

FOLDER = ".work"  # of a workspace, with a folder for each order, named by its number


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """One order: what was asked, how far it is, and what came of it. `done` and `of` count whatever `words` say; `of`
    is None while nobody knows how much there is. `detail` says why it failed."""

    id: int
    topic: str
    state: JobState
    asked_by: str
    created_at: datetime
    done_at: datetime | None
    order: Mapping[str, Any]  # empty once it is a week old
    detail: str = ""
    done: int = 0
    of: int | None = None
    words: str = ""
    result: Mapping[str, Any] | None = None  # once it is done
    stopping: bool = False  # somebody asked it to stop

    @property
    def is_over(self) -> bool:
        return self.done_at is not None

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return min(1.0, self.done / self.of) if self.of else float(self.state is JobState.DONE)


def start_work(connection: Connection, topic: str, order: Mapping[str, Any], *, actor: Actor, now: datetime) -> int:
    """Ask for work, to be done as soon as this transaction is committed; returns its number. That the actor may ask is
    for the caller to know."""
    who = {
        "name": actor.name, "rights": sorted(actor.rights), "account_id": actor.account_id, "via": actor.via,
        "lists": None if actor.lists is None else sorted(actor.lists),
    }  # fmt: skip
    payload = json.dumps({"order": order, "actor": who}).encode()
    return add(connection, STAFF_WORK, payload, at=now, topic=topic, asked_by=actor.name)


def read_order(payload: bytes) -> tuple[Mapping[str, Any], Actor]:
    """What was asked, and who asked, with the rights they had then."""
    found = json.loads(payload)
    who = found["actor"]
    lists = None if who["lists"] is None else frozenset(who["lists"])
    rights = frozenset(Right(right) for right in who["rights"])
    return found["order"], Actor(who["name"], rights, lists, who["account_id"], who["via"])


def find_work(connection: Connection, number: int) -> WorkStatus | None:
    """An order by its number; None when there is none, or none any more."""
    query = select(jobs).where(jobs.c.kind == STAFF_WORK.name, jobs.c.id == number)
    row = connection.execute(query).mappings().first()
    return None if row is None else _status(row)


def list_work(connection: Connection, *topics: str, limit: int = 50) -> Sequence[WorkStatus]:
    """The newest orders of these topics first."""
    query = select(jobs).where(jobs.c.kind == STAFF_WORK.name, jobs.c.topic.in_(topics))
    return [_status(row) for row in connection.execute(query.order_by(jobs.c.id.desc()).limit(limit)).mappings()]


def folder_of(root: Path, number: int) -> Path:
    """The private folder of an order, made if it is missing, where git never looks."""
    return private_folder(unversioned_folder(root / FOLDER) / str(number))


def sweep(connection: Connection, root: Path, *, now: datetime) -> None:
    """Delete the folders of orders that are a week over, or that nobody knows any more."""
    for folder in (root / FOLDER).glob("[0-9]*"):
        number = int(folder.name) if folder.name.isdigit() else 0
        found = find_work(connection, number)
        if found is None or (found.done_at is not None and found.done_at < now - STAFF_WORK.clear):
            shutil.rmtree(folder, ignore_errors=True)


def _status(row: RowMapping) -> WorkStatus:
    order: Mapping[str, Any] = read_order(row["payload"])[0] if row["payload"] else {}
    far: Mapping[str, Any] = row["progress"] or {}
    return WorkStatus(
        id=row["id"], topic=row["topic"], state=JobState(row["state"]), asked_by=row["asked_by"],
        created_at=row["created_at"], done_at=row["done_at"], order=order, detail=row["detail"],
        done=far.get("done", 0), of=far.get("of"), words=far.get("words", ""), result=far.get("result"),
        stopping=row["cancel"],
    )  # fmt: skip
