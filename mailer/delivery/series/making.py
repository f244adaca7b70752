"""Makes the issues that are due: each from the message as it is at that moment, checked, frozen, and put on the
schedule as a campaign of its own, all in one transaction with the row that says so. The campaign leaves as any other.

A moment is settled once, by whichever run comes first; what stops an issue is written beside it, and nobody is mailed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, insert, select, update

from mailer.compose.data.frozen import FrozenData
from mailer.compose.source.message_file import read_source
from mailer.compose.source.written import Source
from mailer.delivery.campaigns import lifecycle
from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.petition import in_each_language
from mailer.delivery.campaigns.plan import prepare
from mailer.delivery.data.fetch import RULES, FetchRules
from mailer.delivery.data.read import read_data
from mailer.delivery.notices.approvers import ask_for_approval
from mailer.delivery.schedule.recurring import STANDING, SeriesRule, from_json
from mailer.delivery.series.approval import issue_name, why_issue_not_approved
from mailer.delivery.series.due import file_digest
from mailer.delivery.series.issues import LastIssue, approval_of, last_issue
from mailer.delivery.series.planning import plan_next, read_rules, running
from mailer.diagnostics import Diagnostic
from mailer.editing.folders import LONGEST, name_of
from mailer.errors import MailerError
from mailer.review.approvals import keep_content
from mailer.review.content import NewsletterContent, PlannedTime
from mailer.staff import audit
from mailer.staff.actor import cron
from mailer.store.engine.database import Conflict, Database, DatabaseTrouble
from mailer.store.tables.core import campaigns
from mailer.store.tables.series import PLANNED, issues
from mailer.store.tables.states import CampaignKind, IssueState
from mailer.workspace import Newsletter, Workspace

MOST_MISSED = 400  # moments that are noted one by one
NOTHING_NEW = "nothing was new since the issue before"


class CheckedIssue(Protocol):
    """What the preflight says of an issue."""

    @property
    def plan(self) -> Plan | None: ...

    @property
    def errors(self) -> Sequence[Diagnostic]: ...


Check = Callable[[Source, datetime], CheckedIssue]


@dataclass(frozen=True, slots=True)
class SettledIssue:
    """What became of a moment in this run."""

    slug: str
    planned_at: datetime
    state: IssueState
    why: str = ""
    campaign: str = ""

    @property
    def is_trouble(self) -> bool:
        return self.state in (IssueState.FAILED, IssueState.MISSED)

    @property
    def in_words(self) -> str:
        """What became of it, for who looks at a run."""
        when = f"the issue of {self.planned_at:%Y-%m-%d %H:%M} UTC"
        if self.state is IssueState.COMPOSED:
            return f"{when} is made: {self.campaign}"
        if self.state is IssueState.SKIPPED:
            return f"{when} isn’t mailed: {self.why}"
        again = f" Then send it: mailer series send {self.slug}" if self.state is IssueState.FAILED else ""
        return f"{when} was NOT SENT: {self.why.rstrip('.')}.{again}"


class _Overtaken(Exception):
    """Another run settled this moment."""


class _NotYet(MailerError):
    """What the issue takes from elsewhere can't be read just now. It is tried again while it isn't too late."""


@dataclass(frozen=True, slots=True)
class _Made:
    """An issue, ready to be put on the schedule."""

    plan: Plan
    content: NewsletterContent
    standing: str  # the digest whose standing approval lets it leave; "" where each is approved
    data: Mapping[str, Any] | None
    since: datetime | None


@dataclass(frozen=True, slots=True)
class IssueMaker:
    """Settles what is due of all series. `check` is the preflight; `rules` bound what messages take from elsewhere."""

    workspace: Workspace
    database: Database
    check: Check
    rules: FetchRules = RULES
    told: list[SettledIssue] = field(default_factory=list[SettledIssue])

    def make_due(self, *, now: datetime) -> list[SettledIssue]:
        """Read the rules that were changed, then settle every moment that has come. Returns what was settled here."""
        read_rules(self.workspace, self.database, now=now)
        due = select(issues).where(PLANNED, issues.c.wake_at <= now).order_by(issues.c.planned_at)
        with self.database.read() as connection:
            waiting = connection.execute(due).all()
        rules = {row.slug: from_json(row.rule) for row in running(self.database)}
        for row in waiting:
            if rule := rules.get(row.slug):
                self._settle(row, rule, now=now)
        return self.told

    # One moment

    def _settle(self, row: Row[Any], rule: SeriesRule, *, now: datetime) -> None:
        """Make the issue of this moment; or of the last one that passed meanwhile, if that isn't too late."""
        passed = list(islice(takewhile(lambda one: one <= now, rule.after(row.planned_at)), MOST_MISSED))
        with self.database.read() as connection:
            noted = select(issues.c.planned_at).where(issues.c.slug == row.slug, issues.c.planned_at > row.planned_at)
            known = set(connection.execute(noted).scalars())
        moments = [row.planned_at, *(one for one in passed if one not in known)]
        last = moments[-1]
        missed = moments[:-1] if now - last <= rule.late else moments
        too_late = f"no `mailer run` came within {_hours(rule.late)} of its time"
        settled = [SettledIssue(row.slug, one, IssueState.MISSED, too_late) for one in missed]
        if missed and row.why:  # it was tried until then
            settled[0] = SettledIssue(row.slug, missed[0], IssueState.FAILED, row.why)
        made: _Made | None = None
        if last not in missed:
            try:
                outcome = self._made(row.slug, rule, last, now=now)
            except _NotYet as error:
                self._wait(row, error.message)
                return
            made = outcome if isinstance(outcome, _Made) else None
            settled += [outcome] if isinstance(outcome, SettledIssue) else []
        with suppress(_Overtaken, Conflict):
            try:
                settled += self._keep(row, rule, last, settled, made=made, now=now)
            except DatabaseTrouble:
                raise
            except MailerError as error:  # it can't be frozen: a picture is another one by now
                settled.append(SettledIssue(row.slug, last, IssueState.FAILED, error.message))
                self._keep(row, rule, last, settled, made=None, now=now)
            self.told.extend(settled)

    def _wait(self, row: Row[Any], why: str) -> None:
        """Note why an issue can't be made yet."""
        with self.database.write() as connection:
            connection.execute(update(issues).where(PLANNED, issues.c.id == row.id).values(why=why))

    def _made(self, slug: str, rule: SeriesRule, moment: datetime, *, now: datetime) -> _Made | SettledIssue:
        """The issue as the message makes it now; or why there is none. Raises `_NotYet`."""
        try:
            if not file_digest(Newsletter(self.workspace, slug)):  # it may be on another machine, whose run makes it
                raise _NotYet(f"there is no newsletters/{slug} with a message here")
            newsletter = self.workspace.newsletter(slug)
            with self.database.read() as connection:
                before, name = last_issue(connection, slug), _free_name(connection, newsletter, rule, moment)
            source = in_each_language(read_source(newsletter), lambda one: replace(one, issue=name))
            data: FrozenData | None = None
            if source.data_sources:
                data = self._read(source, before, now=now)
                source = replace(source, data=data)
                if data.new_items == 0:
                    return SettledIssue(slug, moment, IssueState.SKIPPED, NOTHING_NEW)
            checked = self.check(source, moment)
            if checked.errors or checked.plan is None:
                return SettledIssue(slug, moment, IssueState.FAILED, _in_short(checked.errors))
            plan = replace(checked.plan, series=None, kind=CampaignKind.ISSUE, parent=slug)
            content = content_of(plan, leaves=PlannedTime(moment, rule.zone))
            kept = data.to_json() if data else None
            return _Made(plan, content, self._standing(newsletter, rule, data), kept, before.made_at)
        except (DatabaseTrouble, _NotYet):
            raise
        except MailerError as error:
            return SettledIssue(slug, moment, IssueState.FAILED, _in_short(error.diagnostics) or error.message)
        except Exception as error:  # noqa: BLE001 - what else is due must go on
            return SettledIssue(slug, moment, IssueState.FAILED, f"a fault of Mailer itself: {type(error).__name__}")

    def _read(self, source: Source, before: LastIssue, *, now: datetime) -> FrozenData:
        """What the issue takes from elsewhere, asked for now. Raises `_NotYet`."""
        reading = read_data(
            self.database, source, now=now, since=before.made_at, seen=before.seen, apart=True, rules=self.rules
        )
        if not reading.is_whole:
            raise _NotYet(_in_short(reading.diagnostics))
        return reading.data

    def _standing(self, newsletter: Newsletter, rule: SeriesRule, data: FrozenData | None) -> str:
        """The digest of the series as it is, which a standing approval is of; "" where each issue is approved."""
        settings = self.workspace.settings.studio
        if not settings.approvals or approval_of(rule, settings) != STANDING:
            return ""
        source = replace(read_source(newsletter), data=data)
        return content_of(prepare(self.database, source).plan, leaves=None).digest

    def _keep(
        self, row: Row[Any], rule: SeriesRule, moment: datetime, settled: Sequence[SettledIssue], *,
        made: _Made | None, now: datetime,
    ) -> list[SettledIssue]:  # fmt: skip
        """Write it all down, in one transaction with the campaign; returns the issue, if one was made."""
        issue = [SettledIssue(row.slug, moment, IssueState.COMPOSED, campaign=made.plan.message.slug)] if made else []
        first, *others = [*settled, *issue]
        with self.database.write() as connection:
            self._claim(connection, row, first, now=now)
            for one in others:
                values = {"slug": one.slug, "planned_at": one.planned_at, "wake_at": one.planned_at}
                connection.execute(insert(issues).values(**values, **_outcome(one, now=now)))
            plan_next(connection, row.slug, rule, settings=self.workspace.settings.studio, now=now)
            for one in settled:
                subject = audit.newsletter_subject(one.slug)
                audit.record(connection, cron(), f"issue {one.state}", at=now, subject=subject, detail=one.why)
            if made is not None:
                number = lifecycle.put_on_schedule(
                    connection, made.plan, due_at=moment, zone=rule.zone, late=rule.late, now=now, by=cron()
                )
                self._keep_content(connection, number, made, rule.zone, now=now)
        return issue

    def _claim(self, connection: Connection, row: Row[Any], first: SettledIssue, *, now: datetime) -> None:
        mine = update(issues).where(PLANNED, issues.c.id == row.id, issues.c.planned_at == row.planned_at)
        if not connection.execute(mine.values(planned_at=first.planned_at, **_outcome(first, now=now))).rowcount:
            raise _Overtaken

    def _keep_content(self, connection: Connection, campaign_id: int, made: _Made, zone: str, *, now: datetime) -> None:
        """What an approval of the issue is of; and ask for one, unless a standing approval covers it."""
        settings, slug = self.workspace.settings, made.plan.message.slug
        digest = made.content.digest
        connection.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(content_digest=digest))
        kept = {"standing": made.standing, "since": made.since, "data": made.data}
        connection.execute(update(issues).where(issues.c.campaign == slug).values(kept))
        keep_content(connection, made.content, at=now)
        row = connection.execute(select(campaigns).where(campaigns.c.id == campaign_id)).one()
        if why_issue_not_approved(connection, row, settings.studio):
            name = issue_name(name_of(made.plan.parent), row.due_at, zone=zone)
            ask_for_approval(connection, cron(), made.content, settings=settings, name=name, at=now)


def _outcome(one: SettledIssue, *, now: datetime) -> dict[str, Any]:
    return {"state": one.state, "why": one.why, "campaign": one.campaign, "settled_at": now}


def _free_name(connection: Connection, newsletter: Newsletter, rule: SeriesRule, moment: datetime) -> str:
    """What the campaign is called: river-2026-12-01, or river-2026-12-01-2 where that is taken."""
    day = f"{moment.astimezone(ZoneInfo(rule.zone)):%Y-%m-%d}"
    taken = set(newsletter.workspace.slugs())
    number, found = 1, ""
    while not found or found in taken or lifecycle.find_campaign(connection, found) is not None:
        ending = f"-{day}" + (f"-{number}" if number > 1 else "")
        found, number = f"{newsletter.slug[: LONGEST - len(ending)].rstrip('-')}{ending}", number + 1
    return found


def _in_short(found: Sequence[Diagnostic]) -> str:
    """The first fault, and how many more there are."""
    stops = [one.sentence for one in found if one.stops]
    more = f" And {len(stops) - 1:,} more." if len(stops) > 1 else ""
    return f"{stops[0].rstrip('.')}.{more}" if stops else ""


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:g} h"
