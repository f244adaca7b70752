"""What `mailer doctor` looks at: which part of the program examines what, side by side, none stopping another.

A part that fails in a way nobody foresaw, or takes too long, becomes a finding of its own.
"""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from mailer.audience.imports.importer import check_key
from mailer.delivery.webhooks.deliver import examine_webhook
from mailer.diagnostics import Diagnostic, Level, at_most, bad, in_part, of_part, warning, well
from mailer.doctor.database import examine_database, examine_mark
from mailer.doctor.dns.domain import examine_domains, mailers
from mailer.doctor.dns.lookup import Asker
from mailer.doctor.public_url import fetch_identity, judge_public
from mailer.doctor.replies import examine_replies
from mailer.doctor.stalled import gather_sending, judge_sending
from mailer.doctor.transport import examine_transport
from mailer.errors import MailerError
from mailer.private_files import readable_by_others
from mailer.settings import (
    SECRETS_FILE,
    SHORTEST_KEY,
    Secrets,
    Settings,
    environment_alone,
    read_secrets,
    read_settings,
)
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import make_engine
from mailer.transports.http_client import system_addresses
from mailer.transports.outbox.settings import Outbox
from mailer.transports.provider import provider_named
from mailer.workspace import ListDefinition, Workspace

TOTAL_SECONDS = 60.0  # each part has its own, shorter limits; this is for what none of them foresaw
KEPT_FOLDERS = ("rendered", "shots", "exports", "rejects", "backups")  # as docs and commands name them
TABLES = (".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".ndjson", ".eml")  # imports, exports and rejected rows
Clock = Callable[[], datetime]
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Patient:
    """The workspace as far as it can be read. Without secrets (`ailing`), what needs them isn't tried."""

    workspace: Workspace
    lists: tuple[ListDefinition, ...]
    ailing: bool
    clock: Clock

    @property
    def settings(self) -> Settings:
        return self.workspace.settings


def examine(root: Path, *, clock: Clock, only: Collection[str] = ()) -> list[Diagnostic]:
    """All findings about the workspace in the folder `root`; of `PARTS` `only` those named, if any are."""
    faults, settings = _read("settings", lambda: read_settings(root))
    if settings is None:
        return [*faults, *of_part("settings", [warning("nothing else was looked at, since they can't be read")])]
    ailments, secrets = _read("keys", lambda: read_secrets(root))
    workspace = Workspace(root, settings, secrets or Secrets())
    lists = [_read("lists", partial(workspace.list_definition, name)) for name in workspace.list_names()]
    patient = Patient(workspace, tuple(one for _, one in lists if one), ailing=secrets is None, clock=clock)
    return [
        *ailments,
        *of_part("keys", () if patient.ailing else _keys(workspace)),
        *of_part("files", _files(workspace)),
        *(fault for broken, _ in lists for fault in broken),
        *side_by_side(
            [(name, partial(look, patient)) for name, look in PARTS.items() if not only or name in only],
            total_seconds=TOTAL_SECONDS,
        ),
    ]


def _read(part: str, read: Callable[[], Read]) -> tuple[list[Diagnostic], Read | None]:
    """What can be read, and what is wrong with it."""
    try:
        return [], read()
    except MailerError as error:
        return in_part(part, error.diagnostics), None


def side_by_side(
    parts: Sequence[tuple[str, Callable[[], list[Diagnostic]]]], *, total_seconds: float
) -> list[Diagnostic]:
    """The findings of all parts in their order, each examined by a thread of its own."""
    found: dict[str, list[Diagnostic]] = {}

    def run(name: str, look: Callable[[], list[Diagnostic]]) -> None:
        try:
            faults, findings = _read(name, look)
            found[name] = findings or faults
        except Exception as error:
            if "MAILER_DEBUG" in os.environ:
                raise
            words = f"it couldn't be examined, through a fault of Mailer itself: {type(error).__name__}"
            found[name] = [warning(words, "Run it again with MAILER_DEBUG=1 to see where, and please report that.")]

    threads = [threading.Thread(target=run, args=part, daemon=True) for part in parts]
    until = time.monotonic() + total_seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = [warning(f"it couldn't be examined within {total_seconds:.0f} s", "Look again later.")]
    return [finding for name, _ in parts for finding in of_part(name, found.get(name, late))]


def _keys(workspace: Workspace) -> Iterator[Diagnostic]:
    secrets, root = workspace.secrets, workspace.root
    webhook = [secrets.require_webhook] if workspace.settings.webhook.url else []
    required = (secrets.require_signing, secrets.require_address_key, *webhook)
    missing = [fault for require in required for fault in _read("keys", require)[0]]
    yield from missing
    if secrets.address_key and len(secrets.address_key) < SHORTEST_KEY:
        said = f"the address key is shorter than {SHORTEST_KEY} characters, so a stolen database could tell who left"
        yield warning(
            said, "Make a longer one only while nobody is imported: with another key no unsubscribe is found."
        )
    if not missing:
        older = f" and {len(secrets.signing_keys) - 1} older" if len(secrets.signing_keys) > 1 else ""
        kept = f"{SECRETS_FILE} is its owner's alone" if (root / SECRETS_FILE).exists() else "from the environment"
        yield well(f"a signing key{older}, and an address key; {kept}")
    # What cron or systemd starts lacks these, unless they are set there as well, which can't be seen here.
    lacking, other = (", ".join(names) for names in environment_alone(root))
    remedy = "Put it into secrets.toml, or set it where cron or systemd starts Mailer too (docs/deploy.md)."
    if lacking:
        yield warning(f"set in this shell and not in {SECRETS_FILE}, so cron runs without: {lacking}", remedy)
    if other:
        said = f"set in this shell otherwise than in {SECRETS_FILE}, which is what cron uses: {other}"
        yield warning(said, "Unset it here, or correct the file.")


def _files(workspace: Workspace) -> Iterator[Diagnostic]:
    """Files that name people are their owner's alone."""
    root = workspace.root
    tables = sorted(path for path in root.iterdir() if path.suffix.lower() in TABLES and not path.is_symlink())
    places = (root / workspace.settings.section(Outbox).path, *(root / name for name in KEPT_FOLDERS), *tables)
    if exposed := readable_by_others(places):
        shown = ", ".join(os.path.relpath(path, root) for path in exposed[:3])
        said = f"others on this machine can read {shown}{', …' if len(exposed) > 3 else ''}, which name people"
        tops = [shlex.quote(str(place)) for place in places if place in exposed]
        yield warning(said, f"chmod -R go= {' '.join(tops)}")


def _database(patient: Patient) -> list[Diagnostic]:
    settings = patient.settings
    connections = provider_named(settings.transport).connections(settings)
    health = examine_database(settings.database_url, clock=patient.clock, connections=connections)
    if not health.usable:
        return health.findings
    # Not `open_database`: opening a backup that was put back pauses its campaigns, and a doctor changes nothing.
    database, now = Database(make_engine(settings.database_url)), patient.clock()
    try:
        with database.read() as connection:
            facts = gather_sending(connection, now=now, pace=settings.pace, transport=settings.transport)
            key = patient.workspace.secrets.address_key
            return [
                *health.findings,
                *examine_mark(connection),
                *(_address_key(connection, key) if key else ()),
                *of_part("sending", judge_sending(facts, now=now)),
            ]
    finally:
        database.close()


def _address_key(connection: Connection, key: str) -> Iterator[Diagnostic]:
    try:
        check_key(connection, key.encode())
    except MailerError as error:
        yield bad(f"{error.message}, so people who left would be mailed", error.remedy)
    else:
        yield well("the address key is the one it was made with")


def _transport(patient: Patient) -> list[Diagnostic]:
    if patient.ailing and not provider_named(patient.settings.transport).mails_stay:
        return [warning("it wasn't tried, since the secrets can't be read")]
    return examine_transport(patient.settings, patient.workspace.secrets, root=patient.workspace.root)


def _dns(patient: Patient) -> list[Diagnostic]:
    settings, lists = patient.settings, patient.lists
    senders = [
        ("[sender] from in mailer.toml", settings.sender.from_),
        *((f"from in lists/{one.name}.toml", one.from_) for one in lists),
    ]
    answers = [
        ("[sender] reply_to in mailer.toml", settings.sender.reply_to),
        ("[public] unsubscribe_mailto in mailer.toml", settings.public.unsubscribe_mailto),
        ("[bounces] address in mailer.toml", settings.bounces.address),
        ("[replies] address in mailer.toml", settings.replies.address),
        *((f"reply_to in lists/{one.name}.toml", one.reply_to) for one in lists),
    ]
    return _eased(settings, examine_domains(settings, mailers(senders, answers), Asker(settings.dns).ask))


def _public(patient: Patient) -> list[Diagnostic]:
    settings, url = patient.settings, patient.settings.public.url
    keys = [key.encode() for key in patient.workspace.secrets.signing_keys]
    resolve = Asker(settings.dns).resolve if settings.dns.server else system_addresses
    fetched = fetch_identity(url, keys=keys, resolve=resolve)
    leave = provider_named(settings.transport).leaves(settings)
    return _eased(settings, judge_public(url, fetched, mails_leave=leave, now=patient.clock()))


def _eased(settings: Settings, findings: list[Diagnostic]) -> list[Diagnostic]:
    """While mails stay here, nobody looks up their domain, and no link is out that could be lost."""
    return at_most(Level.WARNING, findings) if provider_named(settings.transport).mails_stay else findings


def _webhook(patient: Patient) -> list[Diagnostic]:
    return examine_webhook(patient.settings.webhook)


def _replies(patient: Patient) -> list[Diagnostic]:
    return examine_replies(patient.settings, {one.name: one.reply_to for one in patient.lists if one.reply_to})


PARTS: dict[str, Callable[[Patient], list[Diagnostic]]] = {
    "database": _database,
    "transport": _transport,
    "DNS": _dns,
    "public address": _public,
    "replies": _replies,
    "webhook": _webhook,
}
