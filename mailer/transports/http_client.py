"""One HTTP exchange with an address chosen before, within one deadline, and how far it got when it failed.

What nothing at hand does is done here, on the standard library's protocol. A deadline is for the whole, from the first
address tried to the last byte wanted; the timeout of a socket starts again with each byte, so a server that sends one
now and then would hold us for ever. The connection goes to an IP address that the caller has judged, and TLS checks the
name that was asked for. Redirects are not followed, and no proxy of the environment is used: it would choose the
address again. Why not urllib3: decision 31.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from mailer.transports.public_network import Resolve

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
        """A username and password in it are left out. Raises `ValueError` for what is no http or https URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("no web address")
        secure = parts.scheme == "https"
        port = (443 if secure else 80) if parts.port is None else parts.port
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname, port, secure, quote(target, safe=AS_WRITTEN))


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to ask. Host and Content-Length are added."""

    method: str
    endpoint: HttpEndpoint
    headers: Mapping[str, str]
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer, whatever its status. Header names are in lower case, and the first of a name counts; of the body only
    what was wanted is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    certificate_ends: datetime | None  # None without TLS


class NoAnswer(Exception):
    """No answer came. The message is only the kind of the cause: its words may quote what was sent."""

    def __init__(self, cause: Exception, *, began: bool, late: bool, certificate_ends: datetime | None = None) -> None:
        super().__init__("no answer in time" if late else type(cause).__name__)
        self.cause = cause
        self.began = began  # some of the request may have gone out; when False, surely nothing did
        self.late = late
        self.certificate_ends = certificate_ends


def find_addresses(endpoint: HttpEndpoint, *, resolve: Resolve, deadline: float) -> Sequence[str]:
    """What `resolve` says of the host. Raises what it raises, and `TimeoutError` at the deadline (`time.monotonic`).

    In a thread of its own, which is left behind then: the system's resolver has no timeout that could be given.
    """
    found: Future[Sequence[str]] = Future()

    def ask() -> None:
        try:
            found.set_result(resolve(endpoint.host, endpoint.port))
        except Exception as error:  # noqa: BLE001  raised again in the caller's thread
            found.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return found.result(timeout=max(0.0, deadline - time.monotonic()))


def exchange(request: HttpRequest, *, addresses: Sequence[str], deadline: float, most_bytes: int = 0) -> HttpAnswer:
    """Ask the first of `addresses` that lets itself be connected to, and read at most `most_bytes` of the body.

    All by `deadline`, in seconds of `time.monotonic`. Raises `NoAnswer`.
    """
    connection = _Connection(request.endpoint, addresses, deadline)
    try:
        headers = {**request.headers, "Connection": "close"}
        connection.request(request.method, request.endpoint.target, body=request.body, headers=headers)
        with connection.getresponse() as response:
            named = {name.lower(): value for name, value in reversed(response.headers.items())}
            return HttpAnswer(response.status, named, response.read(most_bytes), connection.certificate_ends)
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = isinstance(error, TimeoutError) or time.monotonic() >= deadline
        ends = connection.certificate_ends
        raise NoAnswer(error, began=connection.began, late=late, certificate_ends=ends) from error
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to one of some addresses, under the name of the host, whose every wait ends at the deadline."""

    def __init__(self, endpoint: HttpEndpoint, addresses: Sequence[str], deadline: float) -> None:
        super().__init__(endpoint.host, endpoint.port)
        if endpoint.secure:
            self.default_port = http.client.HTTPS_PORT
        self._endpoint = endpoint
        self._addresses = addresses
        self._deadline = deadline
        self._timed: _TimedSocket | None = None
        self.certificate_ends: datetime | None = None

    @property
    def began(self) -> bool:
        """Whether some of the request may have gone out."""
        return self._timed is not None and self._timed.began

    def connect(self) -> None:
        opened = self._open()
        try:
            if self._endpoint.secure:
                _wait(opened, self._deadline)
                opened = ssl.create_default_context().wrap_socket(opened, server_hostname=self._endpoint.host)
                ends = (opened.getpeercert() or {}).get("notAfter")
                if isinstance(ends, str):
                    self.certificate_ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
        except BaseException:
            opened.close()
            raise
        # All that http.client does with a socket is sendall, makefile and close.
        self._timed = self.sock = _TimedSocket(opened, self._deadline)

    def _open(self) -> socket.socket:
        refused: OSError = OSError("it has no address")
        for number, address in enumerate(self._addresses, start=1):
            left = self._deadline - time.monotonic()
            if number < len(self._addresses):
                left /= 2  # an address that swallows everything leaves time for the next
            try:
                return socket.create_connection((address, self._endpoint.port), max(left, 0.001))
            except OSError as error:
                refused = error
        raise refused


class _TimedSocket:
    """A socket whose every wait ends at one deadline, also when a piece comes or goes now and then."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._connected = connected
        self._deadline = deadline
        self.began = False

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            _wait(self._connected, self._deadline)
            self.began = True
            view = view[self._connected.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        # The file keeps the socket open: http.client closes it when the answer is the last, and reads on.
        return io.BufferedReader(_Incoming(self._connected, self._deadline))

    def close(self) -> None:
        self._connected.close()


class _Incoming(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: float) -> None:
        super().__init__()
        self._connected = connected
        self._file = connected.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        _wait(self._connected, self._deadline)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


def _wait(connected: socket.socket, deadline: float) -> None:
    """Let the next step take what is left of the time. Raises `TimeoutError` when nothing is."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time left")
    connected.settimeout(left)
