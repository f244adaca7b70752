"""A campaign's figures by the language of its people, as it is known of them now, and by that of the mail they got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from mailer.audience.consent.left import who_left
from mailer.store.engine.by_campaign import about, of_campaign
from mailer.store.tables.core import deliveries, links, people
from mailer.store.tables.inbound import signatures
from mailer.store.tables.states import DeliveryState


@dataclass(frozen=True, slots=True)
class LanguageFigures:
    """One language: people whose mail was taken, who signed by way of it, and who left by way of it."""

    language: str  # BCP 47; "" where none is known, and for those who were forgotten since
    sent: int
    signed: int
    unsubscribed: int

    @property
    def per_thousand(self) -> float | None:
        """Signatures for each 1,000 mails sent."""
        return 1000 * self.signed / self.sent if self.sent else None


def by_language(connection: Connection, campaign_id: int) -> tuple[LanguageFigures, ...]:
    """The figures of each language, the most frequent first."""
    language = func.coalesce(people.c.language, "").label("known_language")
    mailed = deliveries.outerjoin(people, people.c.id == deliveries.c.person_id)
    signing = signatures.outerjoin(people, people.c.id == signatures.c.person_id)
    gone = who_left(campaign_id)
    mine = deliveries.c.campaign_id == campaign_id
    sent = _counted(
        connection,
        select(language, func.count()).select_from(mailed).where(mine, deliveries.c.state == DeliveryState.SENT),
    )
    signed = _counted(
        connection, select(language, func.count()).select_from(signing).where(signatures.c.campaign_id == campaign_id)
    )
    left = _counted(
        connection,
        select(language, func.count()).select_from(mailed.join(gone, about(gone))).where(of_campaign(campaign_id)),
    )
    return _figures(sent, signed, left)


def by_version(connection: Connection, campaign_id: int, *, original: str) -> tuple[LanguageFigures, ...]:
    """The figures of each language that the mail was sent in, the most frequent first; `original` is what the original
    is in. Which link brought a signature says the version, also of people who aren't tracked."""
    mine, gone = deliveries.c.campaign_id == campaign_id, who_left(campaign_id)
    version = deliveries.c.language.label("known_language")
    followed = (links.c.campaign_id == signatures.c.campaign_id) & (links.c.n == signatures.c.n)
    sent = _counted(connection, select(version, func.count()).where(mine, deliveries.c.state == DeliveryState.SENT))
    signed = _counted(
        connection,
        select(links.c.language.label("known_language"), func.count())
        .select_from(signatures.join(links, followed))
        .where(signatures.c.campaign_id == campaign_id),
    )
    left = _counted(
        connection,
        select(version, func.count()).select_from(deliveries.join(gone, about(gone))).where(of_campaign(campaign_id)),
    )
    return _figures(*({name or original: count for name, count in one.items()} for one in (sent, signed, left)))


def on_page(connection: Connection, page: str) -> dict[str, int]:
    """How many signed a page in each of its languages, the most first; "" before that was noted."""
    language: ColumnElement[str] = signatures.c.language.label("known_language")
    counted = _counted(connection, select(language, func.count()).where(signatures.c.page == page))
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def _figures(
    sent: Mapping[str, int], signed: Mapping[str, int], left: Mapping[str, int]
) -> tuple[LanguageFigures, ...]:
    found = [
        LanguageFigures(name, sent.get(name, 0), signed.get(name, 0), left.get(name, 0))
        for name in {*sent, *signed, *left}
    ]
    return tuple(sorted(found, key=lambda one: (-one.sent, -one.signed, one.language)))


def _counted(connection: Connection, query: Select[Any, int]) -> dict[str, int]:
    # By its name: PostgreSQL takes two sets of parameters for two expressions.
    return {str(name): int(count) for name, count in connection.execute(query.group_by("known_language"))}
