"""What the pages of Lists tell of everybody on a list, counted beside them, in campaigners' words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import Connection, func, select

from mailer.editing.lists import WORDED, list_subject
from mailer.reports.list_figures import AgreedWording, ListFigures, ListMonth, list_figures
from mailer.staff.audit import AuditFilter, entries
from mailer.store.tables.core import consents, hits, subscriptions, suppressions
from mailer.store.tables.inbound import signatures
from mailer.web.counted_beside import CountedBeside, CountedFigures
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import MONTHS
from mailer.web.studio.results.charts import Bar, Chart, ceiling

EVERY = "every list"
KeptLists = CountedFigures[dict[str, ListFigures]]
HOW = {
    "import": "Imported files", "form": "Sign-up forms and sign pages", "preferences": "Came back by their preferences",
    "undo": "Leaving undone", "staff": "Put on it by you",
}  # fmt: skip
GAP = 0.3  # of a month's width, between its bar and the next


@dataclass(frozen=True, slots=True)
class ToldWording:
    """Words beside the form's box. `since`: when they were written, if known; `agreed`: who agreed so far."""

    words: str
    since: datetime | None
    agreed: AgreedWording | None
    is_now: bool


def newest_lists(visit: Visit) -> KeptLists | None:
    """The newest figures of all lists, None while they are counted for the first time."""
    kept = visit.studio.kept.setdefault("list figures", CountedBeside[dict[str, ListFigures]](1))
    zone = visit.zone

    def count() -> dict[str, ListFigures]:
        with visit.database.read(of_everyone=True) as connection:
            return list_figures(connection, now=visit.studio.clock(), zone=zone)

    with visit.database.read() as connection:
        mark = f"{visit.now.astimezone(zone):%Y-%m-%d} {zone} {_mark(connection)}"
    return cast("CountedBeside[dict[str, ListFigures]]", kept).newest(
        EVERY, mark, count, clock=visit.studio.clock, beside=visit.studio.beside
    )


def wordings(visit: Visit, name: str, now: str, figures: ListFigures | None) -> list[ToldWording]:
    """The wording of a list's form and those before it, the newest first: as they were saved here, and as people
    agreed to them."""
    with visit.database.read() as connection:
        saved = entries(connection, AuditFilter(subject=list_subject(name), actions=(WORDED,)))
    agreed = {one.words: one for one in (figures.wordings if figures else ())}
    since: dict[str, datetime] = {one.detail: one.at for one in reversed(saved)}
    words: list[str] = list(dict.fromkeys([*([now] if now else []), *(one.detail for one in saved), *agreed]))
    told = [ToldWording(one, since.get(one), agreed.get(one), one == now) for one in words]
    return sorted(told, key=_newest, reverse=True)


def _newest(one: ToldWording) -> tuple[bool, datetime]:
    return one.is_now, one.since or (one.agreed.last if one.agreed else datetime.min.replace(tzinfo=UTC))


def month_name(month: ListMonth) -> str:
    """A month as a table names it."""
    return f"{MONTHS[month.begins.month - 1]} {month.begins.year}" if month.begins else "Before"


def growth_chart(months: Sequence[ListMonth]) -> Chart:
    """How many joined in each month, those before left out."""
    shown = [one for one in months if one.begins is not None]
    highest = ceiling(max((one.all_joined for one in shown), default=0))
    each = 100 / max(1, len(shown))
    bars = tuple(
        Bar(
            round((n + GAP / 2) * each, 2), round(each * (1 - GAP), 2), round(100 * one.all_joined / highest, 2),
            f"{month_name(one)}: {one.all_joined:,} joined, {one.left:,} left",
        )
        for n, one in enumerate(shown)
    )  # fmt: skip
    return Chart(highest, tuple(month_name(one)[:3] for one in shown), bars)


def how_words(how: str) -> str:
    """How people came to a list."""
    return HOW.get(how, how.capitalize())


def source_words(source: str) -> str:
    """Where exactly, as colleagues would say it."""
    if source.startswith("/join/"):
        return f"Sign-up form of {source.removeprefix('/join/')}"
    if source.startswith("/act/"):
        return f"Sign page {source.removeprefix('/act/')}"
    if source == "mailer people":
        return "Somebody at the terminal"
    return source.removeprefix("imported from ") or "Not known"


def _mark(connection: Connection) -> str:
    """Changes whenever something came that may change the figures; quick, however much there is."""
    newest = [connection.execute(select(func.max(table.c.id))).scalar() for table in (consents, hits, signatures)]
    stopped = connection.execute(select(func.count()).select_from(suppressions)).scalar()
    some = connection.execute(select(subscriptions.c.list_id).limit(1)).first() is not None  # forgetting leaves no mark
    return repr((newest, stopped, some))
