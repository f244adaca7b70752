"""How far the review of a newsletter is, by its files as they are now: what the room, the way and lists say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection

from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.lifecycle import find_campaign
from mailer.delivery.campaigns.orders import leaving_time
from mailer.errors import MailerError
from mailer.review.approvals import Approval, ReviewState, review_state, steps_of
from mailer.review.changes import Change, changes
from mailer.review.content import NewsletterContent, PlannedTime
from mailer.store.tables.states import CampaignState
from mailer.web.last_used import LastUsed
from mailer.web.studio.compose.looks import DraftLook, looks_of
from mailer.web.studio.core.context import Studio, Visit
from mailer.web.studio.core.rooms import Fact, Weight

KEPT = 60  # contents that somebody looked at, of all newsletters together


@dataclass(frozen=True, slots=True)
class ReviewOverview:
    """The review of a newsletter now. `content` and `state` are None while it can't be made, and `fault` says why.
    `is_scheduled`: it leaves by itself, at `leaves` or soon."""

    look: DraftLook
    content: NewsletterContent | None
    state: ReviewState | None
    leaves: PlannedTime | None
    is_scheduled: bool
    was_launched: bool
    fault: str = ""

    @property
    def is_approved(self) -> bool:
        return self.state is not None and bool(self.state.counting) and not self.state.missing

    @property
    def is_open(self) -> bool:
        """Somebody asked for approval, and it isn't there."""
        return self.state is not None and self.state.asked is not None and not self.is_approved


def keep_seen(studio: Studio, content: NewsletterContent) -> None:
    """Keep what somebody looks at, so that what changes meanwhile can be shown."""
    _seen(studio).keep(content.digest, content)


def changed_since_seen(studio: Studio, digest: str, content: NewsletterContent) -> Sequence[Change]:
    """What changed since somebody looked at the newsletter as it was then; nothing when that is long ago."""
    before = _seen(studio).get(digest)
    return changes(before, content) if before is not None and before.slug == content.slug else ()


def overview(visit: Visit, slug: str) -> ReviewOverview:
    """The review of the newsletter `slug` as its files are now."""
    look = looks_of(visit.studio).saved(visit, slug)
    with visit.database.read() as connection:
        return overview_of(visit, connection, look)


def overview_of(visit: Visit, connection: Connection, look: DraftLook) -> ReviewOverview:
    """The same for a look at it that was taken already."""
    row = find_campaign(connection, look.slug)
    is_scheduled = row is not None and row.state == CampaignState.SCHEDULED
    leaves = leaving_time(connection, look.slug)
    found = ReviewOverview(look, None, None, leaves, is_scheduled, row is not None and row.launched_at is not None)
    if look.press is None or look.errors:
        first = next((one for one in look.found if one.stops), None)
        return _faulty(found, first.message if first else "it can’t be made")
    try:
        content = content_of(look.press.plan, leaves=leaves)
    except MailerError as error:
        return _faulty(found, error.message)
    state = review_state(connection, content, visit.workspace.settings.studio)
    return ReviewOverview(look, content, state, leaves, is_scheduled, found.was_launched)


def fact_of(visit: Visit, slug: str) -> Fact:
    """What the way says below Review. The files are looked at only where there is an approval that may be void."""
    with visit.database.read() as connection:
        steps: Sequence[Approval] = steps_of(connection, slug)
    needed = visit.workspace.settings.studio.approvals
    if not steps:
        return Fact("Not asked for yet" if needed else "No approval needed")
    found = overview(visit, slug)
    state = found.state
    if state is None:
        return Fact("Something to fix first", Weight.LOOK)
    if state.counting:
        words = state.in_words.capitalize() if needed and state.missing else "Approved"
        return Fact(words, Weight.GOOD if found.is_approved else Weight.PLAIN)
    if state.outdated:
        return Fact("Approval no longer counts", Weight.LOOK)
    return Fact("Asked for" if state.asked else "Not asked for yet")


def _seen(studio: Studio) -> LastUsed[str, NewsletterContent]:
    kept = studio.kept.setdefault("seen contents", LastUsed[str, NewsletterContent](KEPT))
    return cast("LastUsed[str, NewsletterContent]", kept)


def _faulty(found: ReviewOverview, message: str) -> ReviewOverview:
    words = f"{message[:1].upper()}{message[1:]}".rstrip(".")
    return ReviewOverview(found.look, None, None, found.leaves, found.is_scheduled, found.was_launched, words)
