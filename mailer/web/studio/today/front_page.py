"""What the front page answers, gathered from the newsletters and from what the other rooms have waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.staff.rights import Right
from mailer.store.tables.states import CampaignState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import in_words
from mailer.web.studio.core.pages import may, step_path
from mailer.web.studio.core.rooms import WaitingTask
from mailer.web.studio.newsletters.listing import ListedNewsletter
from mailer.web.studio.results.told import USUAL_OF, UsualRate, usual_before
from mailer.web.studio.today.went_wrong import last_backup, went_wrong

COMING = 5
UNFINISHED = 3


@dataclass(frozen=True, slots=True)
class LastOne:
    """How the last newsletter that asked for something did, beside those before it."""

    newsletter: ListedNewsletter
    per_thousand: float
    usual: UsualRate | None  # None while there is no other
    heights: tuple[float, ...]  # of those before and of this, the oldest first, as shares of the highest


@dataclass(frozen=True, slots=True)
class FrontPage:
    """Everything on the page."""

    leaving: Sequence[ListedNewsletter]  # or paused in the midst of it
    soon: Sequence[ListedNewsletter]  # count down
    coming: Sequence[ListedNewsletter]
    drafts: Sequence[ListedNewsletter]  # changed last
    waits: Sequence[WaitingTask]
    wrong: Sequence[WaitingTask]
    last: LastOne | None
    is_empty: bool
    backup: datetime | None  # for those who look after the studio

    @property
    def headline(self) -> list[str]:
        """One or two sentences."""
        number = sum(one.status is not None and one.status.state is CampaignState.SENDING for one in self.leaving)
        now = f"{in_words(number)} newsletter{' is' if number == 1 else 's are'} leaving now."
        waiting = len(self.waits) + len(self.wrong)
        words = f"{in_words(waiting)} thing{' waits' if waiting == 1 else 's wait'} for you."
        if number:
            return [now, words] if waiting else [now]
        return [words] if waiting else ["All is quiet."]


def front_page(visit: Visit, found: Sequence[ListedNewsletter]) -> FrontPage:
    """The page as it is now; `found` is every newsletter."""
    rooms = visit.studio.rooms
    soon, backup = [one for one in found if one.state.soon], _backup(visit)
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
            *(task for room in rooms if room.wrong for task in room.wrong(visit)),
            *went_wrong(visit, found, backup=backup),
        ],
        last=last_one(found),
        is_empty=not found,
        backup=backup,
    )


def last_one(found: Sequence[ListedNewsletter]) -> LastOne | None:
    """The newest that was sent and asked for something."""
    done = [one for one in found if one.was_sent and one.per_thousand is not None]
    if not done:
        return None
    rates = [one.per_thousand or 0.0 for one in done[: USUAL_OF + 1]]
    highest = max(rates) or 1.0
    return LastOne(
        done[0], rates[0], usual_before(found, done[0].slug), tuple(rate / highest for rate in reversed(rates))
    )


def _backup(visit: Visit) -> datetime | None:
    if not may(visit, Right.SETTINGS):
        return None
    with visit.database.read() as connection:
        return last_backup(connection)


def _to_decide(visit: Visit, found: Sequence[ListedNewsletter]) -> list[WaitingTask]:
    if not may(visit, Right.PAUSE):
        return []
    return [
        WaitingTask(
            f"Decide about {one.uncertain:,} {'person' if one.uncertain == 1 else 'people'}",
            f"They may or may not have got “{one.name}”", step_path(visit, one, "following"), "Decide",
        )
        for one in found
        if one.uncertain and not one.file.is_away
    ]  # fmt: skip
