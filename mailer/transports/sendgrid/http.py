"""Posts JSON to Mail Send, and tells what SendGrid's answers say. `transport` interprets them.

Of the `sendgrid` package only the headers are used: its client raises for each status, opens a connection for each
request, has no bound on the whole time, and can't tell a connection that never opened from one that broke later.
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

from mailer.transports.events import objects_of
from mailer.transports.http_api import HttpApi, check_key
from mailer.transports.http_connection import HttpRequest
from mailer.transports.sendgrid.settings import Sendgrid

NO_TIME_NAMED_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0
QUICKLY = 1  # of gzip's levels; 6 takes three times as long for a twentieth less


@dataclass(frozen=True, slots=True)
class SendgridAnswer:
    """An HTTP answer, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def errors(self) -> list[tuple[str, str]]:
        """(field, message) of each error; the documentation promises little about either, so neither is assumed."""
        try:
            data: Any = json.loads(self.body)
        except (ValueError, RecursionError):
            return []
        listed, _ = objects_of(cast(dict[str, Any], data).get("errors") if isinstance(data, dict) else None)
        return [(str(one.get("field") or ""), str(one.get("message") or "")) for one in listed]

    @property
    def words(self) -> str:
        """The errors' messages on one line."""
        said = "; ".join(f"{text} ({field})" if field not in ("", "null") else text for field, text in self.errors)
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


class Poster:
    """Posts requests to Mail Send, one after another. Raises `TransportRefused` for settings that can't work."""

    def __init__(self, settings: Sendgrid, api_key: str) -> None:
        remedy = "Set MAILER_SENDGRID_API_KEY, or sendgrid_api_key in secrets.toml."
        check_key(api_key, named="SendGrid API key", remedy=remedy)
        self._api = HttpApi(
            "SendGrid", settings.base_url, setting="sendgrid.base_url", timeout_seconds=settings.timeout_seconds
        )
        self._endpoint = self._api.endpoint("/v3/mail/send")
        self._compress = settings.gzip
        package: Any = SendGridAPIClient(api_key).client
        self._headers: dict[str, str] = {**package.request_headers, "Content-Type": "application/json"}
        if settings.gzip:
            self._headers["Content-Encoding"] = "gzip"

    def __call__(self, body: bytes) -> SendgridAnswer:
        """The answer, whatever it says. Raises `TransportUnavailable` and `AnswerMissing`."""
        if self._compress:
            body = gzip.compress(body, QUICKLY, mtime=0)
        answer = self._api.call(HttpRequest("POST", self._endpoint, self._headers, body))
        return SendgridAnswer(answer.status, answer.headers, answer.body)

    def close(self) -> None:
        self._api.close()
