"""The series and their issues as the database has them: started, paused and stopped by staff, and listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from mailer.compose.data.frozen import FrozenData
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.lifecycle import find_campaign, note_decision, refuse_launched, take_off
from mailer.delivery.campaigns.status import GLANCE
from mailer.delivery.schedule.recurring import AHEAD_OF_APPROVAL, EACH, SeriesRule, from_json, to_json
from mailer.delivery.series.due import file_digest
from mailer.errors import MailerError
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.actor import Actor, NotAllowed
from mailer.staff.rights import Right
from mailer.store.tables.core import campaigns
from mailer.store.tables.series import PLANNED, issues, series
from mailer.store.tables.states import CampaignState, IssueState, SeriesState

NOT_MADE = (IssueState.MISSED, IssueState.FAILED)


@dataclass(frozen=True, slots=True)
class SeriesIssue:
    """One issue. `campaign`: its row without the message, once it is made; None too when staff took it off."""

    id: int
    slug: str  # of the newsletter
    planned_at: datetime
    wake_at: datetime
    state: IssueState
    why: str
    campaign_slug: str
    settled_at: datetime | None
    campaign: Row[Any] | None = None

    @property
    def launched_at(self) -> datetime | None:
        return self.campaign.launched_at if self.campaign is not None else None

    @property
    def waits(self) -> bool:
        """Whether it is made and didn't leave yet."""
        return self.campaign is not None and self.campaign.state == CampaignState.SCHEDULED

    @property
    def was_taken_off(self) -> bool:
        return self.state is IssueState.COMPOSED and self.campaign is None

    @property
    def trouble(self) -> str:
        """Why it didn't leave although it should have; "" for one that left, waits, or had nothing to say."""
        if self.state in (IssueState.MISSED, IssueState.FAILED):
            return self.why
        overdue = self.campaign is not None and self.campaign.state == CampaignState.OVERDUE
        return self.campaign.why if overdue and self.campaign is not None else ""


@dataclass(frozen=True, slots=True)
class SeriesStatus:
    """A series: its rule as it was read last, and its issues, the newest first."""

    slug: str
    state: SeriesState
    why: str
    rule: SeriesRule
    changed_at: datetime
    issues: Sequence[SeriesIssue]

    @property
    def next(self) -> SeriesIssue | None:
        """The issue that is made next."""
        planned = [one for one in self.issues if one.state is IssueState.PLANNED]
        return min(planned, key=lambda one: one.planned_at, default=None)

    @property
    def past(self) -> Sequence[SeriesIssue]:
        """Those that were made, or weren't for a reason."""
        return [one for one in self.issues if one.state is not IssueState.PLANNED]

    @property
    def last_sent(self) -> SeriesIssue | None:
        return next((one for one in self.issues if one.launched_at is not None), None)


def all_series(connection: Connection, slug: str | None = None, *, most: int = 100) -> list[SeriesStatus]:
    """Every series that was ever started, or the one of a newsletter, each with its newest issues."""
    query = select(series).order_by(series.c.slug)
    rows = connection.execute(query if slug is None else query.where(series.c.slug == slug)).all()
    return [
        SeriesStatus(
            row.slug, SeriesState(row.state), row.why, from_json(row.rule), row.changed_at,
            issues_of(connection, row.slug, most=most),
        )
        for row in rows
    ]  # fmt: skip


def issues_of(connection: Connection, slug: str, *, most: int | None = None) -> list[SeriesIssue]:
    """The issues of a newsletter, the newest first."""
    found = connection.execute(
        select(issues).where(issues.c.slug == slug).order_by(issues.c.planned_at.desc()).limit(most)
    ).all()
    made = select(*GLANCE).where(campaigns.c.slug.in_([row.campaign for row in found if row.campaign]))
    by_slug: Mapping[str, Row[Any]] = {row.slug: row for row in connection.execute(made)}
    return [
        SeriesIssue(
            row.id, row.slug, row.planned_at, row.wake_at, IssueState(row.state), row.why, row.campaign,
            row.settled_at, by_slug.get(row.campaign),
        )
        for row in found
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LastIssue:
    """The last issue that left or is to leave: when it was made, and what it knew. What came after it is new."""

    made_at: datetime | None = None  # None before the first
    seen: Sequence[str] = ()


def last_issue(connection: Connection, slug: str) -> LastIssue:
    """That of a newsletter."""
    found = next((one for one in issues_of(connection, slug) if one.launched_at or one.waits), None)
    if found is None:
        return LastIssue()
    data = connection.execute(select(issues.c.data).where(issues.c.id == found.id)).scalar()
    return LastIssue(found.settled_at, FrozenData.from_json(data).seen if data else ())


def rule_of(plan: Plan) -> SeriesRule:
    """The rule of a newsletter that repeats. Raises `MailerError` for one that doesn't."""
    if plan.series is None:
        remedy = 'Above its text write: series: {every: monday, at: "09:00"}. docs/series.md has more.'
        raise MailerError(f"{plan.newsletter.slug} has no series in its front matter", remedy=remedy)
    return plan.series


def ahead_of(rule: SeriesRule, settings: StudioSettings) -> timedelta:
    """How long before its moment an issue is made: as the rule says, or a day where each is approved."""
    if rule.ahead is not None:
        return rule.ahead
    return AHEAD_OF_APPROVAL if settings.approvals and approval_of(rule, settings) == EACH else timedelta()


def approval_of(rule: SeriesRule, settings: StudioSettings) -> str:
    """How its issues are approved: each, or standing."""
    return rule.approval or settings.series_approval


def start(connection: Connection, plan: Plan, actor: Actor, *, settings: StudioSettings, now: datetime) -> datetime:
    """Begin, or go on; returns when the next issue leaves. Raises `NotAllowed` without the right to send to its lists,
    and `MailerError` for a newsletter without a rule, and a rule whose last day is past."""
    rule, newsletter = rule_of(plan), plan.newsletter
    for name in sorted({plan.message.list, *plan.audience.include}):
        actor.require(Right.SEND, name)
    own = find_campaign(connection, newsletter.slug)
    refuse_launched(own)
    if own is not None:
        remedy = f"Take it off first: mailer unschedule {newsletter.slug}"
        raise MailerError(f"{newsletter.slug} is scheduled itself", remedy=remedy)
    found = next_free(connection, newsletter.slug, rule, now=now)
    if found is None:
        raise MailerError(f"the last day of this series, {rule.end}, is past", remedy="Change end in its front matter.")
    connection.execute(delete(issues).where(PLANNED, issues.c.slug == newsletter.slug))
    connection.execute(delete(series).where(series.c.slug == newsletter.slug))
    row = {"slug": newsletter.slug, "state": SeriesState.RUNNING, "rule": to_json(rule), "changed_at": now}
    connection.execute(insert(series).values(**row, file_digest=file_digest(newsletter)))
    plan_issue(connection, newsletter.slug, found, ahead=ahead_of(rule, settings))
    _note(connection, actor, "series started", newsletter.slug, at=now, detail=rule.in_words)
    return found


def halt(
    connection: Connection, slug: str, actor: Actor, *, list_name: str, to: SeriesState, now: datetime
) -> Sequence[str]:
    """Pause or stop a series. What was made and didn't leave is taken off the schedule: returns these campaigns.

    Raises `NotAllowed` without the right to send or to pause, and `MailerError` where nothing was started.
    """
    if not (actor.may(Right.PAUSE, list_name) or actor.may(Right.SEND, list_name)):
        raise NotAllowed(Right.PAUSE, list_name)
    states = (SeriesState.RUNNING, SeriesState.PAUSED)
    begun = (series.c.slug == slug, series.c.state.in_([one for one in states if one is not to]))
    if not connection.execute(update(series).where(*begun).values(state=to, why="", changed_at=now)).rowcount:
        raise MailerError(f"the series {slug} isn't running", remedy=f"To start it: mailer series start {slug}")
    connection.execute(delete(issues).where(PLANNED, issues.c.slug == slug))
    waiting = [one for one in issues_of(connection, slug) if one.waits]
    for one in waiting:
        take_off(connection, one.campaign_slug, now=now, by=actor)
        connection.execute(delete(issues).where(issues.c.id == one.id))  # so that it is planned again at a new start
    _note(connection, actor, f"series {to}", slug, at=now)
    return [one.campaign_slug for one in waiting]


def send_after_all(
    connection: Connection, slug: str, actor: Actor, *, list_name: str, hold: timedelta, now: datetime,
    campaign: str = "",
) -> SeriesIssue:  # fmt: skip
    """Let an issue go that didn't leave, the newest or that of a campaign: one that is made leaves after the hold, if
    it is approved by then; one that isn't is made now. Raises `NotAllowed`, and `MailerError` when there is none."""
    actor.require(Right.SEND, list_name)
    past = [one for one in issues_of(connection, slug) if one.state is not IssueState.PLANNED]
    newest = next((one for one in past if campaign in ("", one.campaign_slug)), None)
    if newest is not None and newest.campaign is not None and newest.campaign.state == CampaignState.OVERDUE:
        released = {"state": CampaignState.SCHEDULED, "why": "", "due_at": now + hold}
        overdue = (campaigns.c.id == newest.campaign.id, campaigns.c.state == CampaignState.OVERDUE)
        connection.execute(update(campaigns).where(*overdue).values(released))
        note_decision(connection, actor, "newsletter scheduled", newest.campaign_slug, at=now)
        return newest
    if newest is None or newest.state not in NOT_MADE:
        raise MailerError(f"no issue of {slug} is left to send", remedy=f"See: mailer series list {slug}")
    again = {"state": IssueState.PLANNED, "planned_at": now, "wake_at": now, "why": "", "settled_at": None}
    connection.execute(update(issues).where(issues.c.id == newest.id).values(again))
    _note(connection, actor, "issue sent after all", slug, at=now)
    return newest


def next_free(connection: Connection, slug: str, rule: SeriesRule, *, now: datetime) -> datetime | None:
    """The rule's first moment after now that no issue was made for, or settled; None: it has ended."""
    last = select(func.max(issues.c.planned_at)).where(issues.c.slug == slug, ~PLANNED)
    settled = connection.execute(last).scalar()
    return rule.next_after(max(now, settled) if settled is not None else now)


def plan_issue(connection: Connection, slug: str, moment: datetime, *, ahead: timedelta) -> None:
    """Note an issue that is to be made."""
    row = {"slug": slug, "planned_at": moment, "wake_at": moment - ahead, "state": IssueState.PLANNED}
    connection.execute(insert(issues).values(row))


def _note(connection: Connection, actor: Actor, action: str, slug: str, *, at: datetime, detail: str = "") -> None:
    audit.record(connection, actor, action, at=at, subject=audit.newsletter_subject(slug), detail=detail)
