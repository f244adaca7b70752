"""A stand-in for SendGrid's Mail Send that reads every request whole, counts its people, and says 202 at once.

It checks nothing, so that it isn't what is measured. `GET /` tells what it counted.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

ONE_PERSON = b'"to":'  # no value holds it: quotes in values are escaped
LENGTH = b"content-length:"


class Counts:
    """What came, over all connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = self.people = self.bytes = 0

    def add(self, head: bytes, body: bytes) -> bytes:
        """Count a request; its number for X-Message-Id."""
        people = body.count(ONE_PERSON)
        with self._lock:
            self.requests += 1
            self.people += people
            self.bytes += len(head) + len(body)
            return b"sink-%d" % self.requests

    def said(self) -> bytes:
        return json.dumps({"requests": self.requests, "people": self.people, "bytes": self.bytes}).encode()


def serve(connection: socket.socket, counts: Counts) -> None:
    """Answer the requests of one connection until it ends."""
    with connection, connection.makefile("rb", buffering=1 << 18) as stream:
        while True:
            head = bytearray()
            for line in iter(stream.readline, b"\r\n"):
                if not line:
                    return
                head += line
            length = next((int(line[len(LENGTH) :]) for line in bytes(head).lower().splitlines()
                           if line.startswith(LENGTH)), 0)  # fmt: skip
            body = stream.read(length)
            if head.startswith(b"GET"):
                said = counts.said()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))
            else:
                number = counts.add(bytes(head), body)
                connection.sendall(b"HTTP/1.1 202 Accepted\r\nX-Message-Id: %b\r\nContent-Length: 0\r\n\r\n" % number)


@contextmanager
def sink() -> Generator[str, None, None]:
    """A running sink in a process of its own; its URL."""
    command = [sys.executable, "-m", "benchmarks.sendgrid_sink"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def counted(url: str) -> dict[str, int]:
    """What the sink at `url` counted so far."""
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def main() -> None:
    counts = Counts()
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(f"http://127.0.0.1:{server.getsockname()[1]}", flush=True)
        while True:
            connection, _ = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve, args=(connection, counts), daemon=True).start()


if __name__ == "__main__":
    main()
