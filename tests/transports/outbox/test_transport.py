"""The outbox: a Maildir, one file for each delivery and attempt, nothing doubled, nothing half-written."""

from __future__ import annotations

import errno
import mailbox
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.transports.base import Fate, TransportRefused, TransportUnavailable
from mailer.transports.mime.message import build
from mailer.transports.outbox.transport import OutboxTransport
from tests.transports.samples import MAILING, envelope


def hand_over(path: Path, number: int = 1, attempt: int = 1) -> str:
    connection = OutboxTransport(path).connect(MAILING)
    try:
        (outcome,) = connection.hand_over([envelope(number, attempt=attempt)])
    finally:
        connection.close()
    assert outcome.fate is Fate.ACCEPTED
    return outcome.provider_id


def test_mails_stand_in_a_maildir_that_the_standard_library_reads(tmp_path: Path) -> None:
    hand_over(tmp_path / "out", 1)
    hand_over(tmp_path / "out", 2)
    box = mailbox.Maildir(tmp_path / "out", create=False)
    assert sorted(message["To"] for message in box) == ["Ada <person1@example.org>", "Ada <person2@example.org>"]
    assert list((tmp_path / "out" / "tmp").iterdir()) == []


def test_the_same_delivery_again_replaces_itself(tmp_path: Path) -> None:
    first = hand_over(tmp_path, 1)
    assert hand_over(tmp_path, 1) == first
    assert len(list((tmp_path / "new").iterdir())) == 1
    assert hand_over(tmp_path, 1, attempt=2) != first
    assert len(list((tmp_path / "new").iterdir())) == 2
    assert (tmp_path / "new" / first).read_bytes() == build(MAILING, envelope(1))


def test_the_return_path_stands_at_the_top_as_in_a_mailbox(tmp_path: Path) -> None:
    connection = OutboxTransport(tmp_path).connect(MAILING)
    sent = replace(envelope(1), return_path="bounces+token@example.org")
    (outcome,) = connection.hand_over([sent])
    connection.close()
    content = (tmp_path / "new" / outcome.provider_id).read_bytes()
    assert content == b"Return-Path: <bounces+token@example.org>\r\n" + build(MAILING, sent)


def test_a_mail_that_somebody_has_read_is_not_delivered_again(tmp_path: Path) -> None:
    name = hand_over(tmp_path, 1)
    (tmp_path / "new" / name).rename(tmp_path / "cur" / f"{name}:2,S")
    hand_over(tmp_path, 1)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = OutboxTransport(tmp_path).connect(MAILING)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TransportUnavailable, match="No space left"):
        connection.hand_over([envelope(1)])
    connection.close()
    assert [p for folder in ("new", "cur", "tmp") for p in (tmp_path / folder).iterdir()] == []


def test_a_disk_that_is_full_in_the_middle_puts_the_rest_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = OutboxTransport(tmp_path).connect(MAILING)
    left = [1, 1]  # a mail takes two: for its file, and for the folder

    def full_soon(_: int) -> None:
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left.pop()

    monkeypatch.setattr(os, "fsync", full_soon)
    first, *others = connection.hand_over([envelope(number) for number in (1, 2, 3)])
    for _ in range(2):
        connection.close()  # again does no harm
    assert first.fate is Fate.ACCEPTED
    assert [one.fate for one in others] == [Fate.DEFERRED] * 2
    assert [path.name for path in (tmp_path / "new").iterdir()] == [first.provider_id]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_folder_that_takes_nothing_is_found_by_the_probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "touch", read_only)
    with pytest.raises(TransportRefused, match="Read-only file system"):
        OutboxTransport(tmp_path).probe()


def test_a_path_that_cannot_be_a_folder_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for call in (lambda t: t.connect(MAILING), lambda t: t.probe()):
        with pytest.raises(TransportRefused) as caught:
            call(OutboxTransport(tmp_path / "file"))
        assert "outbox.path" in (caught.value.remedy or "")


def test_probing_leaves_no_trace(tmp_path: Path) -> None:
    assert str(tmp_path) in OutboxTransport(tmp_path).probe()
    assert [p for folder in ("new", "cur", "tmp") for p in (tmp_path / folder).iterdir()] == []
