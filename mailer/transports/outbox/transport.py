"""The outbox: a Maildir on this machine that any mail reader opens. Nothing leaves; no account is needed.

Each delivery and attempt has its own file name, so handing the same one over again replaces the same file. How mails
look is left to `mime.message`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from mailer.private_files import open_private, private_folder
from mailer.transports.base import Envelope, Fate, Mailing, Outcome, TransportRefused, TransportUnavailable
from mailer.transports.mime.headers import ascii_address
from mailer.transports.mime.message import Skeleton, Unmailable

_FOLDERS = ("cur", "new", "tmp")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class OutboxTransport:
    """Delivers into the Maildir `path`, which is created if missing. See https://cr.yp.to/proto/maildir.html."""

    name = "outbox"
    batch = 1
    connections = 1

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Outbox({str(self.path)!r})"

    def connect(self, mailing: Mailing) -> OutboxConnection:
        """Raises `TransportRefused` when the folder can't be used or the mailing can't be written as a mail."""
        self._prepare()
        try:
            return OutboxConnection(self.path, mailing.key, Skeleton(mailing))
        except Unmailable as error:
            raise TransportRefused(error.message, remedy=error.remedy) from error

    def loop(self, mailing: Mailing) -> None:
        return None

    def probe(self) -> str:
        self._prepare()
        draft = self.path / "tmp" / f"probe-{os.getpid()}"
        try:
            draft.touch()
            draft.unlink()
        except OSError as error:
            raise _refused(self.path, error) from error
        return f"mails are written to the Maildir {self.path}; nothing leaves this machine"

    def _prepare(self) -> None:
        try:
            for folder in _FOLDERS:
                private_folder(self.path / folder)
        except OSError as error:
            raise _refused(self.path, error) from error


class OutboxConnection:
    """Writes mails of one mailing. Each is whole on the disk, under its final name, before it counts as accepted."""

    def __init__(self, path: Path, key: str, skeleton: Skeleton) -> None:
        self._path = path
        self._key = _UNSAFE.sub("-", key)[:80]
        self._skeleton = skeleton
        self._read_already = {name.partition(":")[0] for name in os.listdir(path / "cur")}  # noqa: PTH208 - names only
        self._new = os.open(path / "new", os.O_RDONLY | os.O_DIRECTORY)

    def hand_over(self, envelopes: Sequence[Envelope]) -> Sequence[Outcome]:
        """Raises `TransportUnavailable` when the disk takes nothing and none of them was delivered."""
        outcomes: list[Outcome] = []
        for envelope in envelopes:
            try:
                content = _returning_to(envelope.return_path) + self._skeleton.fill(envelope)
            except Unmailable as error:
                outcomes.append(Outcome(Fate.REFUSED, detail=error.message))
                continue
            name = self.file_name(envelope)
            try:
                self._deliver(name, content)
            except OSError as error:
                if not outcomes:
                    raise TransportUnavailable(
                        f"the outbox {self._path} can't be written: {error.strerror}",
                        remedy="Free some space or correct the permissions; nothing was lost.",
                    ) from error
                outcomes.append(Outcome(Fate.DEFERRED, detail=f"the outbox can't be written: {error.strerror}"))
                continue
            outcomes.append(Outcome(Fate.ACCEPTED, detail=f"new/{name}", provider_id=name))
        return outcomes

    def file_name(self, envelope: Envelope) -> str:
        """The same for the same delivery, attempt and Message-ID: a mail written again replaces itself."""
        known = "\0".join((envelope.address, *(value for _, value in sorted(envelope.headers))))
        mark = hashlib.sha256(known.encode("utf-8", "replace")).hexdigest()[:12]
        return f"{self._key}.{envelope.delivery_id}.{envelope.attempt}.{mark}"

    def close(self) -> None:
        if self._new >= 0:
            os.close(self._new)
            self._new = -1

    def _deliver(self, name: str, content: bytes) -> None:
        if name in self._read_already:  # somebody opened it: a mail reader moved it to cur
            return
        draft = self._path / "tmp" / f"{name}.{os.getpid()}"
        final = self._path / "new" / name
        try:
            with open_private(draft, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(final)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        os.fsync(self._new)


def _returning_to(address: str) -> bytes:
    """The Return-Path line, which the delivering server puts at the top of a mail (RFC 5321 §4.4)."""
    return f"Return-Path: <{ascii_address(address)}>\r\n".encode() if address else b""


def _refused(path: Path, error: OSError) -> TransportRefused:
    return TransportRefused(
        f"the outbox {path} can't be used: {error.strerror}", remedy="Set outbox.path to a folder you may write to."
    )
