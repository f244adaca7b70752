"""`mailer doctor` as its user runs it: a healthy workspace is all well, and each single fault is named.

The surroundings are real: a DNS server, an SMTP relay with TLS and login, and this workspace's own server behind TLS.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailer.cli.context import now
from mailer.cli.system import doctor as command
from mailer.diagnostics import Diagnostic, Level, bad, of_part, warning, well
from mailer.doctor import examine, public_url
from mailer.doctor.dns import lookup
from mailer.errors import MailerError
from mailer.store.engine import fence
from mailer.store.engine.database import open_database
from mailer.web.public.app import create_app
from mailer.web.server import configure, listen
from mailer.workspace import find_workspace
from tests.cli.conftest import Done, Mailer, mailer
from tests.conftest import NOW
from tests.drafts import fill_in
from tests.patience import HANG_SECONDS, with_growing_patience
from tests.servers.dns_server import DnsServer, Fail, Silence
from tests.servers.relay import Relay, Say, Step
from tests.servers.sendgrid_fake import SendgridFake

__all__ = ["mailer"]

DOMAIN = "night-school.test"
PUBLIC = f"mail.{DOMAIN}"
SETTINGS = """\
transport = "smtp"

[organisation]
name = "The Night School"
postal_address = "1 Example Street, London N1 1AA, United Kingdom"

[sender]
from = "The Night School <appeals@night-school.test>"
dkim_selectors = ["s1"]

[public]
url = "https://mail.night-school.test:{port}"
unsubscribe_mailto = "leave@night-school.test"

[smtp]
host = "127.0.0.1"
port = {relay_port}
username = "us"
ca_file = "{ca_file}"
timeout_seconds = 120

[dns]
server = "{dns}"
timeout_seconds = 120
"""


@cache
def dkim_key() -> str:
    public = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    body = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode().splitlines()[1:-1]
    text = "v=DKIM1; k=rsa; p=" + "".join(body)
    return f'"{text[:200]}" "{text[200:]}"'


def zone() -> dict[str, dict[str, list[str]]]:
    return {
        DOMAIN: {"TXT": ['"v=spf1 include:relay.test -all"'], "MX": [f"10 mx.{DOMAIN}."]},
        "relay.test": {"TXT": ['"v=spf1 ip4:192.0.2.0/24 -all"']},
        f"_dmarc.{DOMAIN}": {"TXT": [f'"v=DMARC1; p=quarantine; rua=mailto:dmarc@{DOMAIN}"']},
        f"s1._domainkey.{DOMAIN}": {"TXT": [dkim_key()]},
        PUBLIC: {"A": ["127.0.0.1"]},
    }


@dataclass
class Town:
    """The workspace's surroundings, and the command run in it."""

    mailer: Mailer
    dns: DnsServer
    relay: Relay
    root: Path

    def doctor(self, *arguments: str) -> Done:
        return self.mailer("doctor", *arguments)

    def findings(self) -> list[dict[str, Any]]:
        return json.loads(self.doctor("--json").out)

    def troubles(self) -> list[tuple[str, str, str]]:
        """What isn't well: part, level, words."""
        return [(one["part"], one["level"], one["found"]) for one in self.findings() if one["level"] != "well"]

    def set(self, old: str, new: str) -> None:
        path = self.root / "mailer.toml"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), encoding="utf-8")


@contextmanager
def tls_server(root: Path, folder: Path, authority: trustme.CA) -> Generator[int]:
    """This workspace's `mailer serve`, as it stands behind a web server with TLS."""
    certificate = authority.issue_cert(PUBLIC)
    pem = folder / "server.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(pem))
    workspace = find_workspace(root, environ={})
    database = open_database(workspace.settings.database_url)
    config = configure(create_app(workspace, database, clock=now))
    config.ssl_certfile = config.ssl_keyfile = str(pem)
    opened = listen("127.0.0.1", 0)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        assert server.started
        yield opened.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        opened.close()
        database.close()


@pytest.fixture
def town(mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    root = Path.cwd()
    (tmp_path / "people.csv").write_text("email\nada@example.org\n", encoding="utf-8")
    assert mailer("import", "supporters", str(tmp_path / "people.csv")).code == 0
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "web-ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "web-ca.pem"))  # what OpenSSL reads beside the system's
    with (root / "secrets.toml").open("a", encoding="utf-8") as file:
        file.write('smtp_password = "night-and-day"\n')
    # Nothing is given up, or asked twice, because the machine is busy.
    monkeypatch.setattr(lookup, "TRY_SECONDS", HANG_SECONDS)
    monkeypatch.setattr(lookup, "QUESTION_SECONDS", HANG_SECONDS)
    monkeypatch.setattr(public_url, "FETCH_SECONDS", HANG_SECONDS)
    monkeypatch.setattr(examine, "TOTAL_SECONDS", HANG_SECONDS)
    with (
        DnsServer(zone()) as dns,
        Relay(tls="starttls", login=("us", "night-and-day")) as relay,
        tls_server(root, tmp_path, authority) as port,
    ):
        text = SETTINGS.format(port=port, relay_port=relay.port, ca_file=relay.ca_file, dns=dns.address)
        (root / "mailer.toml").write_text(text, encoding="utf-8")
        yield Town(mailer, dns, relay, root)
        assert relay.received == []


def test_a_healthy_workspace_is_all_well(town: Town) -> None:
    done = town.doctor()
    assert done.code == 0, done.out
    assert "No problems (" in done.out
    for words in (
        "secrets.toml is its owner's alone",
        "SQLite mailer.db",
        "can be written, no damage found",
        "The address key is the one it was made with",
        "No campaign waits for staff",
        "encrypted by STARTTLS (TLSv1.3), logged in as us",
        "SPF: one record, 1 of 10 lookups, ends in -all",
        "DKIM s1: an RSA key of 2048 bits",
        "DMARC: p=quarantine",
        f"Mail to {DOMAIN} goes to mx.{DOMAIN}",
        "PTR: the relay on this machine",
        f"https://{PUBLIC}:",
        "leads to this workspace's server",
    ):
        assert words in done.out
    assert "night-and-day" not in done.out
    assert town.troubles() == []


def change_zone(town: Town, name: str, **records: list[str] | None) -> None:
    found = dict(town.dns.zone.get(name, {}))
    for kind, values in records.items():
        if values is None:
            found.pop(kind, None)
        else:
            found[kind] = values
    town.dns.zone[name] = found


def damage_secrets(town: Town, **changes: str) -> None:
    path = town.root / "secrets.toml"
    text = path.read_text(encoding="utf-8")
    for name, value in changes.items():
        lines = [line for line in text.splitlines() if not line.startswith(name)]
        text = "\n".join([*lines, value]) + "\n"
    path.write_text(text, encoding="utf-8")


def run_sql(town: Town, statement: str) -> None:
    with closing(sqlite3.connect(town.root / "mailer.db")) as connection:
        connection.execute(statement)
        connection.commit()


DNS = f"DNS of {DOMAIN}"
Break = Callable[[Town], object]
FAULTS: dict[str, tuple[Break, str, str, str]] = {
    "two SPF records": (
        lambda t: change_zone(t, DOMAIN, TXT=['"v=spf1 -all"', '"v=spf1 a -all"']), DNS, "bad", "2 records where one"),
    "SPF +all": (lambda t: change_zone(t, DOMAIN, TXT=['"v=spf1 +all"']), DNS, "bad", "anybody may mail in your name"),
    "no DKIM key": (lambda t: change_zone(t, f"s1._domainkey.{DOMAIN}", TXT=None), DNS, "bad", "DKIM s1: no key at"),
    "withdrawn DKIM key": (
        lambda t: change_zone(t, f"s1._domainkey.{DOMAIN}", TXT=['"p="']), DNS, "bad", "the key was withdrawn"),
    "no selector": (lambda t: t.set('dkim_selectors = ["s1"]\n', ""), DNS, "warning", "no selector is set"),
    "no DMARC": (lambda t: t.dns.zone.pop(f"_dmarc.{DOMAIN}"), DNS, "bad", "DMARC: night-school.test has no record"),
    "no such domain": (
        lambda t: t.set("appeals@night-school.test", "appeals@nightschool.test"),
        "DNS of nightschool.test", "bad", "the domain nightschool.test doesn't exist"),
    "null MX": (lambda t: change_zone(t, DOMAIN, MX=["0 ."]), DNS, "bad", "null MX"),
    "DNS fails for DMARC": (lambda t: t.dns.on(f"_dmarc.{DOMAIN}", Fail()), DNS, "warning", "answered SERVFAIL"),
    "relay refuses the login": (
        lambda t: t.relay.on(Step.AUTH, Say("535 5.7.8 no")), "transport", "bad", "535 5.7.8"),
    "database of others": (
        lambda t: (t.root / "mailer.db").chmod(0o644), "database", "warning", "everybody on this machine can read"),
    "newer schema": (
        lambda t: run_sql(t, "UPDATE alembic_version SET version_num = '9999'"), "database", "bad", "newer than this"),
    "another address key": (
        lambda t: damage_secrets(t, address_key='address_key = "another-address-key-that-is-long-enough"'),
        "database", "bad", "not the one this database was made with, so people who left would be mailed"),
    "secrets of others": (
        lambda t: (t.root / "secrets.toml").chmod(0o644), "keys", "bad", "secrets.toml can be read by others"),
    "no signing key": (
        lambda t: damage_secrets(t, signing_keys="signing_keys = []"), "keys", "bad", "there is no signing key"),
    "short signing key": (
        lambda t: damage_secrets(t, signing_keys='signing_keys = ["short"]'), "keys", "bad", "shorter than 32"),
    "newest key unknown to the server": (
        lambda t: damage_secrets(t, signing_keys=_with_a_newer_key(t)), "public address", "bad", "the newest signing"),
    "server of another workspace": (
        lambda t: damage_secrets(t, signing_keys=f'signing_keys = ["{"n" * 40}"]'),
        "public address", "bad", "not this workspace's `mailer serve`"),
    "public name unknown": (
        lambda t: t.dns.zone.pop(PUBLIC), "public address", "warning", "has no address"),
    "a list of another domain": (
        lambda t: (t.root / "lists" / "other.toml").write_text(
            'title = "Other"\nlist_id = "other.lists.x.test"\nfrom = "x@gone.test"\n', encoding="utf-8"),
        "DNS of gone.test", "bad", "the domain gone.test doesn't exist"),
    "a list that can't be read": (
        lambda t: (t.root / "lists" / "other.toml").write_text("title = 1\n", encoding="utf-8"),
        "lists", "bad", "lists/other.toml: list_id is missing"),
}  # fmt: skip


def _with_a_newer_key(town: Town) -> str:
    (line,) = [one for one in (town.root / "secrets.toml").read_text().splitlines() if one.startswith("signing_keys")]
    return line.replace("[", f'["{"n" * 40}", ', 1)


# Faults that can't come alone: what they touch beside is right to be named as well.
TOUCHES = {
    "secrets of others": {"transport", "public address"},
    "no signing key": {"public address"},
    "short signing key": {"transport", "public address"},
    "a list of another domain": {"DNS of gone.test"},
    "a list that can't be read": {"lists"},
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_single_fault_is_named(town: Town, name: str) -> None:
    act, part, level, words = FAULTS[name]
    act(town)
    found = town.troubles()
    named = [one for one in found if one[0] == part and words in one[2]]
    assert named, found
    assert named[0][1] == level
    others = {one[0] for one in found if one not in named}
    assert others <= TOUCHES.get(name, set()), found
    assert town.doctor().code == (1 if any(one[1] == "bad" for one in found) else 0)


def test_every_finding_that_is_not_well_says_what_to_do(town: Town) -> None:
    for name in ("two SPF records", "no DKIM key", "no DMARC", "relay refuses the login", "database of others"):
        FAULTS[name][0](town)
    sick = [one for one in town.findings() if one["level"] != "well"]
    assert len(sick) == 5
    assert all(one["todo"] for one in sick)
    done = town.doctor()
    assert done.code == 1
    assert done.out.count("→ ") == 5
    assert "4 bad, 1 warning, " in done.out
    assert done.out.rstrip().endswith("Fix the errors before sending.")


def test_without_a_dns_nothing_is_bad_and_nobody_waits_long(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.dns.on("*", Silence())
    monkeypatch.setenv("MAILER_DNS_TIMEOUT_SECONDS", "1")
    found = town.troubles()
    assert len({name for name, _, _ in town.dns.asked}) == 2, "each part gave up after its first question"
    assert {level for _, level, _ in found} == {"warning"}
    assert [part for part, _, _ in found] == [DNS, "public address"]
    assert "couldn't be looked up (the DNS doesn't answer)" in found[0][2]
    assert "couldn't be asked from here" in found[1][2]


def test_sendgrid_looks_for_its_own_names(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    key = town.dns.zone[f"s1._domainkey.{DOMAIN}"]
    for selector in ("s1", "s2"):
        town.dns.zone[f"{selector}._domainkey.{DOMAIN}"] = {"CNAME": [f"{selector}.keys.test."]}
        town.dns.zone[f"{selector}.keys.test"] = key
    town.dns.zone[DOMAIN] = {"MX": [f"10 mx.{DOMAIN}."]}  # no SPF: SendGrid has its own
    town.set('dkim_selectors = ["s1"]\n', "")
    with SendgridFake(api_key="SG.night") as fake:
        with (town.root / "secrets.toml").open("a", encoding="utf-8") as file:
            file.write('sendgrid_api_key = "SG.night"\n')
        monkeypatch.setenv("MAILER_TRANSPORT", "sendgrid")
        monkeypatch.setenv("MAILER_SENDGRID_BASE_URL", fake.url)
        assert town.troubles() == []
        assert fake.accepted == []
        out = town.doctor().out
        assert "DKIM s2: an RSA key of 2048 bits, kept at s2.keys.test" in out
        assert f"takes mail from appeals@{DOMAIN}" in out
        # Links to this machine in mails that leave it.
        monkeypatch.setenv("MAILER_PUBLIC_URL", "http://127.0.0.1:1")
        ((part, level, words),) = town.troubles()
        assert (part, level) == ("public address", "bad")
        assert "good for trying out only" in words


def test_a_secret_of_this_shell_alone_is_told_since_cron_lacks_it(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILER_IMAP_PASSWORD", "of-this-shell")
    monkeypatch.setenv("MAILER_SMTP_PASSWORD", "night-and-day")  # as secrets.toml has it
    assert town.troubles() == [
        ("keys", "warning", "set in this shell and not in secrets.toml, so cron runs without: MAILER_IMAP_PASSWORD")
    ]
    monkeypatch.setenv("MAILER_API_KEYS", "k" * 40)
    monkeypatch.setenv("MAILER_SMTP_PASSWORD", "another")
    found = "\n".join(words for _, _, words in town.troubles())
    assert "so cron runs without: MAILER_API_KEYS, MAILER_IMAP_PASSWORD" in found
    assert "otherwise than in secrets.toml, which is what cron uses: MAILER_SMTP_PASSWORD" in found
    assert "another" not in found
    assert "of-this-shell" not in town.doctor().out


def test_a_username_without_a_password_is_told_and_not_tried(town: Town) -> None:
    secrets = town.root / "secrets.toml"
    secrets.write_text(secrets.read_text().replace('smtp_password = "night-and-day"', ""), encoding="utf-8")
    assert town.troubles() == [("transport", "bad", "smtp.username is set and there is no password")]
    assert town.relay.connections_made == 0
    assert "…" not in town.doctor().out.replace('smtp_password = "…"', "")


def test_a_password_without_a_username_is_told(town: Town) -> None:
    town.set('username = "us"\n', "")
    town.relay.login = None
    assert ("transport", "warning", "there is an SMTP password and smtp.username is empty, so nobody logs in") in (
        town.troubles()
    )


def test_the_environment_names_server_and_selectors(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILER_DNS_SERVER", "127.0.0.1:1")
    monkeypatch.setenv("MAILER_DNS_TIMEOUT_SECONDS", "0.5")
    monkeypatch.setenv("MAILER_SENDER_DKIM_SELECTORS", "s1 s9")
    found = town.troubles()
    assert {level for _, level, _ in found} == {"warning"}
    monkeypatch.delenv("MAILER_DNS_SERVER")
    assert town.troubles()[0][2].startswith(f"DKIM s9: no key at s9._domainkey.{DOMAIN}")


def test_a_paused_campaign_is_named_with_its_reason(town: Town) -> None:
    assert town.mailer("new", "appeal").code == 0
    fill_in(Path.cwd() / "newsletters" / "appeal" / "message.md")
    assert town.mailer("send", "appeal", "--yes", "1", "--later").code == 0
    assert town.mailer("pause", "appeal", "--why", "a typo").code == 0
    ((part, level, words),) = town.troubles()
    assert (part, level) == ("sending", "warning")
    assert words == "the campaign appeal is paused, and 1 person waits for it: a typo"


@pytest.mark.parametrize(
    ("kind", "level", "words"),
    [
        (fence.MOVED, "bad", "this database was moved to a server, so no command uses it"),
        (fence.ARRIVING, "bad", "this database is being filled from a server"),
        (fence.BACKUP, "warning", "this is a backup taken at 2026-11-24 09:00 UTC, put back and not used since"),
    ],
)
def test_a_database_that_is_not_simply_in_use(town: Town, kind: str, level: str, words: str) -> None:
    database = open_database(f"sqlite:///{town.root / 'mailer.db'}")
    with database.write() as connection:
        fence.set_mark(connection, fence.Mark(kind, NOW, place="a server"))
    for _ in range(2):  # looking doesn't use the backup
        ((part, found, said),) = town.troubles()
        assert (part, found) == ("database", level)
        assert said.startswith(words)
    database.close()


def test_a_fresh_workspace_has_warnings_only(mailer: Mailer) -> None:
    Path("mailer.db").unlink()  # of a workspace that was only just made
    done = mailer("doctor")
    assert done.code == 0, done.out
    assert "There is no database at" in done.out
    assert "example.org is an example domain" in done.out
    assert done.out.rstrip().endswith("3 warnings, 4 well.")
    assert not Path("mailer.db").exists()


def test_settings_that_can_not_be_read_are_told_and_nothing_else_is_looked_at(mailer: Mailer) -> None:
    Path("mailer.toml").write_text('colour = "red"\n[dns]\nserver = "dns.example.org"\n', encoding="utf-8")
    done = mailer("doctor", "--json")
    assert done.code == 1
    found = json.loads(done.out)
    assert {one["part"] for one in found} == {"settings"}
    words = " ".join(one["found"] for one in found)
    assert "mailer.toml:1: unknown setting 'colour'" in words
    assert "mailer.toml:3: dns.server must be an IP address" in words


def test_outside_a_workspace_it_says_so(mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    done = mailer("doctor")
    assert done.code == 1
    assert "there is no mailer.toml" in done.err


def test_a_part_that_fails_or_hangs_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILER_DEBUG", raising=False)
    released = threading.Event()

    def hangs() -> list[Diagnostic]:
        released.wait(HANG_SECONDS)
        return []

    def breaks() -> list[Diagnostic]:
        raise ZeroDivisionError

    def refuses() -> list[Diagnostic]:
        raise MailerError("it is not there", remedy="Look.")

    parts = (("a", hangs), ("b", breaks), ("c", refuses), ("d", lambda: [well("fine")]))

    def attempt(seconds: float) -> None:
        found = examine.side_by_side(parts, total_seconds=seconds)
        assert [(one.part, one.level) for one in found] == [
            ("a", Level.WARNING), ("b", Level.WARNING), ("c", Level.ERROR), ("d", Level.OK)
        ]  # fmt: skip
        assert f"within {seconds:.0f} s" in found[0].message
        assert "ZeroDivisionError" in found[1].message
        assert (found[2].message, found[2].remedy) == ("it is not there", "Look.")

    try:
        with_growing_patience(attempt, first_seconds=0.2)
    finally:
        released.set()


def test_on_a_terminal_lines_are_broken_under_their_beginning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_width", lambda: 80)
    long = "a sentence of many words that goes on and on until it can't stand on one line of a terminal any more, as is"
    command.show(
        [
            *of_part("database", [bad(long, "mailer db migrate --with-a-long-option " * 3)]),
            *of_part("keys", [warning("short"), well("x.toml is fine")]),
        ]
    )
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "Database"
    assert lines[1].startswith("  bad      A sentence of many words")
    assert lines[2].index(lines[2].strip()) == 11
    assert max(map(len, lines)) <= 80
    assert "           → mailer db migrate" in out
    assert "  well     x.toml is fine" in out
    assert lines[-1] == "1 bad, 1 warning, 1 well. Fix the errors before sending."


def test_in_a_pipe_a_finding_is_one_line(mailer: Mailer) -> None:
    done = subprocess.run([sys.executable, "-m", "mailer", "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (line,) = [one for one in done.stdout.splitlines() if "is good for trying out only" in one]
    assert line.startswith("  warning  http://127.0.0.1:8765 is good for")
    assert "\x1b" not in done.stdout
