"""Who is where in an automation, counted beside the page, in campaigners' words."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mailer.automations.control.figures import (
    AutomationFigures,
    automation_figures,
    automation_states,
)
from mailer.automations.steps import Automation, SendStep
from mailer.store.tables.states import AutomationState, DeliveryState, WhyLeft
from mailer.web.counted_beside import CountedBeside, CountedFigures
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.states import DRAFT, PAUSED, ShownState

KEPT = 50
FRESH_SECONDS = 3  # how old numbers may be before they are counted again
STATES: Mapping[AutomationState, ShownState] = {
    AutomationState.ACTIVE: ShownState("Active", "play", "go"),
    AutomationState.CLOSING: ShownState("Closing", "log-out"),
    AutomationState.STOPPED: ShownState("Stopped", "octagon-x"),
}
LEFT: Mapping[str, str] = {  # why, in words that follow a number of people
    WhyLeft.UNSUBSCRIBED: "left the list", WhyLeft.SUPPRESSED: "can’t be mailed any more",
    WhyLeft.FORGOTTEN: "were forgotten", WhyLeft.SIGNED: "signed", WhyLeft.REPLIED: "replied",
    WhyLeft.STAFF: "were taken out by you", WhyLeft.STOPPED: "were inside when it was stopped",
}  # fmt: skip
WAITING = (DeliveryState.QUEUED, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True)
class StepFigure:
    """A number at a step, and what it counts."""

    number: int
    words: str


@dataclass(frozen=True, slots=True)
class ShownFigures:
    """An automation in numbers. `elsewhere`: people in steps of earlier versions that the file no longer has."""

    figures: AutomationFigures
    steps: Mapping[str, Sequence[StepFigure]]
    elsewhere: int

    @property
    def left(self) -> list[tuple[int, str]]:
        """Who left before the end, the most first."""
        return [(number, LEFT.get(reason, reason)) for reason, number in self.figures.left.most_common()]


def newest_figures(visit: Visit, slug: str) -> CountedFigures[AutomationFigures | None] | None:
    """The newest numbers; None while they are counted for the first time. In them None: it was never started."""
    kept = visit.studio.kept.setdefault("automation figures", CountedBeside[AutomationFigures | None](KEPT))

    def count() -> AutomationFigures | None:
        with visit.database.read(of_everyone=True) as connection:
            return automation_figures(connection, slug)

    with visit.database.read() as connection:
        state = automation_states(connection).get(slug)
    mark = f"{state} {int(visit.now.timestamp()) // FRESH_SECONDS}"
    return cast("CountedBeside[AutomationFigures | None]", kept).newest(
        slug, mark, count, clock=visit.studio.clock, beside=visit.studio.beside
    )


def mark_of(visit: Visit, slug: str) -> str:
    """Changes when one of the numbers does."""
    kept = newest_figures(visit, slug)
    return hashlib.sha256(repr(kept.figures).encode()).hexdigest()[:16] if kept else ""


def shown_figures(figures: AutomationFigures, automation: Automation | None) -> ShownFigures:
    """The numbers at the steps as they are drawn, of all versions together."""
    names = {step.name for step in automation.steps} if automation else set[str]()
    inside, mails = Counter[str](), dict[str, Counter[DeliveryState]]()
    for version in figures.versions:
        for step in version.steps:
            inside[step.step] += step.inside
            mails.setdefault(step.step, Counter()).update(step.mails)
    steps: dict[str, list[StepFigure]] = {}
    for step in automation.steps if automation else ():
        found = _mails(mails.get(step.name, Counter())) if isinstance(step, SendStep) else []
        if inside[step.name]:
            found.append(StepFigure(inside[step.name], "here now"))
        steps[step.name] = found
    return ShownFigures(figures, steps, sum(number for name, number in inside.items() if name not in names))


def state_of(visit: Visit, slug: str) -> ShownState:
    """How an automation is."""
    with visit.database.read() as connection:
        state = automation_states(connection).get(slug)
    return shown_state(state)


def shown_state(state: AutomationState | None, *, is_paused: bool = False) -> ShownState:
    """A state in words; None is one that was never started."""
    if state is None:
        return DRAFT
    return PAUSED if is_paused and state is not AutomationState.STOPPED else STATES[state]


def _mails(mails: Mapping[DeliveryState, int]) -> list[StepFigure]:
    """What became of a step's mails."""
    waiting = sum(mails.get(state, 0) for state in WAITING)
    numbers = (
        (mails.get(DeliveryState.SENT, 0), "mailed"), (waiting, "about to leave"),
        (mails.get(DeliveryState.UNCERTAIN, 0), "may or may not have got it"),
        (mails.get(DeliveryState.FAILED, 0), "refused"),
    )  # fmt: skip
    return [StepFigure(number, words) for number, words in numbers if number or words == "mailed"]
