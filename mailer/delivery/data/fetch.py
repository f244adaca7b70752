"""Asks an address for a message's data: bounded in time, bytes and redirects, and never inside a private network.

What is private says `transports.public_network`; each redirect is judged by itself, and none may lead back to what
isn't encrypted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.message import Message as Headers
from urllib.parse import urljoin, urlsplit

from mailer.delivery.data.kept import RawData, UnreadableSource
from mailer.transports.http_client import exchange, find_addresses
from mailer.transports.http_connection import HttpAnswer, HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.public_network import LeadsInside, NotPublic, Resolve, require_public, resolve_host

SECONDS = 10.0  # for one source with all its redirects
MOST_BYTES = 2_000_000
MOST_REDIRECTS = 4
MOVED = (301, 302, 303, 307, 308)
HEADERS = {
    "User-Agent": "Mailer (reads news for a newsletter)", "Accept-Encoding": "identity",
    "Accept": "application/atom+xml, application/rss+xml, application/feed+json, application/json, text/csv, */*;q=0.5",
}  # fmt: skip
LATER = "Try again in some minutes; if it stays so, take the source out of `data:`, or save it as a file in data/."


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What may be asked, and for how long. `inside`: also this machine and unencrypted, for tests."""

    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES
    resolve: Resolve = resolve_host
    inside: bool = False


RULES = FetchRules()


def fetch(url: str, *, rules: FetchRules = RULES) -> RawData:
    """What is at an https address. Raises `UnreadableSource`."""
    deadline = time.monotonic() + rules.seconds
    here = url
    for _ in range(MOST_REDIRECTS + 1):
        answer = _ask(here, rules, deadline)
        location = answer.headers.get("location", "")
        if answer.status not in MOVED or not location:
            return _read(answer, here, rules)
        try:
            here = urljoin(here, location)
        except ValueError:
            raise UnreadableSource("it leads on to what is no web address", remedy=LATER) from None
    raise UnreadableSource(f"it leads on more than {MOST_REDIRECTS} times", remedy="Write the address it ends at.")


def _ask(url: str, rules: FetchRules, deadline: float) -> HttpAnswer:
    try:
        endpoint = HttpEndpoint.of(url)
        has_login = "@" in urlsplit(url).netloc
    except ValueError:
        raise UnreadableSource("it leads on to what is no web address", remedy=LATER) from None
    if has_login:
        remedy = "Everybody who sees the newsletter’s file would know the password. Ask for an address without one."
        raise UnreadableSource("its address holds a name or a password", remedy=remedy)
    if not endpoint.secure and not rules.inside:
        raise UnreadableSource("it leads on to an address that isn’t https", remedy="Write the https address.")
    try:
        addresses = require_public(
            find_addresses(endpoint, resolve=rules.resolve, deadline=deadline), private=rules.inside
        )
        request = HttpRequest("GET", endpoint, HEADERS)
        return exchange(request, addresses=addresses, deadline=deadline, most_bytes=rules.most_bytes + 1)
    except LeadsInside as error:
        raise UnreadableSource(str(error), remedy="Save it as a file in data/ and name that.") from None
    except NotPublic as error:
        raise UnreadableSource(str(error), remedy="Is the address typed correctly? Open it in a browser.") from None
    except TimeoutError:
        raise UnreadableSource("its name wasn’t found in time", remedy=LATER) from None
    except NoAnswer as error:
        raise UnreadableSource(error.in_words(rules.seconds), remedy=LATER) from None


def _read(answer: HttpAnswer, url: str, rules: FetchRules) -> RawData:
    if answer.status != 200:
        remedy = "Is the address typed correctly? Open it in a browser." if answer.status in (404, 410) else LATER
        raise UnreadableSource(f"its site answers {answer.status}", remedy=remedy)
    if len(answer.body) > rules.most_bytes:
        most = f"{rules.most_bytes:,}"
        raise UnreadableSource(f"it is larger than {most} bytes", remedy="Is there a shorter feed, of the latest only?")
    if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnreadableSource("it comes compressed, although we asked for it as it is", remedy=LATER)
    told = Headers()
    told["Content-Type"] = answer.headers.get("content-type", "")
    return RawData(answer.body, told.get_content_charset("")[:40], url)
