"""How often one network, or the bearer of one link, may use the forms: limits in place of a captcha, over all servers.

A network is the /24 of IPv4 that an office or a provider's gateway has, the /64 of IPv6 that one connection has, and
also the /48 around it, from which a single customer may use 65,536 of them. Who came by a fresh link of their own mail
is no stranger and is not counted among the network's; what they do is limited by the link. All are kept as keyed
hashes. How many mails a form may send to one address is limited where they are queued
(`delivery.subscriptions.requests`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.store.engine.database import Database
from mailer.store.networks import networks_of
from mailer.store.rate_limits import Limit, limit_key, take
from mailer.tracking.tokens import Named

# A class or a meeting signs up from one network within minutes; a program that tries addresses wants thousands.
FORMS = Limit(40, timedelta(seconds=15))
SITE = Limit(120, timedelta(seconds=5))  # for a /48 of IPv6, which may also be many customers of a mobile network
# Nobody signs one page more often by one link, even if others found it.
OWN = Limit(10, timedelta(minutes=1))
# Changes of address and copies of data by the link of a mail: nobody needs many, even if others found the link.
REQUESTS = Limit(6, timedelta(minutes=10))


class RequestLimits:
    """The limits of one running app."""

    def __init__(
        self, database: Database, *, key: bytes, clock: Callable[[], datetime], wait: Callable[..., Awaitable[Any]]
    ) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._wait = wait

    async def hold(self, purpose: str, request: Request) -> None:
        """Count one use of `purpose` for a request's networks. Raises HTTPException 429 when none is left."""
        address = request.client.host if request.client else ""
        await self._hold([(limit_key(purpose, name, key=self._key), limit) for name, limit in networks(address)])

    async def hold_bearer(self, purpose: str, named: Named, limit: Limit = OWN) -> None:
        """The same for the bearer of a link that names `named`, whichever network they are in."""
        who = f"{'proof' if named.proof else 'delivery'} {named.id}"
        await self._hold([(limit_key(purpose, who, key=self._key), limit)])

    async def _hold(self, turns: Sequence[tuple[bytes, Limit]]) -> None:
        if not await self._wait(self._take, turns):
            raise HTTPException(429)

    def _take(self, turns: Sequence[tuple[bytes, Limit]]) -> bool:
        with self._database.write(lasting=False) as connection:
            return all(take(connection, key, limit, now=self._clock()) for key, limit in turns)


def networks(address: str) -> Sequence[tuple[bytes, Limit]]:
    """The networks that an IP address is counted for, each with its limit."""
    return tuple(zip(networks_of(address), (FORMS, SITE), strict=False))
