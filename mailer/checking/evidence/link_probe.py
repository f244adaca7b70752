"""Asks where links lead, for `mailer check --online`: bounded in number, time and bytes, and never a private address.

What is private, and connections that go to nothing else, are `transports.public_network`'s; each redirect is judged by
itself. HEAD first, GET where a site refuses it.
"""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit, urlunsplit

from mailer.transports.public_network import NotPublic, PinnedConnection, Resolve, choose_address, resolve_host

MOST_LINKS = 60
AT_ONCE = 8
MOST_REDIRECTS = 5
MOST_BYTES = 16_384  # of an answer to GET: only whether it comes is of interest
SECONDS_EACH = 8.0  # for one link with all its redirects
SECONDS_ALL = 45.0
REFUSES_HEAD = (400, 403, 404, 405, 406, 429, 500, 501, 503)
AGENT = "Mailer (link check before mailing)"


@dataclass(frozen=True, slots=True)
class LinkResponse:
    """What a link's site said. `status` is 0 when it said nothing."""

    status: int
    reason: str = ""
    redirects: tuple[str, ...] = ()  # the addresses it went through, the first not included


class LinkNotFollowed(Exception):
    """The link is one we don't follow; the message says why."""


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """What may be asked, and for how long."""

    seconds_each: float = SECONDS_EACH
    seconds_all: float = SECONDS_ALL
    private: bool = False  # follow links to this machine and this network: for tests


def ask(
    urls: Iterable[str], *, limits: ProbeLimits = ProbeLimits(), resolve: Resolve | None = None
) -> dict[str, LinkResponse]:
    """What the sites of at most 60 different addresses say. Addresses with merge tags are left out."""
    wanted = [url for url in dict.fromkeys(urls) if "{" not in url][:MOST_LINKS]
    until = time.monotonic() + limits.seconds_all
    found = resolve or _resolve

    def one(url: str) -> LinkResponse:
        deadline = min(until, time.monotonic() + limits.seconds_each)
        return _follow(url, limits=limits, resolve=found, deadline=deadline)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(one, wanted), strict=True))


def _follow(url: str, *, limits: ProbeLimits, resolve: Resolve, deadline: float) -> LinkResponse:
    passed: list[str] = []
    here = url
    try:
        for _ in range(MOST_REDIRECTS + 1):
            status, location = _ask_once(here, limits=limits, resolve=resolve, deadline=deadline)
            if status not in (301, 302, 303, 307, 308) or not location:
                return LinkResponse(status, redirects=tuple(passed))
            here = urljoin(here, location)
            passed.append(here)
    except LinkNotFollowed as error:
        return LinkResponse(0, str(error), tuple(passed))
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = time.monotonic() >= deadline
        return LinkResponse(0, "it didn't answer in time" if late else _reason(error), tuple(passed))
    return LinkResponse(0, f"more than {MOST_REDIRECTS} redirects", tuple(passed))


def _ask_once(url: str, *, limits: ProbeLimits, resolve: Resolve, deadline: float) -> tuple[int, str]:
    """The status and the Location of an address."""
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        raise LinkNotFollowed("it leads to no web address")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _chosen(resolve(host, port), private=limits.private)
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    status, location = 0, ""
    for method in ("HEAD", "GET"):
        left = _left(deadline)
        connection = PinnedConnection(host, port, address, secure=parts.scheme == "https", seconds=left)
        # A timeout of the socket is for each piece, so a site that sends a byte now and then would hold us for ever.
        watch = threading.Timer(left, connection.abort)
        watch.daemon = True
        watch.start()
        try:
            connection.request(method, path, headers={"User-Agent": AGENT, "Accept": "*/*", "Connection": "close"})
            response = connection.getresponse()
            status, location = response.status, response.headers.get("Location", "")
            if method == "GET":
                response.read(MOST_BYTES)
        finally:
            watch.cancel()
            connection.close()
        if status not in REFUSES_HEAD:
            break
    return status, location


def _chosen(addresses: Sequence[str], *, private: bool) -> str:
    """One of a name's addresses. Raises when any of them is not of the public internet."""
    try:
        return choose_address(addresses, private=private)
    except NotPublic as error:
        raise LinkNotFollowed(str(error)) from None


def _resolve(host: str, port: int) -> list[str]:
    try:
        return resolve_host(host, port)
    except NotPublic as error:
        raise LinkNotFollowed(str(error)) from None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise LinkNotFollowed("there was no time left to ask")
    return left


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it didn't answer in time"
    if isinstance(error, ssl.SSLError):
        return f"its certificate isn't accepted: {error.reason or error}"
    if isinstance(error, OSError):
        return str(error.strerror or error)
    return "its answer can't be read"
