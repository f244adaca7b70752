"""What a newsletter is made of on disk, as a fingerprint that changes whenever one of those files is saved.

It is looked at often and cheaply: names, sizes and times, no contents. What a change leads to is for `desk`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mailer.settings import SETTINGS_FILE

Fingerprint = tuple[tuple[str, int, int, int], ...]

DEEPEST = 4  # folders below the newsletter's or templates/; a link that leads round in a circle ends there


def fingerprint(root: Path, slug: str) -> Fingerprint:
    """Path, time, size and number of the settings, the lists, the templates, and the newsletter with its pictures.

    The file's number (inode) is part of it since most editors write a new file and rename it.
    """
    found = [*_below(root / "newsletters" / slug), *_below(root / "templates"), *_below(root / "lists", DEEPEST)]
    found += _of_file(root / SETTINGS_FILE)
    return tuple(sorted(found))


def _below(folder: Path, depth: int = 0) -> Iterator[tuple[str, int, int, int]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # it is not there yet, or is being replaced at this moment
        return
    for entry in entries:
        try:
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
