"""Newsletters beside each other as a page shows them: which, put together how, in which order, and as a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from mailer.reports.compared import ComparedCounts, ComparedNewsletter, by_list, by_month, together
from mailer.web.studio.core.context import Visit
from mailer.web.studio.core.moments import MONTHS
from mailer.web.studio.newsletters.listing import everything, list_titles
from mailer.web.studio.results.charts import Bar, Chart, ceiling

VIEWS = {"": "Newsletters", "month": "By month", "list": "By list"}
MEASURES: Mapping[str, str] = {
    "signed": "Signatures per 1,000", "unsubscribed": "Unsubscribes per 1,000", "complained": "Complaints per 1,000",
    "sent": "Mails",
}  # fmt: skip
COLUMNS = ("name", "sent", "signed", "unsubscribed", "complained")
YEAR = timedelta(days=365)
MOST_BARS = 40
MOST_LABELS = 6
GAP = 0.25  # of a bar's width, between it and the next


@dataclass(frozen=True, slots=True)
class CompareView:
    """What the address asks for. `sort` "" is as they left, the newest first."""

    by: str = ""
    list: str = ""
    span: str = ""  # "" the last 12 months, or all
    measure: str = "signed"
    sort: str = ""
    up: bool = False  # the smallest first

    def address(self, **other: object) -> str:
        """The same with something else."""
        values = {"by": self.by, "list": self.list, "span": self.span, "sort": self.sort, "up": "1" if self.up else ""}
        values |= {"measure": self.measure if self.measure != "signed" else ""}
        values |= {name: str(value) if value else "" for name, value in other.items()}
        query = urlencode({name: value for name, value in values.items() if value})
        return f"?{query}" if query else "/results"


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One row: a newsletter, a list or a month. `short` is what a chart calls it; `path` leads to its own results."""

    name: str
    short: str
    counts: ComparedCounts
    about: str = ""
    path: str = ""

    def value(self, measure: str) -> float | None:
        return float(self.counts.sent) if measure == "sent" else self.counts.per_thousand(measure)


def read_view(values: Mapping[str, str], lists: Mapping[str, str]) -> CompareView:
    """The view that an address asks for; what isn't there is the usual."""

    def one_of(name: str, known: Sequence[str] | Mapping[str, str], usual: str = "") -> str:
        return values.get(name, "") if values.get(name, "") in known else usual

    return CompareView(
        one_of("by", VIEWS), one_of("list", lists), one_of("span", ("all",)), one_of("measure", MEASURES, "signed"),
        one_of("sort", COLUMNS), values.get("up") == "1",
    )  # fmt: skip


def seen_lists(visit: Visit) -> dict[str, str]:
    """The lists that the visitor works with, by their names."""
    limits = visit.who.lists
    return {name: title for name, title in list_titles(visit).items() if limits is None or name in limits}


def wanted(visit: Visit, found: Sequence[ComparedNewsletter], view: CompareView) -> list[ComparedNewsletter]:
    """Those that are asked for, and that the visitor works with."""
    since = visit.now - YEAR
    return [
        one
        for one in found
        if visit.who.may_work_on(one.lists)
        and (view.span == "all" or one.launched_at >= since)
        and (not view.list or view.list in one.lists)
    ]


def rows_of(visit: Visit, found: Sequence[ComparedNewsletter], view: CompareView) -> list[ComparedRow]:
    """The rows in their order."""
    titles = list_titles(visit)
    if view.by == "list":
        found_lists = by_list(found).items()
        rows = [
            ComparedRow(titles.get(name, name), titles.get(name, name), counts, path=f"/lists/{name}")
            for name, counts in found_lists
            if name in titles and view.list in ("", name)
        ]
        rows.sort(key=lambda one: -one.counts.sent)
    elif view.by == "month":
        rows = [ComparedRow(*_month(name), one) for name, one in by_month(found, visit.zone).items()]
    else:
        names = {one.slug: one.name for one in everything(visit)}
        rows = [
            ComparedRow(
                names.get(one.slug, one.slug), _day(visit, one), one.counts,
                f"{_day(visit, one, year=True)} · {', '.join(titles.get(name, name) for name in one.lists)}",
                f"/newsletters/{one.slug}/results",
            )
            for one in found
        ]  # fmt: skip
    if not view.sort:
        return rows
    if view.sort == "name":
        return sorted(rows, key=lambda one: one.name.casefold(), reverse=not view.up)
    known = [one for one in rows if one.value(view.sort) is not None]
    known.sort(key=lambda one: one.value(view.sort) or 0.0, reverse=not view.up)
    return [*known, *(one for one in rows if one.value(view.sort) is None)]


def chart_of(rows: Sequence[ComparedRow], view: CompareView) -> Chart:
    """A bar for each row, the oldest on the left unless they are in another order."""
    shown = [one for one in rows if one.value(view.measure) is not None][:MOST_BARS]
    if not view.sort and view.by != "list":
        shown.reverse()
    values = [one.value(view.measure) or 0.0 for one in shown]
    highest, each = ceiling(max(values, default=0.0)), 100 / max(1, len(shown))
    bars = tuple(
        Bar(round((n + GAP / 2) * each, 2), round(each * (1 - GAP), 2), round(100 * value / highest, 2),
            f"{one.name}: {told(value)}")
        for n, (one, value) in enumerate(zip(shown, values, strict=True))
    )  # fmt: skip
    last, labels = len(shown) - 1, min(len(shown), MOST_LABELS)
    named = [shown[round(n * last / max(1, labels - 1))].short for n in range(labels)]  # the first and the last, too
    return Chart(highest, tuple(named), bars)


def told(value: float | None) -> str:
    """A rate or a number as people read it: 51, 1.3, 0.04, 48,212."""
    if value is None:
        return "–"
    if value >= 10 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 0.1 else f"{value:.2f}"


def headline(found: Sequence[ComparedNewsletter]) -> tuple[str, ComparedCounts]:
    """The largest words of the room, and what they are of."""
    whole = together(found)
    rate = whole.per_thousand("signed")
    if rate is not None:
        return f"{told(rate)} signature{'' if rate == 1 else 's'} per 1,000 people", whole
    return f"{whole.sent:,} mails", whole


def _day(visit: Visit, one: ComparedNewsletter, *, year: bool = False) -> str:
    there = one.launched_at.astimezone(visit.zone)
    return f"{there.day} {MONTHS[there.month - 1]}{f' {there.year}' if year else ''}"


def _month(name: str) -> tuple[str, str]:
    """2026-11 in words, and shorter."""
    year, _, month = name.partition("-")
    short = MONTHS[int(month) - 1]
    return f"{short} {year}", short
