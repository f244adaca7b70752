"""One HTTP exchange with an address chosen earlier, within one deadline; tells how far it got when it failed.

The connection goes to an IP address that the caller has judged. Redirects are not followed, and no proxy of the
environment is used: it would choose the address again. Why not urllib3: decision 31. Many requests over one connection,
through a proxy if there is one: `http_kept`.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future

from mailer.transports.http_connection import HttpAnswer, HttpEndpoint, HttpRequest, TimedConnection
from mailer.transports.public_network import Resolve


def find_addresses(endpoint: HttpEndpoint, *, resolve: Resolve, deadline: float) -> Sequence[str]:
    """What `resolve` returns for the host. Raises as it does, and `TimeoutError` at the deadline (`time.monotonic`).

    Runs in a thread, which is abandoned at the deadline: the system's resolver takes no timeout.
    """
    found: Future[Sequence[str]] = Future()

    def ask() -> None:
        try:
            found.set_result(resolve(endpoint.host, endpoint.port))
        except Exception as error:  # noqa: BLE001  raised again in the caller's thread
            found.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return found.result(timeout=max(0.0, deadline - time.monotonic()))


def system_addresses(host: str, port: int) -> list[str]:
    """A host's addresses as the system finds them, which knows /etc/hosts. Raises OSError."""
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def exchange(request: HttpRequest, *, addresses: Sequence[str], deadline: float, most_bytes: int = 0) -> HttpAnswer:
    """Ask the first of `addresses` that accepts a connection, and read at most `most_bytes` of the body.

    All by `deadline`, in seconds of `time.monotonic`. Raises `NoAnswer`.
    """
    connection = TimedConnection(request.endpoint, addresses, deadline)
    try:
        headers = {**request.headers, "Connection": "close"}
        connection.request(request.method, request.endpoint.target, body=request.body, headers=headers)
        with connection.getresponse() as response:
            named = {name.lower(): value for name, value in reversed(response.headers.items())}
            return HttpAnswer(response.status, named, response.read(most_bytes), connection.certificate_ends)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise connection.failed(error) from error
    finally:
        connection.close()
