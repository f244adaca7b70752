"""How a newsletter is, in the words that people see, each with its icon and tone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.delivery.campaigns.status import CampaignStatus
from mailer.store.tables.states import CampaignState, DeliveryState
from mailer.web.studio.core.moments import span

HOURS_FROM = 90  # minutes


@dataclass(frozen=True, slots=True)
class ShownState:
    """A state: its word, the icon beside it, and its tone ("" at rest, go moving, ok good, warn to be looked at).
    `soon`: it counts down, so everybody who may stop it should see how."""

    label: str
    icon: str
    tone: str = ""
    soon: bool = False


DRAFT = ShownState("Draft", "circle-dashed")
IN_REVIEW = ShownState("In review", "message-square")
APPROVED = ShownState("Approved", "circle-check", "ok")
SCHEDULED = ShownState("Scheduled", "clock", "go")
SENDING = ShownState("Sending", "send", "go")
PAUSED = ShownState("Paused", "pause", "warn")
NEEDS_A_LOOK = ShownState("Needs a look", "triangle-alert", "warn")
STOPPED = ShownState("Stopped", "octagon-x")
SENT = ShownState("Sent", "check")
AWAY = ShownState("Put away", "archive")
REPEATS = ShownState("Repeats", "calendar", "go")


def state_of(status: CampaignStatus | None, *, is_away: bool, hold: timedelta, now: datetime) -> ShownState:
    """The state of a newsletter that was scheduled or sent, or (without a status) of one that wasn't yet. `hold`: how
    long it counts down before it leaves."""
    if status is None:
        return AWAY if is_away else DRAFT
    if status.state is CampaignState.SCHEDULED:
        if status.due_at is not None and (left := status.due_at - now) <= hold:
            return ShownState(f"Leaving {_ahead(left)}", "timer", "go", soon=True)
        return SCHEDULED
    if status.state is CampaignState.FINISHED:
        if is_away:
            return AWAY
        undecided = status.people.get(DeliveryState.UNCERTAIN) or status.people.get(DeliveryState.HELD)
        return NEEDS_A_LOOK if undecided else SENT
    found = {
        CampaignState.SENDING: SENDING, CampaignState.PAUSED: PAUSED, CampaignState.OVERDUE: NEEDS_A_LOOK,
        CampaignState.CANCELLED: STOPPED,
    }  # fmt: skip
    return found[CampaignState(status.state)]


def _ahead(left: timedelta) -> str:
    minutes = max(0, -(-left // timedelta(minutes=1)))
    if minutes >= HOURS_FROM:
        return f"in {span(left)}"
    return f"in {minutes} min" if minutes else "now"
