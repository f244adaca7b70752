"""How far a newsletter's test is, for the pages of what has left: counted beside them, and what waits for staff."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.delivery.campaigns.status import CampaignStatus
from mailer.delivery.experiments.kept import KeptTest, find_test
from mailer.experiments.deciding import ArmCounts
from mailer.experiments.sampling import ahead_early
from mailer.experiments.words import named
from mailer.reports.tested.story import TestedStory
from mailer.store.tables.states import CampaignState, DecisionState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.results.kept_figures import newest_figures


@dataclass(frozen=True, slots=True)
class ShownTest:
    """`story` is None while it is counted. `asks`: staff decide; `early`: the version that is so far ahead that they
    may end it now, "" for none; `mark` changes with it."""

    story: TestedStory | None
    asks: bool
    early: str
    early_words: str
    mark: str


def shown_test(visit: Visit, status: CampaignStatus) -> ShownTest | None:
    """None where nothing is tested."""
    with visit.database.read() as connection:
        test = find_test(connection, status.campaign_id or 0)
    if test is None:
        return None
    kept = newest_figures(visit, status)
    story = kept.figures.test if kept else None
    if story is not None and story.state is not test.state:  # it was counted before the decision
        story = None
    is_open = status.state in (CampaignState.SENDING, CampaignState.PAUSED)
    early = _ahead(story, test) if story and is_open else ""
    words = f"{named(early)} is so far ahead that waiting changes nothing." if early else ""
    mark = f"{test.state} {kept.at.isoformat() if kept else ''}"
    return ShownTest(story, is_open and _asks(visit, test), early, words, mark)


def _asks(visit: Visit, test: KeptTest) -> bool:
    left = test.state in (DecisionState.OVERDUE, DecisionState.STOPPED)
    return left or (test.state is DecisionState.WAITING and visit.now >= test.decide_at)


def _ahead(story: TestedStory, test: KeptTest) -> str:
    if story.state is not DecisionState.WAITING:
        return ""
    counts = [ArmCounts(one.arm, one.sent, one.signed) for one in story.versions]
    return ahead_early(counts, prior=test.plan.prior)
