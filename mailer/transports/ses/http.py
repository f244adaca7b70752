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
from urllib.parse import urlsplit

from mailer.transports.base import TransportRefused, TransportUnavailable
from mailer.transports.http_connection import HttpAnswer, HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.http_kept import KeptConnection, environment_proxy
from mailer.transports.loopback import on_this_machine
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
    """Calls one after another. `timeout_seconds` bounds connecting, and again all the rest of a call."""

    def __init__(self, settings: Ses, key: AccessKey, *, clock: Callable[[], datetime]) -> None:
        """Raises `TransportRefused` for settings that no call can be made with."""
        self._base = settings.endpoint.rstrip("/") or f"https://{host_of('email', settings.region)}"
        _check(settings, key, self._base)
        self._settings = settings
        self._key = key
        self._clock = clock
        endpoint = self._endpoint("/")
        self._kept = KeptConnection(endpoint, seconds=settings.timeout_seconds, proxy=environment_proxy(endpoint))

    def call(self, path: str, body: bytes | None = None) -> SesAnswer:
        """POST `body` to a path below /v2/email, or GET without one. Raises `TransportUnavailable` if surely nothing
        went out, else `NoAnswer`."""
        headers = {"Accept": "application/json", **({} if body is None else {"Content-Type": "application/json"})}
        request = HttpRequest("GET" if body is None else "POST", self._endpoint(f"/v2/email/{path}"), headers, body)
        request = signed(request, self._key, region=self._settings.region, service="ses", at=self._clock())
        try:
            return SesAnswer.of(self._kept.exchange(request))
        except NoAnswer as error:
            if error.began:
                raise
            raise TransportUnavailable(
                f"Amazon SES can't be reached: {self.why(error)}",
                remedy="Check the network, ses.region and ses.endpoint.",
            ) from error

    def why(self, error: NoAnswer) -> str:
        return error.in_words(self._settings.timeout_seconds)

    def close(self) -> None:
        self._kept.close()

    def _endpoint(self, path: str) -> HttpEndpoint:
        try:
            return HttpEndpoint.of(self._base + path)
        except ValueError as error:
            raise TransportRefused(f"{self._base} is no web address", remedy="Correct ses.endpoint.") from error


def _check(settings: Ses, key: AccessKey, base: str) -> None:
    if not settings.region:
        raise TransportRefused("ses.region is not set", remedy='Such as region = "eu-central-1", under [ses].')
    if not (key.id and key.secret):
        raise TransportRefused(
            "there is no access key for Amazon SES",
            remedy="Set MAILER_SES_ACCESS_KEY_ID and MAILER_SES_SECRET_ACCESS_KEY, or both in secrets.toml.",
        )
    if not all(re.fullmatch(r"[!-~]*", text) for text in (key.id, key.secret, key.session_token)):
        raise TransportRefused("the access key for Amazon SES holds white space or characters beyond ASCII")
    parts = urlsplit(base)
    if parts.scheme != "https" and not (parts.scheme == "http" and on_this_machine(parts.hostname or "")):
        raise TransportRefused(
            "mails would travel to Amazon SES unencrypted", remedy="ses.endpoint must begin with https://."
        )
