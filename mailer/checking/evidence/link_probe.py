"""Asks where links lead, for `mailer check --online`: bounded in number, time and bytes, and never a private address.

What is private says `transports.public_network`, and `transports.http_client` connects to nothing else; each redirect
is judged by itself. HEAD first, GET where a site refuses it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from mailer.transports.http_client import exchange, find_addresses
from mailer.transports.http_connection import HttpAnswer, HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.public_network import NotPublic, Resolve, require_public, resolve_host

NO_WEB_ADDRESS = "it leads to no web address"
LATE = "it didn't answer in time"
UNREADABLE = "its answer can't be read"
MOST_LINKS = 60
AT_ONCE = 8
MOST_REDIRECTS = 5
MOST_BYTES = 16_384  # of an answer to GET: only whether it comes is of interest
SECONDS_EACH = 8.0  # for one link with all its redirects
SECONDS_ALL = 45.0
HEADERS = {"User-Agent": "Mailer (link check before mailing)", "Accept": "*/*"}
REFUSES_HEAD = (400, 403, 404, 405, 406, 429, 500, 501, 503)


@dataclass(frozen=True, slots=True)
class LinkResponse:
    """What a link's site said. `status` is 0 when it said nothing."""

    status: int
    reason: str = ""
    redirects: tuple[str, ...] = ()  # the addresses it went through, the first not included


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
    found = resolve or resolve_host

    def one(url: str) -> LinkResponse:
        deadline = min(until, time.monotonic() + limits.seconds_each)
        return _follow(url, limits=limits, resolve=found, deadline=deadline)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(one, wanted), strict=True))


def _follow(url: str, *, limits: ProbeLimits, resolve: Resolve, deadline: float) -> LinkResponse:
    passed: list[str] = []
    here = url
    for _ in range(MOST_REDIRECTS + 1):
        answer = _ask_once(here, limits=limits, resolve=resolve, deadline=deadline)
        if isinstance(answer, str):
            return LinkResponse(0, answer, tuple(passed))
        location = answer.headers.get("location", "")
        if answer.status not in (301, 302, 303, 307, 308) or not location:
            return LinkResponse(answer.status, redirects=tuple(passed))
        try:
            here = urljoin(here, _as_text(location))
        except ValueError:
            return LinkResponse(0, UNREADABLE, tuple(passed))
        passed.append(here)
    return LinkResponse(0, f"more than {MOST_REDIRECTS} redirects", tuple(passed))


def _ask_once(url: str, *, limits: ProbeLimits, resolve: Resolve, deadline: float) -> HttpAnswer | str:
    """The answer of an address, or why there is none."""
    try:
        endpoint = HttpEndpoint.of(url)
        has_login = "@" in urlsplit(url).netloc
    except ValueError:
        return NO_WEB_ADDRESS
    if has_login:
        return NO_WEB_ADDRESS  # we send no passwords about
    try:
        found = find_addresses(endpoint, resolve=resolve, deadline=deadline)
        addresses = require_public(found, private=limits.private)
        answer = exchange(HttpRequest("HEAD", endpoint, HEADERS), addresses=addresses, deadline=deadline)
        if answer.status in REFUSES_HEAD:
            get = HttpRequest("GET", endpoint, HEADERS)
            answer = exchange(get, addresses=addresses, deadline=deadline, most_bytes=MOST_BYTES)
    except NotPublic as error:
        return str(error)
    except TimeoutError:
        return LATE
    except NoAnswer as error:
        return LATE if error.late else _reason(error.cause)
    return answer


def _as_text(location: str) -> str:
    """What a site wrote in UTF-8; the protocol's text is Latin-1 (RFC 9110 §5.5)."""
    try:
        return location.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return location


def _reason(cause: Exception) -> str:
    if isinstance(cause, ssl.SSLError):
        return f"its certificate isn't accepted: {cause.reason or cause}"
    if isinstance(cause, OSError):
        return str(cause.strerror or cause)
    return UNREADABLE
