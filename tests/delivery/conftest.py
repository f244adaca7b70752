"""The campaign that the tests of the ledger and the engine work at: one of three in its database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from mailer.store.database import Database
from tests.delivery.neighbours import among_neighbours
from tests.delivery.world import Clock


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def campaign(database: Database, now: datetime) -> Iterator[int]:
    with among_neighbours(database, now=now) as campaign_id:
        yield campaign_id
