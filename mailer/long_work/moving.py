"""Moving from listmonk as long work: it is read, rehearsed, and brought.

Orders name a move's folder, where the login lies while it is needed. Each is done again from its start after a crash;
what a move brought by then is found in the database and not brought again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from mailer.errors import MailerError
from mailer.long_work.importing import WRITING
from mailer.long_work.running import Running, WorkElsewhere
from mailer.moving.listmonk.api import Listmonk
from mailer.moving.listmonk.bring import Bringing, bring, finished, rehearse
from mailer.moving.listmonk.folder import MoveFolder, MoveFolders
from mailer.moving.report import Move

READ, REHEARSAL, BRING = "move-read", "move-rehearsal", "move"


def read_listmonk(running: Running) -> Mapping[str, Any]:
    """Ask listmonk for everything. The login is deleted then, and when it was refused."""
    folders, move = _move(running)
    if folders.is_whole(move):
        folders.forget_login(move)
        return {}
    login = folders.login(move)
    if login is None:
        raise MailerError("the login of listmonk isn’t here any more", remedy="Begin again.")

    def wait(seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            running.step(0, None, "listmonk doesn’t answer just now; it is asked again")
            time.sleep(min(0.5, seconds))

    api = Listmonk(login["url"], login["user"], login["token"], wait=wait)
    theirs = folders.theirs(move)
    try:
        theirs.read(api, running.step)
    except MailerError:
        folders.forget_login(move)
        raise
    finally:
        api.close()
        theirs.close()
    folders.was_read(move, running.clock())
    return {}


def rehearse_move(running: Running) -> Mapping[str, Any]:
    """Do it all and take it back: what would become of the rows of each list."""
    found = rehearse(_work(running))
    return {"reports": {name: asdict(replace(one, rejects=(), warnings=())) for name, one in found.reports.items()}}


def bring_move(running: Running) -> Mapping[str, Any]:
    """The move itself."""
    work, result = _work(running), dict[str, Any]()
    if done := finished(work):
        return {"move": done.id}

    def settle(connection: Connection, move: Move) -> None:
        result["move"] = move.id
        running.settle(connection, result)

    bring(work, settle)
    return result


def _work(running: Running) -> Bringing:
    _, move = _move(running)

    def heard(rows: int, of: int | None, words: str) -> None:
        silence = timedelta() if running.database.is_sqlite else WRITING
        running.step(rows, of, words, silence=silence if of is not None and rows >= of else None)

    return Bringing(running.workspace, running.database, move, running.actor, running.clock, heard)


def _move(running: Running) -> tuple[MoveFolders, MoveFolder]:
    folders = MoveFolders(running.workspace.root)
    token = str(running.order["move"])
    if folders.find(token) is None and not folders.root.is_dir():
        raise WorkElsewhere
    return folders, folders.require(token)
