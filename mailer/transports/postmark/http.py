"""One request to Postmark's API, and how far it got. A connection for each, since one carries hundreds of mails."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from mailer.transports.base import TransportRefused, TransportUnavailable
from mailer.transports.http_connection import HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.http_kept import KeptConnection, environment_proxy


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


class AnswerMissing(Exception):
    """The request may have been taken: it began to go out, and no answer came."""


def call(base_url: str, path: str, *, token: str, body: bytes | None, timeout_seconds: float) -> PostmarkAnswer:
    """POST `body`, or GET without one. `timeout_seconds` bounds connecting, and again all the rest. Raises
    `TransportUnavailable` if surely nothing went out, `TransportRefused` for a bad URL, else `AnswerMissing`."""
    try:
        endpoint = HttpEndpoint.of(base_url.rstrip("/") + path)
    except ValueError as error:
        raise TransportRefused(f"{base_url} is no web address", remedy="Correct postmark.base_url.") from error
    headers = {"Accept": "application/json", "Content-Type": "application/json", "X-Postmark-Server-Token": token}
    connection = KeptConnection(endpoint, seconds=timeout_seconds, proxy=environment_proxy(endpoint))
    try:
        answer = connection.exchange(HttpRequest("GET" if body is None else "POST", endpoint, headers, body))
    except NoAnswer as error:
        why = error.in_words(timeout_seconds)
        if error.began:
            raise AnswerMissing(why) from error
        raise TransportUnavailable(
            f"Postmark can't be reached: {why}", remedy="Check the network and postmark.base_url."
        ) from error
    finally:
        connection.close()
    try:
        return PostmarkAnswer(answer.status, json.loads(answer.body))
    except (ValueError, RecursionError):
        return PostmarkAnswer(answer.status, None)
