"""Files that name people, and their folders: made for their owner alone, whatever the umask. Exports, rejected rows,
mails in the outbox, rendered mails and their pictures are opened here and nowhere else.

That the database and the secrets are private is for `store` and `settings`.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO, overload

from mailer.errors import MailerError

FILE, FOLDER = 0o600, 0o700
OTHERS = 0o077
ENOUGH = 20  # of a folder's files that others can read: more say nothing new


@overload
def open_private(path: Path, mode: Literal["wb"]) -> BinaryIO: ...
@overload
def open_private(path: Path, mode: Literal["w", "x"] = "w", *, encoding: str = ..., newline: str = ...) -> TextIO: ...
def open_private(path: Path, mode: str = "w", **options: Any) -> Any:
    """`open` for writing. A file that is there already becomes private before anything is written into it."""

    def opener(name: str, flags: int) -> int:
        descriptor = os.open(name, flags, FILE)
        if os.name == "posix":
            os.fchmod(descriptor, FILE)
        return descriptor

    return open(path, mode, opener=opener, **options)


def private_folder(path: Path) -> Path:
    """The folder, made if it is missing; folders above it too. One that is there is left as it is."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=FOLDER, exist_ok=True)
    path.mkdir(exist_ok=True)  # raises when something else has the name
    return path


def unversioned_folder(path: Path) -> Path:
    """A private folder whose files git leaves alone, made if it is missing."""
    private_folder(path)
    if not (path / ".gitignore").exists():
        with open_private(path / ".gitignore") as file:
            file.write("*\n")
    return path


@contextmanager
def whole_private(path: Path, *, encoding: str = "utf-8") -> Generator[TextIO]:
    """A text file that appears whole or not at all, in place of one that was there. Raises `MailerError`."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open_private(unfinished, "x", encoding=encoding, newline="") as file:
            yield file
        unfinished.replace(path)
    except OSError as error:
        raise MailerError(f"{path} can't be written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def last_changed(paths: Iterable[Path]) -> float | None:
    """When the newest of these files and folders was changed, in seconds since 1970; those that are deleted while they
    are looked at don't count. None when none is there."""
    found: list[float] = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append(path.stat().st_mtime)
    return max(found, default=None)


def readable_by_others(places: Iterable[Path]) -> list[Path]:
    """Which of these files and folders, and of the files below them, others on this machine can read. Links are not
    followed; nothing is found where rights are not kept (Windows)."""
    found: list[Path] = []
    for folder in places if os.name == "posix" else ():
        if not folder.is_dir():
            found += [folder] if folder.is_file() and _exposed(folder) else []
            continue
        if not _exposed(folder):  # nobody else gets in, whatever the files say
            continue
        files = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
        exposed = [folder]
        for path in files:
            if len(exposed) >= ENOUGH:
                break
            if not path.is_symlink() and _exposed(path):
                exposed.append(path)
        found += exposed
    return found


def _exposed(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & OTHERS)
    except OSError:  # gone meanwhile
        return False
