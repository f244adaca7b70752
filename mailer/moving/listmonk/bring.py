"""Brings what was read of a listmonk: its lists are made or found, its people imported list by list, and counted.

Each list is one import, in a transaction of its own that notes the move. So a move that was killed goes on with the
lists that aren't here yet, and none is brought twice. What stops somebody's mail holds for every list, and is in the
first import already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from mailer.audience.imports import ImportOptions, ImportReport, import_files
from mailer.editing.folders import plain_name
from mailer.editing.lists import list_path, make_list, save_list
from mailer.editing.save import SaveConflict
from mailer.editing.toml_edit import read_toml_text
from mailer.errors import MailerError
from mailer.moving.account import account_of
from mailer.moving.listmonk.files import EVERYBODY, OTHERS, write_files
from mailer.moving.listmonk.folder import MoveFolder, MoveFolders
from mailer.moving.listmonk.texts import Draft, make_drafts
from mailer.moving.listmonk.theirs import TheirList
from mailer.moving.origins import BY_NAME
from mailer.moving.report import Move, close_move, find_move, move_with, note_part, open_move
from mailer.senders import domain_of
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.store.engine.database import Database
from mailer.store.tables.core import lists
from mailer.workspace import ListDefinition, Workspace

ORIGIN = BY_NAME["listmonk"]
MOST_WORDS = 500  # characters of a list's description
Heard = Callable[[int, int | None, str], None]  # rows, of, what


@dataclass(frozen=True, slots=True)
class Bringing:
    """What is needed to bring one move."""

    workspace: Workspace
    database: Database
    move: MoveFolder
    by: Actor
    clock: Callable[[], datetime]
    heard: Heard = lambda _done, _of, _what: None

    @property
    def folders(self) -> MoveFolders:
        return MoveFolders(self.workspace.root)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What would become of the rows of each list here."""

    reports: Mapping[str, ImportReport] = field(default_factory=dict[str, ImportReport])


def suggested(workspace: Workspace, theirs: Sequence[TheirList]) -> Mapping[int, str]:
    """For each list there the one here that it goes onto: the one that it was moved to before, or one of its name."""
    known = {number: one.name for one in workspace.sound_lists() for number in one.formerly}
    found: dict[int, str] = {}
    for one in theirs:
        name = known.get(one.uuid.lower()) or (plain_name(one.name)[:60].strip("-") or f"list-{one.id}")
        taken = name in found.values()
        found[one.id] = f"{name}-{one.id}" if taken else name
    return found


def rehearse(work: Bringing) -> Rehearsed:
    """Do it all and take it back."""
    found: dict[str, ImportReport] = {}
    for name, paths, theirs in _parts(work):
        found[name] = _import(work, _definition(work, name, theirs), paths, dry_run=True)
    return Rehearsed(found)


def bring(work: Bringing, settle: Callable[[Connection, Move], None] = lambda _connection, _move: None) -> Move:
    """Bring everything that isn't here yet; the move with its signed report. `settle` is called in the transaction that
    signs it. Raises `MailerError`; what was brought by then stays, and the next try goes on behind it."""
    now = work.clock()
    with work.database.write() as connection:
        number = open_move(connection, work.move.token, ORIGIN.name, by=work.by, at=now)
    for name, paths, theirs in _parts(work):
        definition = _made(work, name, theirs)
        if name not in _here(work, number):
            _import(work, definition, paths, settle=partial(_note, number))
    names = sorted(set(work.move.onto.values()))
    drafts = _drafts(work, names[0]) if work.move.drafts else []
    with work.database.read() as connection:
        list_ids = [*connection.execute(select(lists.c.id).where(lists.c.name.in_(names))).scalars()]
    people = account_of(
        work.database, work.workspace.list_definition(names[0]), work.folders.files(work.move) / EVERYBODY,
        list_ids=list_ids, address_key=work.workspace.secrets.require_address_key(), now=now,
        asked=_asked(work), left_out=work.folders.left_out(work.move),
    )  # fmt: skip
    with work.database.write() as connection:
        done = close_move(
            connection, work.workspace, number, title=ORIGIN.title, source=work.move.host, by=work.by, at=work.clock(),
            people=people, more=_more(work, drafts),
        )  # fmt: skip
        settle(connection, done)
    work.folders.clear(work.move)
    return done


def _parts(work: Bringing) -> list[tuple[str, list[Path], list[TheirList]]]:
    """For each list of ours: the files that go onto it, and whose they are. The first brings everybody else too, so
    that what stops their mail is known."""
    move, folders = work.move, work.folders
    onto = {int(number): name for number, name in move.onto.items() if name}
    if not onto:
        raise MailerError("no list of theirs was chosen", remedy="Choose one at least.")
    for name in onto.values():
        work.by.require(Right.IMPORT, name)
    theirs = folders.theirs(move)
    try:
        if not move.read_at:
            raise MailerError("listmonk wasn’t read to its end", remedy="Begin again: it is read again.")
        paths = write_files(theirs, folders.files(move), onto)
        there = {one.id: one for one in theirs.lists()}
    finally:
        theirs.close()
    found: list[tuple[str, list[Path], list[TheirList]]] = []
    for name in sorted(set(onto.values())):
        mine = [number for number, target in onto.items() if target == name and number in paths]
        found.append((name, [paths[number] for number in mine], [there[number] for number in mine]))
    found[0][1].append(folders.files(move) / OTHERS)
    return found


def _asked(work: Bringing) -> ImportOptions:
    return ImportOptions(kind="listmonk", delimiter=",", agreed=work.move.agreed, wording=work.move.wording)


def _import(work: Bringing, definition: ListDefinition, paths: Sequence[Path], **more: Any) -> ImportReport:
    def progress(rows: int, share: float) -> None:
        work.heard(rows, round(rows / share) if share else None, f"rows of {definition.title} read")

    return import_files(
        work.database, definition=definition, paths=paths, by=work.by, now=work.clock(), asked=_asked(work),
        address_key=work.workspace.secrets.require_address_key(), progress=progress, **more,
    )  # fmt: skip


def _note(number: int, connection: Connection, report: ImportReport) -> None:
    note_part(connection, report, number)


def _here(work: Bringing, number: int) -> set[str]:
    """The lists that were brought already."""
    with work.database.read() as connection:
        move = find_move(connection, number)
    return {str(part["list"]) for part in (move.parts if move else ())}


def _values(work: Bringing, name: str, theirs: Sequence[TheirList]) -> dict[str, Any]:
    """What the file of a new list says."""
    first = theirs[0]
    domain = domain_of(work.workspace.settings.sender.from_) or "example.org"
    about = " ".join(first.description.split())[:MOST_WORDS]
    values: dict[str, Any] = {"title": first.name or name, "list_id": f"{name}.lists.{domain}"}
    if about:
        values["about"] = about
    if any(one.double for one in theirs):
        values["opt_in"] = "double"
    if work.move.wording and all(one.public for one in theirs):  # without words that they agree to, no form may be open
        values |= {"consent": work.move.wording, "public_form": True}
    return values


def _definition(work: Bringing, name: str, theirs: Sequence[TheirList]) -> ListDefinition:
    if list_path(work.workspace, name).exists():
        return work.workspace.list_definition(name)
    return ListDefinition(name, **_values(work, name, theirs))


def _made(work: Bringing, name: str, theirs: Sequence[TheirList]) -> ListDefinition:
    """The list here: made if there is none. It keeps their numbers, by which forms made for listmonk find it."""
    workspace, at = work.workspace, work.clock()
    numbers = [one.uuid.lower() for one in theirs]
    with work.database.write() as connection:
        if not list_path(workspace, name).exists():
            values = {**_values(work, name, theirs), "formerly": tuple(numbers)}
            return make_list(workspace, connection, work.by, name, values, at=at)
        known = [number.lower() for number in workspace.list_definition(name).formerly]
        if missing := [number for number in numbers if number not in known]:
            base = read_toml_text(list_path(workspace, name))
            done = save_list(workspace, connection, work.by, name, {"formerly": (*known, *missing)}, base=base, at=at)
            assert not isinstance(done, SaveConflict), "nobody saves meanwhile"
    return workspace.list_definition(name)


def _drafts(work: Bringing, list_name: str) -> list[Draft]:
    theirs = work.folders.theirs(work.move)
    try:
        texts = [*theirs.kept("templates"), *theirs.kept("campaigns")]
    finally:
        theirs.close()
    with work.database.write() as connection:
        return make_drafts(work.workspace, connection, work.by, texts, list_name=list_name, at=work.clock())


def _more(work: Bringing, drafts: Sequence[Draft]) -> Mapping[str, Any]:
    """What else the report says: what listmonk itself counts in each list, those left out, and the drafts."""
    theirs = work.folders.theirs(work.move)
    try:
        counted = [
            {"list": one.name, "onto": work.move.onto.get(str(one.id), ""), "there": dict(one.counts)}
            for one in theirs.lists()
        ]
    finally:
        theirs.close()
    read_at = datetime.fromtimestamp(work.move.read_at, UTC).isoformat()
    made = [{"newsletter": one.slug, "name": one.name, "to_fill_in": list(one.left)} for one in drafts]
    return {"read_at": read_at, "lists": counted, "drafts": made}


def finished(work: Bringing) -> Move | None:
    """The move, once it is signed."""
    with work.database.read() as connection:
        found = move_with(connection, work.move.token)
    return found if found and found.report else None
