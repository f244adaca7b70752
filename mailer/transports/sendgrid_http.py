"""Posting JSON by the `sendgrid` package, the only module that imports it, and telling how far a request got.

The package raises for each status, has no bound on the whole time, and can't tell a connection that never opened from
one that broke later. Here every answer is returned, one deadline holds, and what never went out is kept apart from
what may have arrived. What the answers mean is `sendgrid`.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import logging
import re
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import python_http_client
from sendgrid import SendGridAPIClient

from mailer.transports.envelope import TransportUnavailable

# At debug level the package logs the API key and everybody's address.
logging.getLogger("python_http_client").setLevel(logging.WARNING)

NO_TIME_NAMED_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
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
    """Posts requests to Mail Send. `timeout_seconds` bounds connecting, and again everything after."""

    def __init__(self, base_url: str, api_key: str, *, timeout_seconds: float) -> None:
        self._seconds = timeout_seconds
        self._api = SendGridAPIClient(api_key, host=base_url.rstrip("/"))

    def __call__(self, body: Mapping[str, Any]) -> Answer:
        """The answer, whatever it says. Raises `TransportUnavailable` when nothing went out, else `Unanswered`."""
        progress = _Progress(self._seconds)
        try:
            post: Any = _Client(self._api, progress).post  # the package makes its methods as they are asked for
            response: Any = post(request_body=body)
            headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
            return Answer(int(response.status_code), headers, bytes(response.body))
        except (OSError, http.client.HTTPException) as error:
            cause = error.reason if isinstance(error, urllib.error.URLError) else error
            why = _why(cause, progress)
            if progress.began:
                raise Unanswered(why) from error
            raise TransportUnavailable(
                f"SendGrid can't be reached: {why}", hint="Check the network and sendgrid.base_url."
            ) from error
        finally:
            progress.finish()


class _Progress:
    """How far one request got, and its end in time: socket timeouts restart with each byte, this one doesn't."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.open = False  # connected, through TLS and any proxy
        self.began = False  # some of the request may have gone out
        self.cut = False
        self._timer: threading.Timer | None = None

    def connected(self, sock: socket.socket) -> None:
        self.open = True
        self._timer = threading.Timer(self.seconds, self._cut, (sock,))
        self._timer.daemon = True
        self._timer.start()

    def finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()

    def _cut(self, sock: socket.socket) -> None:
        self.cut = True
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # below TLS, whose objects belong to one thread


class _Client(python_http_client.Client):
    """The package's client with connections that report their progress."""

    def __init__(self, api: SendGridAPIClient, progress: _Progress) -> None:
        base: Any = api.client
        super().__init__(base.host, dict(base.request_headers), version=3, url_path=["mail", "send"])
        self._progress = progress

    def _make_request(self, opener: Any, request: Any, timeout: Any = None) -> Any:
        handlers = (_AnswersOnly(), _Http(self._progress), _Https(self._progress))
        return urllib.request.build_opener(*handlers).open(request, timeout=self._progress.seconds)


class _AnswersOnly(urllib.request.HTTPErrorProcessor):
    """Statuses are answers, not exceptions; a redirect is not followed, which would turn POST into GET."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


class _Http(urllib.request.HTTPHandler):
    def __init__(self, progress: _Progress) -> None:
        super().__init__()
        self._progress = progress

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_HttpConnection, progress=self._progress), req)  # pyright: ignore[reportArgumentType] - partial builds the same


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, progress: _Progress) -> None:
        super().__init__()
        self._progress = progress

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        made = partial(_HttpsConnection, progress=self._progress, context=ssl.create_default_context())
        return self.do_open(made, req)  # pyright: ignore[reportArgumentType] - partial builds the same


class _Reporting(http.client.HTTPConnection):
    """A connection that says when it is open and when the request begins to go out."""

    progress: _Progress

    def connect(self) -> None:
        super().connect()
        self.progress.connected(self.sock)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.progress.began = self.progress.open  # while a proxy is being asked for a tunnel, nothing is under way
        super().send(data)


class _HttpConnection(_Reporting):
    def __init__(self, *given: Any, progress: _Progress, **more: Any) -> None:
        super().__init__(*given, **more)
        self.progress = progress


class _HttpsConnection(_Reporting, http.client.HTTPSConnection):
    def __init__(self, *given: Any, progress: _Progress, **more: Any) -> None:
        super().__init__(*given, **more)
        self.progress = progress


def _why(cause: object, progress: _Progress) -> str:
    """A cause in words; never the request, which holds the key and addresses."""
    if progress.cut or isinstance(cause, TimeoutError):
        return f"no complete answer within {progress.seconds:g} s"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate can't be trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"no encrypted connection: {cause.reason or 'the handshake failed'}"
    if isinstance(cause, socket.gaierror):
        return "its name can't be resolved"
    if isinstance(cause, OSError):
        return cause.strerror or "the connection broke"
    return "it broke off in the middle" if isinstance(cause, http.client.HTTPException) else "the connection failed"
