"""Where returned mails are read from: a Maildir, an IMAP mailbox, or one mail on standard input.

A mail is marked as read only once the caller says that it is stored (`done`), and none is deleted: if anything goes
wrong in between, the mail is read again, and recognised by its digest. `dsn` parses the contents.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

from mailer.delivery.feedback.dsn import LOOKED_AT_BYTES
from mailer.errors import MailerError
from mailer.private_files import last_changed

AT_ONCE = 100  # mails between two commits
LATEST = 50  # mails that `latest` looks through
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, cut to what is read of it, and the key by which its mailbox knows it."""

    key: str
    raw: bytes = field(repr=False)


class Mailbox(Protocol):
    """Something mails are read from, in batches."""

    def unread(self) -> Iterator[Sequence[Mail]]: ...
    def done(self, mails: Sequence[Mail]) -> None:
        """These are stored: never hand them out again."""
        ...

    def close(self) -> None: ...


class Maildir:
    """A Maildir (https://cr.yp.to/proto/maildir.html): mails in `new` move to `cur`, marked as seen."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not (path / "new").is_dir() or not (path / "cur").is_dir():
            raise MailerError(f"{path} is not a Maildir", remedy="A Maildir contains the folders new and cur.")

    def unread(self) -> Iterator[Sequence[Mail]]:
        names = sorted(entry.name for entry in (self._path / "new").iterdir() if not entry.name.startswith("."))
        for start in range(0, len(names), AT_ONCE):
            yield [mail for name in names[start : start + AT_ONCE] if (mail := self._read(name))]

    def done(self, mails: Sequence[Mail]) -> None:
        for mail in mails:
            seen = self._path / "cur" / f"{mail.key.partition(':')[0]}:2,S"
            try:
                (self._path / "new" / mail.key).rename(seen)
            except FileNotFoundError:
                continue  # another reader was quicker

    def latest(self) -> Iterator[Mail]:
        """The newest mails, read or not, the newest first."""
        files = [entry for folder in ("new", "cur") for entry in (self._path / folder).iterdir() if entry.is_file()]
        for file in sorted(files, key=lambda file: last_changed([file]) or 0, reverse=True)[:LATEST]:
            with suppress(FileNotFoundError):
                yield Mail(file.name, file.read_bytes()[:LOOKED_AT_BYTES])

    def close(self) -> None:
        """Nothing is open."""

    def _read(self, name: str) -> Mail | None:
        try:
            with (self._path / "new" / name).open("rb") as file:
                return Mail(name, file.read(LOOKED_AT_BYTES))
        except (FileNotFoundError, IsADirectoryError):
            return None


class Imap:
    """The unseen mails of an IMAP mailbox (RFC 9051), marked as seen once they are stored.

    Mails are fetched by UID, without being marked. A mailbox that renumbers its mails costs nothing but time, since
    mails are recognised by their digest.
    """

    def __init__(
        self,
        url: str,
        *,
        password: str,
        may_be_plain: Callable[[str], bool],
        context: ssl.SSLContext | None = None,
        only_look: bool = False,
    ) -> None:
        """Log in. `may_be_plain` says whether a host may be used without encryption. Raises `MailerError`."""
        parts = urlsplit(url)
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if parts.scheme not in ("imaps", "imap") or not host or not parts.username:
            raise MailerError(
                "this is not the address of an IMAP mailbox",
                remedy="For example imaps://bounces%40example.org@imap.example.org/INBOX. The password goes in"
                " secrets.toml.",
            )
        if parts.password:
            raise MailerError("a password doesn't belong in an address", remedy="Set imap_password in secrets.toml.")
        if not password:
            raise MailerError("there is no IMAP password", remedy="Set imap_password in secrets.toml.")
        self._where = f"the mailbox at {host}"
        self._only_look = only_look
        plain = parts.scheme == "imap"
        context = context or ssl.create_default_context()
        try:
            if plain:
                self._imap = imaplib.IMAP4(host, port or 143, timeout=TIMEOUT_SECONDS)
            else:
                self._imap = imaplib.IMAP4_SSL(host, port or 993, ssl_context=context, timeout=TIMEOUT_SECONDS)
        except (OSError, imaplib.IMAP4.error) as error:
            raise self._trouble("can't be reached", error) from error
        try:
            self._enter(
                unquote(parts.username), password, encrypt=context if plain and not may_be_plain(host) else None
            )
            self._select(unquote(parts.path.strip("/")) or "INBOX")
        except BaseException:
            self._hang_up()
            raise

    def unread(self) -> Iterator[Sequence[Mail]]:
        numbers = [part.decode("ascii") for part in (self._ask("SEARCH", "UNSEEN")[0] or b"").split()]
        for start in range(0, len(numbers), AT_ONCE):
            yield [mail for number in numbers[start : start + AT_ONCE] if (mail := self._fetch(number))]

    def latest(self) -> Iterator[Mail]:
        """The newest mails, read or not, the newest first."""
        numbers = [part.decode("ascii") for part in (self._ask("SEARCH", "ALL")[0] or b"").split()]
        for number in reversed(numbers[-LATEST:]):
            if mail := self._fetch(number):
                yield mail

    def done(self, mails: Sequence[Mail]) -> None:
        if mails and not self._only_look:
            self._ask("STORE", ",".join(mail.key for mail in mails), "+FLAGS.SILENT", r"(\Seen)")

    def close(self) -> None:
        try:
            self._imap.logout()
        except (OSError, imaplib.IMAP4.error):
            self._hang_up()

    def _hang_up(self) -> None:
        with suppress(OSError):  # a connection that failed to become encrypted is closed already
            self._imap.shutdown()

    def _enter(self, name: str, password: str, *, encrypt: ssl.SSLContext | None) -> None:
        # Somebody between us and the server may strip the offer (RFC 8314 §3.2), so without it nothing is sent.
        if encrypt is not None and "STARTTLS" not in self._imap.capabilities:
            raise MailerError(
                f"{self._where} offers no encryption (STARTTLS), so the password isn't sent to it",
                remedy="Most servers encrypt from the start, on another port: write imaps:// instead of imap://.",
            )
        try:
            if encrypt is not None:
                self._imap.starttls(encrypt)
        except (OSError, imaplib.IMAP4.error) as error:
            raise self._trouble("could not start encryption", error) from error
        try:
            self._imap.login(name, password)
        except (OSError, imaplib.IMAP4.error):
            # Without the server's words: some servers repeat the login.
            raise MailerError(
                f"{self._where} refused the login", remedy="Check the name in the address and imap_password."
            ) from None

    def _select(self, folder: str) -> None:
        quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        try:
            answer, _ = self._imap.select(quoted, readonly=self._only_look)
        except (OSError, imaplib.IMAP4.error, UnicodeError) as error:
            raise self._trouble("can't be opened", error) from error
        if answer != "OK":
            raise MailerError(f"{self._where} has no folder {folder!r}")

    def _fetch(self, number: str) -> Mail | None:
        answer = self._ask("FETCH", number, f"(BODY.PEEK[]<0.{LOOKED_AT_BYTES}>)")
        for item in answer:
            if isinstance(item, tuple) and isinstance(raw := cast("tuple[Any, ...]", item)[1], bytes):
                return Mail(number, raw)
        return None  # deleted meanwhile

    def _ask(self, command: str, *arguments: str) -> list[Any]:
        try:
            answer, data = self._imap.uid(command, *arguments)
        except (OSError, imaplib.IMAP4.error) as error:
            raise self._trouble("closed the connection", error) from error
        if answer != "OK":
            raise MailerError(f"{self._where} refused {command}", remedy="Nothing was lost: run it again.")
        return list(data)

    def _trouble(self, what: str, error: Exception) -> MailerError:
        if isinstance(error, ssl.SSLCertVerificationError):
            return MailerError(
                f"the certificate of {self._where} can't be trusted: {error.verify_message.rstrip('.')}",
                remedy="Use the host name that is in the certificate. To trust your own certificate authority, set"
                " SSL_CERT_FILE to its file.",
            )
        words = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        return MailerError(f"{self._where} {what}: {words}", remedy="Nothing was lost: run it again.")
