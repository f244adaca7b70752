"""How far, how fast, how long still: what a pause took doesn't count, and a beginning says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailer.delivery.campaigns.pace import pace_of
from mailer.delivery.campaigns.status import CampaignStatus
from mailer.store.tables.states import CampaignState, DeliveryState

BEGAN = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def status(state: CampaignState, sent: int, queued: int, **more: object) -> CampaignStatus:
    values: dict[str, object] = {
        "slug": "x", "state": state, "why": "", "transport": "", "due_at": None, "zone": "", "launched_at": BEGAN,
        "finished_at": None, "digest": "", "next_try": None, "troubles": 0,
        "people": {DeliveryState.SENT: sent, DeliveryState.QUEUED: queued}, **more,
    }  # fmt: skip
    return CampaignStatus(**values)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_the_rate_is_since_the_launch() -> None:
    pace = pace_of(status(CampaignState.SENDING, 600, 1200), now=BEGAN + timedelta(minutes=1))
    assert (pace.done, pace.people, pace.left) == (600, 1800, 1200)
    assert pace.per_second == 10
    assert pace.time_left == timedelta(minutes=2)


def test_a_pause_does_not_count() -> None:
    resumed = BEGAN + timedelta(hours=3)
    one = status(CampaignState.SENDING, 600, 1200, resumed_at=resumed, mailed_since=300)
    assert pace_of(one, now=resumed + timedelta(minutes=1)).per_second == 5


@pytest.mark.parametrize(
    ("state", "sent", "seconds"),
    [(CampaignState.SENDING, 10, 60), (CampaignState.SENDING, 600, 5), (CampaignState.PAUSED, 600, 60)],
)
def test_too_little_says_nothing(state: CampaignState, sent: int, seconds: int) -> None:
    pace = pace_of(status(state, sent, 1200), now=BEGAN + timedelta(seconds=seconds))
    assert pace.per_second is None
    assert pace.time_left is None
