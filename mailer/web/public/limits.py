"""How often one network may use the forms: limits in place of a captcha, over all servers together.

Networks are the /24 (IPv4) and /48 (IPv6) that one customer or one provider's gateway has, kept as keyed hashes. How
many mails a form may send to one address is limited where they are queued (`delivery.wishes`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.delivery.wishes import limit_key
from mailer.store.database import Database
from mailer.store.limits import Limit, take
from mailer.tracking.hits import network_hash

# A class or a meeting signs up from one network within minutes; a program that tries addresses wants thousands.
FORMS = Limit(40, timedelta(seconds=15))
# Changes of address and copies of data by the link of a mail: nobody needs more than a few, whoever found the link.
WISHES = Limit(6, timedelta(minutes=10))

NO_CAMPAIGN = 0  # a hash for limits can't be compared with those of hits, which belong to campaigns


class Limits:
    """The limits of one running app."""

    def __init__(
        self, database: Database, *, key: bytes, clock: Callable[[], datetime], wait: Callable[..., Awaitable[Any]]
    ) -> None:
        self._database = database
        self._key = key
        self._clock = clock
        self._wait = wait

    async def allow(self, purpose: str, who: str | bytes, limit: Limit) -> bool:
        """Take a turn of `purpose` for an address or a network; False when there is none."""
        return bool(await self._wait(self._take, limit_key(purpose, who, key=self._key), limit))

    async def hold(self, purpose: str, request: Request, limit: Limit = FORMS) -> None:
        """Take a turn of `purpose` for the network a request came from. Raises HTTPException 429 when there is none."""
        address = request.client.host if request.client else ""
        if not await self.allow(purpose, network_hash(address, campaign_id=NO_CAMPAIGN, key=self._key), limit):
            raise HTTPException(429)

    def _take(self, key: bytes, limit: Limit) -> bool:
        with self._database.write() as connection:
            return take(connection, key, limit, now=self._clock())
