"""What became of an issue, in campaigners' words."""

from __future__ import annotations

import re

from mailer.counting import counted
from mailer.delivery.series.issues import SeriesIssue
from mailer.store.tables.states import CampaignState, IssueState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.following.told import plain_why
from mailer.web.studio.newsletters.listing import ListedNewsletter
from mailer.web.studio.newsletters.states import NEEDS_A_LOOK, SCHEDULED, STOPPED, ShownState

FILE = re.compile(r"newsletters/\S+?:(\d+:)? ")  # where a fault is, for those who write in the file
SKIPPED = ShownState("Nothing new", "minus")
NOT_SENT = ShownState("Not sent", "x")
WORDS = {
    IssueState.SKIPPED: "Nothing was new, so nobody was written to",
    IssueState.PLANNED: "It is made as soon as the program runs again",
}


def state_of_issue(issue: SeriesIssue, listed: ListedNewsletter | None, *, stuck: bool = True) -> ShownState:
    """How an issue is. `listed`: its campaign, once it is made; `stuck`: somebody should still decide about it."""
    if listed is not None:
        return listed.state
    if issue.was_taken_off:
        return STOPPED
    if issue.state is IssueState.PLANNED:
        return SCHEDULED
    if issue.state is IssueState.SKIPPED:
        return SKIPPED
    return NEEDS_A_LOOK if stuck else NOT_SENT


def words_of(issue: SeriesIssue, listed: ListedNewsletter | None) -> str:
    """What to know of it: how many got it and what they did, or why nobody did."""
    if issue.trouble:
        return f"{words_of_why(issue.trouble)} Nobody got it."
    if issue.was_taken_off:
        return "Taken off before it left. Nobody got it."
    if listed is None or listed.status is None:
        return WORDS.get(issue.state, "")
    if listed.status.state is CampaignState.SCHEDULED:
        return "Made, and not yet sent"
    signed = f", {listed.signed:,} signed" if listed.has_ask else ""
    return f"{counted(listed.sent)} got it{signed}"


def words_of_why(why: str) -> str:
    """Why an issue isn't made or didn't leave, as a sentence."""
    return sentence(FILE.sub("", plain_why(why)))


def sentence(words: str) -> str:
    """With a capital and a full stop."""
    words = words.strip()
    return f"{words[:1].upper()}{words[1:].rstrip('.')}." if words else ""


def day_of(visit: Visit, issue: SeriesIssue) -> str:
    """1 Dec, or 1 Dec 2025 in another year."""
    local = issue.planned_at.astimezone(visit.zone)
    return f"{local:%-d %b}" + ("" if local.year == visit.now.astimezone(visit.zone).year else f" {local.year}")
