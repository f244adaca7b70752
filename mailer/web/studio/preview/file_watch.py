"""What a newsletter is made of on disk, as a fingerprint that changes whenever one of those files is saved.

It is looked at often and cheaply: names, sizes and times, no contents. What a change leads to is for `looks`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISLNK

from mailer.compose.data.sources import DATA
from mailer.delivery.data.tables import PRIVATE
from mailer.settings import SETTINGS_FILE

Fingerprint = tuple[tuple[str, int, int, int], ...]

DEEPEST = 4  # folders below the newsletter's or templates/; a link that leads round in a circle ends there


def fingerprint(root: Path, slug: str) -> Fingerprint:
    """Path, time, size and number of the settings, the lists, the templates, the tables, and the
    newsletter with its pictures.

    The file's number (inode) is part of it since most editors write a new file and rename it.
    """
    found = [*_below(root / "newsletters" / slug), *_below(root / "templates"), *_below(root / "lists", DEEPEST)]
    found += [*_below(root / DATA, DEEPEST), *_below(root / DATA / PRIVATE, DEEPEST)]
    found += _of_file(root / SETTINGS_FILE)
    found += _of_link(root / "newsletters" / slug)
    return tuple(sorted(found))


def leading_out(root: Path, slug: str) -> list[Path]:
    """Which of those files and folders are links to a place outside the workspace. templates/ itself may be one, to be
    shared by several workspaces; what lies there belongs to it."""
    inside = (root.resolve(), (root / "templates").resolve())
    folders = (root / "newsletters" / slug, root / "lists")
    places = [*folders, root / SETTINGS_FILE]
    for folder in (*folders, root / "templates"):
        for place, names, files in os.walk(folder):
            places += [path for name in (*names, *files) if (path := Path(place, name)).is_symlink()]
    return sorted(path for path in places if not any(path.resolve().is_relative_to(one) for one in inside))


def _below(folder: Path, depth: int = 0) -> Iterator[tuple[str, int, int, int]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it is not there yet, or is being replaced at this moment
        return
    for entry in entries:
        if entry.name.startswith("."):  # a file that is being written, or a mark; no part of any mail
            continue
        try:
            if entry.is_symlink():
                yield from _of_link(Path(entry.path))
            if entry.is_dir():
                if depth < DEEPEST:
                    yield from _below(Path(entry.path), depth + 1)
                continue
            stat = entry.stat()
        except OSError:
            continue
        yield entry.path, stat.st_mtime_ns, stat.st_size, stat.st_ino


def _of_file(path: Path) -> Iterator[tuple[str, int, int, int]]:
    try:
        stat = path.stat()
    except OSError:
        return
    yield str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino
    yield from _of_link(path)


def _of_link(path: Path) -> Iterator[tuple[str, int, int, int]]:
    """A link by itself: where it leads may be the same file as before."""
    try:
        stat = path.lstat()
    except OSError:
        return
    if S_ISLNK(stat.st_mode):
        yield f"{path} (link)", stat.st_mtime_ns, stat.st_size, stat.st_ino
