"""Newsletters as lists show them: what their files, the ledger and people's signatures say; grouped and filtered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from mailer.delivery.campaigns.status import CampaignStatus, campaign_statuses
from mailer.delivery.series.due import NextIssue, next_moments
from mailer.editing.folders import name_of
from mailer.errors import MailerError
from mailer.review.approvals import WROTE
from mailer.review.waiting import OpenReview, open_reviews
from mailer.staff.accounts import accounts
from mailer.staff.audit import newsletters_of
from mailer.staff.rights import RIGHTS, Right
from mailer.store.tables.core import links
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import CampaignKind, CampaignState, DeliveryState, SeriesState
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import month
from mailer.web.studio.core.palette import matches
from mailer.web.studio.newsletters.issues import files_of_issues
from mailer.web.studio.newsletters.kept_counts import counts_of
from mailer.web.studio.newsletters.shelf import ShelvedNewsletter, shelf_of
from mailer.web.studio.newsletters.states import (
    APPROVED,
    DRAFT,
    IN_REVIEW,
    PAUSED,
    REPEATS,
    ShownState,
    state_of,
)
from mailer.web.studio.review.overview import overview

ON_ITS_WAY = (CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED, CampaignState.OVERDUE)
SERIES_STATES = {SeriesState.RUNNING: REPEATS, SeriesState.PAUSED: PAUSED}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ListedNewsletter:
    """A newsletter with everything a list says of it. `status` is None before it was scheduled or sent."""

    file: ShelvedNewsletter
    status: CampaignStatus | None
    state: ShownState
    list_title: str  # of the list its mails are sent for
    has_ask: bool  # it leads to a page where people sign
    signed: int
    series: NextIssue | None = None  # of one that repeats and was started

    @property
    def slug(self) -> str:
        return self.file.slug

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def is_issue(self) -> bool:
        """Whether it is an issue of another newsletter, without files of its own."""
        return self.status is not None and self.status.kind is CampaignKind.ISSUE

    @property
    def repeats(self) -> bool:
        return self.status is None and self.file.repeats

    @property
    def is_running(self) -> bool:
        """Whether it repeats, and another issue comes."""
        return self.repeats and self.series is not None and self.series.at is not None

    @property
    def sent(self) -> int:
        """People whose mail was taken."""
        return self.status.people.get(DeliveryState.SENT, 0) if self.status else 0

    @property
    def asked(self) -> int:
        """People it is or was for, once that is decided."""
        return sum(self.status.people.values()) if self.status else 0

    @property
    def uncertain(self) -> int:
        return self.status.people.get(DeliveryState.UNCERTAIN, 0) if self.status else 0

    @property
    def held(self) -> int:
        """People whose hour was past before it was their turn."""
        return self.status.people.get(DeliveryState.HELD, 0) if self.status else 0

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        people = self.status.people if self.status else dict[DeliveryState, int]()
        waiting = people.get(DeliveryState.QUEUED, 0) + people.get(DeliveryState.SENDING, 0)
        return 1 - waiting / self.asked if self.asked else 0.0

    @property
    def per_thousand(self) -> float | None:
        return 1000 * self.signed / self.sent if self.sent and self.has_ask else None

    @property
    def when(self) -> datetime | None:
        """When it, or the next issue of it, leaves or left."""
        if self.is_running and self.series is not None:
            return self.series.at
        return (self.status.launched_at or self.status.due_at) if self.status else None

    @property
    def is_moving(self) -> bool:
        return self.status is not None and self.status.state in (CampaignState.SENDING, CampaignState.PAUSED)

    @property
    def is_on_its_way(self) -> bool:
        return self.is_running or (self.status is not None and self.status.state in ON_ITS_WAY)

    @property
    def is_draft(self) -> bool:
        return self.status is None and not self.file.is_away and not self.is_running

    @property
    def was_sent(self) -> bool:
        """Whether it left and is over. One that was cancelled before it left may still be sent."""
        ended = (CampaignState.FINISHED, CampaignState.CANCELLED)
        return self.status is not None and self.status.launched_at is not None and self.status.state in ended


def has_left(newsletter: ListedNewsletter) -> bool:
    """Whether it began to leave, so that there is something to follow and to report."""
    return newsletter.status is not None and newsletter.status.launched_at is not None


def everything(visit: Visit) -> list[ListedNewsletter]:
    """All newsletters: what is on its way first, then drafts and what was sent, the newest first.

    Several rooms ask for them on one page, so they are read once for a visit; events come with a visit for each look.
    """
    kept: tuple[Visit, list[ListedNewsletter]] | None = getattr(visit.request.state, "everything", None)
    if kept is None or kept[0] is not visit:
        kept = visit, _everything(visit)
        visit.request.state.everything = kept
    return kept[1]


def _everything(visit: Visit) -> list[ListedNewsletter]:
    count = counts_of(visit.studio).count
    with visit.database.read() as connection:
        statuses = {one.slug: one for one in campaign_statuses(connection, count=count)}
        reviews = {one.slug: one for one in open_reviews(connection, visit.workspace.settings.studio)}
        signed, asking, series = _signed(connection), _asking(connection), next_moments(connection)
    files = {one.slug: one for one in shelf_of(visit.studio).newsletters(visit.workspace)}
    files |= files_of_issues(visit, files, statuses.values())
    titles = list_titles(visit)
    found = [
        _listed(
            visit, files.get(slug) or _gone(slug), statuses.get(slug), titles, signed=signed, asking=asking,
            review=reviews.get(slug), series=series.get(slug),
        )
        for slug in dict.fromkeys([*files, *statuses])
    ]  # fmt: skip
    return sorted(found, key=lambda one: _order(one, visit.now))


def one(visit: Visit, slug: str) -> ListedNewsletter:
    """One newsletter, or an issue of one. Raises `MailerError` when there is none."""
    with visit.database.read() as connection:
        count = counts_of(visit.studio).count
        status = next((one for one in campaign_statuses(connection, slug=slug, count=count)), None)
        series = next_moments(connection)
    shelf, of_issue = shelf_of(visit.studio), status is not None and status.kind is CampaignKind.ISSUE
    if status is not None and of_issue:
        files = {one.slug: one for one in shelf.newsletters(visit.workspace)}
        file = files_of_issues(visit, files, [status])[slug]
    else:
        file = shelf.newsletter(visit.workspace, slug)
    with visit.database.read() as connection:
        review = next(iter(open_reviews(connection, visit.workspace.settings.studio, slug)), None)
        number = status.campaign_id if status else None
        signed, asking = (_signed(connection, number), _asking(connection)) if number else ({}, set[int]())
    return _listed(
        visit, file, status, list_titles(visit), signed=signed, asking=asking, review=review, series=series.get(slug)
    )


@dataclass(frozen=True, slots=True)
class ListFilter:
    """What a list is narrowed to; "" is everything."""

    words: str = ""
    state: str = ""  # one of `VIEWS`
    list: str = ""
    month: str = ""  # as 2026-11
    writer: str = ""  # the number of an account

    @property
    def is_all(self) -> bool:
        return not (self.words or self.list or self.month or self.writer or self.state)


VIEWS: Mapping[str, str] = {
    "": "All", "drafts": "Drafts", "scheduled": "Scheduled", "sent": "Sent", "away": "Put away",
}  # fmt: skip


def wanted(found: Sequence[ListedNewsletter], asked: ListFilter, visit: Visit) -> list[ListedNewsletter]:
    """Those of them that are asked for."""
    theirs = _written_by(visit, asked.writer)
    return [
        one
        for one in found
        if in_view(one, asked.state)
        and (not asked.words or matches(asked.words, one.name, one.file.subject, one.file.preheader, one.slug))
        and (not asked.list or asked.list == one.file.list)
        and (theirs is None or one.slug in theirs)
        and (not asked.month or f"{(one.when or one.file.changed_at).astimezone(visit.zone):%Y-%m}" == asked.month)
    ]


def writers(visit: Visit) -> list[tuple[str, str]]:
    """The accounts that may write, by their numbers: whose newsletters can be asked for."""
    with visit.database.read() as connection:
        return [
            (str(one.id), one.name or one.address) for one in accounts(connection) if Right.WRITE in RIGHTS[one.role]
        ]


def _written_by(visit: Visit, writer: str) -> frozenset[str] | None:
    """The newsletters that an account began or saved; None where nobody is asked for."""
    if not (writer.isascii() and writer.isdigit() and len(writer) < 19):
        return None
    with visit.database.read() as connection:
        return newsletters_of(connection, int(writer), WROTE)


def in_view(one: ListedNewsletter, view: str) -> bool:
    """Whether a newsletter belongs to a view of the list. What was put away is in its own alone."""
    if one.file.is_away or view == "away":
        return one.file.is_away and view == "away"
    found = {"drafts": one.is_draft, "scheduled": one.is_on_its_way, "sent": one.was_sent}
    return found.get(view, True)


def grouped(found: Sequence[ListedNewsletter], visit: Visit) -> list[tuple[str, list[ListedNewsletter]]]:
    """The list under its headings."""
    groups: dict[str, list[ListedNewsletter]] = {}
    for one in found:
        if one.is_on_its_way:
            heading = "On its way"
        elif one.status is None:
            heading = "Put away" if one.file.is_away else "Drafts"
        else:
            heading = f"Sent in {month(one.when or one.file.changed_at, visit.zone, visit.now)}"
        groups.setdefault(heading, []).append(one)
    return list(groups.items())


def list_titles(visit: Visit) -> dict[str, str]:
    """Every list by its file's name: what people call it."""
    found: dict[str, str] = {}
    for name in visit.workspace.list_names():
        try:
            found[name] = visit.workspace.list_definition(name).title
        except MailerError:  # its definition has faults; the room Lists says which
            found[name] = name
    return found


def _listed(
    visit: Visit, file: ShelvedNewsletter, status: CampaignStatus | None, titles: Mapping[str, str], *,
    signed: Mapping[int, int], asking: set[int], review: OpenReview | None, series: NextIssue | None,
) -> ListedNewsletter:  # fmt: skip
    state = state_of(
        status, is_away=file.is_away, hold=visit.workspace.settings.studio.hold_for, now=visit.now
    )  # fmt: skip
    if state is DRAFT and file.repeats and series is not None and series.state in SERIES_STATES:
        state = SERIES_STATES[series.state]
    elif state is DRAFT and review is not None:
        state = _in_review(visit, review)
    number = status.campaign_id if status else None
    name = status.include[0] if status and status.include else file.list
    return ListedNewsletter(
        file=file, status=status, state=state,
        list_title=titles.get(name, name), has_ask=number in asking, signed=signed.get(number or 0, 0),
        series=series,
    )  # fmt: skip


def _in_review(visit: Visit, review: OpenReview) -> ShownState:
    """How a draft is that somebody asked approval for or approved. Whether an approval still counts its files say."""
    if review.is_approved and overview(visit, review.slug).is_approved:
        return APPROVED
    return IN_REVIEW if review.asked else DRAFT


def _gone(slug: str) -> ShelvedNewsletter:
    """One that was sent and whose folder isn't there any more."""
    return ShelvedNewsletter(slug, name_of(slug), "", "", "", "", "", False, LONG_AGO, False)


def _signed(connection: Connection, campaign_id: int | None = None) -> dict[int, int]:
    """How many people signed by way of each mail, or of one."""
    column = signatures.c.campaign_id
    wanted = column.is_not(None) if campaign_id is None else column == campaign_id
    rows = connection.execute(select(column, func.count()).where(wanted).group_by(column))
    return {int(number): int(count) for number, count in rows}


def _asking(connection: Connection) -> set[int]:
    """The campaigns whose mail leads to a page where people sign."""
    return set(connection.execute(select(links.c.campaign_id).where(links.c.is_action).distinct()).scalars())


def _order(one: ListedNewsletter, now: datetime) -> tuple[int, float]:
    if one.is_moving:
        return 0, 0.0
    if one.is_on_its_way:
        return 1, ((one.when or now) - now).total_seconds()
    newest = (now - (one.when or one.file.changed_at)).total_seconds()
    return (2 if one.status is None else 3), newest
