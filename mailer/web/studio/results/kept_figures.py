"""A newsletter's figures, counted beside the pages: of a million people that takes seconds, and a page never waits."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection, func, select

from mailer.delivery.campaigns.status import CampaignStatus
from mailer.reports.current import current_figures
from mailer.reports.figures import CampaignFigures
from mailer.store.tables.core import campaigns, events, hits, more_hits
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.inbound import conversions, replies, signatures
from mailer.web.counted_beside import CountedBeside, CountedFigures
from mailer.web.studio.core.context import Visit

KEPT = 200  # newsletters
KeptFigures = CountedFigures[CampaignFigures]


def newest_figures(visit: Visit, status: CampaignStatus) -> KeptFigures | None:
    """The newest there are, None while they are counted for the first time. Begins a count if one is due."""
    kept = visit.studio.kept.setdefault("figures", CountedBeside[CampaignFigures](KEPT))
    with visit.database.read() as connection:
        mark = _mark(connection, status)
    return cast("CountedBeside[CampaignFigures]", kept).newest(
        status.slug, mark, lambda: current_figures(visit.database, status.slug, visit.workspace.settings),
        clock=visit.studio.clock, beside=visit.studio.beside,
    )  # fmt: skip


def _mark(connection: Connection, status: CampaignStatus) -> str:
    """Changes whenever something came that a report may count; quick, however much there is."""
    newest = (select(func.max(table.c.id)) for table in (hits, signatures, events, conversions, replies))
    last = [connection.execute(query).scalar() for query in newest]
    mine = more_hits.c.campaign_id == status.campaign_id
    more = connection.execute(select(func.sum(more_hits.c.count)).where(mine)).scalar()
    number = status.campaign_id
    stage = connection.execute(select(campaigns.c.stage).where(campaigns.c.id == number)).scalar()
    test = connection.execute(select(campaign_tests.c.state).where(campaign_tests.c.campaign_id == number)).scalar()
    return repr((status.state, status.why, status.people, last, more, stage, test))
