"""Runs an app on uvicorn until it is told to stop: an open socket in, requests drained on SIGTERM and Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from mailer.errors import MailerError
from mailer.web.http_protocol import BoundedProtocol

MOST_AT_ONCE = 900  # connections and requests; below the 1,024 files that a process may usually open
NOT_TOLD = (  # how lines of uvicorn begin
    "Invalid HTTP request received",
    "Unsupported upgrade request",
    "No supported WebSocket library",
    "ASGI callable returned without completing response",
    "Cancel %s running task(s), timeout graceful shutdown exceeded",  # `responses` logs each of them
)
HEAR_OUT_SECONDS = 0.5  # from the last connection taken in to the end of those without a request
DRAIN_SECONDS = 7  # how long requests under way may take once it is told to stop


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `MailerError` when it can't be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
            opened.listen(2048)
        except OSError:
            opened.close()
            raise
    except (OSError, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "this is not the name of a host"
        raise MailerError(
            f"can't listen on {host}, port {port}: {words}",
            remedy="Choose another with --host and --port; 0 is a free one.",
        ) from error
    return opened


def address_of(opened: socket.socket) -> str:
    """The address a browser on this machine would use."""
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def configure(app: Starlette, *, proxies: Sequence[str] = ()) -> uvicorn.Config:
    """How the app is served: no access log, since addresses hold tokens, and a limit on everything a stranger sends.

    `proxies`: addresses and networks whose X-Forwarded-For is believed; nobody else's is.
    """
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        limit_concurrency=MOST_AT_ONCE,
        access_log=False,
        log_config=None,
        server_header=False,
        lifespan="on",
        ws="none",
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_keep_alive=5,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    # Whatever handlers somebody attaches: a line of it holds a token and the client's IP.
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.error").addFilter(_worth_telling)
    return config


def _worth_telling(record: logging.LogRecord) -> bool:
    """Not what strangers send that is no HTTP, or asks for what we don't have: they are answered, and can go on for
    ever. Nor what is said of a connection that we cut ourselves."""
    return not str(record.msg).startswith(NOT_TOLD)


class _Server(uvicorn.Server):
    """Tells when it answers, and when the end begins, so that answers which last as long as their reader can end
    themselves."""

    def __init__(self, config: uvicorn.Config, *, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nobody in any more, and hear out those who were: a connection without a request yet counts as idle, and
        would be cut off with what its reader is just sending."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(HEAR_OUT_SECONDS)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping()
        super().handle_exit(sig, frame)


def run(
    app: Starlette,
    opened: socket.socket,
    *,
    proxies: Sequence[str] = (),
    started: Callable[[], None] = lambda: None,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what is under way. Call it in the main thread.

    `started` is called once it answers; `stopping` when the signal arrives, before anything is waited for.
    """

    server = _Server(configure(app, proxies=proxies), started=started, stopping=stopping)

    def told_early_or_again(_signal: int, _frame: FrameType | None) -> None:
        """Before uvicorn listens for it a signal counts, too. When it has drained it sends itself the signal once more,
        and that must not end us half-way."""
        server.should_exit = True

    before = {number: signal.signal(number, told_early_or_again) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[opened])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
