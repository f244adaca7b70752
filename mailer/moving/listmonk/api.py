"""listmonk's API, read only: its pages, and trying again what doesn't answer (listmonk.app/docs/apis/apis/).

Everything asked for is a GET, so asking again does nothing twice. The token travels in a header and is shown nowhere.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from mailer.errors import MailerError
from mailer.transports.http_client import system_addresses
from mailer.transports.http_connection import HttpAnswer, HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.http_kept import KeptConnection, environment_proxy
from mailer.transports.loopback import on_this_machine
from mailer.transports.public_network import is_public

PER_PAGE = 500  # asked for; what comes may be fewer
TIMEOUT_SECONDS = 60.0
PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)  # between tries: a server that is being restarted is back by then
MOST_PAGES = 200_000
TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)


class ListmonkRefused(MailerError):
    """listmonk doesn't give what was asked for, and asking again won't change that."""

    def __init__(self, message: str, *, remedy: str = "", status: int = 0) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


@dataclass(slots=True)
class Listmonk:
    """One listmonk, for one thread. `wait` pauses between tries, and may raise to stop."""

    url: str
    user: str
    token: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS
    wait: Callable[[float], None] = time.sleep
    _kept: KeptConnection | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.url = base_url(self.url)
        for what, text in (("user", self.user), ("token", self.token)):
            if not text or not text.isascii() or not text.isprintable() or (what == "user" and ":" in text):
                raise ListmonkRefused(
                    f"this can’t be the {what} of an API user", remedy="Copy both from listmonk: Users, the API user."
                )

    def get(self, path: str, **query: str | int) -> Any:
        """The `data` of an answer. Raises `ListmonkRefused`, and `MailerError` when it doesn't answer in spite of
        several tries."""
        target = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        why = ""
        for pause in (*PAUSES_SECONDS, None):
            why, found = self._try(target, path)
            if not why:
                return found
            if pause is not None:
                self.wait(pause)
        raise MailerError(
            f"listmonk doesn’t answer as it should ({path}: {why})",
            remedy="Look whether it runs, then try again. Nothing was changed here or there.",
        )

    def pages(self, path: str, **query: str | int) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """The pages of a listing, and how many there are in all as each page says it."""
        come = 0
        for page in range(1, MOST_PAGES):
            data = self.get(path, page=page, per_page=PER_PAGE, **query)
            if isinstance(data, list):  # older versions give some listings whole
                yield cast(list[dict[str, Any]], data), len(cast(list[Any], data))
                return
            results, total, per_page = _page(data, path)
            yield results, total
            come = page * (per_page or PER_PAGE)
            if not results or come >= total:
                return

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()

    def _try(self, target: str, path: str) -> tuple[str, Any]:
        """Why it didn't work this time, "" when it did; and the data."""
        try:
            answer = self._ask(target)
        except NoAnswer as error:
            return error.in_words(self.timeout_seconds), None
        if answer.status in TRY_AGAIN:
            return f"HTTP {answer.status}", None
        if answer.status != 200:
            raise _refusal(answer.status, path)
        try:
            found: object = json.loads(answer.body)
        except (ValueError, RecursionError):
            return "its answer is cut short, or no JSON", None
        if not isinstance(found, dict) or "data" not in found:
            raise ListmonkRefused(
                "what answers there isn’t listmonk", remedy="Give the address under which you open listmonk itself."
            )
        return "", cast(dict[str, Any], found)["data"]

    def _ask(self, target: str) -> HttpAnswer:
        endpoint = HttpEndpoint.of(target)
        if self._kept is None:
            self._kept = KeptConnection(endpoint, seconds=self.timeout_seconds, proxy=environment_proxy(endpoint))
        login = b64encode(f"{self.user}:{self.token}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Accept": "application/json"}
        return self._kept.exchange(HttpRequest("GET", endpoint, headers))


def base_url(text: str) -> str:
    """The address of a listmonk as it was typed, without what a browser adds. Raises `ListmonkRefused` for one that is
    none, or to which the token would travel unencrypted over the internet."""
    url = text.strip()
    url = url if "://" in url else f"https://{url}"
    try:
        endpoint, parts = HttpEndpoint.of(url), urlsplit(url)
    except ValueError:
        raise ListmonkRefused(
            "this is no web address", remedy="Such as https://lists.example.org: where you open listmonk."
        ) from None
    if parts.username or parts.password:
        raise ListmonkRefused("the address holds a login", remedy="Give the user and the token in their own fields.")
    if not endpoint.secure and not on_this_machine(endpoint.host) and _is_far(endpoint):
        raise ListmonkRefused(
            "the token would travel unencrypted over the internet", remedy="The address must begin with https://."
        )
    path = parts.path.rstrip("/")
    for ending in ("/admin", "/api"):
        path = path.removesuffix(ending)
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}"


def _is_far(endpoint: HttpEndpoint) -> bool:
    try:
        return any(is_public(one) for one in system_addresses(endpoint.host, endpoint.port))
    except (OSError, UnicodeError):
        return True


def _page(data: object, path: str) -> tuple[list[dict[str, Any]], int, int]:
    found = cast(dict[str, Any], data) if isinstance(data, dict) else {}
    results, total, per_page = found.get("results"), found.get("total"), found.get("per_page")
    if results is None and total == 0:
        results = []
    if not isinstance(results, list) or not isinstance(total, int):
        raise ListmonkRefused(f"listmonk answers {path} in a way that isn’t known", remedy="Which version is it?")
    return cast(list[dict[str, Any]], results), total, per_page if isinstance(per_page, int) else 0


def _refusal(status: int, path: str) -> ListmonkRefused:
    if status in (401, 403):
        remedy = "Check user and token, and that the user’s role may get lists, subscribers and bounces."
        words = (
            "listmonk doesn’t take this user and token"
            if path == "/api/lists"
            else f"listmonk doesn’t let this user read {path}"
        )
        return ListmonkRefused(words, remedy=remedy, status=status)
    if 300 <= status < 400:
        remedy = "Give the address it leads to: where you open listmonk itself."
        return ListmonkRefused("this address leads elsewhere", remedy=remedy, status=status)
    remedy = "Give the address under which you open listmonk itself."
    return ListmonkRefused(f"listmonk answers {path} with HTTP {status}", remedy=remedy, status=status)
