"""Every picture of the workspace, by what it is: its bytes. The same picture beside five newsletters is one here.

Files are read once, and again when they were saved. A link is not followed: it might show any file of this machine.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailer.compose.source.images import look
from mailer.compose.source.text_file import LARGEST_BYTES
from mailer.editing.library.references import SUFFIXES, PictureReference, references
from mailer.workspace import ACTION_FILE, Workspace

BIGGEST = 30_000_000  # bytes; what is larger is no picture that anybody mails
DEEPEST = 4  # folders below a newsletter's
TEXTS = (".md", ".mjml")
PAGE = ACTION_FILE.partition(".")[0]
Mark = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PictureUse:
    """A newsletter's folder that holds the picture. `places` by file, such as message.md; none: no text names it."""

    slug: str
    name: str  # of the picture, as a path from the folder
    places: Mapping[str, tuple[PictureReference, ...]]

    @property
    def alts(self) -> frozenset[str]:
        """What it is said to show there; "" where a place says nothing and should."""
        return frozenset(one.alt for found in self.places.values() for one in found if one.alt is not None)


@dataclass(slots=True)
class LibraryPicture:
    """One picture. `digest`: the first 16 hex digits of its SHA-256; `width` and `height` in pixels, 0 where the file
    doesn't say; `shared`: where it is outside newsletters, as paths of the workspace, such as brand/logo.png."""

    digest: str
    size: int  # bytes
    width: int
    height: int
    changed: float  # when the newest of its files was, in seconds since 1970
    uses: list[PictureUse] = field(default_factory=list[PictureUse])
    shared: list[str] = field(default_factory=list[str])

    @property
    def names(self) -> list[str]:
        """What its files are called."""
        return sorted({one.name for one in self.uses} | set(self.shared))

    @property
    def alts(self) -> list[str]:
        """What it is said to show, each once."""
        return sorted({alt for one in self.uses for alt in one.alts if alt})


@dataclass(frozen=True, slots=True)
class _File:
    """What a picture's file holds."""

    digest: str
    size: int
    width: int
    height: int


class PictureLibrary:
    """The pictures of one workspace. Use it from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, tuple[Mark, _File | None]] = {}
        self._texts: dict[str, tuple[Mark, tuple[PictureReference, ...]]] = {}

    def pictures(self, workspace: Workspace) -> dict[str, LibraryPicture]:
        """All of them as they are now, by digest; the one changed last first."""
        with self._lock:
            found: dict[str, LibraryPicture] = {}
            seen: set[str] = set()
            newsletters = workspace.newsletters
            for slug in workspace.folders():
                if not (folder := newsletters / slug).is_symlink():
                    self._newsletter(folder, found, seen)
            for folder in shared_folders(workspace):
                for name, stat in _below(f"{folder}/", "", DEEPEST):
                    path = f"{folder}/{name}"
                    if name.lower().endswith(SUFFIXES) and (picture := self._picture(path, stat, found, seen)):
                        picture.shared.append(Path(path).relative_to(workspace.root).as_posix())
            self._files = {name: one for name, one in self._files.items() if name in seen}
            self._texts = {name: one for name, one in self._texts.items() if name in seen}
        return dict(sorted(found.items(), key=lambda one: (-one[1].changed, one[0])))

    def path_of(self, digest: str) -> Path | None:
        """Where a picture was when they were last looked at."""
        with self._lock:
            files = self._files.items()
            return next((Path(name) for name, (_, one) in files if one and one.digest == digest), None)

    def _newsletter(self, folder: Path, found: dict[str, LibraryPicture], seen: set[str]) -> None:
        files = list(_below(f"{folder}/", "", DEEPEST))
        texts = {
            name: self._text(f"{folder}/{name}", stat, seen)
            for name, stat in files
            if name.lower().endswith(TEXTS) and "/" not in name
        }
        for name, stat in files:
            if name.lower().endswith(SUFFIXES):
                picture = self._picture(f"{folder}/{name}", stat, found, seen)
                if picture is not None:
                    here = {file: tuple(r for r in there if r.name == name) for file, there in texts.items()}
                    places = {file: there for file, there in here.items() if there}
                    picture.uses.append(PictureUse(folder.name, name, places))

    def _picture(
        self, name: str, stat: os.stat_result, found: dict[str, LibraryPicture], seen: set[str]
    ) -> LibraryPicture | None:
        mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        seen.add(name)
        kept = self._files.get(name)
        if kept is None or kept[0] != mark:
            kept = self._files[name] = (mark, _read_picture(Path(name), stat.st_size))
        if (file := kept[1]) is None:
            return None
        picture = found.get(file.digest)
        if picture is None:
            picture = LibraryPicture(file.digest, file.size, file.width, file.height, stat.st_mtime)
            found[file.digest] = picture
        picture.changed = max(picture.changed, stat.st_mtime)
        return picture

    def _text(self, name: str, stat: os.stat_result, seen: set[str]) -> tuple[PictureReference, ...]:
        mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        seen.add(name)
        kept = self._texts.get(name)
        if kept is None or kept[0] != mark:
            kept = self._texts[name] = (mark, tuple(_read_text(Path(name), stat.st_size)))
        return kept[1]


def shared_folders(workspace: Workspace) -> list[Path]:
    """Where pictures are that are no newsletter's: of the templates, and beside the logo."""
    brand = workspace.settings.brand
    logos = [workspace.root / one for one in (brand.logo, brand.logo_dark) if one and "://" not in one]
    inside = [path.parent for path in logos if path.parent.resolve().is_relative_to(workspace.root.resolve())]
    return [one for one in dict.fromkeys([workspace.templates, *inside]) if one != workspace.root and one.is_dir()]


def digest_of(data: bytes) -> str:
    """What a picture is called: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(data).hexdigest()[:16]


def is_page(file: str) -> bool:
    """Whether a file of a newsletter is its sign page, in any language."""
    return file.partition(".")[0] == PAGE


def _below(folder: str, inside: str, deepest: int) -> Iterator[tuple[str, os.stat_result]]:
    """The files of a folder by their paths in it, without links and what is hidden. Texts, since paths are slow."""
    try:
        with os.scandir(folder + inside) as found:
            entries = sorted(found, key=lambda one: one.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        try:
            if entry.is_file():
                yield inside + entry.name, entry.stat()
            elif deepest and entry.is_dir():
                yield from _below(folder, f"{inside}{entry.name}/", deepest - 1)
        except OSError:  # it was replaced at this moment
            continue


def _read_picture(path: Path, size: int) -> _File | None:
    if size > BIGGEST:
        return None
    try:
        data = path.read_bytes()
    except OSError:
        return None
    facts = look(data)
    width, height = (facts.width, facts.height) if facts else (0, 0)
    return _File(digest_of(data), len(data), width, height)


def _read_text(path: Path, size: int) -> list[PictureReference]:
    if size > LARGEST_BYTES:
        return []
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError:
        return []
    return references(text, of_page=is_page(path.name))
