"""Server-sent events: a page hears of what moves within a second, and asks for the part of itself that changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from mailer.web.studio.core.context import Visit

QUIET_SECONDS = 15.0  # after which a word is said on an idle line, which finds those that are gone


def live(visit: Visit, mark: Callable[[], str], *, every_seconds: float) -> Response:
    """Events that hold what `mark` returns, whenever it is another text than the reader saw last (?seen=).

    `mark` is asked in a thread, so often; it must be quick. The events end when the studio stops, and when who asks is
    no longer signed in is for the request that follows one.
    """
    seen = visit.query.get("seen", "")
    return StreamingResponse(
        _events(visit, mark, seen, every_seconds), media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},  # nginx would hold them back
    )  # fmt: skip


async def _events(visit: Visit, mark: Callable[[], str], seen: str, every_seconds: float) -> AsyncGenerator[str, None]:
    yield "retry: 500\n\n"
    quiet = 0.0
    while not visit.studio.stopping.is_set():
        found = await run_in_threadpool(mark)
        if found != seen:
            yield "".join(f"data: {line}\n" for line in found.split("\n")) + "\n"
            seen, quiet = found, 0.0
        elif quiet >= QUIET_SECONDS:
            yield ": still here\n\n"
            quiet = 0.0
        await asyncio.sleep(every_seconds)
        quiet += every_seconds
