"""What a setting's value may be, declared on its field: `Annotated[int, between(1, 64)]`.

A limit takes the setting's name and value and yields what is wrong with it; `tables` adds the place. What a value must
look like to be read at all, such as a whole number, is for `tables`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import Any
from urllib.parse import SplitResult, urlsplit

from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError
from mailer.senders import sender_fault
from mailer.settings.durations import seconds_of
from mailer.timezones import zone_named

Limit = Callable[[str, Any], Iterable[Diagnostic]]  # the setting's name and its value → what is wrong


def limit(holds: Callable[[Any], object], says: str, remedy: str = "") -> Limit:
    """A value for which `holds` is true. `says` has {name} and {value!r}."""

    def found(name: str, value: Any) -> Iterator[Diagnostic]:
        if not holds(value):
            yield Diagnostic(says.format(name=name, value=value), remedy=remedy)

    return found


def between(least: float, most: float, unit: str = "") -> Limit:
    """A number from `least` to `most`, both included."""
    return limit(lambda value: least <= value <= most, f"{{name}} must be from {least:,} to {most:,} {unit}".rstrip())


def at_least(least: float, says: str = "") -> Limit:
    """A finite number from `least`. `says` completes “must be”."""
    return limit(lambda value: least <= value < math.inf, f"{{name}} must be {says or f'{least:,} or more'}")


def above_zero(at_most: float) -> Limit:
    """A number above 0 and up to `at_most`."""
    return limit(lambda value: 0 < value <= at_most, f"{{name}} must be above 0 and at most {at_most:,}")


def one_of(choices: Iterable[str], says: str = "unknown {name} {value!r}") -> Limit:
    """One of a few words."""
    known = tuple(choices)
    return limit(lambda value: value in known, says, f"Choose one of: {', '.join(known)}.")


def matching(pattern: str, says: str, remedy: str = "") -> Limit:
    """Text that is nothing but `pattern`."""
    return limit(re.compile(pattern).fullmatch, says, remedy)


def parsed_by(parse: Callable[[str], object], says: str, remedy: str) -> Limit:
    """Text that `parse` raises no ValueError for."""

    def holds(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return limit(holds, says, remedy)


def address(holds: Callable[[SplitResult], object], says: str, remedy: str = "") -> Limit:
    """A web address, with a host, for whose parts `holds` is true."""

    def fits(value: str) -> bool:
        try:
            parts = urlsplit(value)
        except ValueError:  # such as http://[::1
            return False
        return bool(parts.netloc and holds(parts))

    return limit(fits, says, remedy)


def or_empty(given: Limit) -> Limit:
    """Nothing, which leaves it unset, or what `given` asks for."""
    return lambda name, value: given(name, value) if value else ()


def each(given: Limit) -> Limit:
    """`given` for each item of a list, or for each value of a table, whose key the name gets."""

    def found(name: str, value: Any) -> Iterator[Diagnostic]:
        if isinstance(value, Mapping):
            for key, item in value.items():  # pyright: ignore[reportUnknownVariableType]
                yield from given(f"{name}: {key!r}", item)
        else:
            for item in value:
                yield from given(name, item)

    return found


def sender(name: str, value: str) -> Iterator[Diagnostic]:
    """One address, with a name before it or not; or nothing."""
    if value and (fault := sender_fault(name, value)):
        yield fault


def time_zone(name: str, value: str) -> Iterator[Diagnostic]:
    """An area and a city, or nothing."""
    try:
        if value:
            zone_named(value)
    except MailerError as error:
        yield Diagnostic(f"{name}: {error.message}", remedy=error.remedy)


def address_and_port(text: str) -> tuple[str, int]:
    """An IP address, and the port behind it or that of DNS. Raises ValueError when `text` isn't that."""
    host, port = text, "53"
    if text.startswith("["):
        host, closed, port = text[1:].partition("]")
        port = port.removeprefix(":") if port else "53" if closed else ""
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not 0 < int(port) < 65536:
        raise ValueError("a port is from 1 to 65535")
    return str(ip_address(host)), int(port)


def never_falling(name: str, value: tuple[int, ...]) -> Iterator[Diagnostic]:
    """Numbers of people a day, none of which is below the one before."""
    for earlier, later in pairwise(value):
        if later < earlier:
            yield Diagnostic(f"{name} goes down, from {earlier:,} to {later:,} people a day")
            return


def duration(longest: str) -> Limit:
    """Such as 10m, and at most `longest`."""

    def found(name: str, value: str) -> Iterator[Diagnostic]:
        try:
            seconds = seconds_of(value)
        except MailerError as error:
            yield Diagnostic(f"{name}: {error.message}", remedy=error.remedy)
            return
        if seconds > seconds_of(longest):
            yield Diagnostic(f"{name} must be at most {longest}, not {value}")

    return found


A_DAY_AT_MOST = duration("1d")
SHARE = limit(lambda value: 0 <= value < 1, "{name} must be a share from 0 to 1", "Write 0.05 for 5 %; 0 turns it off.")
WEB_ADDRESS = address(lambda parts: parts.scheme in ("http", "https"), "{name} must be an http(s) address")
REACHED_AT = matching(
    r"https?://[^\s\"<>]+|[^\s@:/\"<>?]+@[^\s@:/\"<>?]+", "{name} must be an http(s) address or an email address"
)
NETWORKS = each(parsed_by(ip_network, "{value!r} is not an IP address or network", 'Such as "10.0.0.0/8".'))
COLOUR = matching("#[0-9a-fA-F]{6}", "{name} must be a colour like #1d4f91")
CONNECTIONS = between(1, 64)  # what providers tolerate
# RFC 6376 §3.1: labels with dots between, below _domainkey of the sender's domain.
SELECTOR = matching(
    r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?",
    "{value!r} can't be a DKIM selector",
    "Only the part before ._domainkey, such as s1.",
)
HOST_AND_PATH = address(
    lambda parts: parts.scheme in ("http", "https") and not parts.query and not parts.geturl().endswith("/"),
    "{name} must be http(s)://host without a slash at the end",
)
# It goes into headers that programs read, and every mail would be refused.
ASCII_ADDRESS = limit(str.isascii, "{name} must be written in ASCII", "Write its xn-- form, as browsers copy it.")
# A cookie bound to its host has no path (RFC 6265bis §4.1.3.2), and passkeys work by TLS alone.
HOST_ALONE = address(
    lambda parts: parts.geturl() == f"https://{parts.netloc}" and parts.netloc.isascii(),
    "{name} must be https://host, without a path",
    'Such as url = "https://studio.example.org". On this machine alone leave it out.',
)
POSITIVE = limit(lambda rate: 0 < rate < math.inf, "{name} must be above 0", "Leave the domain out for no limit.")
# RFC 5321 §4.5.3.1.1 gives the part before the @ 64 octets; less a plus sign and a token of 39.
LONGEST_BOUNCE_LOCAL = 24
TAKES_TAGS = matching(
    rf"[^+]{{1,{LONGEST_BOUNCE_LOCAL}}}@[^@]+",
    "{name} must be a mailbox that takes tags",
    f"Such as bounces@example.org; at most {LONGEST_BOUNCE_LOCAL} characters and no + before the @.",
)
ISSUER = address(
    lambda parts: (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))
    ),
    "{name} must be an https address",
    "The provider calls it issuer, or discovery URL.",
)
IMAP_ADDRESS = matching(
    r"imaps?://[^\s:/@]+@[^\s/@]+(/\S*)?",
    "{name} must be the address of an IMAP mailbox",
    "Such as imaps://bounces%40example.org@imap.example.org/INBOX. The password goes in secrets.toml.",
)
DNS_SERVER = parsed_by(
    address_and_port,
    "{name} must be an IP address, with or without a port",
    'Such as "127.0.0.1:5353"; leave it out to use the system resolver.',
)
NAMED = limit(lambda table: all(name.strip() for name in table), "{name} has an address without a name")
PROFILE = address(
    lambda parts: parts.scheme == "https",
    "{name} needs an https address",
    'Such as social = { Bluesky = "https://bsky.app/profile/your-group.example" }',
)
