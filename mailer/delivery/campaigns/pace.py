"""How far a campaign is, how fast it goes, and how long the rest takes at that rate. Pure: a status in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.delivery.campaigns.status import CampaignStatus
from mailer.store.tables.states import CampaignState, DeliveryState

LEAST_PEOPLE, LEAST_TIME = 20, timedelta(seconds=10)  # before which a rate says nothing


@dataclass(frozen=True, slots=True)
class CampaignPace:
    """`done`: people whose turn came, whatever became of it, of `people` in all."""

    done: int
    people: int
    per_second: float | None = None  # None while it isn't sending, or just began

    @property
    def left(self) -> int:
        return self.people - self.done

    @property
    def time_left(self) -> timedelta | None:
        """At the rate so far."""
        return timedelta(seconds=self.left / self.per_second) if self.per_second else None


def pace_of(status: CampaignStatus, *, now: datetime) -> CampaignPace:
    """The pace since the launch, or since the last resume: what a pause took doesn't count."""
    people = sum(status.people.values())
    waiting = status.people.get(DeliveryState.QUEUED, 0) + status.people.get(DeliveryState.SENDING, 0)
    done, since = people - waiting, status.resumed_at or status.launched_at
    if status.state is not CampaignState.SENDING or since is None:
        return CampaignPace(done, people)
    mailed = done if status.resumed_at is None else status.mailed_since
    if mailed < LEAST_PEOPLE or now - since < LEAST_TIME:
        return CampaignPace(done, people)
    return CampaignPace(done, people, mailed / (now - since).total_seconds())
