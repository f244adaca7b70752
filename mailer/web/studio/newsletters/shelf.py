"""What the files say of each newsletter, for lists of them: read once, and again when a file was saved. Nothing is
compiled for it, and a file with faults is listed by what can be read of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from mailer.compose.source.frontmatter import split_front_matter
from mailer.delivery.series.approval import made_issues
from mailer.editing.folders import is_away, message_path, name_of
from mailer.errors import MailerError
from mailer.toml_file import read_toml
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.core.pages import plain
from mailer.workspace import ACTION_FILE, AUTOMATION_FILE, Workspace


@dataclass(frozen=True, slots=True)
class ShelvedNewsletter:
    """A newsletter by its files. `name` is what staff call it; `list` and `template` are names of files."""

    slug: str
    name: str
    subject: str
    preheader: str
    list: str
    template: str
    language: str
    has_page: bool
    changed_at: datetime
    is_away: bool
    is_automation: bool = False
    repeats: bool = False  # it has a series, which its issues are of


Mark = tuple[int, int, int, bool, bool]


class Shelf:
    """The newsletters of a workspace. Use it from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Mark, ShelvedNewsletter]] = {}

    def newsletters(self, workspace: Workspace) -> list[ShelvedNewsletter]:
        """All of them, the one changed last first."""
        with self._lock:
            known: dict[str, tuple[Mark, ShelvedNewsletter]] = {}
            for slug in workspace.slugs():
                if found := self._look(workspace.newsletters / slug):
                    known[slug] = found
            self._known = known
        return sorted((one for _, one in known.values()), key=lambda one: one.changed_at, reverse=True)

    def newsletter(self, workspace: Workspace, slug: str) -> ShelvedNewsletter:
        """One of them. Raises `MailerError` when there is none."""
        named = workspace.newsletter(slug)
        folder = named.folder
        with self._lock:
            found = None if named.is_automation else self._look(folder)
        return found[1] if found else _without_text(folder)

    def _look(self, folder: Path) -> tuple[Mark, ShelvedNewsletter] | None:
        path = message_path(folder)
        if path is None:
            return None
        try:
            stat = path.stat()
            away, has_page = is_away(folder), (folder / ACTION_FILE).is_file()
            mark = (stat.st_mtime_ns, stat.st_size, stat.st_ino, away, has_page)
            kept = self._known.get(folder.name)
            if kept and kept[0] == mark:
                return kept
            changed = datetime.fromtimestamp(stat.st_mtime, UTC)
            text = path.read_bytes().decode("utf-8-sig", errors="replace")
        except OSError:  # it is being replaced at this moment
            return self._known.get(folder.name)
        found = _read(folder, text, changed_at=changed, away=away, has_page=has_page)
        self._known[folder.name] = (mark, found)
        return mark, found


def shelf_of(studio: Studio) -> Shelf:
    """The studio's shelf."""
    return cast(Shelf, studio.kept.setdefault("shelf", Shelf()))


def names_of(visit: Visit) -> Callable[[str], str]:
    """What staff call a newsletter or an issue, by its slug; the slug itself for one that is no longer there."""
    names = {one.slug: one.name for one in shelf_of(visit.studio).newsletters(visit.workspace)}
    with visit.database.read() as connection:
        issues = made_issues(connection)
    names |= {slug: one.called(names.get(one.parent, name_of(one.parent))) for slug, one in issues.items()}
    return lambda slug: names.get(slug, slug)


def _read(folder: Path, text: str, *, changed_at: datetime, away: bool, has_page: bool) -> ShelvedNewsletter:
    front, _ = split_front_matter(text.replace("\r\n", "\n"), file=folder.name)
    data: Any = front.data if front else {}

    def said(key: str) -> str:
        value = data.get(key)
        return value.strip() if isinstance(value, str) else ""

    return ShelvedNewsletter(
        slug=folder.name, name=said("name") or name_of(folder.name), subject=plain(said("subject")),
        preheader=plain(said("preheader")),
        list=said("list"), template=said("template"), language=said("language"),
        has_page=has_page, changed_at=changed_at, is_away=away, repeats=bool(data.get("series")),
    )  # fmt: skip


def _without_text(folder: Path) -> ShelvedNewsletter:
    changed = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    if (folder / AUTOMATION_FILE).is_file():
        data = _toml(folder / AUTOMATION_FILE)
        title, to = (one if isinstance(one := data.get(key), str) else "" for key in ("title", "list"))
        return ShelvedNewsletter(
            folder.name, title or name_of(folder.name), "", "", to, "", "", has_page=False, changed_at=changed,
            is_away=is_away(folder), is_automation=True,
        )  # fmt: skip
    return _read(folder, "", changed_at=changed, away=is_away(folder), has_page=(folder / ACTION_FILE).is_file())


def _toml(path: Path) -> dict[str, Any]:
    """What an automation's file says; nothing where it can't be read."""
    try:
        return read_toml(path, path.name).data
    except MailerError:
        return {}
