"""Files that staff bring in a browser, kept in private folders of the workspace until they are imported, or for a day.

A file comes in pieces, each at its place, so that one that broke off goes on where it ended. Beside it is what was seen
in it, what was asked, and the rows that a rehearsal turned away; those stay for a week.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mailer.errors import MailerError
from mailer.private_files import last_changed, open_private, private_folder, whole_private

FOLDER = ".imports"  # of a workspace
MOST_BYTES = 500 << 20
RESERVE_BYTES = 200 << 20  # of the disk, which the database needs meanwhile
KEEP_FILE, KEEP_ALL = timedelta(days=1), timedelta(days=7)  # since it was last touched
TOKEN = re.compile(r"[0-9a-f]{32}")
ABOUT, SEEN, REJECTS = "about.json", "seen.json", "rejects.csv"
MOST_TOGETHER = 20  # files of one import
LONGEST_NAME = 100  # characters of a file's name that are kept, and its ending


class DiskFull(MailerError):
    """There is no room for the file."""

    def __init__(self) -> None:
        super().__init__(
            "there is no room for this file on the studio's disk",
            remedy="Ask the person who looks after the machine to make some. Nothing was imported.",
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody brought, and how far its import is. Moments are seconds since 1970."""

    token: str
    name: str
    size: int  # bytes it will have
    list: str
    by: str
    begun: float
    asked: Mapping[str, object] = field(default_factory=dict[str, object])  # `ImportOptions`
    work: Mapping[str, int] = field(default_factory=dict[str, int])  # look, rehearsal, import → number of the order
    checked: tuple[str, ...] = ()  # the steps that were gone through
    origin: str = ""  # of a move: the program they come from, a name of `moving.origins`
    more: tuple[str, ...] = ()  # names of further files that are imported with it
    joins: str = ""  # the upload that this file is for, once all of it has come


class Uploads:
    """The uploads of a workspace."""

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER

    def begin(
        self, name: str, *, size: int, list_name: str, by: str, now: datetime, origin: str = "", joins: str = ""
    ) -> Upload:
        """A new upload, of which nothing has come yet. Raises `MailerError` for one that is too large."""
        if not 0 < size <= MOST_BYTES:
            words = "this file is empty" if size <= 0 else f"a file may have {MOST_BYTES >> 20} MB at most"
            raise MailerError(words, remedy="Export it again, or in parts." if size > 0 else "Export it again.")
        self.sweep(now)
        private_folder(self.folder)
        if shutil.disk_usage(self.folder).free < size + RESERVE_BYTES:
            raise DiskFull
        if not (self.folder / ".gitignore").exists():
            with open_private(self.folder / ".gitignore") as file:
                file.write("*\n")
        upload = Upload(
            secrets.token_hex(16), _plain(name), size, list_name, by, now.timestamp(), origin=origin, joins=joins
        )
        private_folder(self.path(upload).parent)
        open_private(self.path(upload), "wb").close()
        self.save(upload)
        return upload

    def find(self, token: str) -> Upload | None:
        """An upload by its token; None when there is none, or none any more."""
        if not TOKEN.fullmatch(token):
            return None
        try:
            told: dict[str, Any] = json.loads((self.folder / token / ABOUT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        told["checked"], told["more"] = tuple(told["checked"]), tuple(told.get("more", ()))
        return Upload(**told)

    def all(self) -> list[Upload]:
        """Those there are, the newest first."""
        found = [self.find(path.parent.name) for path in self.folder.glob(f"*/{ABOUT}")]
        return sorted((one for one in found if one), key=lambda one: -one.begun)

    def save(self, upload: Upload) -> Upload:
        """Keep what is known of an upload."""
        with whole_private(self.folder / upload.token / ABOUT) as file:
            json.dump(asdict(upload), file)
        return upload

    def path(self, upload: Upload) -> Path:
        """The file itself, under its own name."""
        return self.folder / upload.token / "file" / upload.name

    def paths(self, upload: Upload) -> list[Path]:
        """All files that are imported together."""
        return [self.path(upload), *(self.path(upload).with_name(name) for name in upload.more)]

    def join(self, upload: Upload, into: Upload) -> Upload:
        """Put a file that has come beside those of another upload, under a name that none of them has. Its own upload
        is gone then. What was seen of the others holds no more."""
        taken = {into.name.casefold(), *(name.casefold() for name in into.more)}
        stem, dot, ending = upload.name.rpartition(".")
        names = (upload.name, *(f"{stem} ({n}){dot}{ending}" for n in range(2, MOST_TOGETHER + 2)))
        if len(taken) >= MOST_TOGETHER:
            raise MailerError(f"{MOST_TOGETHER} files are the most at once", remedy="Put them into one zip.")
        name = next(one for one in names if one.casefold() not in taken)
        self.path(upload).replace(self.path(into).with_name(name))
        self.remove(upload)
        self.beside(into, SEEN).unlink(missing_ok=True)
        return self.save(replace(into, more=(*into.more, name), checked=(), work={}))

    def beside(self, upload: Upload, name: str) -> Path:
        """What is kept with it: `SEEN`, `REJECTS`."""
        return self.folder / upload.token / name

    def received(self, upload: Upload) -> int:
        """How many bytes have come; -1 once the file was removed."""
        try:
            return self.path(upload).stat().st_size
        except FileNotFoundError:
            return -1

    def put(self, upload: Upload, at: int, piece: bytes) -> int:
        """Write a piece at its place, which is where the file ends, or before it when it comes again. Returns how many
        bytes there are. Raises `DiskFull` with the file as it was."""
        before = self.received(upload)
        if not 0 <= at <= before or at + len(piece) > upload.size:
            raise MailerError("this is not the next piece of the file", remedy="Choose the file again.")
        with self.path(upload).open("r+b") as file:
            try:
                left = memoryview(piece)
                while left:
                    written = os.pwrite(file.fileno(), left, at + len(piece) - len(left))
                    left = left[written:]
            except OSError as error:
                file.truncate(before)
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise DiskFull from None
                raise
        return self.received(upload)

    def take_whole(self, upload: Upload) -> Upload:
        """Its size is what has come, where nobody could say it before."""
        return self.save(replace(upload, size=self.received(upload)))

    def remove_file(self, upload: Upload) -> None:
        """Delete the file itself, which has people in it; what was asked and turned away stays."""
        shutil.rmtree(self.path(upload).parent, ignore_errors=True)
        self.beside(upload, SEEN).unlink(missing_ok=True)

    def remove(self, upload: Upload) -> None:
        """Delete the upload with all that is beside it."""
        shutil.rmtree(self.folder / upload.token, ignore_errors=True)

    def sweep(self, now: datetime) -> None:
        """Delete the files that nobody touched for a day, and everything after a week."""
        for folder in self.folder.glob("*/"):
            upload = self.find(folder.name)
            touched = last_changed((folder, *folder.glob("file/*"), *folder.glob("*.json")))
            age = now - datetime.fromtimestamp(touched, UTC) if touched else timedelta()
            if upload is None or age > KEEP_ALL:
                if age > KEEP_FILE and TOKEN.fullmatch(folder.name):
                    shutil.rmtree(folder, ignore_errors=True)
            elif age > KEEP_FILE and self.received(upload) >= 0:
                self.remove_file(upload)


def _plain(name: str) -> str:
    """A name that is one part of a path, with its ending."""
    last = re.sub(r"[\x00-\x1f\x7f/\\]", "", re.split(r"[/\\]", name)[-1]).strip(". ") or "people.csv"
    stem, dot, ending = last.rpartition(".")
    ending = f"{dot}{ending}"[:12] if stem else ""
    return (stem or last)[:LONGEST_NAME].encode("utf-8", "replace").decode()[:LONGEST_NAME] + ending
