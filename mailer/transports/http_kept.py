"""Many HTTP requests to one endpoint over a connection that is kept while fresh, through a proxy if there is one.

A kept connection is dropped, with nothing sent on it, when it was idle for long or when anything can be read from it:
then the server has ended it. Once a byte of a request may have gone out, a failure means that its answer is missing; a
server that closes at the very moment we write is no exception, since nobody can tell how much it read (RFC 9112 §9.3.1,
§9.5).
"""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.request
from base64 import b64encode
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from mailer.transports.http_client import find_addresses, system_addresses
from mailer.transports.http_connection import (
    HttpAnswer,
    HttpEndpoint,
    HttpProxy,
    HttpRequest,
    NoAnswer,
    TimedConnection,
)

KEPT_SECONDS = 4.0  # of idling; servers and the boxes in between keep connections longer, but don't say how long


class KeptConnection:
    """Connects when needed. `seconds` bounds connecting, and separately all the rest of a request."""

    def __init__(self, endpoint: HttpEndpoint, *, seconds: float, proxy: HttpProxy | None = None) -> None:
        self._endpoint = endpoint
        self._seconds = seconds
        self._proxy = proxy
        self._context = ssl.create_default_context() if endpoint.secure else None
        self._connection: TimedConnection | None = None
        self._used_at = 0.0

    def exchange(self, request: HttpRequest) -> HttpAnswer:
        """The whole answer. Raises `NoAnswer`; its `began` says whether the request may have been taken."""
        try:
            connection = self._ready()
            try:
                target = request.endpoint.target
                connection.request(request.method, target, body=request.body, headers=dict(request.headers))
                with connection.getresponse() as response:
                    named = {name.lower(): value for name, value in reversed(response.headers.items())}
                    answer = HttpAnswer(response.status, named, response.read(), connection.certificate_ends)
            except (OSError, http.client.HTTPException) as error:
                raise connection.failed(error) from error
        except BaseException:
            self.close()  # perhaps in the middle of an answer: the next request must not read the rest
            raise
        self._used_at = time.monotonic()
        if connection.sock is None:  # the server announced the end with its answer
            self.close()
        return answer

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ready(self) -> TimedConnection:
        """The connection, open. Raises `NoAnswer`."""
        kept = self._connection
        if kept is not None and (kept.speaks_unasked or time.monotonic() - self._used_at >= KEPT_SECONDS):
            self.close()
        if self._connection is None:
            self._connection = self._open()
        self._connection.restart(time.monotonic() + self._seconds)
        return self._connection

    def _open(self) -> TimedConnection:
        deadline, proxy = time.monotonic() + self._seconds, self._proxy
        goal = replace(self._endpoint, host=proxy.host, port=proxy.port) if proxy else self._endpoint
        try:
            addresses = find_addresses(goal, resolve=system_addresses, deadline=deadline)
        except (OSError, UnicodeError) as error:
            raise NoAnswer(error, began=False, late=isinstance(error, TimeoutError)) from error
        connection = TimedConnection(self._endpoint, addresses, deadline, proxy=proxy, context=self._context)
        try:
            connection.connect()
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise connection.failed(error) from error
        return connection


def environment_proxy(endpoint: HttpEndpoint) -> HttpProxy | None:
    """The proxy that the environment names for an https address (HTTPS_PROXY, NO_PROXY); None for http."""
    if not endpoint.secure or urllib.request.proxy_bypass(endpoint.host):
        return None
    named = urllib.request.getproxies().get("https", "")
    if not named:
        return None
    way = urlsplit(named if "://" in named else f"http://{named}")
    login = f"{unquote(way.username or '')}:{unquote(way.password or '')}".encode()
    headers = {"Proxy-Authorization": f"Basic {b64encode(login).decode()}"} if way.username else {}
    return HttpProxy(way.hostname or "", way.port or 80, headers)
