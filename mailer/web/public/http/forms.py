"""Reads the small forms that supporters and mail providers post, within bounds of size and time.

A body that can't be understood is an empty form: an unsubscribe is not refused for its spelling.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

LONGEST_BODY_BYTES = 16_384
PATIENCE_SECONDS = 10.0  # for the whole body
MOST_FIELDS = 200


async def read_form(request: Request, *, files: bool = False) -> Mapping[str, tuple[str, ...]]:
    """The fields of an urlencoded or multipart body, each with all its values.

    Raises HTTPException 413 for a body over 16 kB, 408 for one that does not end in ten seconds, 422 for one with a
    file in it, which no form of ours has; with `files` they are only left out.
    """
    body = await read_body(request, most_bytes=LONGEST_BODY_BYTES)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, receive).form(max_files=MOST_FIELDS, max_fields=MOST_FIELDS)
    except (MultiPartException, HTTPException, ValueError, LookupError):
        return {}
    try:
        found = {name: tuple(v for v in form.getlist(name) if isinstance(v, str)) for name in form}
        if not files and any(not isinstance(value, str) for _, value in form.multi_items()):
            raise HTTPException(422)
        return {name: values for name, values in found.items() if values}
    finally:
        await form.close()


async def read_body(request: Request, *, most_bytes: int, seconds: float | None = None) -> bytes:
    """The whole body. Raises HTTPException 413 for a longer one, 408 for one that does not end in time."""
    try:
        return await asyncio.wait_for(_body(request, most_bytes), seconds or PATIENCE_SECONDS)
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None


async def _body(request: Request, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise HTTPException(413)
    return bytes(body)
