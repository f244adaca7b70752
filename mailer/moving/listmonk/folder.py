"""A move from listmonk on its way, in a private folder of the workspace: what was read, what was decided.

The token lies in a file of its own while it is needed, and is deleted as soon as everything was read, or reading it was
given up. Nothing else of the move holds it: no order, no log, no report. After a day without a touch all of it goes.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailer.errors import MailerError
from mailer.moving.listmonk.theirs import FILE, Theirs
from mailer.private_files import last_changed, private_folder, unversioned_folder, whole_private

FOLDER = ".moving"  # of a workspace
TOKEN = re.compile(r"[0-9a-f]{32}")
ABOUT, LOGIN, LEFT_OUT = "about.json", "login.json", "left-out.csv"
KEEP, KEEP_LEFT_OUT = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class MoveFolder:
    """One move from listmonk. Moments are seconds since 1970."""

    token: str
    host: str  # where it comes from, without login
    by: str
    begun: float
    read_at: float = 0.0  # when all of it had been read; 0 before
    onto: Mapping[str, str] = field(default_factory=dict[str, str])  # number of their list → ours; left out: missing
    agreed: str = ""  # where and how people agreed, in words
    wording: str | None = None  # as `ImportOptions` has it
    drafts: bool = True  # campaigns and templates too
    work: Mapping[str, int] = field(default_factory=dict[str, int])  # read, rehearsal, bring → number of the order


class MoveFolders:
    """Those of a workspace."""

    def __init__(self, root: Path) -> None:
        self.root = root / FOLDER

    def begin(self, url: str, user: str, token: str, *, by: str, now: datetime) -> MoveFolder:
        """A new one. The login is kept until everything was read."""
        unversioned_folder(self.root)
        self.sweep(now)
        move = MoveFolder(secrets.token_hex(16), url.partition("://")[2], by, now.timestamp())
        private_folder(self.place(move))
        with whole_private(self.place(move) / LOGIN) as file:
            json.dump({"url": url, "user": user, "token": token}, file)
        return self.save(move)

    def place(self, move: MoveFolder) -> Path:
        return self.root / move.token

    def find(self, token: str) -> MoveFolder | None:
        """By its token; None when there is none, or none any more."""
        if not TOKEN.fullmatch(token):
            return None
        try:
            return MoveFolder(**json.loads((self.root / token / ABOUT).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def require(self, token: str) -> MoveFolder:
        """The same. Raises `MailerError`."""
        found = self.find(token)
        if found is None:
            raise MailerError("what was read of listmonk isn’t here any more", remedy="Begin again: it is read again.")
        return found

    def all(self) -> list[MoveFolder]:
        """The newest first."""
        found = [self.find(path.parent.name) for path in self.root.glob(f"*/{ABOUT}")]
        return sorted((one for one in found if one), key=lambda one: -one.begun)

    def save(self, move: MoveFolder) -> MoveFolder:
        with whole_private(self.place(move) / ABOUT) as file:
            json.dump(asdict(move), file)
        return move

    def login(self, move: MoveFolder) -> Mapping[str, str] | None:
        """Address, user and token, while they are needed."""
        try:
            return json.loads((self.place(move) / LOGIN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def forget_login(self, move: MoveFolder) -> None:
        (self.place(move) / LOGIN).unlink(missing_ok=True)

    def was_read(self, move: MoveFolder, now: datetime) -> MoveFolder:
        """Everything is here: the login is needed no more."""
        move = self.save(replace(move, read_at=now.timestamp()))
        self.forget_login(move)
        return move

    def theirs(self, move: MoveFolder) -> Theirs:
        """What was read. Close it."""
        return Theirs(self.place(move) / FILE)

    def is_whole(self, move: MoveFolder) -> bool:
        """Whether what was read is still here."""
        return bool(move.read_at) and (self.place(move) / FILE).exists()

    def files(self, move: MoveFolder) -> Path:
        """Where the importer's files are written."""
        return self.place(move) / "files"

    def left_out(self, move: MoveFolder) -> Path:
        """Everybody who was left out, and why."""
        return self.place(move) / LEFT_OUT

    def clear(self, move: MoveFolder) -> None:
        """Delete what names people, but for those who were left out."""
        self.forget_login(move)
        shutil.rmtree(self.files(move), ignore_errors=True)
        for path in self.place(move).glob(f"{FILE}*"):
            path.unlink(missing_ok=True)

    def remove(self, move: MoveFolder) -> None:
        shutil.rmtree(self.place(move), ignore_errors=True)

    def sweep(self, now: datetime) -> None:
        """Delete what nobody touched for a day, and after a week everything."""
        for folder in self.root.glob("*/"):
            move = self.find(folder.name)
            if not TOKEN.fullmatch(folder.name):
                continue
            touched = last_changed((folder, *folder.glob("*")))
            age = now - datetime.fromtimestamp(touched, UTC) if touched else timedelta()
            if (move is None and age > KEEP) or age > KEEP_LEFT_OUT:
                shutil.rmtree(folder, ignore_errors=True)
            elif move is not None and age > KEEP:
                self.clear(move)
