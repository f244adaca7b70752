"""Whether the public address leads to this workspace's own `mailer serve`, as supporters and mail programs reach it.

It is fetched once, by TLS with a verified certificate, and no redirect is followed: mail programs follow none when they
unsubscribe somebody (RFC 8058 §3.1).
"""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.tracking.server_identity import Likeness, recognise
from mailer.transports.http_client import exchange, find_addresses
from mailer.transports.http_connection import HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.loopback import on_this_machine

FETCH_SECONDS = 8.0  # for all of it
CERTIFICATE_DAYS = 14  # Let's Encrypt certificates are renewed 30 days before they end; less is a renewal that fails
MOST_BYTES = 4096


class Reached(StrEnum):
    """How far the fetch came."""

    ANSWER = "answer"
    NO_NAME = "no name"  # the host's name has no address, or the DNS couldn't be asked
    REFUSED = "refused"  # the machine is there, and nothing listens
    SILENT = "silent"  # no answer in time, or no way there
    UNTRUSTED = "untrusted"  # its certificate doesn't hold
    BROKEN = "broken"  # something answers, and it isn't HTTP


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of the fetch. `body` is its beginning."""

    reached: Reached
    why: str = ""
    status: int = 0
    location: str = ""
    body: str = ""
    certificate_ends: datetime | None = None


Resolve = Callable[[str], Sequence[str]]  # a host's addresses; raises OSError


def new_nonce() -> str:
    return secrets.token_hex(16)


def fetch_identity(url: str, nonce: str, *, resolve: Resolve | None = None) -> Fetched:
    """GET {url}/healthz/{nonce}, in FETCH_SECONDS at most whatever the other side does."""
    deadline = time.monotonic() + FETCH_SECONDS
    try:
        endpoint = HttpEndpoint.of(f"{url}/healthz/{nonce}")
        addresses = find_addresses(endpoint, resolve=_lookup(resolve), deadline=deadline)
        request = HttpRequest("GET", endpoint, {"User-Agent": "mailer"})
        answer = exchange(request, addresses=addresses, deadline=deadline, most_bytes=MOST_BYTES)
    except (OSError, ValueError) as error:  # of the look-up
        return _unreached(error)
    except NoAnswer as error:
        if error.late:
            return Fetched(Reached.SILENT, "no complete answer in time", certificate_ends=error.certificate_ends)
        if not error.began:
            return _unreached(error.cause)
        why = f"its answer broke off ({error})"
        return Fetched(Reached.BROKEN, why, certificate_ends=error.certificate_ends)
    body = answer.body.decode("utf-8", "replace")
    location = answer.headers.get("location", "")
    return Fetched(Reached.ANSWER, "", answer.status, location, body, answer.certificate_ends)


def _lookup(resolve: Resolve | None) -> Callable[[str, int], Sequence[str]]:
    """By default as the system does, which knows /etc/hosts."""
    if resolve is not None:
        return lambda host, _port: resolve(host)
    return lambda host, port: [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _unreached(cause: Exception) -> Fetched:
    """What it means when nothing was sent yet."""
    match cause:
        case ssl.SSLCertVerificationError():
            return Fetched(Reached.UNTRUSTED, cause.verify_message)
        case ssl.SSLError():
            return Fetched(Reached.BROKEN, f"the TLS handshake failed: {cause.reason or cause}")
        case socket.gaierror():
            return Fetched(Reached.NO_NAME, cause.strerror or str(cause))
        case ValueError():
            return Fetched(Reached.NO_NAME, "this is not the name of a host")
        case ConnectionRefusedError():
            return Fetched(Reached.REFUSED, "nothing listens there")
        case _:
            why = getattr(cause, "strerror", None) or str(cause) or "no answer in time"
            return Fetched(Reached.SILENT, why)


@dataclass(frozen=True, slots=True)
class PublicFacts:
    """The address, what came of fetching it, and whose answer it was (None when that couldn't be told)."""

    url: str
    fetched: Fetched
    likeness: Likeness | None
    mails_leave: bool  # surely, by the transport that is set


def public_facts(url: str, *, keys: Sequence[bytes], mails_leave: bool, resolve: Resolve | None = None) -> PublicFacts:
    """Fetch the public address. Without keys it isn't known whose answer comes."""
    nonce = new_nonce()
    fetched = fetch_identity(url, nonce, resolve=resolve)
    known = bool(keys) and fetched.reached is Reached.ANSWER and fetched.status == 200
    return PublicFacts(url, fetched, recognise(keys, nonce, fetched.body.strip()) if known else None, mails_leave)


def judge_public(facts: PublicFacts, *, now: datetime) -> list[Diagnostic]:
    """Is it an address to put into mails, and does it lead to us?"""
    parts = urlsplit(facts.url)
    if on_this_machine(parts.hostname or ""):
        return [_judge_loopback(facts)]
    findings = [_judge_answer(facts)]
    if parts.scheme != "https":
        findings.insert(
            0,
            bad(
                f"{facts.url} is not https, so mail programs show no unsubscribe button (RFC 8058 §3.1) and people"
                " press spam instead",
                "Put a web server with TLS in front of `mailer serve`, and set public.url to its https address.",
            ),
        )
    ends = facts.fetched.certificate_ends
    if ends is not None and ends < now + timedelta(days=CERTIFICATE_DAYS):
        findings.append(
            warning(
                f"the certificate of {parts.hostname} ends on {ends:%Y-%m-%d}; after that no link in any mail works",
                "See why it isn't renewed.",
            )
        )
    return findings


def _judge_loopback(facts: PublicFacts) -> Diagnostic:
    state = {
        Likeness.SAME: "this workspace's server answers there",
        Likeness.OLDER: "a server with an older key answers",
    }
    words = state.get(facts.likeness) if facts.likeness else None
    if words is None:
        words = (
            "nothing answers there now"
            if facts.fetched.reached is not Reached.ANSWER
            else "something else answers there"
        )
    said = (
        f"{facts.url} is good for trying out only, since links in mails would lead to the reader's own machine; {words}"
    )
    remedy = "Before mailing people, set public.url to an https address."
    return bad(said, remedy) if facts.mails_leave else warning(said, remedy)


def _judge_answer(facts: PublicFacts) -> Diagnostic:
    url, fetched = facts.url, facts.fetched
    lost = "clicks and unsubscribes from every mail are lost"
    match fetched.reached:
        case Reached.ANSWER:
            return _judge_status(facts, lost)
        case Reached.UNTRUSTED:
            return bad(
                f"the certificate of {url} can't be trusted ({fetched.why}), so {lost}",
                "Renew it, with its whole chain.",
            )
        case Reached.REFUSED | Reached.BROKEN:
            return bad(
                f"{url} can't be used ({fetched.why}), so {lost}", "Is the web server in front of mailer running?"
            )
        case Reached.NO_NAME | Reached.SILENT:
            return warning(
                f"{url} couldn't be asked from here ({fetched.why}); if others can't reach it either, {lost}",
                "Open it on a telephone; some networks can't reach their own public address.",
            )


def _judge_status(facts: PublicFacts, lost: str) -> Diagnostic:
    url, fetched = facts.url, facts.fetched
    if facts.likeness is Likeness.SAME:
        return well(f"{url} leads to this workspace's server")
    if facts.likeness is Likeness.OLDER:
        return bad(
            f"the server at {url} doesn't know the newest signing key, so links in new mails won't open",
            "Restart `mailer serve`, with the same secrets.",
        )
    if 300 <= fetched.status < 400:
        return bad(
            f"{url} redirects to {fetched.location or 'elsewhere'}; mail programs don't follow when they unsubscribe"
            " somebody (RFC 8058 §3.1), and people press spam instead",
            "Set public.url to the address it leads to, or serve it without a redirect.",
        )
    if fetched.status >= 500:
        return bad(
            f"{url} answers {fetched.status}, so {lost}",
            "Is `mailer serve` running behind the web server?",
        )
    if facts.likeness is None and fetched.status == 200:
        return warning(f"{url} answers, but without a signing key nobody can tell whether it is ours")
    return bad(
        f"something answers at {url}, but not this workspace's `mailer serve`, so {lost}",
        "Let the web server pass everything to `mailer serve` of this workspace, with the same secrets.",
    )
