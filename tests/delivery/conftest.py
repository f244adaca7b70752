"""The campaign that the tests of the ledger and the engine work at: one of three in its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from mailer.delivery.ledger.guard_state import Rails
from mailer.delivery.ledger.pacer import Pacer
from mailer.delivery.ledger.permits import SharedPace
from mailer.delivery.sending.engine import Engine
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.delivery.sending.progress import UNOBSERVED, Observer, SendCounts
from mailer.delivery.sending.run_control import Stop
from mailer.settings import Guard, Pace
from mailer.store.engine.database import Database
from mailer.tracking.tokens import Signer
from mailer.workspace import Workspace
from tests.delivery.neighbours import among_neighbours
from tests.delivery.scripted import Scripted
from tests.delivery.world import MESSAGE, Clock, worker


@pytest.fixture
def clock(now: datetime) -> Clock:
    return Clock(now)


@pytest.fixture
def campaign(database: Database, now: datetime) -> Iterator[int]:
    with among_neighbours(database, now=now) as campaign_id:
        yield campaign_id


@pytest.fixture
def make_engine(workspace: Workspace, database: Database, campaign: int, now: datetime) -> Callable[..., Engine]:
    """An engine at the campaign, with a worker of its own."""

    def make(
        transport: Scripted,
        *,
        stop: Stop | None = None,
        pace: Pace | None = None,
        guard: Guard | None = None,
        clock: Clock | None = None,
        observer: Observer = UNOBSERVED,
    ) -> Engine:
        time = clock or Clock(now)
        return Engine(
            worker(database, campaign, time, pace),
            builder=EnvelopeBuilder(MESSAGE, settings=workspace.settings, signer=Signer([b"k" * 32])),
            transport=transport,
            pacer=Pacer(pace or Pace(), SharedPace(database, transport="outbox")),
            rails=Rails(
                database, campaign_id=campaign, slug="appeal", transport="outbox", limits=guard or Guard(), clock=time
            ),
            stop=stop or Stop(),
            observer=observer,
        )

    return make


@pytest.fixture
def send(make_engine: Callable[..., Engine]) -> Callable[..., SendCounts]:
    """One run of an engine."""
    return lambda transport, **options: make_engine(transport, **options).run()
