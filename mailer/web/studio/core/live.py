"""Server-sent events: a page hears of what moves within a second, and asks for the part of itself that changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from mailer.web.studio.core.access import actor_of_request
from mailer.web.studio.core.context import Visit

ASK_AGAIN = timedelta(seconds=30)  # whether the reader is still signed in
QUIET_SECONDS = 15.0  # after which a word is said on an idle line, which finds those that are gone


def live(visit: Visit, mark: Callable[[Visit], str], *, every_seconds: float) -> Response:
    """Events that hold what `mark` returns, whenever it is another text than the reader saw last (?seen=).

    `mark` is asked in a thread, so often, with the visit as it would be by then; it must be quick. The events end when
    the studio stops, and soon after their reader may no longer come in.
    """
    seen = visit.query.get("seen", "")
    return StreamingResponse(
        _events(visit, mark, seen, every_seconds), media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},  # nginx would hold them back
    )  # fmt: skip


async def _events(
    visit: Visit, mark: Callable[[Visit], str], seen: str, every_seconds: float
) -> AsyncGenerator[str, None]:
    yield "retry: 500\n\n"
    quiet = 0.0
    asked = visit.now
    while not visit.studio.stopping.is_set():
        visit = replace(visit, now=visit.studio.clock(), workspace=visit.studio.reader.read())
        if visit.now - asked > ASK_AGAIN:
            asked = visit.now
            if await run_in_threadpool(actor_of_request, visit.studio, visit.request.cookies, address="") is None:
                return
        found = await run_in_threadpool(mark, visit)
        if found != seen:
            yield "".join(f"data: {line}\n" for line in found.split("\n")) + "\n"
            seen, quiet = found, 0.0
        elif quiet >= QUIET_SECONDS:
            yield ": still here\n\n"
            quiet = 0.0
        await asyncio.sleep(every_seconds)
        quiet += every_seconds
