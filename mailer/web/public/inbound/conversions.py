"""POST /api/conversions: another site reports what supporters did after following a link. With a key only."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailer.delivery.feedback.conversions import MOST_AT_ONCE, ConversionFate, ConversionResult, record_conversions
from mailer.web.public.core.context import Door, door_of
from mailer.web.public.http.forms import read_body

LONGEST_BODY_BYTES = 1_000_000
SOURCE = "api"


async def report(request: Request) -> Response:
    """Take one report or an array of them; an answer for each. 401 without a key of ours, 400 for what is no report."""
    door = door_of(request)
    if not _has_key(request, door):
        return JSONResponse({"error": "this needs a key"}, 401, headers={"WWW-Authenticate": "Bearer"})
    reports, single = _reports(await read_body(request, most_bytes=LONGEST_BODY_BYTES))
    answers = await door.threads.write(_record, door, reports)
    data = [_as_data(answer) for answer in answers]
    counts = {fate.value: sum(1 for answer in answers if answer.fate is fate) for fate in ConversionFate}
    return JSONResponse(data[0] if single else {**counts, "results": data})


def _has_key(request: Request, door: Door) -> bool:
    """Whether the request carries one of our keys; all are compared, each in constant time."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    keys = door.workspace.secrets.api_keys
    same = [hmac.compare_digest(key.encode(), given.strip().encode("utf-8", "surrogateescape")) for key in keys]
    return scheme.lower() == "bearer" and any(same)


def _reports(body: bytes) -> tuple[Sequence[Mapping[str, object]], bool]:
    """What a body reports, and whether it was one alone."""
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
    items = cast(list[object], data) if isinstance(data, list) else [data]
    if not items or len(items) > MOST_AT_ONCE or not all(isinstance(item, dict) for item in items):
        raise HTTPException(400)
    return cast(list[Mapping[str, object]], items), isinstance(data, dict)


def _record(door: Door, reports: Sequence[Mapping[str, object]]) -> list[ConversionResult]:
    with door.database.write() as connection:
        return record_conversions(connection, reports, signer=door.signer, source=SOURCE, now=door.clock())


def _as_data(answer: ConversionResult) -> dict[str, str]:
    return {"status": answer.fate.value, **({"why": answer.why} if answer.why else {})}
