"""What was read of a listmonk: its people with their lists, bounces, lists and texts, in a private folder.

listmonk gives its people in pages by offset, and there they go on joining and leaving meanwhile. So the pages are gone
over until one whole round has as many people as listmonk says there are, and finds nobody new;
who was there earlier and isn't in it is asked for by number. The last round's word counts: it is the freshest.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailer.errors import MailerError
from mailer.moving.listmonk.api import Listmonk, ListmonkRefused
from mailer.private_files import open_private

FILE = "theirs.db"
MOST_ROUNDS = 8
BOUNCES = {"hard": "bounced", "complaint": "complained"}  # a soft one may pass
AGAIN = "Pause its sign-ups and campaigns for a while, then try again. Nothing was changed here."
SCHEMA = """
CREATE TABLE people (id INTEGER PRIMARY KEY, round INTEGER NOT NULL, told TEXT NOT NULL);
CREATE TABLE bounces (person INTEGER NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (person, kind));
CREATE TABLE kept (name TEXT PRIMARY KEY, told TEXT NOT NULL);
"""
Heard = Callable[[int, int | None, str], None]  # done, of, what


@dataclass(frozen=True, slots=True)
class TheirList:
    """One list there, and how many of each standing listmonk counts in it."""

    id: int
    uuid: str
    name: str
    double: bool  # its people confirm by mail before they are mailed
    public: bool  # anybody may join by a form
    description: str
    counts: Mapping[str, int]  # subscribed, pending, unsubscribed

    @property
    def people(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class TheirPerson:
    """One person there. `lists`: number of a list → confirmed, unconfirmed, unsubscribed."""

    id: int
    uuid: str
    email: str
    name: str
    status: str  # enabled, disabled, blocklisted
    attribs: Mapping[str, Any]
    created_at: str
    lists: Mapping[int, str]
    since: Mapping[int, str] = field(default_factory=dict[int, str])
    bounces: tuple[str, ...] = ()  # bounced, complained


@dataclass(slots=True)
class Theirs:
    """What was read, in a SQLite file of its own. Close it."""

    path: Path

    def __post_init__(self) -> None:
        is_new = not self.path.exists()
        if is_new:
            open_private(self.path).close()
        self._file = sqlite3.connect(self.path, isolation_level=None)
        if is_new:
            self._file.executescript(SCHEMA)

    _file: sqlite3.Connection = field(init=False, repr=False)

    def close(self) -> None:
        self._file.close()

    @property
    def people(self) -> int:
        return int(self._file.execute("SELECT count(*) FROM people").fetchone()[0])

    def lists(self) -> list[TheirList]:
        return [TheirList(**one) for one in self.kept("lists")]

    def kept(self, name: str) -> Any:
        row = self._file.execute("SELECT told FROM kept WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else []

    def keep(self, name: str, told: object) -> None:
        self._file.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, json.dumps(told)))

    def everybody(self) -> Iterator[TheirPerson]:
        """All of them, by number."""
        query = (
            """SELECT told, (SELECT group_concat(kind) FROM bounces WHERE person = people.id) FROM people ORDER BY id"""
        )
        for told, kinds in self._file.execute(query):
            yield _person(json.loads(told), tuple(sorted((kinds or "").split(","))) if kinds else ())

    def read(self, api: Listmonk, heard: Heard) -> None:
        """Ask listmonk for everything. Raises `MailerError`."""
        try:
            self.keep("lists", [_list(one) for page, _ in api.pages("/api/lists") for one in page])
            self._read_people(api, heard)
            self._read_bounces(api, heard)
            for name in ("templates", "campaigns"):
                self.keep(name, self._texts(api, name, heard))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            words = "listmonk answers in a way that isn’t known"
            raise ListmonkRefused(words, remedy="Say which version it is. Nothing was changed.") from error

    def _read_bounces(self, api: Listmonk, heard: Heard) -> None:
        for _ in range(MOST_ROUNDS):
            seen, totals = set[int](), set[int]()
            for page, total in api.pages("/api/bounces", order_by="created_at", order="asc"):
                rows = [(int(one["subscriber_id"]), BOUNCES[one["type"]]) for one in page if one.get("type") in BOUNCES]
                self._file.executemany("INSERT OR IGNORE INTO bounces VALUES (?, ?)", rows)
                seen.update(int(one["id"]) for one in page)
                totals.add(total)
                heard(len(seen), total, "bounces read")
            if totals <= {len(seen)}:
                return
        raise MailerError("listmonk’s bounces kept changing while they were read", remedy=AGAIN)

    def _texts(self, api: Listmonk, name: str, heard: Heard) -> list[dict[str, Any]]:
        """Templates, or campaigns: not worth giving up a move for."""
        found: list[dict[str, Any]] = []
        try:
            for page, total in api.pages(f"/api/{name}"):
                found += page
                heard(len(found), total, f"{name} read")
        except ListmonkRefused:
            return []
        return [one for one in found if isinstance(one.get("body"), str)]

    def _read_people(self, api: Listmonk, heard: Heard) -> None:
        known: set[int] = set()
        for number in range(1, MOST_ROUNDS + 1):
            seen, totals = set[int](), set[int]()
            for page, total in api.pages("/api/subscribers", order_by="id", order="asc"):
                self._keep_people(page, number)
                seen.update(int(one["id"]) for one in page)
                totals.add(total)
                heard(len(seen), total, "people read" if number == 1 else "people read again")
            if number > 1 and totals <= {len(seen)} and seen <= known:
                self._drop_gone(api, number)
                return
            known |= seen
        raise MailerError("listmonk’s people kept changing while they were read", remedy=AGAIN)

    def _keep_people(self, page: list[dict[str, Any]], number: int) -> None:
        rows = [(int(one["id"]), number, json.dumps(_told(one))) for one in page]
        self._file.execute("BEGIN")
        self._file.executemany("INSERT OR REPLACE INTO people VALUES (?, ?, ?)", rows)
        self._file.execute("COMMIT")

    def _drop_gone(self, api: Listmonk, number: int) -> None:
        """Forget those who were deleted there meanwhile; of everybody else take what listmonk says now."""
        left = self._file.execute("SELECT id FROM people WHERE round < ?", (number,)).fetchall()
        for (person,) in left:
            try:
                self._keep_people([api.get(f"/api/subscribers/{person}")], number)
            except ListmonkRefused as error:
                if error.status not in (400, 404):
                    raise
                self._file.execute("DELETE FROM people WHERE id = ?", (person,))


def _list(one: Mapping[str, Any]) -> dict[str, Any]:
    double = one.get("optin") == "double"
    there: Mapping[str, int] = one.get("subscriber_statuses") or {}
    waiting = "pending" if double else "subscribed"
    counts: dict[str, int] = {}
    for status, number in there.items():
        standing = {"confirmed": "subscribed", "unconfirmed": waiting}.get(status, "unsubscribed")
        counts[standing] = counts.get(standing, 0) + int(number)
    if not there and one.get("subscriber_count"):
        counts["subscribed"] = int(one["subscriber_count"])
    return {"id": int(one["id"]), "uuid": str(one["uuid"]), "name": str(one["name"]), "double": double,
            "public": one.get("type") == "public",
            "description": str(one.get("description") or ""), "counts": counts}  # fmt: skip


def _told(one: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a person."""
    theirs: list[dict[str, Any]] = one.get("lists") or []
    lists = [(int(each["id"]), str(each.get("subscription_status", "")), str(each.get("subscription_created_at") or ""))
             for each in theirs]  # fmt: skip
    attribs = one.get("attribs")
    return {"id": int(one["id"]), "uuid": str(one.get("uuid", "")), "email": str(one.get("email", "")),
            "name": str(one.get("name") or ""), "status": str(one.get("status", "")),
            "attribs": attribs if isinstance(attribs, dict) else {}, "created_at": str(one.get("created_at") or ""),
            "lists": lists}  # fmt: skip


def _person(told: dict[str, Any], bounces: tuple[str, ...]) -> TheirPerson:
    lists = told.pop("lists")
    return TheirPerson(
        **told, lists={number: status for number, status, _ in lists},
        since={number: since for number, _, since in lists}, bounces=bounces,
    )  # fmt: skip
