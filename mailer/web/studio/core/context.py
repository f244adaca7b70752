"""One running studio, and one visit to it: who asks for what, with everything a room needs to answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.errors import MailerError
from mailer.settings import SECRETS_FILE, SETTINGS_FILE, read_secrets, read_settings
from mailer.staff.actor import Actor
from mailer.store.engine.database import Database
from mailer.web.studio.core.rooms import Room
from mailer.workspace import Workspace

MOST_FIELDS = 1_000  # of one form
NUL = "\0"  # nobody types it, and PostgreSQL takes no text that holds it


class WorkspaceReader:
    """The workspace as its settings are now: read again once mailer.toml or secrets.toml was saved.

    While they have faults the last good settings go on, since a page must not fall over half a sentence in an editor.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._root = workspace.root
        self._lock = threading.Lock()
        self._workspace = workspace
        self._seen = self._mark()

    def read(self) -> Workspace:
        """The workspace with its newest good settings."""
        with self._lock:
            seen = self._mark()
            if seen != self._seen:
                self._seen = seen
                try:
                    settings = read_settings(self._root, os.environ)
                    self._workspace = Workspace(self._root, settings, read_secrets(self._root, os.environ))
                except MailerError:  # the pages that show settings say what is wrong with them
                    pass
            return self._workspace

    def _mark(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_stat(self._root / name) for name in (SETTINGS_FILE, SECRETS_FILE))


def _stat(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return found.st_mtime_ns, found.st_size, found.st_ino


@dataclass(frozen=True, slots=True)
class Studio:
    """The parts of one running studio. `origins`: how browsers call it, such as https://studio.example.org; the first
    is the one to print. `run_key` opens it while nobody has an account; None where sign-in is always needed."""

    reader: WorkspaceReader
    database: Database
    clock: Callable[[], datetime]
    origins: tuple[str, ...]
    run_key: str | None = field(default=None, repr=False)
    rooms: tuple[Room, ...] = ()
    stopping: threading.Event = field(default_factory=threading.Event)
    # For work that no page waits for. It is waited for at the end, since it must not outlive the database.
    beside: ThreadPoolExecutor = field(default_factory=ThreadPoolExecutor)
    kept: dict[str, object] = field(default_factory=dict[str, object])  # what rooms keep between visits, by their name

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by TLS."""
        return self.origins[0].startswith("https://")


class Form:
    """The fields of a form. Line ends are \\n, as they were before the form's encoding made them CRLF; no value holds a
    NUL."""

    def __init__(self, body: bytes) -> None:
        text = body.decode("utf-8", errors="replace")
        try:
            found = parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise HTTPException(400) from None
        self._values = {
            name: [value.replace("\r\n", "\n").replace(NUL, "") for value in values] for name, values in found.items()
        }

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default: str = "") -> str:
        """The first value of a field, without blanks around it."""
        return self.text(name, default).strip()

    def text(self, name: str, default: str = "") -> str:
        """The first value of a field as it was sent."""
        return self._values.get(name, [default])[0]

    def all(self, name: str) -> list[str]:
        """Every value of a field, such as of ticked boxes."""
        return self._values.get(name, [])

    def values(self) -> Mapping[str, str]:
        """The first value of every field."""
        return {name: values[0] for name, values in self._values.items()}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who asks, for what, and when. `actor` is None only on pages that everybody may open."""

    studio: Studio
    request: Request
    actor: Actor | None
    now: datetime
    nonce: str  # of the answer's Content-Security-Policy
    workspace: Workspace
    body: bytes = b""
    whole_actor: Actor | None = None  # with their rights everywhere, where `actor` has none for this newsletter's lists

    @property
    def who(self) -> Actor:
        """The actor of a page that asks for a right, or for somebody who is signed in."""
        assert self.actor is not None, "this route lets everybody in"
        return self.actor

    @property
    def database(self) -> Database:
        return self.studio.database

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are read and given."""
        return ZoneInfo(self.workspace.settings.zone)

    @property
    def path(self) -> Mapping[str, str]:
        """What the placeholders of the route's path hold."""
        return {name: str(value) for name, value in self.request.path_params.items()}

    @property
    def query(self) -> Mapping[str, str]:
        return {name: value.replace(NUL, "") for name, value in self.request.query_params.items()}

    @property
    def form(self) -> Form:
        """The fields of an urlencoded body. Raises HTTPException 400 for too many."""
        return Form(self.body)
