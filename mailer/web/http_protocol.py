"""HTTP by uvicorn and httptools, with limits to how slowly a visitor may ask, and with how much before the body.

uvicorn ends connections that idle after an answer; one that never asks, or asks a byte at a time, it would hold for
ever, and headers it would take as many as come. How large a body may be is for the pages.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEADER_BYTES = 16_384  # address and headers; more than any browser sends
HEADER_SECONDS = 10.0  # from the connection, or the first byte after an answer, to the end of a request's headers


class _Hearing:
    """A transport that ignores writes once the visitor has hung up: uvloop's raises then, in whatever had an
    answer ready at that moment."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None
    _header_bytes = 0

    def connection_made(self, transport: Any) -> None:
        hearing: Any = _Hearing(transport)
        super().connection_made(hearing)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._busy():
            self._rest()
        elif self._deadline is None:
            self._wait()

    def on_message_begin(self) -> None:
        self._header_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + 4)  # a colon, a space, and the end of the line
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        hosts = sum(1 for name, _ in self.headers if name == b"host")
        parser: Any = self.parser  # None before the connection is made, as its type says
        if hosts > 1 or (not hosts and parser.get_http_version() == "1.1"):
            raise ValueError("not one host")  # RFC 9112 §3.2: answered with 400, as above
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _count(self, more: int) -> None:
        self._header_bytes += more
        if self._header_bytes > MOST_HEADER_BYTES:
            raise ValueError("too much before the body")  # which the parser hands on as a request it can't read

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._cut_off)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cut_off(self) -> None:
        self._deadline = None
        if not self._busy():
            self.transport.close()

    def _busy(self) -> bool:
        """Whether a complete request is waiting for its answer."""
        cycle: Any = self.cycle  # None until the first request, whatever its type says
        return cycle is not None and not cycle.response_complete
