"""Addresses fit for a Location header, whatever a message or a person's fields brought into them."""

from __future__ import annotations

from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import idna

from mailer.errors import MailerError

# RFC 3986 §2.2 and §2.3: reserved and unreserved characters, and the percent sign of what is encoded already.
URL_SAFE = "%:/?#[]@!$&'()*+,;=-._~"


class NoDestination(MailerError):
    """The link's destination is not a web address, so nobody is sent there."""


def location(url: str) -> str:
    """`url` as a Location header may hold it (RFC 9110 §10.2.2): ASCII, no control characters, host in IDNA.

    Raises `NoDestination` unless it is http or https with a host.
    """
    try:
        parts = urlsplit(url.strip())
        netloc = parts.netloc if parts.netloc.isascii() else _in_ascii(parts)
        _ = parts.port  # raises when it is none
    except ValueError:  # a broken port or bracket, a label IDNA can't carry
        raise NoDestination("this is not a web address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoDestination("this is not a web address")
    return quote(urlunsplit(parts._replace(netloc=netloc)), safe=URL_SAFE)


def with_parameter(url: str, name: str, value: str) -> str:
    """The address with one more parameter in its query, and every other byte as it was. `value` is plain ASCII."""
    before, mark, fragment = url.partition("#")
    _, begun, query = before.partition("?")
    joint = "?" if not begun else "" if not query or query.endswith("&") else "&"
    return f"{before}{joint}{name}={value}{mark}{fragment}"


def _in_ascii(parts: SplitResult) -> str:
    host = idna.encode(parts.hostname or "", uts46=True).decode("ascii")
    return f"{host}:{parts.port}" if parts.port else host
