"""Posting JSON by the `transport` package, the only module that imports it, and telling how far a request got.

The package raises for each status, opens a connection for each request, has no bound on the whole time, and can't tell
a connection that never opened from one that broke later. Here every answer is returned, one deadline holds, what never
went out is kept apart from what may have arrived, and a connection serves many requests. What the answers mean is
`transport`.

A kept connection is given up, with nothing sent on it, when it was idle for long or when anything can be read from it:
that is its end. Once a byte of a request may have gone out, a failure means that its answer is missing; a server that
closes in the very moment we write is no exception, since nobody can tell how much it read (RFC 9112 §9.3.1, §9.5).
"""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import http.client
import json
import logging
import re
import select
import socket
import ssl
import threading
import time
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

import python_http_client
from sendgrid import SendGridAPIClient

from mailer.transports.base import TransportUnavailable

# At debug level the package logs the API key and everybody's address.
logging.getLogger("python_http_client").setLevel(logging.WARNING)

NO_TIME_NAMED_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0
QUICKLY = 1  # of gzip's levels; 6 takes three times as long for a twentieth less
KEPT_SECONDS = 4.0  # an idle connection; servers and the boxes between keep theirs longer, and tell nobody how long


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
        api: Any = SendGridAPIClient(api_key, host=base_url.rstrip("/")).client
        self._seconds = timeout_seconds
        self._compress = compress
        if compress:
            api.request_headers["Content-Encoding"] = "gzip"
        self._client = _Client(api, _Line(urlsplit(base_url)))

    def __call__(self, body: bytes) -> HttpResponse:
        """The answer, whatever it says. Raises `TransportUnavailable` when nothing went out, else `Unanswered`."""
        progress = _Progress(self._seconds)
        if self._compress:
            body = gzip.compress(body, QUICKLY, mtime=0)
        try:
            response = self._client.exchange(body, progress)
            headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
            return HttpResponse(int(response.status_code), headers, bytes(response.body))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            why = _why(error, progress)
            if progress.began:
                raise Unanswered(why) from error
            raise TransportUnavailable(
                f"SendGrid can't be reached: {why}", hint="Check the network and sendgrid.base_url."
            ) from error
        except BaseException:
            self.close()  # in the middle of an answer, perhaps: nobody else may read on
            raise
        finally:
            progress.finish()

    def close(self) -> None:
        self._client.line.close()


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
    """The package's client for Mail Send, sending bytes as they are over a connection that is kept."""

    def __init__(self, api: Any, line: _Line) -> None:
        super().__init__(api.host, dict(api.request_headers), version=3, url_path=["mail", "send"])
        self.line = line
        self._body = b""
        self._progress: _Progress | None = None

    def exchange(self, body: bytes, progress: _Progress) -> Any:
        self._body, self._progress = body, progress
        post: Any = self.post  # the package makes its methods as they are asked for
        return post(request_body={})  # the address and the headers are the package's; the body is made already

    def _make_request(self, opener: Any, request: urllib.request.Request, timeout: Any = None) -> Any:
        assert self._progress is not None
        return self.line.exchange(request, self._body, self._progress)


class _Line:
    """One connection to the API, opened when it is needed and kept while it is fresh."""

    def __init__(self, api: SplitResult) -> None:
        self._api = api
        self._context = ssl.create_default_context() if api.scheme == "https" else None
        self._connection: _Reporting | None = None
        self._used_at = 0.0

    def exchange(self, request: urllib.request.Request, body: bytes, progress: _Progress) -> http.client.HTTPResponse:
        """Send a request and await the beginning of its answer."""
        if self._connection is not None and not self._fresh(self._connection):
            self.close()
        if self._connection is None:
            self._connection = self._make(progress.seconds)
        connection = self._connection
        connection.progress = progress
        if connection.sock is not None:
            progress.connected(connection.sock)
        connection.request("POST", request.selector, body, dict(request.header_items()))
        response = connection.getresponse()
        self._used_at = time.monotonic()
        return response

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fresh(self, connection: _Reporting) -> bool:
        """Whether another request may be tried on it. Nothing is due to us, so what can be read is its end."""
        if connection.sock is None:  # the server announced the end with its last answer
            return True
        if time.monotonic() - self._used_at >= KEPT_SECONDS:
            return False
        if isinstance(connection.sock, ssl.SSLSocket) and connection.sock.pending():
            return False
        poll = select.poll()
        poll.register(connection.sock, select.POLLIN)
        return not poll.poll(0)

    def _make(self, seconds: float) -> _Reporting:
        host, port = self._api.hostname or "", self._api.port
        if self._context is None:
            return _Reporting(host, port, timeout=seconds)
        proxy = "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https", "")
        if not proxy:
            return _HttpsConnection(host, port, timeout=seconds, context=self._context)
        way = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        connection = _HttpsConnection(way.hostname or "", way.port or 80, timeout=seconds, context=self._context)
        login = f"{unquote(way.username or '')}:{unquote(way.password or '')}".encode()
        headers = {"Proxy-Authorization": f"Basic {b64encode(login).decode()}"} if way.username else {}
        connection.set_tunnel(host, port or 443, headers)
        return connection


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


class _HttpsConnection(_Reporting, http.client.HTTPSConnection):
    pass


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
