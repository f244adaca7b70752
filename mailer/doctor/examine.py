"""What `mailer doctor` looks at: which part of the program examines what, side by side, none stopping another.

How a part is judged is its own floor's matter. A part that fails in a way nobody foresaw, or takes too long, becomes a
finding of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mailer.diagnostics import Diagnostic, Level, at_most, bad, in_part, of_part, warning, well
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
from mailer.transports.outbox.settings import Outbox
from mailer.workspace import ListDefinition, Workspace, find_root

if TYPE_CHECKING:
    from sqlalchemy import Connection

TOTAL_SECONDS = 60.0  # each part has its own, shorter limits; this is for what none of them foresaw
KEPT_FOLDERS = ("rendered", "shots", "exports", "rejects", "backups")  # as docs and commands name them
TABLES = (".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".ndjson", ".eml")  # imports, exports and rejected rows
Examine = Callable[[], list[Diagnostic]]
Clock = Callable[[], datetime]


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

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        return tuple(key.encode() for key in self.workspace.secrets.signing_keys)


def examine(*, clock: Clock) -> list[Diagnostic]:
    """All findings about the workspace around the current folder. Raises `MailerError` when there is none."""
    root = find_root()
    try:
        settings = read_settings(root)
    except MailerError as error:
        alone = warning("nothing else was looked at, since the settings can't be read")
        return of_part("settings", [*in_part("settings", error.diagnostics), alone])
    ailments, secrets = _secrets(root)
    workspace = Workspace(root, settings, secrets or Secrets())
    faults, lists = _lists(workspace)
    patient = Patient(workspace, lists, ailing=secrets is None, clock=clock)
    parts: tuple[tuple[str, Examine], ...] = (
        ("database", lambda: _database(patient)),
        ("transport", lambda: _transport(patient)),
        ("DNS", lambda: _dns(patient)),
        ("public address", lambda: _public(patient)),
        ("webhook", lambda: _webhook(patient)),
    )
    at_once = [*ailments, *of_part("keys", _keys(patient)), *of_part("files", _files(workspace)), *faults]
    return at_once + side_by_side(parts, total_seconds=TOTAL_SECONDS)


def examine_proof(proof: BinaryIO | None, *, maildir: Path | None, imap: str | None) -> list[Diagnostic]:
    """What a mail of ours looked like when it arrived. Changes nothing where it is. Raises `MailerError`."""
    from mailer.doctor.signed_mail import judge_proof

    if sum(source is not None for source in (proof, maildir, imap)) != 1:
        raise MailerError("say where the mail is", remedy="One of --proof, --maildir and --imap.")
    raw = proof.read() if proof is not None else _newest_of_ours(maildir, imap)
    if not raw.strip():
        remedy = "Send one there: mailer test NEWSLETTER --to ADDRESS."
        return of_part("proof", [warning("no mail with List-Unsubscribe-Post is among the newest there", remedy)])
    return of_part("proof", judge_proof(raw))


def _newest_of_ours(maildir: Path | None, imap: str | None) -> bytes:
    from mailer.delivery.feedback.mailbox_readers import Imap, Maildir
    from mailer.transports.loopback import on_this_machine

    if maildir is not None:
        mailbox = Maildir(maildir)
    else:
        password = read_secrets(find_root()).imap_password
        mailbox = Imap(imap or "", password=password, may_be_plain=on_this_machine, only_look=True)
    try:
        ours = re.compile(rb"^list-unsubscribe(?:-post)?:", re.IGNORECASE | re.MULTILINE)
        headers = re.compile(rb"\r?\n\r?\n")  # what comes after may be a mail that came back
        return next((mail.raw for mail in mailbox.latest() if ours.search(headers.split(mail.raw, 1)[0])), b"")
    finally:
        mailbox.close()


def side_by_side(parts: Sequence[tuple[str, Examine]], *, total_seconds: float) -> list[Diagnostic]:
    """The findings of all parts in their order, each examined by a thread of its own."""
    found: dict[str, list[Diagnostic]] = {}

    def run(name: str, look: Examine) -> None:
        try:
            found[name] = look()
        except MailerError as error:
            found[name] = in_part(name, error.diagnostics)
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


def _secrets(root: Path) -> tuple[list[Diagnostic], Secrets | None]:
    try:
        return [], read_secrets(root)
    except MailerError as error:
        return in_part("keys", error.diagnostics), None


def _lists(workspace: Workspace) -> tuple[list[Diagnostic], tuple[ListDefinition, ...]]:
    findings: list[Diagnostic] = []
    lists: list[ListDefinition] = []
    for name in workspace.list_names():
        try:
            lists.append(workspace.list_definition(name))
        except MailerError as error:
            findings += in_part("lists", error.diagnostics)
    return findings, tuple(lists)


def _keys(patient: Patient) -> Iterator[Diagnostic]:
    if patient.ailing:
        return
    secrets, broken = patient.workspace.secrets, False
    webhook = [secrets.require_webhook] if patient.workspace.settings.webhook.url else []
    for require in (secrets.require_signing, secrets.require_address_key, *webhook):
        try:
            require()
        except MailerError as error:
            broken = True
            yield from in_part("keys", error.diagnostics)
    if secrets.address_key and len(secrets.address_key) < SHORTEST_KEY:
        yield warning(
            f"the address key is shorter than {SHORTEST_KEY} characters, so a stolen database could tell who left",
            "Make a longer one only while nobody is imported: with another key no unsubscribe is found.",
        )
    if not broken:
        count = len(secrets.signing_keys)
        older = f" and {count - 1} older" if count > 1 else ""
        yield well(f"a signing key{older}, and an address key; {_kept(patient.workspace.root)}")
    yield from _in_this_shell(patient.workspace.root)


def _in_this_shell(root: Path) -> Iterator[Diagnostic]:
    """Secrets that what cron or systemd starts lacks, unless they are set there as well, which can't be seen here."""
    missing, other = environment_alone(root)
    where = "Put it into secrets.toml, or set it where cron or systemd starts Mailer too (docs/deploy.md)."
    if missing:
        are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
        found = f"{_listed(missing)} {are} set in this shell and not in {SECRETS_FILE}: cron won't have {them}"
        yield warning(found, where)
    if other:
        found = f"{_listed(other)} in this shell differs from {SECRETS_FILE}, which is what cron uses"
        yield warning(found, "Unset it here, or correct the file.")


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _files(workspace: Workspace) -> Iterator[Diagnostic]:
    """Files that name people are their owner's alone."""
    root = workspace.root
    tables = sorted(path for path in root.iterdir() if path.suffix.lower() in TABLES and not path.is_symlink())
    places = (root / workspace.settings.section(Outbox).path, *(root / name for name in KEPT_FOLDERS), *tables)
    exposed = readable_by_others(places)
    if not exposed:
        return
    shown = ", ".join(os.path.relpath(path, root) for path in exposed[:3])
    more = ", …" if len(exposed) > 3 else ""
    tops = [place for place in places if place in exposed]
    yield warning(
        f"others on this machine can read {shown}{more}, which name people",
        "chmod -R go= " + " ".join(shlex.quote(str(place)) for place in tops),
    )


def _kept(root: Path) -> str:
    path = root / SECRETS_FILE
    if not path.exists():
        return "from the environment"
    return f"{SECRETS_FILE} is its owner's alone ({stat.S_IMODE(path.stat().st_mode):03o})"


def _database(patient: Patient) -> list[Diagnostic]:
    from mailer.doctor.database import examine_database
    from mailer.transports.provider import provider_named

    settings = patient.settings
    url = settings.database_url
    connections = provider_named(settings.transport).connections(settings)
    health = examine_database(url, clock=patient.clock, connections=connections)
    return [*health.findings, *(_rows(patient, url) if health.usable else [])]


def _rows(patient: Patient, url: str) -> list[Diagnostic]:
    """What the database holds: whether it goes with our address key, and what waits for somebody."""
    from mailer.doctor.database import examine_mark
    from mailer.doctor.stalled import gather_sending, judge_sending
    from mailer.store.engine.database import Database
    from mailer.store.engine.dialects import make_engine

    # Not `open_database`: opening a backup that was put back pauses its campaigns, and a doctor changes nothing.
    database = Database(make_engine(url))
    try:
        with database.read() as connection:
            moment = patient.clock()
            facts = gather_sending(
                connection, now=moment, pace=patient.settings.pace, transport=patient.settings.transport
            )
            return [
                *examine_mark(connection),
                *_address_key(patient, connection),
                *of_part("sending", judge_sending(facts, now=moment)),
            ]
    finally:
        database.close()


def _address_key(patient: Patient, connection: Connection) -> list[Diagnostic]:
    from mailer.audience.imports.importer import check_key

    key = patient.workspace.secrets.address_key
    if not key:
        return []
    try:
        check_key(connection, key.encode())
    except MailerError as error:
        return [bad(f"{error.message}, so people who left would be mailed", error.remedy)]
    return [well("the address key is the one it was made with")]


def _transport(patient: Patient) -> list[Diagnostic]:
    from mailer.doctor.transport import examine_transport

    if patient.ailing and patient.settings.transport != "outbox":
        return [warning("it wasn't tried, since the secrets can't be read")]
    return examine_transport(patient.settings, patient.workspace.secrets, root=patient.workspace.root)


def _dns(patient: Patient) -> list[Diagnostic]:
    from mailer.doctor.dns.domain import examine_domains, mailers
    from mailer.doctor.dns.lookup import Asker

    settings = patient.settings
    senders = [("[sender] from in mailer.toml", settings.sender.from_)]
    answers = [
        ("[sender] reply_to in mailer.toml", settings.sender.reply_to),
        ("[public] unsubscribe_mailto in mailer.toml", settings.public.unsubscribe_mailto),
        ("[bounces] address in mailer.toml", settings.bounces.address),
    ]
    for one in patient.lists:
        senders.append((f"from in lists/{one.name}.toml", one.from_))
        answers.append((f"reply_to in lists/{one.name}.toml", one.reply_to))
    return examine_domains(settings, mailers(senders, answers), Asker(settings.dns).ask)


def _webhook(patient: Patient) -> list[Diagnostic]:
    from mailer.delivery.webhooks.deliver import examine_webhook

    return examine_webhook(patient.settings.webhook)


def _public(patient: Patient) -> list[Diagnostic]:
    from mailer.doctor.dns.lookup import Asker
    from mailer.doctor.public_url import judge_public, public_facts
    from mailer.transports.provider import provider_named

    settings = patient.settings
    resolve = Asker(settings.dns).resolve if settings.dns.server else None  # else as the system does, with /etc/hosts
    url = settings.public.url
    leave = provider_named(settings.transport).leaves(settings)
    facts = public_facts(url, keys=patient.signing_keys, mails_leave=leave, resolve=resolve)
    findings = judge_public(facts, now=patient.clock())
    # With the outbox no link is out yet that could be lost.
    return at_most(Level.WARNING, findings) if settings.transport == "outbox" else findings
