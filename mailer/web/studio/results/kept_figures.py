"""A newsletter's figures, counted beside the pages: of a million people that takes seconds, and a page never waits.

They are counted again once something came that may change them, and no more often than a twentieth of the time.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, func, select

from mailer.delivery.campaigns.status import CampaignStatus
from mailer.errors import MailerError
from mailer.reports.current import current_figures
from mailer.reports.figures import CampaignFigures
from mailer.store.tables.core import events, hits, more_hits
from mailer.store.tables.inbound import conversions, replies, signatures
from mailer.web.last_used import LastUsed
from mailer.web.studio.core.context import Studio, Visit

log = logging.getLogger(__name__)

A_PAGE_WAITS_SECONDS = 0.06  # for figures that are quickly counted
LEAST_APART_SECONDS = 1.0
REST = 20  # times as long as the last count took, before the next one
KEPT = 200  # newsletters


@dataclass(frozen=True, slots=True)
class KeptFigures:
    """Figures and when they were counted; `mark` is another once something came since."""

    figures: CampaignFigures
    at: datetime
    mark: str


class FiguresKeeper:
    """The figures of a studio's newsletters. Use it from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept = LastUsed[str, KeptFigures](KEPT)
        self._running: dict[str, Future[None]] = {}
        self._not_before: dict[str, float] = {}  # monotonic seconds

    def newest(self, visit: Visit, status: CampaignStatus) -> KeptFigures | None:
        """The newest there are, None while they are counted for the first time. Begins a count if one is due."""
        slug = status.slug
        with visit.database.read() as connection:
            mark = _mark(connection, status)
        with self._lock:
            kept = self._kept.get(slug)
            if kept is not None and kept.mark == mark:
                return kept
            running = self._running.get(slug)
            if running is None and time.monotonic() >= self._not_before.get(slug, 0.0):
                running = self._running[slug] = visit.studio.beside.submit(self._run, visit, slug, mark)
        if running is not None and kept is None:
            wait([running], A_PAGE_WAITS_SECONDS)
        return self._kept.get(slug)

    def _run(self, visit: Visit, slug: str, mark: str) -> None:
        began = time.monotonic()
        try:
            found = current_figures(visit.database, slug, visit.workspace.settings)
            self._kept.keep(slug, KeptFigures(found, visit.studio.clock(), mark))
        except MailerError as error:  # tried again at the next look
            log.error("the figures could not be counted: %s", error.message)
        except Exception:
            log.exception("the figures could not be counted")
        finally:
            ended = time.monotonic()
            with self._lock:
                self._not_before[slug] = ended + max(LEAST_APART_SECONDS, REST * (ended - began))
                del self._running[slug]


def keeper_of(studio: Studio) -> FiguresKeeper:
    """The studio's figures."""
    return cast(FiguresKeeper, studio.kept.setdefault("figures", FiguresKeeper()))


def _mark(connection: Connection, status: CampaignStatus) -> str:
    """Changes whenever something came that a report may count; quick, however much there is."""
    newest = (select(func.max(table.c.id)) for table in (hits, signatures, events, conversions, replies))
    last = [connection.execute(query).scalar() for query in newest]
    mine = more_hits.c.campaign_id == status.campaign_id
    more = connection.execute(select(func.sum(more_hits.c.count)).where(mine)).scalar()
    return repr((status.state, status.why, status.people, last, more))
