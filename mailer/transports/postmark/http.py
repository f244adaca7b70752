"""One POST to Postmark's API, and how far it got. A connection for each, since one carries hundreds of mails.

Connecting comes first and by itself: what fails there surely sent nothing. Once the request may have begun to leave, a
failure means that its answer is missing.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from mailer.transports.base import TransportUnavailable


@dataclass(frozen=True, slots=True)
class PostmarkAnswer:
    """An answer, whatever its status. `data` is its JSON, None when it has none."""

    status: int
    data: object

    @property
    def words(self) -> str:
        """What it says of itself, on one line."""
        said: Any = cast(dict[str, Any], self.data).get("Message") if isinstance(self.data, dict) else ""
        return " ".join(str(said or "").split())[:500]


class AnswerMissing(Exception):
    """The request may have been taken: it began to go out, and no answer came."""


def call(base_url: str, path: str, *, token: str, body: bytes | None, timeout_seconds: float) -> PostmarkAnswer:
    """POST `body`, or GET without one. `timeout_seconds` bounds connecting, and again all the rest. Raises
    `TransportUnavailable` when surely nothing went out, else `AnswerMissing`."""
    connection = _connection(base_url, timeout_seconds)
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise TransportUnavailable(
            f"Postmark can't be reached: {_why(error)}", hint="Check the network and postmark.base_url."
        ) from error
    sock = connection.sock
    assert sock is not None
    cut = threading.Timer(timeout_seconds, _cut, (sock,))  # socket timeouts begin again with each byte
    cut.daemon = True
    cut.start()
    headers = {"Accept": "application/json", "Content-Type": "application/json", "X-Postmark-Server-Token": token}
    try:
        where = urlsplit(base_url).path.rstrip("/") + path
        connection.request("GET" if body is None else "POST", where, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise AnswerMissing(_why(error)) from error
    finally:
        cut.cancel()
        cut.join()
        connection.close()
    try:
        return PostmarkAnswer(answer.status, json.loads(content))
    except (ValueError, RecursionError):
        return PostmarkAnswer(answer.status, None)


def _connection(base_url: str, seconds: float) -> http.client.HTTPConnection:
    api = urlsplit(base_url)
    host = api.hostname or ""
    if api.scheme == "http":
        return http.client.HTTPConnection(host, api.port, timeout=seconds)
    context = ssl.create_default_context()
    proxy = "" if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get("https", "")
    if not proxy:
        return http.client.HTTPSConnection(host, api.port, timeout=seconds, context=context)
    way = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    connection = http.client.HTTPSConnection(way.hostname or "", way.port or 80, timeout=seconds, context=context)
    login = f"{unquote(way.username or '')}:{unquote(way.password or '')}".encode()
    named = {"Proxy-Authorization": f"Basic {b64encode(login).decode()}"} if way.username else {}
    connection.set_tunnel(host, api.port or 443, named)
    return connection


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # below TLS, whose objects belong to one thread


def _why(error: Exception) -> str:
    """A cause in words; never the request, which holds the token and addresses."""
    if isinstance(error, TimeoutError):
        return "no complete answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate can't be trusted: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "its name can't be resolved"
    if isinstance(error, OSError):
        return error.strerror or "the connection broke"
    return "the connection broke off in the middle"
