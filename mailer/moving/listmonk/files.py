"""What was read of a listmonk as files for the importer: one for each list, and one for everybody else.

They look like listmonk's own export, with the standing on the list in place of the person's alone. In a list with a
single opt-in, "unconfirmed" is how listmonk keeps those who joined: it mails them (its docs, "Concepts").
"""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path

from mailer.audience.imports.meaning.statuses import RowStatus
from mailer.moving.listmonk.theirs import TheirList, TheirPerson, Theirs
from mailer.private_files import open_private, private_folder

HEADER = ("uuid", "email", "name", "attributes", "status", "created_at")
STOPPED = {"blocklisted": RowStatus.STAFF, "disabled": RowStatus.STAFF}
OTHERS, EVERYBODY = "everybody else.csv", "everybody.csv"


def file_of(one: TheirList) -> str:
    """The name of a list's file: its number makes it unlike any other's."""
    bare = "".join(sign if sign.isalnum() or sign in " -_" else " " for sign in one.name)
    return f"{one.id} {' '.join(bare.split())[:60]}.csv"


def write_files(theirs: Theirs, folder: Path, taken: Collection[int]) -> Mapping[int, Path]:
    """Write a file for each list of `taken` (by its number); returns their paths. In `OTHERS` are those on none of
    them: whatever stops their mail holds here too. In `EVERYBODY` each person of the other side is once."""
    private_folder(folder)
    lists = {one.id: one for one in theirs.lists() if one.id in taken}
    paths = {number: folder / file_of(one) for number, one in lists.items()}
    with ExitStack() as files:
        writers = {
            key: csv.writer(files.enter_context(open_private(path, encoding="utf-8", newline="")))
            for key, path in {**paths, OTHERS: folder / OTHERS, EVERYBODY: folder / EVERYBODY}.items()
        }
        for writer in writers.values():
            writer.writerow(HEADER)
        for person in theirs.everybody():
            mine = [number for number in person.lists if number in lists]
            for number in mine:
                since = person.since.get(number) or person.created_at
                writers[number].writerow(_row(person, standing(person, lists[number]), since))
            if not mine:
                writers[OTHERS].writerow(_row(person, RowStatus.NO_CONSENT, person.created_at))
            best = min(
                (standing(person, lists[number]) for number in mine), key=_MILDEST.index, default=RowStatus.NO_CONSENT
            )
            writers[EVERYBODY].writerow(_row(person, best, person.created_at))
    return paths


_MILDEST = (RowStatus.SUBSCRIBED, RowStatus.PENDING, RowStatus.UNSUBSCRIBED, RowStatus.NO_CONSENT)


def standing(person: TheirPerson, one: TheirList) -> RowStatus:
    """What a person is on a list, if nothing else stops their mail."""
    status = person.lists[one.id]
    if status == "confirmed":
        return RowStatus.SUBSCRIBED
    if status == "unconfirmed":
        return RowStatus.PENDING if one.double else RowStatus.SUBSCRIBED
    return RowStatus.UNSUBSCRIBED  # and what isn't known


def _row(person: TheirPerson, status: RowStatus, since: str) -> tuple[str, ...]:
    stops = [] if person.status == "enabled" else [STOPPED.get(person.status, RowStatus.STAFF).value]
    told = "; ".join(dict.fromkeys([status.value, *stops, *person.bounces]))
    attribs = {name: value for name, value in person.attribs.items() if value not in (None, "")}
    return person.uuid, person.email, person.name, json.dumps(attribs, ensure_ascii=False), told, since
