"""A small IMAP server (RFC 9051) over a socket of this machine: one mailbox, enough of the protocol for `imaplib`.

with ImapServer(box, tls="starttls", names=("other.example",)) as server:    # "tls": encrypted from the start
    context = ssl.create_default_context(cafile=server.ca_file)              # whose certificate names another host
"""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import trustme

HOST = "127.0.0.1"


@dataclass(slots=True)
class Box:
    """What the server holds, and how it behaves."""

    mails: dict[int, bytes]
    seen: set[int] = field(default_factory=set[int])
    user: str = "bounces@example.org"
    password: str = "a-password-for-tests"
    break_off_at: str = ""  # a command at which it hangs up
    refuses: str = ""  # a command
    inject: bytes = b""  # what an attacker adds in plain text to the answer to STARTTLS
    commands: list[str] = field(default_factory=list[str])
    plain: list[str] = field(default_factory=list[str])  # of these, what came without encryption


class _Handler(socketserver.StreamRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride] - no other one has this handler

    def handle(self) -> None:
        with suppress(OSError):  # whoever doesn't like our certificate hangs up
            if self.server.tls == "tls":
                self._encrypt()
            self._talk()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.connection.close()

    def _encrypt(self) -> None:
        assert self.server.context is not None
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

    def _talk(self) -> None:
        box = self.server.box
        self._say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _, rest = line.partition(" ")
            command = rest.split(" ")[0].upper()
            if command == "UID":
                command = rest.split(" ")[1].upper()
            box.commands.append(command)
            if not isinstance(self.connection, ssl.SSLSocket):
                box.plain.append(command)
            if command == box.break_off_at:
                return
            self._answer(box, tag, command, rest)
            if command == "LOGOUT":
                return

    def _answer(self, box: Box, tag: str, command: str, rest: str) -> None:
        done = "OK done"
        if command == "CAPABILITY":
            waits = self.server.tls == "starttls" and not isinstance(self.connection, ssl.SSLSocket)
            self._say("* CAPABILITY IMAP4rev1" + " STARTTLS LOGINDISABLED" * waits)
        elif command == "LOGIN":
            right = box.user in rest and f'"{box.password}"' in rest
            done = "OK in" if right else f"NO wrong password {rest}"
        elif command == "STARTTLS":
            self.wfile.write(f"{tag} OK begin\r\n".encode() + box.inject)
            self._encrypt()
            return
        elif command in ("SELECT", "EXAMINE"):
            done = "OK [READ-WRITE] in" if "INBOX" in rest else "NO no such folder"
            self._say(f"* {len(box.mails)} EXISTS")
        elif command == "SEARCH":
            self._say("* SEARCH " + " ".join(str(n) for n in box.mails if "ALL" in rest or n not in box.seen))
        elif command == "FETCH":
            number, most = map(int, re.findall(r"FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", rest)[0])
            if number in box.mails:
                raw = box.mails[number][:most]
                self.wfile.write(f"* 1 FETCH (UID {number} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
        elif command == "STORE":
            box.seen.update(int(n) for n in rest.split(" ")[2].split(","))
        elif command == "LOGOUT":
            self._say("* BYE")
        self._say(f"{tag} {'NO not now' if command == box.refuses else done}")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    box: Box
    tls: str
    context: ssl.SSLContext | None = None

    def shutdown_request(self, request: socket.socket | Any) -> None:
        """A connection is closed by its handler: the socket here is an empty shell once it is encrypted."""
        request.close()


class ImapServer:
    """The server as a context; `url` is its mailbox. `tls`: "none", "starttls" or "tls"; `names`: whom its certificate
    is for, which only those trust who load `ca_file`."""

    def __init__(self, box: Box, *, tls: str = "none", names: tuple[str, ...] = (HOST,)) -> None:
        self._server = _Server((HOST, 0), _Handler)
        self._server.box, self._server.tls = box, tls
        self._folder = tempfile.TemporaryDirectory(prefix="imap-")
        self.ca_file = Path(self._folder.name) / "ca.pem"
        if tls != "none":
            self._server.context = self._certificates(names)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        user = box.user.replace("@", "%40")
        scheme = "imaps" if tls == "tls" else "imap"
        self.url = f"{scheme}://{user}@{HOST}:{self._server.server_address[1]}/INBOX"

    def _certificates(self, names: tuple[str, ...]) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        return context

    def __enter__(self) -> ImapServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._folder.cleanup()
