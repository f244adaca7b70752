"""Mailboxes that others use at the same time, and what servers refuse: nothing is lost, and nothing read twice."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from mailer.delivery.feedback import mailbox_readers
from mailer.delivery.feedback.mailbox_readers import Imap, Maildir
from mailer.errors import MailerError
from tests.servers.imap_server import Box, ImapServer


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for folder in ("new", "cur"):
        (tmp_path / folder).mkdir()
    for number in (1, 2, 3):
        (tmp_path / "new" / f"{number}.host").write_bytes(b"mail %d" % number)
    return tmp_path


def test_another_reader_of_a_maildir_may_be_quicker(maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_readers, "AT_ONCE", 1)
    (maildir / "new" / "0.folder").mkdir()
    ours, theirs = Maildir(maildir), Maildir(maildir)
    batches = ours.unread()
    assert next(batches) == [], "a folder is no mail"
    first = next(batches)
    assert [mail.raw for mail in first] == [b"mail 1"]
    for mails in theirs.unread():
        theirs.done(mails)
    ours.done(first)
    assert [list(mails) for mails in batches] == [[], []]
    assert sorted(path.name for path in (maildir / "cur").iterdir()) == ["1.host:2,S", "2.host:2,S", "3.host:2,S"]


def opened(server: ImapServer, box: Box, *, folder: str = "INBOX", password: str | None = None) -> Imap:
    url = server.url.removesuffix("INBOX") + folder
    return Imap(url, password=box.password if password is None else password, may_be_plain=lambda host: True)


def test_a_mail_that_is_deleted_meanwhile_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_readers, "AT_ONCE", 1)
    box = Box({1: b"one", 2: b"two", 3: b"three"})
    with ImapServer(box) as server:
        mailbox = opened(server, box)
        batches = mailbox.unread()
        assert [mail.raw for mail in next(batches)] == [b"one"]
        del box.mails[2]
        assert [[mail.raw for mail in mails] for mails in batches] == [[], [b"three"]]
        assert [mail.raw for mail in mailbox.latest()] == [b"three", b"one"], "read or not, the newest first"
        mailbox.done([])
        assert box.seen == set()
        mailbox.close()


@pytest.mark.parametrize(
    ("folder", "password", "refuses", "words"),
    [
        ("INBOX", "", "", "there is no IMAP password"),
        ("Elsewhere", None, "", "has no folder 'Elsewhere'"),
        ("INBOX", None, "SEARCH", "refused SEARCH"),
        ("INBOX", None, "FETCH", "refused FETCH"),
    ],
)
def test_what_keeps_a_mailbox_from_being_read_is_said(
    folder: str, password: str | None, refuses: str, words: str
) -> None:
    box = Box({1: b"one"}, refuses=refuses)
    with ImapServer(box) as server, pytest.raises(MailerError, match=words):
        _read(opened(server, box, folder=folder, password=password))
    assert box.seen == set()


def _read(mailbox: Imap) -> None:
    with closing(mailbox):
        list(mailbox.unread())
