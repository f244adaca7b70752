"""The migration report: what the other program said of its people, and what is here, signed by the workspace.

The signature is an HMAC-SHA256 (RFC 2104) over the report as canonical JSON: members in order, no white space, UTF-8.
Its key is derived from the workspace's signing keys, the first of which signs and all of which verify. So anybody who
holds the workspace can tell later whether a number was changed; nobody else can make one.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, RowMapping, insert, select, update

from mailer.audience.imports.report import ImportReport
from mailer.errors import MailerError
from mailer.moving.account import BothSides, account_with_names, take_account
from mailer.moving.origins import BY_NAME
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.store.tables.core import lists
from mailer.store.tables.imports import imports, moves
from mailer.workspace import Workspace

FORMAT = "mailer migration report 1"
LEFT_OUT = "left-out.csv"  # what the file of those left out is called, beside what was brought
PURPOSE = b"mailer.migration-report"
REMEDY = "Get it again: mailer moving report NUMBER --json"


class NotOurs(MailerError):
    """The report was not signed by this workspace, or was changed since."""


@dataclass(frozen=True, slots=True)
class Move:
    """One move. `report` is the signed one, None while it isn't over; `parts` are its imports, in order."""

    id: int
    token: str
    origin: str
    at: datetime
    by: str
    report: Mapping[str, Any] | None
    parts: Sequence[RowMapping] = ()  # id, list, at, files, account, undone_at, undo_until

    @property
    def told(self) -> Mapping[str, Any]:
        """What the signed report says; empty while there is none."""
        return self.report["report"] if self.report else {}


def open_move(connection: Connection, token: str, origin: str, *, by: Actor, at: datetime) -> int:
    """The number of the move with this token, which begins now if it hasn't yet."""
    known = connection.execute(select(moves.c.id).where(moves.c.token == token)).scalar()
    if known is not None:
        return int(known)
    row = insert(moves).values(token=token, origin=origin, at=at, by=by.name).returning(moves.c.id)
    return int(connection.execute(row).scalar_one())


def note_part(connection: Connection, report: ImportReport, move_id: int, *, left_out: Path | None = None) -> BothSides:
    """Count both sides of an import that is being done, and keep them with it, in its own transaction. Everybody who
    was left out is written to `left_out`, with the reason."""
    mine = imports.c.id == report.id
    list_id = connection.execute(select(imports.c.list_id).where(mine)).scalar_one()
    files = [one.name for one in report.files]
    account = (
        take_account(connection, [list_id], rejected=report.rejected) if left_out is None
        else account_with_names(connection, [list_id], rejected=report.rejected, files=files, path=left_out)
    )  # fmt: skip
    assert account.read == report.read, (account, report)
    connection.execute(update(imports).where(mine).values(move_id=move_id, account=account.became))
    return account


def close_files(
    connection: Connection, workspace: Workspace, report: ImportReport, *, token: str, origin: str, by: Actor,
    at: datetime, left_out: Path | None,
) -> Move:  # fmt: skip
    """A move by files is one import: count and sign it in its own transaction."""
    number = open_move(connection, token, origin, by=by, at=at)
    note_part(connection, report, number, left_out=left_out)
    source = ", ".join(file.name for file in report.files)
    return close_move(connection, workspace, number, title=BY_NAME[origin].title, source=source, by=by, at=at)


def close_move(  # noqa: PLR0913 - what the report says; by name
    connection: Connection, workspace: Workspace, move_id: int, *, title: str, source: str, by: Actor, at: datetime,
    people: BothSides | None = None, more: Mapping[str, Any] | None = None,
) -> Move:  # fmt: skip
    """Sign the report of a move, of which all parts are here. `people`: each person of the other side once, where its
    parts name some of them several times. One that was signed stays as it is."""
    move = find_move(connection, move_id)
    assert move is not None, "it was opened"
    if move.report is None:
        told: dict[str, Any] = {
            "format": FORMAT, "from": title, "source": source, "organisation": workspace.settings.organisation.name,
            "by": by.name, "began": move.at.isoformat(), "at": at.isoformat(), "move": move.id,
            "parts": [_part(part) for part in move.parts], "people": _sides(people or _together(move.parts)),
            **(more or {}),
        }  # fmt: skip
        signed = sign(told, workspace.secrets.require_signing())
        connection.execute(update(moves).where(moves.c.id == move_id).values(report=signed))
        came = told["people"]
        detail = f"from {title}: {came['theirs']:,} people, {came['in']:,} came"
        audit.record(connection, by, "moved house", at=at, subject=f"move {move_id}", detail=detail)
    found = find_move(connection, move_id)
    assert found is not None, "nobody deletes a move"
    return found


def find_move(connection: Connection, number: int) -> Move | None:
    """A move by its number, with its parts; None when there is none."""
    row = connection.execute(select(moves).where(moves.c.id == number)).mappings().first()
    if row is None:
        return None
    columns = [imports.c[name] for name in ("id", "at", "files", "account", "undone_at", "undo_until")]
    parts = select(lists.c.name.label("list"), *columns).join_from(imports, lists, lists.c.id == imports.c.list_id)
    mine = parts.where(imports.c.move_id == number).order_by(imports.c.id)
    return Move(**row, parts=connection.execute(mine).mappings().all())


def move_with(connection: Connection, token: str) -> Move | None:
    """The move of what was brought or fetched under a token."""
    number = connection.execute(select(moves.c.id).where(moves.c.token == token)).scalar()
    return None if number is None else find_move(connection, number)


def list_moves(connection: Connection) -> Sequence[Move]:
    """The newest first, with their parts."""
    numbers = connection.execute(select(moves.c.id).order_by(moves.c.id.desc())).scalars().all()
    return [found for number in numbers if (found := find_move(connection, number))]


def sign(told: Mapping[str, Any], keys: Sequence[bytes]) -> dict[str, Any]:
    """The report with its signature."""
    return {"report": told, "signature": {"algorithm": "HMAC-SHA256", "value": _mac(told, keys[0])}}


def verified(text: str, keys: Sequence[bytes]) -> Mapping[str, Any]:
    """What a signed report says. Raises `NotOurs` for one that we didn't sign, or that was changed since."""
    try:
        found = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise NotOurs("this is no migration report", remedy=REMEDY) from None
    whole: dict[str, Any] = cast(dict[str, Any], found) if isinstance(found, dict) else {}
    told, signature = whole.get("report"), whole.get("signature")
    value: object = cast(dict[str, Any], signature).get("value") if isinstance(signature, dict) else None
    if not isinstance(told, dict) or not isinstance(value, str) or set(whole) != {"report", "signature"}:
        raise NotOurs("this is no migration report", remedy=REMEDY)
    report = cast(dict[str, Any], told)
    if not any(hmac.compare_digest(_mac(report, key).encode(), value.encode("utf-8", "replace")) for key in keys):
        raise NotOurs("this report was changed, or another workspace signed it", remedy=REMEDY)
    return report


def _mac(told: Mapping[str, Any], key: bytes) -> str:
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    derived = hmac.digest(key, PURPOSE, "sha256")
    return hmac.digest(derived, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose members have different names: of two alike, a reader may see another than we verify."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("twice")
    return found


def _part(part: RowMapping) -> Mapping[str, Any]:
    account = BothSides(part["account"])
    return {"list": part["list"], "import": part["id"], "files": part["files"], "became": account.became,
            **_sides(account)}  # fmt: skip


def _sides(account: BothSides) -> dict[str, Any]:
    """Both sides in numbers: theirs = in + left out + merged."""
    return {"theirs": account.read, "there": account.theirs, "here": account.here, "in": account.came,
            "left_out": account.left_out, "merged": account.merged}  # fmt: skip


def _together(parts: Sequence[RowMapping]) -> BothSides:
    """The one part of a move that has only one."""
    (only,) = parts
    return BothSides(only["account"])
