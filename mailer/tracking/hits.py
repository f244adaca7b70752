"""One request of a tracked link as it is kept: what was asked, by which program, from which network, and the verdict.

Kept is as little as the figures and later rules need. A full address of the network (IP) is never stored, only a keyed
hash of its /24 or /48, under a key of its own for each campaign: hits of one campaign can be compared, hits of two can
not. A person who asked not to be tracked, in their preferences or through their browser, is counted and nothing more:
no delivery, no headers, no network. Who asks, and what they are answered, is for `web`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from sqlalchemy import Connection, insert, select

from mailer.store.tables import deliveries, hits, people
from mailer.tracking.rules import OPENING, RULES, judge

# What the rules look at, now or later. Nothing here names a page or a person.
KEPT_HEADERS = (
    "user-agent", "accept", "accept-language", "sec-purpose", "purpose", "x-purpose", "x-moz",
    "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user", "sec-fetch-site",
)  # fmt: skip
LONGEST_HEADER = 200  # characters
NETWORK_BYTES = 8
NO_NETWORK = b""

# A browser that says so speaks for its owner: Global Privacy Control, and its forerunner.
OPT_OUT_HEADERS = ("sec-gpc", "dnt")


@dataclass(frozen=True, slots=True)
class Hit:
    """One request of link `n` of a delivery. `delivery_id` is None when the person is not to be tracked."""

    campaign_id: int
    delivery_id: int | None
    n: int
    at: datetime
    method: str
    headers: Mapping[str, str]  # those of KEPT_HEADERS that came, cut short
    network: bytes
    verdict: str
    reasons: str


def make_hit(
    *,
    campaign_id: int,
    delivery_id: int,
    n: int,
    at: datetime,
    method: str,
    headers: Mapping[str, str],
    address: str,
    key: bytes,
) -> Hit:
    """The hit a request makes. `headers` have lower-case names; `address` is the client's IP, and is not kept."""
    kept = {name: _short(headers[name]) for name in KEPT_HEADERS if name in headers}
    verdict, reasons = judge(method, kept, opening=n == OPENING)
    hit = Hit(
        campaign_id=campaign_id,
        delivery_id=delivery_id,
        n=n,
        at=at,
        method=method,
        headers=kept,
        network=network_hash(address, campaign_id=campaign_id, key=key),
        verdict=verdict.value,
        reasons=" ".join(reasons),
    )
    opted_out = any(headers.get(name, "").strip() == "1" for name in OPT_OUT_HEADERS)
    return anonymous(hit) if opted_out else hit


def anonymous(hit: Hit) -> Hit:
    """The hit without anything that could lead to a person: it counts in totals alone."""
    return replace(hit, delivery_id=None, headers={}, network=NO_NETWORK)


def network_hash(address: str, *, campaign_id: int, key: bytes) -> bytes:
    """The keyed hash of the /24 (IPv4) or /48 (IPv6) an address is in; empty when it isn't an address.

    There are few networks, so without the key all of them could be tried; the key is the workspace's address key.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return NO_NETWORK
    network = _network(parsed)
    campaign_key = hmac.digest(key, b"mailer.network." + str(campaign_id).encode(), "sha256")
    return hashlib.blake2b(network, digest_size=NETWORK_BYTES, key=campaign_key).digest()


def record_hits(connection: Connection, found: Sequence[Hit]) -> list[int]:
    """Store hits, anonymous for people who asked for that. Returns the deliveries that were named, each once."""
    untracked = _untracked(connection, {hit.delivery_id for hit in found if hit.delivery_id is not None})
    kept = [anonymous(hit) if hit.delivery_id in untracked else hit for hit in found]
    if kept:
        connection.execute(insert(hits), [_row(hit) for hit in kept])
    return sorted({hit.delivery_id for hit in kept if hit.delivery_id is not None})


def _untracked(connection: Connection, delivery_ids: set[int]) -> set[int]:
    """Those of the deliveries whose person is not to be tracked."""
    if not delivery_ids:
        return set()
    rows = connection.execute(
        select(deliveries.c.id)
        .join(people, people.c.id == deliveries.c.person_id)
        .where(deliveries.c.id.in_(delivery_ids), people.c.tracking.is_(False))
    )
    return set(rows.scalars())


def _network(address: IPv4Address | IPv6Address) -> bytes:
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return b"4" + address.packed[:3] if isinstance(address, IPv4Address) else b"6" + address.packed[:6]


def _short(value: str) -> str:
    """A header's value fit to be kept: hostile input, so printable and short."""
    return "".join(c if c.isprintable() else " " for c in value[:LONGEST_HEADER])


def _row(hit: Hit) -> dict[str, Any]:
    return {
        "campaign_id": hit.campaign_id,
        "delivery_id": hit.delivery_id,
        "n": hit.n,
        "at": hit.at,
        "method": hit.method,
        "headers": dict(hit.headers),
        "network": hit.network,
        "verdict": hit.verdict,
        "reasons": hit.reasons,
        "rules": RULES,
    }
