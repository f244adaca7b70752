"""Requests to Postmark's API, and what its answers say. A connection for each, since one carries hundreds of mails."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from mailer.transports.http_api import HttpApi, check_key
from mailer.transports.http_connection import HttpRequest
from mailer.transports.postmark.settings import Postmark


@dataclass(frozen=True, slots=True)
class PostmarkAnswer:
    """An answer, whatever its status. `data` is its JSON, None when it has none."""

    status: int
    data: object

    @property
    def words(self) -> str:
        """Its own message, on one line."""
        said: Any = cast(dict[str, Any], self.data).get("Message") if isinstance(self.data, dict) else ""
        return " ".join(str(said or "").split())[:500]


class PostmarkClient:
    """Calls one after another. Raises `TransportRefused` for settings that no call can be made with."""

    def __init__(self, settings: Postmark, token: str) -> None:
        check_key(token, named="Postmark token", remedy="Set MAILER_POSTMARK_TOKEN, or postmark_token in secrets.toml.")
        self._api = HttpApi(
            "Postmark", settings.base_url, setting="postmark.base_url", timeout_seconds=settings.timeout_seconds
        )
        kind = "application/json"
        self._headers = {"Accept": kind, "Content-Type": kind, "X-Postmark-Server-Token": token}

    def call(self, path: str, body: bytes | None = None) -> PostmarkAnswer:
        """POST `body`, or GET without one. Raises `TransportUnavailable` and `AnswerMissing`."""
        method = "GET" if body is None else "POST"
        try:
            answer = self._api.call(HttpRequest(method, self._api.endpoint(path), self._headers, body))
        finally:
            self._api.close()
        try:
            return PostmarkAnswer(answer.status, json.loads(answer.body))
        except (ValueError, RecursionError):
            return PostmarkAnswer(answer.status, None)
