"""What the front page answers, gathered from the newsletters and from what the other rooms have waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.store.tables.states import CampaignState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import in_words
from mailer.web.studio.core.pages import step_path
from mailer.web.studio.core.rooms import WaitingTask
from mailer.web.studio.newsletters.listing import ListedNewsletter

USUAL_OF = 10  # newsletters that "usual" is made of
COMING = 5
UNFINISHED = 3


@dataclass(frozen=True, slots=True)
class LastOne:
    """How the last newsletter that asked for something did, beside those before it."""

    newsletter: ListedNewsletter
    per_thousand: float
    usual: float | None  # None while there is no other
    heights: tuple[float, ...]  # of those before and of this, the oldest first, as shares of the highest


@dataclass(frozen=True, slots=True)
class FrontPage:
    """Everything on the page."""

    leaving: Sequence[ListedNewsletter]
    soon: Sequence[ListedNewsletter]  # leave within minutes
    coming: Sequence[ListedNewsletter]
    drafts: Sequence[ListedNewsletter]  # changed last
    waits: Sequence[WaitingTask]
    wrong: Sequence[WaitingTask]
    last: LastOne | None
    is_empty: bool

    @property
    def headline(self) -> list[str]:
        """One or two sentences."""
        number = len(self.leaving)
        now = f"{in_words(number)} newsletter{' is' if number == 1 else 's are'} leaving now."
        waiting = len(self.waits) + len(self.wrong)
        words = f"{in_words(waiting)} thing{' waits' if waiting == 1 else 's wait'} for you."
        if number:
            return [now, words] if waiting else [now]
        return [words] if waiting else ["All is quiet."]


def front_page(visit: Visit, found: Sequence[ListedNewsletter]) -> FrontPage:
    """The page as it is now; `found` is every newsletter."""
    rooms = visit.studio.rooms
    soon = [one for one in found if one.state.soon]
    return FrontPage(
        leaving=[one for one in found if one.is_moving],
        soon=soon,
        coming=[one for one in found if one.is_on_its_way and not one.is_moving and one not in soon][:COMING],
        drafts=[one for one in found if one.is_draft][:UNFINISHED],
        waits=[
            *_to_decide(visit, found),
            *(task for room in rooms if room.waits for task in room.waits(visit)),
        ],
        wrong=[
            *_wrong(visit, found),
            *(task for room in rooms if room.wrong for task in room.wrong(visit)),
        ],
        last=last_one(found),
        is_empty=not found,
    )


def last_one(found: Sequence[ListedNewsletter]) -> LastOne | None:
    """The newest that was sent and asked for something."""
    done = [one for one in found if one.was_sent and one.per_thousand is not None]
    if not done:
        return None
    rates = [one.per_thousand or 0.0 for one in done[: USUAL_OF + 1]]
    before = rates[1:]
    highest = max(rates) or 1.0
    return LastOne(
        done[0], rates[0], sum(before) / len(before) if before else None,
        tuple(rate / highest for rate in reversed(rates)),
    )  # fmt: skip


def _to_decide(visit: Visit, found: Sequence[ListedNewsletter]) -> list[WaitingTask]:
    return [
        WaitingTask(
            f"Decide about {one.uncertain:,} {'person' if one.uncertain == 1 else 'people'}",
            f"They may or may not have got “{one.name}”", step_path(visit, one, "following"), "Decide",
        )
        for one in found
        if one.uncertain and not one.file.is_away
    ]  # fmt: skip


def _wrong(visit: Visit, found: Sequence[ListedNewsletter]) -> list[WaitingTask]:
    tasks: list[WaitingTask] = []
    for one in found:
        status = one.status
        if status is None or one.file.is_away:
            continue
        path = step_path(visit, one, "following")
        why = f"{status.why[:1].upper()}{status.why[1:]}".rstrip(".")
        if status.state is CampaignState.OVERDUE:
            title, at = f"“{one.name}” did not leave at its time", step_path(visit, one, "send")
            tasks.append(WaitingTask(title, why or "Nobody got it", at, "See why", "triangle-alert"))
        elif status.state is CampaignState.PAUSED:
            left = f"{one.asked - round(one.asked * one.share):,} people still wait for it"
            tasks.append(
                WaitingTask(f"“{one.name}” is paused", f"{why}. {left}" if why else left, path, "Look", "pause")
            )
        elif status.state is CampaignState.SENDING and status.troubles:
            words = "Everybody who has not got it waits, and it is tried again each minute"
            tasks.append(
                WaitingTask(
                    f"“{one.name}” can’t leave: the mail server doesn’t answer", words, path, "Look", "triangle-alert"
                )
            )
    return tasks
