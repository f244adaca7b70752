"""HTTP by uvicorn and h11, with a limit to how slowly a visitor may ask.

uvicorn ends connections that idle after an answer; one that never asks, or asks a byte at a time, it would hold for
ever. How much a request may be is for uvicorn's own limits and for the pages; this is about time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 10.0  # from the connection, or the first byte after an answer, to the end of a request's headers


class TimedProtocol(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._busy():
            self._rest()
        elif self._deadline is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

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
        """Whether a request has come whole and is not answered yet."""
        cycle: Any = self.cycle  # None until the first request, whatever its type says
        return cycle is not None and not cycle.response_complete
