"""A small IMAP server (RFC 9051) over a socket of this machine: one mailbox, enough of the protocol for `imaplib`."""

from __future__ import annotations

import re
import socketserver
import threading
from dataclasses import dataclass, field
from types import TracebackType


@dataclass(slots=True)
class Box:
    """What the server holds, and how it behaves."""

    mails: dict[int, bytes]
    seen: set[int] = field(default_factory=set[int])
    user: str = "bounces@example.org"
    password: str = "a-password-for-tests"
    break_off_at: str = ""  # a command at which it hangs up
    commands: list[str] = field(default_factory=list[str])


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box: Box = self.server.box  # pyright: ignore[reportAttributeAccessIssue]
        self._say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _, rest = line.partition(" ")
            command = rest.split(" ")[0].upper()
            if command == "UID":
                command = rest.split(" ")[1].upper()
            box.commands.append(command)
            if command == box.break_off_at:
                return
            self._answer(box, tag, command, rest)
            if command == "LOGOUT":
                return

    def _answer(self, box: Box, tag: str, command: str, rest: str) -> None:
        done = "OK done"
        if command == "CAPABILITY":
            self._say("* CAPABILITY IMAP4rev1")
        elif command == "LOGIN":
            right = box.user in rest and f'"{box.password}"' in rest
            done = "OK in" if right else f"NO wrong password {rest}"
        elif command in ("SELECT", "EXAMINE"):
            done = "OK [READ-WRITE] in" if "INBOX" in rest else "NO no such folder"
            self._say(f"* {len(box.mails)} EXISTS")
        elif command == "SEARCH":
            self._say("* SEARCH " + " ".join(str(n) for n in box.mails if n not in box.seen))
        elif command == "FETCH":
            number, most = map(int, re.findall(r"FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", rest)[0])
            if number in box.mails:
                raw = box.mails[number][:most]
                self.wfile.write(f"* 1 FETCH (UID {number} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
        elif command == "STORE":
            box.seen.update(int(n) for n in rest.split(" ")[2].split(","))
        elif command == "LOGOUT":
            self._say("* BYE")
        self._say(f"{tag} {done}")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class ImapServer:
    """The server as a context; `url` is its mailbox."""

    def __init__(self, box: Box) -> None:
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.box = box  # pyright: ignore[reportAttributeAccessIssue]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        user = box.user.replace("@", "%40")
        self.url = f"imap://{user}@127.0.0.1:{self._server.server_address[1]}/INBOX"

    def __enter__(self) -> ImapServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
