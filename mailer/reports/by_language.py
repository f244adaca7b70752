"""A campaign's figures by the language of its people, as it is known of them now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, select

from mailer.reports.after_sending import who_left
from mailer.store.tables.core import deliveries, people
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
        select(language, func.count()).select_from(mailed.join(gone, gone.c.delivery_id == deliveries.c.id)),
    )
    found = [
        LanguageFigures(name, sent.get(name, 0), signed.get(name, 0), left.get(name, 0))
        for name in {*sent, *signed, *left}
    ]
    return tuple(sorted(found, key=lambda one: (-one.sent, -one.signed, one.language)))


def _counted(connection: Connection, query: Select[Any, int]) -> dict[str, int]:
    # By its name: PostgreSQL takes two sets of parameters for two expressions.
    return {str(name): int(count) for name, count in connection.execute(query.group_by("known_language"))}
