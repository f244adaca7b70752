"""`mailer bounces` from a Maildir, over IMAP and by a pipe: nothing marked before it is kept, nothing lost."""

from __future__ import annotations

import io
import json
import ssl
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from mailer.cli import cli
from mailer.delivery.feedback import bounce_mailbox as acting
from mailer.delivery.feedback.mailbox_readers import Imap, Maildir
from mailer.delivery.feedback.webhook_events import keep_post
from mailer.errors import MailerError
from mailer.store.engine.database import Database, DatabaseTrouble
from mailer.store.tables.core import EPOCH, deliveries, subscriptions, suppressions
from mailer.store.tables.inbound import returned_mails
from mailer.store.tables.jobs import jobs
from mailer.workspace import Workspace
from tests.reports.builders import add_campaign, add_deliveries, add_people, delivery_id, make_message
from tests.servers.imap_server import Box, ImapServer

FOLDER = Path(__file__).parents[2] / "delivery" / "feedback" / "returned"
NAMES = ("postfix-unknown-user", "somebody-writes", "unsubscribe", "vacation")


@pytest.fixture
def world(workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Database:
    with database.write() as connection:
        add_people(connection, 2, now=now)
        add_campaign(connection, make_message(), now=now)
        add_deliveries(connection, [1, 2], now=now, changed_at=now)
    monkeypatch.chdir(workspace.root)
    return database


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    box = tmp_path / "box"
    for folder in ("new", "cur", "tmp"):
        (box / folder).mkdir(parents=True)
    for place, name in enumerate(NAMES):
        (box / "new" / f"176400000{place}.M1P1.host").write_bytes((FOLDER / f"{name}.eml").read_bytes())
    return box


def mailer(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(cli, ["bounces", *arguments], input=stdin)


def count(database: Database) -> tuple[int, int, list[str]]:
    """Mails kept, addresses suppressed, and how the two people stand to the list."""
    with database.read() as connection:
        kept = len(connection.execute(select(returned_mails)).all())
        statuses = connection.execute(select(subscriptions.c.status).order_by(subscriptions.c.person_id)).scalars()
        return kept, len(connection.execute(select(suppressions)).all()), list(statuses)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_maildir_is_read_and_its_mails_are_seen_then(world: Database, maildir: Path) -> None:
    result = mailer("--maildir", str(maildir))
    assert (result.exit_code, result.exception) == (0, None)
    assert result.output.startswith("4 read: 1 auto-reply, 1 bounce, 1 unknown, 1 unsubscribe; 2 acted.")
    assert count(world) == (4, 2, ["unsubscribed", "subscribed"])
    assert names(maildir / "new") == []
    assert all(name.endswith(":2,S") for name in names(maildir / "cur"))
    assert len(names(maildir / "cur")) == 4
    assert mailer("--maildir", str(maildir)).output == "", "silent when there is nothing, as cron likes it"
    listed = json.loads(mailer("--list", "--json").output)
    assert [(row["sender"], row["subject"]) for row in listed] == [("Máry <mary@example.net>", "Re: Ask them")]
    assert "Máry" in mailer("--list").output
    assert "can’t stop anybody’s mail" in str(mailer("--decide", listed[0]["id"], "gone").exception)
    assert "nothing follows" in mailer("--decide", listed[0]["id"], "nothing").output
    assert "no mail that waits" in str(mailer("--decide", listed[0]["id"], "nothing").exception)
    assert "was clear" in mailer("--list").output


def test_refusals_of_our_sender_or_host_are_told(world: Database, maildir: Path) -> None:
    for path in (maildir / "new").iterdir():
        path.write_bytes(path.read_bytes().replace(b"Recipient address\n", b"Sender address\n"))
    out = mailer("--maildir", str(maildir)).output
    assert "1 refused our sender or host, which is ours to put right: mailer doctor" in out
    assert count(world)[1] == 1, "the one who left; nobody is suppressed for it"


def test_a_dry_run_keeps_and_marks_nothing(world: Database, maildir: Path) -> None:
    result = mailer("--maildir", str(maildir), "--dry-run")
    assert "bounce: hard: 5.1.1" in result.output
    assert "2 would act" in result.output
    assert count(world) == (0, 0, ["subscribed", "subscribed"])
    assert len(names(maildir / "new")) == 4


def test_what_could_not_be_committed_stays_new(world: Database, maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> object:
        raise DatabaseTrouble("the disk is full")

    monkeypatch.setattr(acting, "apply", fails)
    assert isinstance(mailer("--maildir", str(maildir)).exception, DatabaseTrouble)
    assert len(names(maildir / "new")) == 4
    assert count(world) == (0, 0, ["subscribed", "subscribed"])
    monkeypatch.undo()
    monkeypatch.chdir(maildir.parent / "workspace")
    mailer("--maildir", str(maildir))
    assert count(world)[0] == 4


def test_a_death_between_the_commit_and_the_mark_acts_once(
    world: Database, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(self: Maildir, mails: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Maildir, "done", dies)
        mailer("--maildir", str(maildir))
    assert len(names(maildir / "new")) == 4
    assert json.loads(mailer("--maildir", str(maildir), "--json").output) == {
        "read": 4, "before": 4, "acted": 0, "kinds": {}, "mails": [],
    }  # fmt: skip
    assert count(world) == (4, 2, ["unsubscribed", "subscribed"])


def test_a_folder_that_is_no_maildir_is_named(world: Database, tmp_path: Path) -> None:
    error = mailer("--maildir", str(tmp_path)).exception
    assert isinstance(error, MailerError)
    assert "is not a Maildir" in error.message


@pytest.fixture
def box() -> Box:
    return Box({7 + place: (FOLDER / f"{name}.eml").read_bytes() for place, name in enumerate(NAMES)})


@pytest.fixture
def with_password(monkeypatch: pytest.MonkeyPatch, box: Box) -> None:
    monkeypatch.setenv("MAILER_IMAP_PASSWORD", box.password)


@pytest.mark.usefixtures("with_password")
def test_an_imap_mailbox_is_read_and_its_mails_are_seen_then(world: Database, box: Box) -> None:
    with ImapServer(box) as server:
        result = mailer("--imap", server.url)
        assert result.output.startswith("4 read: ")
        assert box.seen == {7, 8, 9, 10}
        assert len(box.mails) == 4, "none is deleted"
        assert count(world) == (4, 2, ["unsubscribed", "subscribed"])
        box.mails = {n + 100: raw for n, raw in box.mails.items()}  # numbered anew, and all unseen
        assert json.loads(mailer("--imap", server.url, "--json").output)["before"] == 4


@pytest.mark.usefixtures("with_password")
def test_a_dry_run_over_imap_marks_nothing(world: Database, box: Box) -> None:
    with ImapServer(box) as server:
        assert "2 would act" in mailer("--imap", server.url, "--dry-run").output
    assert box.seen == set()
    assert "EXAMINE" in box.commands
    assert count(world)[0] == 0


@pytest.mark.usefixtures("with_password")
@pytest.mark.parametrize("command", ["LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"])
def test_a_server_that_hangs_up_loses_nothing(world: Database, box: Box, command: str) -> None:
    box.break_off_at = command
    with ImapServer(box) as server:
        assert isinstance(mailer("--imap", server.url).exception, MailerError)
        assert box.seen == set()
        box.break_off_at = ""
        mailer("--imap", server.url)
    assert count(world) == (4, 2, ["unsubscribed", "subscribed"])


def test_a_wrong_password_is_said_without_it(world: Database, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILER_IMAP_PASSWORD", "wrong-password")
    with ImapServer(box) as server:
        error = mailer("--imap", server.url).exception
    assert isinstance(error, MailerError)
    assert "refused the login" in error.message
    assert "wrong-password" not in str(error)


@pytest.mark.usefixtures("with_password")
def test_a_mailbox_is_read_over_tls(world: Database, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    with ImapServer(box, tls="tls") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
        assert mailer("--imap", server.url).output.startswith("4 read: ")
    assert box.seen == {7, 8, 9, 10}
    assert box.plain == []
    assert count(world) == (4, 2, ["unsubscribed", "subscribed"])


def encrypted(server: ImapServer, box: Box, *, trusted: bool = True) -> Imap:
    """The mailbox of a server, as of one on another machine, where no password may travel in plain text."""
    context = ssl.create_default_context(cafile=server.ca_file if trusted and server.ca_file.exists() else None)
    return Imap(server.url, password=box.password, may_be_plain=lambda host: False, context=context)


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_nothing_is_said_in_plain_text_but_the_wish_to_encrypt(box: Box, tls: str) -> None:
    with ImapServer(box, tls=tls) as server:
        mailbox = encrypted(server, box)
        (mails,) = mailbox.unread()
        mailbox.done(mails)
        mailbox.close()
    assert [mail.raw for mail in mails] == list(box.mails.values())
    assert box.seen == set(box.mails)
    assert box.plain == ([] if tls == "tls" else ["CAPABILITY", "STARTTLS"])


@pytest.mark.parametrize("tls", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("trusted", "name", "words"),
    [(False, "127.0.0.1", "unable to get local issuer certificate"), (True, "other.example", "IP address mismatch")],
)
def test_a_certificate_that_is_not_the_servers_gets_no_password(
    box: Box, tls: str, trusted: bool, name: str, words: str
) -> None:
    with ImapServer(box, tls=tls, names=(name,)) as server, pytest.raises(MailerError) as caught:
        encrypted(server, box, trusted=trusted)
    assert "the certificate of the mailbox at 127.0.0.1 can't be trusted" in caught.value.message
    assert words in caught.value.message
    assert "LOGIN" not in box.commands


def test_a_server_that_does_not_encrypt_gets_no_password(box: Box) -> None:
    with ImapServer(box) as server, pytest.raises(MailerError, match="offers no encryption") as caught:
        encrypted(server, box)
    assert "imaps://" in str(caught.value)
    assert "LOGIN" not in box.commands


def test_a_server_that_hangs_up_before_it_encrypts_gets_no_password(box: Box) -> None:
    box.break_off_at = "STARTTLS"
    with ImapServer(box, tls="starttls") as server, pytest.raises(MailerError, match="could not start encryption"):
        encrypted(server, box)
    assert "LOGIN" not in box.commands


def test_a_server_that_speaks_no_tls_is_no_mailbox_over_tls(box: Box) -> None:
    with ImapServer(box) as server, pytest.raises(MailerError, match="can't be reached"):
        Imap(server.url.replace("imap:", "imaps:"), password=box.password, may_be_plain=lambda host: False)
    assert box.commands == []


def test_what_somebody_adds_before_the_encryption_begins_is_not_heard(box: Box) -> None:
    # Answers to commands that come after it, as in CVE-2011-0411 and "NO STARTTLS" (USENIX Security 2021).
    box.inject = b"* SEARCH 666\r\n* BYE\r\n"
    with ImapServer(box, tls="starttls") as server:
        mailbox = encrypted(server, box)
        (mails,) = mailbox.unread()
        mailbox.close()
    assert [mail.key for mail in mails] == ["7", "8", "9", "10"]


@pytest.mark.parametrize(
    "url", ["", "http://a@b/", "imaps://host/INBOX", "imaps://a:secret@host/", "imaps://a@host:99999/"]
)
def test_an_address_that_is_none_is_refused_before_anything(url: str) -> None:
    with pytest.raises(MailerError) as caught:
        Imap(url, password="x", may_be_plain=lambda host: False)
    assert "secret@" not in str(caught.value)


def test_a_mail_from_a_pipe_is_kept(world: Database) -> None:
    result = mailer("--stdin", stdin=(FOLDER / "postfix-unknown-user.eml").read_bytes())
    assert (result.exit_code, result.output) == (0, "")
    assert count(world) == (1, 1, ["subscribed", "subscribed"])


def test_the_recipient_may_be_told_beside_the_mail(world: Database) -> None:
    raw = (FOLDER / "qmail-unknown-user.eml").read_bytes()
    address = raw.split(b"Delivered-To: ")[1].split(b"\n")[0]
    bare = raw.replace(address, b"somebody@example.org")
    told = mailer("--stdin", "--recipient", address.decode(), "--dry-run", "--json", stdin=bare)
    assert json.loads(told.output)["acted"] == 1
    assert json.loads(mailer("--stdin", "--dry-run", "--json", stdin=bare).output)["acted"] == 0


@pytest.mark.parametrize("trouble", ["database", "workspace", "fault"])
def test_a_pipe_gives_the_mail_back_when_it_cannot_be_kept(
    world: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    def fails(*_: object, **__: object) -> Any:
        raise DatabaseTrouble("the database is not there") if trouble == "database" else ZeroDivisionError("a@b.org")

    if trouble == "workspace":
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
    else:
        monkeypatch.setattr(acting, "apply", fails)
    result = mailer("--stdin", stdin=(FOLDER / "postfix-unknown-user.eml").read_bytes())
    assert result.exit_code == 75
    assert "a@b.org" not in result.output
    assert count(world)[0] == 0


def test_a_huge_mail_is_read_to_its_end_and_kept(world: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = (FOLDER / "postfix-unknown-user.eml").read_bytes() + b"x" * 10_000_000
    pipe = io.TextIOWrapper(io.BytesIO(raw))
    monkeypatch.setattr(sys, "stdin", pipe)
    assert mailer("--stdin", stdin=raw).exit_code == 0
    assert count(world)[1] == 1


@pytest.mark.parametrize("arguments", [(), ("--stdin", "--list")])
def test_one_place_to_read_must_be_named(arguments: tuple[str, ...]) -> None:
    assert isinstance(mailer(*arguments).exception, MailerError)


def test_a_run_applies_what_providers_posted_and_deletes_what_is_old(world: Database, now: datetime) -> None:
    entry = {"event": "delivered", "email": "mary1@example.org", "c": f"{delivery_id(1):x}.1"}
    with world.write() as connection:
        keep_post(connection, json.dumps([entry]).encode(), provider="sendgrid", at=now)
        keep_post(connection, b"[]", provider="sendgrid", at=now)
        connection.execute(update(jobs).where(jobs.c.payload == b"[]").values(state="done", done_at=EPOCH))
    assert CliRunner().invoke(cli, ["run"]).exit_code == 0
    with world.read() as connection:
        assert connection.execute(select(deliveries.c.feedback).order_by(deliveries.c.id)).scalars().all() == [
            "delivered",
            "",
        ]
        (post,) = connection.execute(select(jobs)).all()
    assert post.state == "done"
