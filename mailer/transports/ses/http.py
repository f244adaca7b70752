"""Signed calls to SES's API v2 over a kept connection, and what its answers say.

Errors have a name and a message: docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html and the page of each
call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from mailer.transports.base import TransportRefused
from mailer.transports.http_api import HttpApi, check_key
from mailer.transports.http_connection import HttpAnswer, HttpRequest
from mailer.transports.ses.settings import Ses, host_of
from mailer.transports.ses.signature import AccessKey, signed


@dataclass(frozen=True, slots=True)
class SesAnswer:
    """An answer, whatever its status. `error` is the error's name without "Exception", or ""."""

    status: int
    error: str
    data: dict[str, Any]

    @classmethod
    def of(cls, answer: HttpAnswer) -> SesAnswer:
        try:
            read: object = json.loads(answer.body)
        except (ValueError, RecursionError):
            read = None
        data = cast(dict[str, Any], read) if isinstance(read, dict) else {}
        named = answer.headers.get("x-amzn-errortype") or str(data.get("__type") or data.get("code") or "")
        name = named.partition(":")[0].rpartition("#")[2].removesuffix("Exception")
        return cls(answer.status, name[:100] if answer.status != 200 else "", data)

    @property
    def words(self) -> str:
        """Its own message, on one line."""
        said = str(self.data.get("message") or self.data.get("Message") or "")
        return re.sub(r"[^ -~]+", " ", said)[:500]

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.status), self.error, self.words) if part)


class SesClient:
    """Calls one after another."""

    def __init__(self, settings: Ses, key: AccessKey, *, clock: Callable[[], datetime]) -> None:
        """Raises `TransportRefused` for settings that no call can be made with."""
        if not settings.region:
            raise TransportRefused("ses.region is not set", remedy='Such as region = "eu-central-1", under [ses].')
        remedy = "Set MAILER_SES_ACCESS_KEY_ID and MAILER_SES_SECRET_ACCESS_KEY, or both in secrets.toml."
        for part in (key.id, key.secret, *([key.session_token] if key.session_token else [])):
            check_key(part, named="access key for Amazon SES", remedy=remedy)
        base, setting = settings.endpoint, "ses.endpoint"
        if not base:
            base, setting = f"https://{host_of('email', settings.region)}", "ses.region"
        self._api = HttpApi("Amazon SES", base, setting=setting, timeout_seconds=settings.timeout_seconds)
        self._region = settings.region
        self._key = key
        self._clock = clock

    def call(self, path: str, body: bytes | None = None) -> SesAnswer:
        """POST `body` to a path below /v2/email, or GET without one. Raises `TransportUnavailable` and
        `AnswerMissing`."""
        headers = {"Accept": "application/json", **({} if body is None else {"Content-Type": "application/json"})}
        method, endpoint = "GET" if body is None else "POST", self._api.endpoint(f"/v2/email/{path}")
        request = HttpRequest(method, endpoint, headers, body)
        signed_now = signed(request, self._key, region=self._region, service="ses", at=self._clock())
        return SesAnswer.of(self._api.call(signed_now))

    def close(self) -> None:
        self._api.close()
