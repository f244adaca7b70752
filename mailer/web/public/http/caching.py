"""Answers that a reader has already are not sent again (RFC 9110 §13.1.2)."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response

KEPT_ON_304 = ("cache-control", "content-language", "vary", "content-security-policy", "cross-origin-resource-policy")


def unless_known(request: Request, response: Response) -> Response:
    """The answer with an ETag, or 304 for a client that has this content."""
    mark = response.headers.setdefault("etag", f'"{hashlib.sha256(response.body).hexdigest()[:20]}"')
    if not knows(request.headers.get("if-none-match", ""), mark):
        return response
    kept = {name: response.headers[name] for name in KEPT_ON_304 if name in response.headers}
    return Response(status_code=304, headers={**kept, "ETag": mark})


def knows(if_none_match: str, mark: str) -> bool:
    """Whether the header names the ETag. Compared weakly, since web servers that compress make marks weak."""
    names = [name.strip().removeprefix("W/") for name in if_none_match.split(",")]
    return mark in names or names == ["*"]
