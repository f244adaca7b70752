"""Signs a request to Amazon's services: Signature Version 4
(docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html).

A page of code, where the library that does it brings an HTTP client that sends a request again by itself (decision 32).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote

from mailer.transports.http_connection import HttpRequest

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key of an AWS user; `session_token` for a temporary one."""

    id: str
    secret: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def signed(request: HttpRequest, key: AccessKey, *, region: str, service: str, at: datetime) -> HttpRequest:
    """The request with Host, X-Amz-Date and Authorization added. All of its headers are signed."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    endpoint = request.endpoint
    port = "" if endpoint.port == (443 if endpoint.secure else 80) else f":{endpoint.port}"
    headers = {**request.headers, "Host": f"{endpoint.host}{port}", "X-Amz-Date": stamp}
    if key.session_token:
        headers["X-Amz-Security-Token"] = key.session_token
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    names, canonical = _canonical(request, headers)
    to_sign = "\n".join((ALGORITHM, stamp, scope, _digest(canonical.encode())))
    signature = hmac.new(_signing_key(key.secret, scope), to_sign.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = f"{ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return replace(request, headers=headers)


def _canonical(request: HttpRequest, headers: Mapping[str, str]) -> tuple[str, str]:
    """The names of the signed headers, and the request in the form that is signed."""
    path, _, query = request.endpoint.target.partition("?")
    lines = sorted((name.lower(), re.sub(r"\s+", " ", value.strip())) for name, value in headers.items())
    names = ";".join(name for name, _ in lines)
    return names, "\n".join(
        (
            request.method,
            quote(path, safe="/-_.~"),  # encoded already, and for all services but S3 once more
            "&".join(sorted(query.split("&"))),
            *(f"{name}:{value}" for name, value in lines),
            "",
            names,
            _digest(request.body or b""),
        )
    )


def _signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
