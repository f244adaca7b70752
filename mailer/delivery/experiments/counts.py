"""What each version of a test brought so far, counted in the database: one query for each number.

Which link brought a signature says its version, also of people who aren't tracked: no two versions share a link. The
rest get the winner's links, so a signature after the decision of somebody who isn't tracked counts as the rest's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, select

from mailer.audience.consent.left import who_left
from mailer.compose.message import REST
from mailer.delivery.experiments.kept import KeptTest, find_test
from mailer.experiments.deciding import ArmCounts
from mailer.store.engine.by_campaign import NUMBERS_PER_CAMPAIGN, about, of_campaign
from mailer.store.tables.core import deliveries, events, hits, links
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import DeliveryState, Verdict


def arm_counts(connection: Connection, campaign_id: int) -> list[ArmCounts]:
    """The versions of a campaign's test, the first of them first, as of now; without the rest, who get the winner's
    mail later. Empty when nothing is tested."""
    test = find_test(connection, campaign_id)
    return [] if test is None else _counted(connection, test, test.plan.arms)


def rest_counts(connection: Connection, campaign_id: int) -> ArmCounts | None:
    """The same of the rest: what the version that won brings. None when nothing is tested."""
    test = find_test(connection, campaign_id)
    return None if test is None else _counted(connection, test, (REST,))[0]


def _counted(connection: Connection, test: KeptTest, arms: tuple[str, ...]) -> list[ArmCounts]:
    sent, signed, clicked, left, complained = (
        _by_arm(connection, query)
        for query in (_sent(test, arms), _signed(test), _clicked(test), _left(test), _complained(test))
    )
    return [ArmCounts(arm, *(one.get(arm, 0) for one in (sent, signed, clicked, left, complained))) for arm in arms]


def _sent(test: KeptTest, arms: tuple[str, ...]) -> Select[Any, int]:
    # Those who are tried have the first numbers of the campaign: a range of the table, where the rest may be a million.
    first_of_rest = test.campaign_id * NUMBERS_PER_CAMPAIGN + test.plan.tested + 1
    part = deliveries.c.id >= first_of_rest if arms == (REST,) else deliveries.c.id < first_of_rest
    begins = deliveries.c.id > test.campaign_id * NUMBERS_PER_CAMPAIGN
    ends = deliveries.c.id < (test.campaign_id + 1) * NUMBERS_PER_CAMPAIGN
    sent = deliveries.c.state == DeliveryState.SENT
    return select(deliveries.c.arm.label("of"), func.count()).where(begins, ends, part, sent)


def _signed(test: KeptTest) -> Select[Any, int]:
    mine = signatures.c.campaign_id == test.campaign_id
    followed = and_(links.c.campaign_id == signatures.c.campaign_id, links.c.n == signatures.c.n)
    of_link: ColumnElement[str] = links.c.arm
    if test.decided_at is not None:
        is_rests = and_(links.c.arm == test.winner, signatures.c.signed_at >= test.decided_at)
        of_link = case((is_rests, literal(REST)), else_=links.c.arm)
    arm = case((deliveries.c.arm.is_not(None), deliveries.c.arm), else_=of_link)
    person = func.coalesce(signatures.c.person_id, -signatures.c.id)  # each once, whatever pages they signed
    return (
        select(arm.label("of"), func.count(person.distinct()))
        .select_from(signatures.outerjoin(deliveries, about(signatures)).outerjoin(links, followed))
        .where(mine)
    )


def _clicked(test: KeptTest) -> Select[Any, int]:
    followed = and_(links.c.campaign_id == hits.c.campaign_id, links.c.n == hits.c.n, links.c.is_action)
    return (
        select(deliveries.c.arm.label("of"), func.count(hits.c.delivery_id.distinct()))
        .select_from(hits.join(links, followed).join(deliveries, about(hits)))
        .where(hits.c.campaign_id == test.campaign_id, hits.c.verdict == Verdict.HUMAN.value)
    )


def _left(test: KeptTest) -> Select[Any, int]:
    gone = who_left(test.campaign_id)
    return select(deliveries.c.arm.label("of"), func.count()).select_from(
        deliveries.join(gone, and_(about(gone), of_campaign(test.campaign_id)))
    )


def _complained(test: KeptTest) -> Select[Any, int]:
    return (
        select(deliveries.c.arm.label("of"), func.count(events.c.delivery_id.distinct()))
        .select_from(events.join(deliveries, about(events)))
        .where(events.c.campaign_id == test.campaign_id, events.c.kind == "complained")
    )


def _by_arm(connection: Connection, query: Select[Any, int]) -> Mapping[str, int]:
    # By its name: PostgreSQL takes two sets of parameters for two expressions.
    return {str(arm): int(count) for arm, count in connection.execute(query.group_by("of"))}
