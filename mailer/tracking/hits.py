"""One request of a tracked link as it is kept: what was asked, by which program, from which network, and the verdict.

Kept is as little as the figures and later rules need. A full address of the network (IP) is never stored, only a keyed
hash of its /24 or /48, under a key of its own for each campaign: hits of one campaign can be compared, hits of two can
not. A person who asked not to be tracked, in their preferences or through their browser, is counted and nothing more:
no delivery, no headers, no network. Who asks, and what they are answered, is for `web`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from sqlalchemy import Connection, func, select

from mailer.store.engine.prepared import ByNumber, PreparedInsert
from mailer.store.tables.core import deliveries, hits, more_hits, people
from mailer.store.tables.states import DeliveryState
from mailer.tracking.bot_patterns import MOST_KEPT
from mailer.tracking.bot_rules import OPENING, RULES, judge

# What the rules look at, now or later. Nothing here names a page or a person.
KEPT_HEADERS = (
    "user-agent", "accept", "accept-language", "sec-purpose", "purpose", "x-purpose", "x-moz",
    "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user", "sec-fetch-site",
)  # fmt: skip
LONGEST_HEADER = 200  # characters
NETWORK_BYTES = 8
NO_NETWORK = b""
MOST_REMEMBERED = 10_000  # mails whose hits without a name this process counts

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
    mail: int = 0  # the delivery whatever the person wishes: for limiting how many are kept, and not kept itself


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
    verdict, reasons = _at_first_sight(method, tuple(kept.items()), n == OPENING)
    hit = Hit(
        campaign_id=campaign_id,
        delivery_id=delivery_id,
        n=n,
        at=at,
        method=method,
        headers=kept,
        network=network_hash(address, campaign_id=campaign_id, key=key),
        verdict=verdict,
        reasons=reasons,
        mail=delivery_id,
    )
    return anonymous(hit) if opted_out(headers) else hit


def opted_out(headers: Mapping[str, str]) -> bool:
    """Whether the browser asks for its owner not to be tracked."""
    return any(headers.get(name, "").strip() == "1" for name in OPT_OUT_HEADERS)


def anonymous(hit: Hit) -> Hit:
    """The hit without anything that could lead to a person: it counts in totals alone."""
    return replace(hit, delivery_id=None, headers={}, network=NO_NETWORK)


@lru_cache(maxsize=4096)
def _at_first_sight(method: str, headers: tuple[tuple[str, str], ...], opening: bool) -> tuple[str, str]:
    """Verdict and reasons as they are stored. Most requests are made by few browsers."""
    verdict, reasons = judge(method, dict(headers), opening=opening)
    return verdict.value, " ".join(reasons)


@lru_cache(maxsize=4096)
def network_hash(address: str, *, campaign_id: int, key: bytes) -> bytes:
    """The keyed hash of the /24 (IPv4) or /48 (IPv6) an address is in; empty when it isn't an address.

    There are few networks, so without the key all of them could be tried; the key is the workspace's address key.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return NO_NETWORK
    network = _network(parsed)
    campaign_key = _campaign_key(key, campaign_id)
    return hashlib.blake2b(network, digest_size=NETWORK_BYTES, key=campaign_key).digest()


@lru_cache(maxsize=64)
def _campaign_key(key: bytes, campaign_id: int) -> bytes:
    return hmac.digest(key, b"mailer.network." + str(campaign_id).encode(), "sha256")


class Nameless:
    """How many hits without a name each of the last mails had in this process; nothing of that is stored anywhere."""

    def __init__(self) -> None:
        self._counts: OrderedDict[int, int] = OrderedDict()

    def count(self, mail: int) -> int:
        """How many it had before this one."""
        before = self._counts.pop(mail, 0)
        self._counts[mail] = before + 1
        while len(self._counts) > MOST_REMEMBERED:
            self._counts.popitem(last=False)
        return before


def record_hits(connection: Connection, found: Sequence[Hit], *, nameless: Nameless | None = None) -> list[int]:
    """Store hits, anonymous for people who asked for that; those of mails with MOST_KEPT already are counted instead.

    Returns those of the named deliveries that were uncertain, each once: their mail did arrive. `nameless` is the
    caller's to keep; without it hits without a name are all stored.
    """
    nameless = nameless or Nameless()
    untracked, uncertain, kept = _standing(
        connection, {hit.delivery_id for hit in found if hit.delivery_id is not None}
    )
    rows: list[dict[str, Any]] = []
    more: Counter[tuple[int, int, str]] = Counter()
    for one in found:
        hit = anonymous(one) if one.delivery_id in untracked else one
        kept_of = kept[hit.delivery_id] if hit.delivery_id is not None else nameless.count(hit.mail)
        if kept_of >= MOST_KEPT:
            more[hit.campaign_id, hit.n, hit.verdict] += 1
            continue
        if hit.delivery_id is not None:
            kept[hit.delivery_id] += 1
        rows.append(_row(hit))
    STORE.insert(connection, rows)
    for (campaign_id, n, verdict), count in sorted(more.items()):
        _count(connection, campaign_id=campaign_id, n=n, verdict=verdict, count=count)
    return sorted(uncertain - untracked)


def _count(connection: Connection, *, campaign_id: int, n: int, verdict: str, count: int) -> None:
    # Only that of the engine in use is loaded, as in `store.limits`.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql as kind
    else:
        from sqlalchemy.dialects import sqlite as kind
    statement = kind.insert(more_hits).values(campaign_id=campaign_id, n=n, verdict=verdict, count=count)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(more_hits.primary_key), set_={"count": more_hits.c.count + statement.excluded["count"]}
        )
    )


def _standing(connection: Connection, delivery_ids: set[int]) -> tuple[set[int], set[int], Counter[int]]:
    """Those of the deliveries whose person is not to be tracked, those that nobody knows the fate of, and how many hits
    are kept of each, MOST_KEPT at most."""
    rows = STANDING.rows(connection, list(delivery_ids), {}) if delivery_ids else []
    untracked = {number for number, tracking, _, _ in rows if tracking is not None and not tracking}
    uncertain = {number for number, _, state, _ in rows if state == DeliveryState.UNCERTAIN.value}
    return untracked, uncertain, Counter({number: kept for number, _, _, kept in rows})


STORE = PreparedInsert(hits, [column.name for column in hits.columns if column.name != "id"])
_FIRST = (
    select(hits.c.id)
    .where(hits.c.campaign_id == deliveries.c.campaign_id, hits.c.delivery_id == deliveries.c.id)
    .limit(MOST_KEPT)
    .correlate(deliveries)
    .subquery()
)
STANDING = ByNumber(
    deliveries.c.id,
    lambda which: (
        select(
            deliveries.c.id,
            people.c.tracking,
            deliveries.c.state,
            select(func.count()).select_from(_FIRST).scalar_subquery(),
        )
        .select_from(deliveries.outerjoin(people, people.c.id == deliveries.c.person_id))
        .where(which)
    ),
)


def _network(address: IPv4Address | IPv6Address) -> bytes:
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return b"4" + address.packed[:3] if isinstance(address, IPv4Address) else b"6" + address.packed[:6]


def _short(value: str) -> str:
    """A header's value fit to be kept: hostile input, so printable and short."""
    cut = value[:LONGEST_HEADER]
    return cut if cut.isprintable() else "".join(c if c.isprintable() else " " for c in cut)


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
