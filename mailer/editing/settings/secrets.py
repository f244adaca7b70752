"""Writes secrets into secrets.toml, which its owner alone may read. They go in and never come out again: no page shows
one, no message quotes one, and the audit log has their names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from mailer.editing.settings.change import SUBJECT, require_all
from mailer.editing.toml_edit import TomlValue, read_values, save_toml
from mailer.errors import MailerError
from mailer.private_files import FILE
from mailer.settings import SECRETS_FILE, read_secrets
from mailer.settings.secrets import secret_names, secrets_of, variable_of
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.workspace import Workspace

WRITTEN, TAKEN_OUT = "secret written", "secret taken out"  # as the audit log says it
# What everything rests on: another signing key breaks links, another address key forgets who left.
KEPT_BY_HAND = ("signing_keys", "address_key")


def write_secrets(
    workspace: Workspace, connection: Connection, actor: Actor, given: Mapping[str, str | tuple[str, ...] | None], *,
    at: datetime, environ: Mapping[str, str] = os.environ,
) -> None:  # fmt: skip
    """Write secrets by their names; None takes one out. Raises `MailerError`, with nothing written, for one that the
    environment gives, for those that are changed by hand alone, and where the secrets would have faults."""
    require_all(actor)
    read_secrets(workspace.root, environ)  # raises where others can read them
    for name in given:
        if name not in secret_names() or name in KEPT_BY_HAND:
            raise MailerError(f"{name} is no secret that is written here")
        if environ.get(variable_of(name)):
            raise MailerError(
                f"{name} comes from the variable {variable_of(name)}, which goes before {SECRETS_FILE}",
                remedy="Change it where the studio is started.",
            )
    changes: Mapping[str, TomlValue] = dict(given)
    save_toml(
        connection, workspace.root / SECRETS_FILE, changes, base=None, within=workspace.root, mode=FILE,
        check=lambda text: secrets_of(read_values(text), environ),
    )  # fmt: skip
    for written, action in ((True, WRITTEN), (False, TAKEN_OUT)):
        if names := sorted(name for name, value in given.items() if (value is not None) is written):
            audit.record(connection, actor, action, at=at, subject=SUBJECT, detail=", ".join(names))
