"""What the room shows of every mail and signature there ever was, counted beside its pages (decision 50)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, func, select

from mailer.delivery.campaigns.status import sent_counts
from mailer.reports.acting import count_acting
from mailer.reports.compared import ComparedNewsletter, compared
from mailer.reports.sign_pages import SignPageFigures, sign_page_figures
from mailer.store.tables.core import events, hits
from mailer.store.tables.inbound import signatures
from mailer.web.counted_beside import CountedBeside, CountedFigures
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.listing import everything

NAME = "everything"


@dataclass(frozen=True, slots=True)
class AllFigures:
    """Every newsletter that left, and every page that was signed."""

    newsletters: Sequence[ComparedNewsletter]
    pages: Mapping[str, SignPageFigures]


Acting = Mapping[int, int]  # how many acted within so many days


def newest_all(visit: Visit) -> CountedFigures[AllFigures] | None:
    """The newest figures, None while they are counted for the first time. Begins a count if one is due."""
    kept = visit.studio.kept.setdefault("all figures", CountedBeside[AllFigures](1))

    def all_figures(connection: Connection) -> AllFigures:
        pages = sign_page_figures(connection, now=visit.studio.clock())
        return AllFigures(compared(connection, sent_counts(connection)), pages)

    def count() -> AllFigures:
        return visit.database.look(all_figures, of_everyone=True, up_to_now=True).figures

    return cast("CountedBeside[AllFigures]", kept).newest(
        NAME, _mark(visit), count, clock=visit.studio.clock, beside=visit.studio.beside
    )


def newest_acting(visit: Visit) -> CountedFigures[Acting] | None:
    """How many acted lately, apart from the rest: of a million people it takes seconds, and signatures go first."""
    kept = visit.studio.kept.setdefault("acting", CountedBeside[Acting](1))

    def acting(connection: Connection) -> Acting:
        return count_acting(connection, now=visit.studio.clock())

    def count() -> Acting:
        return visit.database.look(acting, of_everyone=True, up_to_now=True).figures

    return cast("CountedBeside[Acting]", kept).newest(
        NAME, _mark(visit), count, clock=visit.studio.clock, beside=visit.studio.beside
    )


def _mark(visit: Visit) -> str:
    """Changes whenever something came that the figures count, and each hour, since the last day moves on."""
    with visit.database.read() as connection:
        newest = [connection.execute(select(func.max(table.c.id))).scalar() for table in (events, hits, signatures)]
    sent = [(one.slug, one.status.state, one.sent) for one in everything(visit) if one.status]
    return repr((f"{visit.now:%Y-%m-%d %H}", newest, sent))
