"""Who is still in an automation when a step's mail is to leave: read at the hand-over, like consent.

`still_inside` is a condition for the statement that records the intent, `reasons_out` says why it held somebody back;
the two agree. The engine of automations asks the same of people whose wait is over (`why_out`), so that nobody is
moved on who would get nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Exists, and_, case, exists, false, null, or_, select

from mailer.store.engine.by_campaign import about, given, those
from mailer.store.engine.prepared import PreparedStatement
from mailer.store.tables.automations import automation_entries, automation_sends, automation_versions
from mailer.store.tables.core import consents, deliveries
from mailer.store.tables.inbound import replies, signatures
from mailer.store.tables.states import EntryState, Membership, ReplyKind, WhyLeft

entries = automation_entries.c
theirs = deliveries.alias("theirs")  # their mails, beside the one that is about to leave


@dataclass(frozen=True, slots=True)
class LeavingRules:
    """What takes somebody out of a version at once, beside what forbids mailing them: leaving its list, even if they
    came back since, a goal they signed, and a reply."""

    list_id: int
    goals: tuple[str, ...]  # sign pages


def leaving_rules(connection: Connection, campaign_id: int) -> LeavingRules | None:
    """The rules of the step that a campaign mails; None for a campaign that is of no automation."""
    query = (
        select(automation_versions.c.list_id, automation_versions.c.definition)
        .join(automation_sends, automation_sends.c.version_id == automation_versions.c.id)
        .where(automation_sends.c.campaign_id == campaign_id)
    )
    row = connection.execute(query).first()
    return None if row is None else LeavingRules(row.list_id, tuple(row.definition["goals"]))


def reached_goal(goals: Sequence[str]) -> Exists:
    """Whether the person of an entry has signed one of these pages, ever."""
    pages = or_(false(), *[signatures.c.page == page for page in goals])
    return exists().where(signatures.c.person_id == entries.person_id, pages).correlate(automation_entries)


def why_out(rules: LeavingRules) -> ColumnElement[str]:
    """`WhyLeft` for a row of `automation_entries`; null for somebody who may stay."""
    left_list = exists().where(
        consents.c.person_id == entries.person_id,
        consents.c.list_id == rules.list_id,
        consents.c.status != Membership.SUBSCRIBED.value,
        consents.c.at > entries.entered_at,
    )
    replied = exists().where(
        theirs.c.person_id == entries.person_id,
        theirs.c.entry == entries.id,
        about(replies, theirs),
        replies.c.kind != ReplyKind.AUTOMATIC.value,
    )
    cases = [(left_list, WhyLeft.UNSUBSCRIBED), (replied, WhyLeft.REPLIED)]
    if rules.goals:
        cases.insert(0, (reached_goal(rules.goals), WhyLeft.SIGNED))
    whys = [(condition.correlate(automation_entries), why.value) for condition, why in cases]
    return case((entries.state == EntryState.LEFT.value, entries.reason), *whys, else_=null())


def still_inside(rules: LeavingRules) -> ColumnElement[bool]:
    """A condition on `deliveries`: nothing has taken its person out of the automation."""
    mine = and_(entries.id == deliveries.c.entry, why_out(rules).is_(None))
    return exists(select(entries.id).where(mine).correlate(deliveries))


def reasons_out(connection: Connection, delivery_ids: Iterable[int], rules: LeavingRules) -> dict[int, str]:
    """Those of some deliveries whose people are out of the automation, each with the reason."""
    query = (
        select(deliveries.c.id, entries.id, why_out(rules))
        .select_from(deliveries.outerjoin(automation_entries, entries.id == deliveries.c.entry))
        .where(those("deliveries"))
    )
    rows = PreparedStatement(query).rows(connection, given("deliveries", delivery_ids))
    return {number: why or WhyLeft.STAFF.value for number, entry, why in rows if why or entry is None}
