"""Whether the public address leads to this workspace's own `mailer serve`, as supporters and mail programs reach it.

It is fetched once, by TLS with a verified certificate, and no redirect is followed: mail programs follow none when they
unsubscribe somebody (RFC 8058 §3.1).
"""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from mailer.diagnostics import Diagnostic, bad, warning, well
from mailer.tracking.server_identity import Likeness, recognise
from mailer.transports.http_client import exchange, find_addresses, system_addresses
from mailer.transports.http_connection import HttpEndpoint, HttpRequest, NoAnswer
from mailer.transports.loopback import on_this_machine
from mailer.transports.public_network import Resolve

FETCH_SECONDS = 8.0  # for all of it
CERTIFICATE_DAYS = 14  # Let's Encrypt certificates are renewed 30 days before they end; less is a renewal that fails
MOST_BYTES = 4096
LOST = "clicks and unsubscribes from every mail are lost"
# Failures that others meet as well, and what to do. Others, such as no way there, may be of this network alone.
START = "Is the web server in front of mailer running?"
FOR_ALL = {
    ssl.SSLCertVerificationError: "Renew the certificate, with its whole chain.",
    ssl.SSLError: START,
    ConnectionRefusedError: START,
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of the fetch. Without an answer the status is 0, `why` says what happened, and `remedy` what to do if
    it happens to everybody. `likeness`: whose answer it was, None when that couldn't be told."""

    status: int = 0
    location: str = ""
    likeness: Likeness | None = None
    certificate_ends: datetime | None = None
    why: str = ""
    remedy: str = ""


def fetch_identity(url: str, *, keys: Sequence[bytes], resolve: Resolve = system_addresses) -> Fetched:
    """GET {url}/healthz/<a number used once>, in FETCH_SECONDS at most whatever the other side does.

    Without keys nobody can tell whose answer comes.
    """
    nonce = secrets.token_hex(16)
    deadline = time.monotonic() + FETCH_SECONDS
    try:
        endpoint = HttpEndpoint.of(f"{url}/healthz/{nonce}")
        addresses = find_addresses(endpoint, resolve=resolve, deadline=deadline)
        request = HttpRequest("GET", endpoint, {"User-Agent": "mailer"})
        answer = exchange(request, addresses=addresses, deadline=deadline, most_bytes=MOST_BYTES)
    except ValueError:
        return Fetched(why="this is not the name of a host")
    except OSError as error:  # of the look-up
        return Fetched(why=error.strerror or str(error) or "no answer in time")
    except NoAnswer as error:
        known = next((remedy for kind, remedy in FOR_ALL.items() if isinstance(error.cause, kind)), "")
        remedy = "" if error.late else START if error.began else known
        why = error.in_words(FETCH_SECONDS)
        return Fetched(certificate_ends=error.certificate_ends, why=why, remedy=remedy)
    told = answer.body.decode("utf-8", "replace").strip()
    likeness = recognise(keys, nonce, told) if keys and answer.status == 200 else None
    return Fetched(answer.status, answer.headers.get("location", ""), likeness, answer.certificate_ends)


def judge_public(url: str, fetched: Fetched, *, mails_leave: bool, now: datetime) -> list[Diagnostic]:
    """Is it an address to put into mails, and does it lead to us? `mails_leave`: surely, by the transport."""
    parts = urlsplit(url)
    if on_this_machine(parts.hostname or ""):
        return [(bad if mails_leave else warning)(*_loopback(url, fetched))]
    findings = [_judge_answer(url, fetched)]
    if parts.scheme != "https":
        said = f"{url} is not https, so mail programs show no unsubscribe button (RFC 8058 §3.1) and people press spam"
        remedy = "Put a web server with TLS in front of `mailer serve`, and set public.url to its https address."
        findings.insert(0, bad(f"{said} instead", remedy))
    ends = fetched.certificate_ends
    if ends is not None and ends < now + timedelta(days=CERTIFICATE_DAYS):
        said = f"the certificate of {parts.hostname} ends on {ends:%Y-%m-%d}; after that no link in any mail works"
        findings.append(warning(said, "See why it isn't renewed."))
    return findings


def _loopback(url: str, fetched: Fetched) -> tuple[str, str]:
    match fetched.likeness:
        case Likeness.SAME:
            answers = "this workspace's server answers there"
        case Likeness.OLDER:
            answers = "a server with an older key answers"
        case _:
            answers = "something else answers there" if fetched.status else "nothing answers there now"
    said = f"{url} is good for trying out only, since links in mails would lead to the reader's own machine; {answers}"
    return said, "Before mailing people, set public.url to an https address."


def _judge_answer(url: str, fetched: Fetched) -> Diagnostic:
    status = fetched.status
    if not status and fetched.remedy:
        return bad(f"{url} can't be used ({fetched.why}), so {LOST}", fetched.remedy)
    if not status:
        said = f"{url} couldn't be asked from here ({fetched.why}); if others can't reach it either, {LOST}"
        return warning(said, "Open it on a telephone; some networks can't reach their own public address.")
    if fetched.likeness is Likeness.SAME:
        return well(f"{url} leads to this workspace's server")
    if fetched.likeness is Likeness.OLDER:
        said = f"the server at {url} doesn't know the newest signing key, so links in new mails won't open"
        return bad(said, "Restart `mailer serve`, with the same secrets.")
    if 300 <= status < 400:
        said = f"{url} redirects to {fetched.location or 'elsewhere'}; mail programs don't follow when they unsubscribe"
        remedy = "Set public.url to the address it leads to, or serve it without a redirect."
        return bad(f"{said} somebody (RFC 8058 §3.1), and people press spam instead", remedy)
    if status >= 500:
        return bad(f"{url} answers {status}, so {LOST}", "Is `mailer serve` running behind the web server?")
    if fetched.likeness is None and status == 200:
        return warning(f"{url} answers, but without a signing key nobody can tell whether it is ours")
    return bad(
        f"something answers at {url}, but not this workspace's `mailer serve`, so {LOST}",
        "Let the web server pass everything to `mailer serve` of this workspace, with the same secrets.",
    )
