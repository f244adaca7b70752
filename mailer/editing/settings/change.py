"""Changes settings: values of mailer.toml in place, with its comments, and only if all settings together are sound.

A setting is named as in messages: brand.primary, or transport for one on the file's first level.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import Connection

from mailer.diagnostics import Diagnostic
from mailer.editing.save import SaveConflict, Saved, digest
from mailer.editing.toml_edit import TomlValue, read_toml_text, read_values, save_toml
from mailer.errors import MailerError
from mailer.settings import SETTINGS_FILE
from mailer.settings.loader import judge_settings
from mailer.staff import audit
from mailer.staff.actor import Actor, NotAllowed
from mailer.staff.rights import Right
from mailer.toml_file import toml_of
from mailer.workspace import Workspace

CHANGED, SUBJECT = "settings changed", "settings"  # as the audit log says it
LONGEST = 40  # characters of a value in the log
MOST = 500


class SettingsRefused(MailerError):
    """The settings would have faults, so nothing was written. `by_name`: the first one of each setting."""

    def __init__(self, faults: Iterable[Diagnostic]) -> None:
        found = tuple(faults)
        super().__init__("these settings can’t be saved", diagnostics=found)
        self.by_name: Mapping[str, Diagnostic] = {one.part: one for one in reversed(found)}


def require_all(actor: Actor) -> None:
    """Raise `NotAllowed` unless they may change settings, which hold for every list: not for who is limited to some."""
    if not actor.may_all(Right.SETTINGS, ()):
        raise NotAllowed(Right.SETTINGS)


def settings_text(workspace: Workspace) -> str:
    """mailer.toml as it is now: the base of a change."""
    return read_toml_text(workspace.root / SETTINGS_FILE)


def change_settings(
    workspace: Workspace, connection: Connection, actor: Actor, changes: Mapping[str, TomlValue], *, base: str | None,
    at: datetime, environ: Mapping[str, str] = os.environ,
) -> Saved | SaveConflict:  # fmt: skip
    """Write the changes; None takes a setting out, which gives it its default. `base` is the file that they are based
    on: what others changed since in other settings stays, and where it is the same one, nothing is written.

    Raises `SettingsRefused` with every fault of the settings as they would be, and `MailerError`.
    """
    require_all(actor)
    before = settings_text(workspace)

    def check(text: str) -> None:
        try:
            judge_settings(toml_of(text.encode(), SETTINGS_FILE), workspace.root, environ=environ)
        except MailerError as error:
            raise SettingsRefused(error.diagnostics) from error

    path = workspace.root / SETTINGS_FILE
    saved = save_toml(connection, path, changes, base=base, within=workspace.root, check=check)
    if isinstance(saved, Saved) and saved.text != before:
        audit.record(
            connection, actor, CHANGED, at=at, subject=SUBJECT, detail=_told(changes, before, saved.text),
            before=digest(before), after=digest(saved.text),
        )  # fmt: skip
    return saved


def _told(changes: Mapping[str, TomlValue], before: str, after: str) -> str:
    """What was changed to what, for the log: pace.per_second 20 → 50."""
    old, new = read_values(before), read_values(after)
    pairs = [(name, _at(old, name), _at(new, name)) for name in changes]
    return "; ".join(f"{name} {_short(was)} → {_short(now)}" for name, was, now in pairs if was != now)[:MOST]


def _at(data: Mapping[str, Any], name: str) -> Any:
    found: Any = data
    for key in name.split("."):
        found = cast("dict[str, Any]", found).get(key) if isinstance(found, dict) else None
    return found


def _short(value: object) -> str:
    """A value in few words. Of an address only where it leads: its path may be what keeps strangers out."""
    if value is None:
        return "not set"
    text = str(value)
    if "://" in text and isinstance(value, str):
        parts = urlsplit(text)
        text = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{'/…' if parts.path.strip('/') else ''}"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
