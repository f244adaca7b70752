"""An HTTP connection with one deadline for everything, which knows whether any of a request may have gone out.

No library we have does this, so it is built on the standard library's protocol. The timeout of a socket restarts with
each byte, so a server that sends one now and then would hold us for ever; here each wait gets what is left of the
whole. It connects to addresses resolved earlier, and TLS checks the name that was asked for.
"""

from __future__ import annotations

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote, urlsplit

AS_WRITTEN = "!#$%&'()*+,/:;=?@[]~"  # reserved characters of a URL and what is percent-encoded already (RFC 3986 §2)


@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """Where a URL leads: the host whose address is looked up, and what is asked for there."""

    host: str
    port: int
    secure: bool
    target: str  # path and query

    @classmethod
    def of(cls, url: str) -> HttpEndpoint:
        """Ignores a username and password in the URL. Raises `ValueError` unless it is an http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("no web address")
        secure = parts.scheme == "https"
        port = (443 if secure else 80) if parts.port is None else parts.port
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname, port, secure, quote(target, safe=AS_WRITTEN))


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """The request. Host and Content-Length are added."""

    method: str
    endpoint: HttpEndpoint
    headers: Mapping[str, str]
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer, whatever its status. Header names are in lower case, and the first of a name counts; no more of the
    body is read than was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    certificate_ends: datetime | None  # None without TLS


class NoAnswer(Exception):
    """No answer came. The message names only the kind of cause: its own words may quote what was sent."""

    def __init__(self, cause: Exception, *, began: bool, late: bool, certificate_ends: datetime | None = None) -> None:
        super().__init__("no answer in time" if late else type(cause).__name__)
        self.cause = cause
        self.began = began  # some of the request may have gone out; when False, surely nothing did
        self.late = late
        self.certificate_ends = certificate_ends

    def in_words(self, seconds: float) -> str:
        """The cause; never the request, which holds keys and addresses. `seconds` is the time that was allowed."""
        cause = self.cause
        if self.late:
            return f"no complete answer within {seconds:g} s"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate can't be trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return f"no encrypted connection: {cause.reason or 'the handshake failed'}"
        if isinstance(cause, socket.gaierror):
            return "its name can't be resolved"
        if isinstance(cause, OSError):
            return cause.strerror or "the connection broke"
        return "it broke off in the middle" if isinstance(cause, http.client.HTTPException) else "the connection failed"


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """A proxy that opens tunnels (CONNECT, RFC 9110 §9.3.6), and the headers it needs."""

    host: str
    port: int
    headers: Mapping[str, str] = field(repr=False)


class TimedConnection(http.client.HTTPConnection):
    """A connection to one of some addresses, under the name of the host. With a proxy the addresses are the proxy's."""

    def __init__(
        self,
        endpoint: HttpEndpoint,
        addresses: Sequence[str],
        deadline: float,
        *,
        proxy: HttpProxy | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(proxy.host if proxy else endpoint.host, proxy.port if proxy else endpoint.port)
        if endpoint.secure:
            self.default_port = http.client.HTTPS_PORT
        if proxy:
            self.set_tunnel(endpoint.host, endpoint.port, dict(proxy.headers))
        self._endpoint = endpoint
        self._addresses = addresses
        self._deadline = deadline
        self._through = proxy is not None
        self._context = context
        self._timed: _TimedSocket | None = None
        self.certificate_ends: datetime | None = None

    @property
    def began(self) -> bool:
        """Whether some of the request may have gone out. Opening a proxy's tunnel doesn't count."""
        return self._timed is not None and self._timed.began

    @property
    def speaks_unasked(self) -> bool:
        """Whether something can be read though no answer is due, as at the end of a connection."""
        return self._timed is not None and self._timed.readable

    def restart(self, deadline: float) -> None:
        """Begin another request, with time until `deadline`."""
        self._deadline = deadline
        if self._timed is not None:
            self._timed.deadline, self._timed.began = deadline, False

    def failed(self, error: Exception) -> NoAnswer:
        late = isinstance(error, TimeoutError) or time.monotonic() >= self._deadline
        return NoAnswer(error, began=self.began, late=late, certificate_ends=self.certificate_ends)

    def connect(self) -> None:
        opened = self._open()
        try:
            if self._through:
                self.sock = _TimedSocket(opened, self._deadline)
                cast(Any, self)._tunnel()  # as http.client's own connect does
            if self._endpoint.secure:
                opened = self._encrypt(opened)
        except BaseException:
            opened.close()
            raise
        # All that http.client does with a socket is sendall, makefile and close.
        self._timed = self.sock = _TimedSocket(opened, self._deadline)

    def _encrypt(self, opened: socket.socket) -> ssl.SSLSocket:
        _wait(opened, self._deadline)
        context = self._context or ssl.create_default_context()
        encrypted = context.wrap_socket(opened, server_hostname=self._endpoint.host)
        ends = (encrypted.getpeercert() or {}).get("notAfter")
        if isinstance(ends, str):
            self.certificate_ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
        return encrypted

    def _open(self) -> socket.socket:
        refused: OSError = OSError("it has no address")
        for number, address in enumerate(self._addresses, start=1):
            left = self._deadline - time.monotonic()
            if number < len(self._addresses):
                left /= 2  # leave time for the next address if this one never answers
            try:
                return socket.create_connection((address, self.port), max(left, 0.001))
            except OSError as error:
                refused = error
        raise refused


class _TimedSocket:
    """A socket with one deadline for all its waits, even when bytes trickle in or out."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self.connected = connected
        self.deadline = deadline
        self.began = False

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            _wait(self.connected, self.deadline)
            self.began = True
            view = view[self.connected.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        # The file keeps the socket open: http.client closes it when the answer is the last, and reads on.
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        self.connected.close()

    @property
    def readable(self) -> bool:
        if isinstance(self.connected, ssl.SSLSocket) and self.connected.pending():
            return True
        poll = select.poll()
        poll.register(self.connected, select.POLLIN)
        return bool(poll.poll(0))


class _Incoming(io.RawIOBase):
    def __init__(self, timed: _TimedSocket) -> None:
        super().__init__()
        self._timed = timed
        self._file = timed.connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        _wait(self._timed.connected, self._timed.deadline)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _wait(connected: socket.socket, deadline: float) -> None:
    """Set the socket's timeout to the time left. Raises `TimeoutError` when there is none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time left")
    connected.settimeout(left)
