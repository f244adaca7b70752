"""What can be chosen in the builder, by the names that people know: lists, newsletters, pages, countries, times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from babel import Locale
from sqlalchemy import Connection, func, select

from mailer.audience.petition.signatures import signed_pages
from mailer.audience.selection.saved_segments import segment_titles
from mailer.audience.tags import known_tags
from mailer.store.tables.core import campaigns, lists, people, subscriptions
from mailer.store.tables.states import CampaignKind, Frequency, Membership
from mailer.web.studio.core.context import Visit
from mailer.web.studio.newsletters.listing import list_titles
from mailer.web.studio.newsletters.shelf import names_of, shelf_of

KEEP = timedelta(minutes=10)  # how old the sizes of lists and the countries there are may be
LOOKED_AT = 5_000  # people at either end, where nobody looked at all of them yet
SPANS = (
    ("7 days", "7 days"), ("30 days", "30 days"), ("3 months", "3 months"), ("6 months", "6 months"),
    ("12 months", "12 months"), ("2 years", "2 years"), ("5 years", "5 years"),
)  # fmt: skip
TIMES = tuple((str(n), "once" if n == 1 else "twice" if n == 2 else f"{n} times") for n in (1, 2, 3, 5, 10, 20))
FREQUENCIES = (
    (Frequency.EVERY.value, "every newsletter"), (Frequency.MONTHLY.value, "one a month"),
    (Frequency.URGENT.value, "urgent ones alone"),
)  # fmt: skip
THE = ("AE", "GB", "NL", "PH", "US")  # the United Kingdom


@dataclass(frozen=True, slots=True)
class BuilderChoices:
    """Values with their names, by what they are; the sizes of lists."""

    named: Mapping[str, Sequence[tuple[str, str]]]
    sizes: Mapping[str, int]

    def of(self, kind: str, current: Sequence[str] = ()) -> Sequence[tuple[str, str]]:
        """What can be chosen, with what is chosen at the moment whether it is among them or not."""
        found = self.named.get(kind, ())
        known = {value for value, _ in found}
        return [*found, *((one, self.name(kind, one)) for one in current if one not in known)]

    def name(self, kind: str, value: str) -> str:
        """What people call a value."""
        found = next((label for one, label in self.named.get(kind, ()) if one == value), "")
        if found or kind not in ("countries", "languages"):
            return found or value
        return country_name(value) if kind == "countries" else language_name(value)


def choices_of(visit: Visit, *, whole: bool = False) -> BuilderChoices:
    """What there is to choose for this visitor: of the lists, those they may work with.

    `whole`: look at everybody, where nobody did lately; with a million people it takes a second, which a page hasn't.
    """
    may = visit.who.lists
    titles = {name: title for name, title in list_titles(visit).items() if may is None or name in may}
    names = {one.slug: one for one in shelf_of(visit.studio).newsletters(visit.workspace)}
    with visit.database.read() as connection:
        seen = _seen(visit, connection, whole=whole)
        newsletters = select(campaigns.c.slug).where(campaigns.c.kind != CampaignKind.STEP)
        sent = connection.execute(newsletters.order_by(campaigns.c.created_at.desc())).scalars().all()
        tagged = known_tags(connection)
        pages = signed_pages(connection) | {slug for slug, one in names.items() if one.has_page}
    here, called = visit.path.get("name", ""), names_of(visit)
    ordered = [*(slug for slug in names if slug in pages), *sorted(pages - names.keys())]
    named: dict[str, Sequence[tuple[str, str]]] = {
        "lists": sorted(titles.items(), key=lambda one: one[1].lower()),
        "newsletters": [(slug, called(slug)) for slug in sent if slug != here],
        "pages": [(slug, _page_name(slug, names[slug].name if slug in names else slug, here)) for slug in ordered],
        "tags": [(name, name) for name in tagged],
        "segments": sorted(segment_titles(visit.workspace).items(), key=lambda one: one[1].lower()),
        "spans": SPANS, "times": TIMES, "frequencies": FREQUENCIES,
        "countries": sorted(((one, country_name(one)) for one in seen.countries), key=lambda one: one[1]),
        "languages": sorted(((one, language_name(one)) for one in seen.languages), key=lambda one: one[1]),
    }  # fmt: skip
    return BuilderChoices(named, {name: size for name, size in seen.sizes.items() if name in titles})


def _page_name(slug: str, name: str, here: str) -> str:
    return f"{name} (this newsletter’s)" if slug == here else name


@cache
def _locale() -> Locale:
    return Locale("en")


def country_name(code: str) -> str:
    """A country's name in English, or its code."""
    return cast(Mapping[str, str], _locale().territories).get(code, code)


def language_name(tag: str) -> str:
    """A language's name in English, or its tag."""
    return cast(Mapping[str, str], _locale().languages).get(tag.replace("-", "_"), tag)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found among everybody, and when: with a million people it takes a second."""

    at: datetime
    countries: Sequence[str]
    languages: Sequence[str]
    sizes: Mapping[str, int]


def _seen(visit: Visit, connection: Connection, *, whole: bool) -> _Seen:
    kept = cast("_Seen | None", visit.studio.kept.get("audience choices"))
    if kept is not None and (not whole or timedelta() <= visit.now - kept.at < KEEP):
        return kept
    both = select(people.c.country, people.c.language)
    if not whole:
        ends = [both.order_by(order).limit(LOOKED_AT) for order in (people.c.id, people.c.id.desc())]
        return _found(visit, [row for end in ends for row in connection.execute(end)], {})
    sizes = connection.execute(
        select(lists.c.name, func.count())
        .select_from(subscriptions.join(lists, lists.c.id == subscriptions.c.list_id))
        .where(subscriptions.c.status == Membership.SUBSCRIBED.value)
        .group_by(lists.c.name)
    )
    found = _found(visit, connection.execute(both.distinct()), {str(name): int(size) for name, size in sizes})
    visit.studio.kept["audience choices"] = found
    return found


def _found(visit: Visit, both: Iterable[Any], sizes: Mapping[str, int]) -> _Seen:
    rows = list(both)
    countries, languages = ({row[column] for row in rows} - {""} for column in (0, 1))
    return _Seen(visit.now, sorted(countries), sorted(languages), sizes)
