"""Posts JSON to Mail Send over a kept connection; tells what SendGrid's answers say, and how far a request got.

Of the `sendgrid` package only the headers are used: its client raises for each status, opens a connection for each
request, has no bound on the whole time, and can't tell a connection that never opened from one that broke later.
`transport` interprets the answers.
"""

from __future__ import annotations

import email.utils
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sendgrid import SendGridAPIClient

from mailer.transports.base import TransportRefused, TransportUnavailable
from mailer.transports.http_connection import HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.http_kept import KeptConnection, environment_proxy

NO_TIME_NAMED_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0
QUICKLY = 1  # of gzip's levels; 6 takes three times as long for a twentieth less


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP answer, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def errors(self) -> list[tuple[str, str]]:
        """(field, message) of each error; the documentation promises little about either, so neither is assumed."""
        try:
            data: Any = json.loads(self.body)
        except ValueError:
            return []
        listed: Any = cast(dict[str, Any], data).get("errors") if isinstance(data, dict) else None
        found: list[tuple[str, str]] = []
        for error in cast(list[Any], listed) if isinstance(listed, list) else []:
            if isinstance(error, dict):
                given = cast(dict[str, Any], error)
                found.append((str(given.get("field") or ""), str(given.get("message") or "")))
        return found

    @property
    def words(self) -> str:
        """The errors' messages on one line."""
        said = "; ".join(
            f"{message} ({field})" if field not in ("", "null") else message for field, message in self.errors
        )
        return re.sub(r"[^ -~]+", " ", said)[:500]

    @property
    def wait_seconds(self) -> float:
        """Until X-RateLimit-Reset, by their clock, since ours may be wrong."""
        try:
            reset = float(self.headers["x-ratelimit-reset"])
            now = email.utils.parsedate_to_datetime(self.headers["date"]).timestamp()
        except (KeyError, ValueError):
            return NO_TIME_NAMED_SECONDS
        return min(max(reset - now, 1.0), LONGEST_WAIT_SECONDS)


class Unanswered(Exception):
    """The request may have been taken: it began to go out, and no answer came."""


class Poster:
    """Posts requests to Mail Send, one after another. `timeout_seconds` bounds connecting, and again all the rest."""

    def __init__(self, base_url: str, api_key: str, *, timeout_seconds: float, compress: bool = False) -> None:
        """Raises `TransportRefused` when `base_url` isn't a URL."""
        api: Any = SendGridAPIClient(api_key).client
        self._seconds = timeout_seconds
        self._compress = compress
        self._headers: dict[str, str] = {**api.request_headers, "Content-Type": "application/json"}
        if compress:
            self._headers["Content-Encoding"] = "gzip"
        try:
            self._endpoint = HttpEndpoint.of(f"{base_url.rstrip('/')}/v3/mail/send")
        except ValueError as error:
            raise TransportRefused(
                f"{base_url} is no web address",
                remedy="Correct sendgrid.base_url; usually it is https://api.sendgrid.com.",
            ) from error
        self._kept = KeptConnection(self._endpoint, seconds=timeout_seconds, proxy=environment_proxy(self._endpoint))

    def __call__(self, body: bytes) -> HttpResponse:
        """The answer, whatever it says. Raises `TransportUnavailable` when nothing went out, else `Unanswered`."""
        if self._compress:
            body = gzip.compress(body, QUICKLY, mtime=0)
        try:
            answer = self._kept.exchange(HttpRequest("POST", self._endpoint, self._headers, body))
        except NoAnswer as error:
            why = error.in_words(self._seconds)
            if error.began:
                raise Unanswered(why) from error
            raise TransportUnavailable(
                f"SendGrid can't be reached: {why}", remedy="Check the network and sendgrid.base_url."
            ) from error
        return HttpResponse(answer.status, answer.headers, answer.body)

    def close(self) -> None:
        self._kept.close()
