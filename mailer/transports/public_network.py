"""Tells which IP addresses belong to the public internet.

Used wherever an address that somebody typed in is contacted: links of a message, the webhook. A name is resolved once
and `http_client` connects to the very addresses judged here, so a DNS that changes its answer in between ("rebinding")
reaches nothing on the inside.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Resolve = Callable[[str, int], Sequence[str]]  # host and port → addresses

GLOBAL_UNICAST = ip_network("2000::/3")  # all of IPv6 that is assigned to the public internet (RFC 4291 §2.4)
# Older versions of Python consider these public.
NOT_PUBLIC = tuple(map(ip_network, (
    "192.0.0.0/24",  # protocol assignments, RFC 6890; Oracle's services for its machines are there
    "192.88.99.0/24",  # relays of 6to4, RFC 7526
    "168.63.129.16/32",  # Azure's own services, reached from inside its machines
    "3fff::/20",  # documentation, RFC 9637
)))  # fmt: skip
# IPv6 addresses whose last 32 bits are an IPv4 address.
IN_LAST_BITS = tuple(map(ip_network, (
    "64:ff9b::/96",  # NAT64, RFC 6052
    "::ffff:0:0/96",  # mapped, RFC 4291 §2.5.5.2
    "::ffff:0:0:0/96",  # translated, RFC 2765
    "::/96",  # compatible, RFC 4291 §2.5.5.1: deprecated, but some systems still route it
)))  # fmt: skip
SIX_TO_FOUR = ip_network("2002::/16")  # RFC 3056: the IPv4 address follows
TEREDO = ip_network("2001::/32")  # RFC 4380 §4: the server's address follows; the client's is inverted at the end
ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214 §6.1: the interface's number begins so, the IPv4 address follows


class NotPublic(Exception):
    """A host that must not be contacted; the message says why, without naming it."""


class LeadsInside(NotPublic):
    """One of its addresses belongs to a private network."""


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is public, and so is every IPv4 address embedded in it."""
    try:
        told = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(told)


def require_public(addresses: Sequence[str], *, private: bool) -> Sequence[str]:
    """A name's addresses. Raises `NotPublic` when any of them isn't on the public internet (`LeadsInside`); with
    `private` only when there is none."""
    if not addresses:
        raise NotPublic("its name is not known")
    if not private and not all(map(is_public, addresses)):
        raise LeadsInside("it leads into a private network")
    return addresses


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses that the system resolves a name to, in any notation of numbers. Raises `NotPublic`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotPublic(f"the name {host} is not known") from None
    return [str(one[4][0]) for one in found]


def _is_public(told: IPv4Address | IPv6Address) -> bool:
    if isinstance(told, IPv6Address):
        inside = tuple(_embedded(told))
        if not all(map(_is_public, inside)):
            return False
        if inside and any(told in network for network in IN_LAST_BITS):
            return True  # another way to write a public IPv4 address
        if told not in GLOBAL_UNICAST:
            return False
    return told.is_global and not told.is_multicast and not any(told in network for network in NOT_PUBLIC)


def _embedded(told: IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that traffic to this address may be forwarded to."""
    number = int(told)
    if any(told in network for network in IN_LAST_BITS) or (number >> 32) & 0xFFFFFFFF in ISATAP:
        yield IPv4Address(number & 0xFFFFFFFF)
    if told in SIX_TO_FOUR:
        yield IPv4Address((number >> 80) & 0xFFFFFFFF)
    if told in TEREDO:
        yield IPv4Address((number >> 64) & 0xFFFFFFFF)
        yield IPv4Address(~number & 0xFFFFFFFF)
