"""Which networks an address on the internet is in, for counting how often one of them asks for something."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: an IPv4 address in the last 32 bits
UNKNOWN = b"?"  # requests without an address share one network


def networks_of(address: str) -> Sequence[bytes]:
    """The networks around an IP address, the narrowest first.

    Of IPv4 the /24 that an office or a provider's gateway has; of IPv6 the /64 that one connection has, and the /48
    around it, from which a single customer may use 65,536 of them.
    """
    try:
        found = _plain(ip_address(address.partition("%")[0]))
    except ValueError:
        return (UNKNOWN,)
    if isinstance(found, IPv4Address):
        return (b"4" + found.packed[:3],)
    return b"6" + found.packed[:8], b"6" + found.packed[:6]


def _plain(found: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, if it does: else all of IPv4 would be one network."""
    if isinstance(found, IPv4Address):
        return found
    if found in NAT64:
        return IPv4Address(found.packed[12:])
    return found.ipv4_mapped or found.sixtofour or found
