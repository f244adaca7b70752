"""The app over real HTTP: uvicorn in a thread on a free port of this machine, and a client that follows nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection

import uvicorn
from starlette.applications import Starlette

from mailer.web.server import configure, listen
from tests.patience import HANG_SECONDS

BROWSER = {
    "User-Agent": "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 "
    "Mobile Safari/537.36",
    "Accept": "text/html",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Header names are lower-case; repeated ones are joined by newlines."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def fetch(
    port: int, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Reply:
    """One request, as a browser would make it unless `headers` say otherwise."""
    connection = HTTPConnection("127.0.0.1", port, timeout=HANG_SECONDS)
    try:
        connection.request(method, path, body=body, headers=BROWSER if headers is None else dict(headers))
        answer = connection.getresponse()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            found[name.lower()] = f"{found[name.lower()]}\n{value}" if name.lower() in found else value
        return Reply(answer.status, found, answer.read())
    finally:
        connection.close()


class Prompt(uvicorn.Server):
    """uvicorn, which looks ten times a second whether it shall end: each test would wait for that."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await asyncio.sleep(0.01)


@contextmanager
def serving(app: Starlette, *, proxies: Sequence[str] = (), port: int = 0) -> Generator[int]:
    """The app on a free port, or on `port`; drained at the end."""
    opened = listen("127.0.0.1", port)
    server = Prompt(configure(app, proxies=proxies))
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
