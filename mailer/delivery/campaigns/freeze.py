"""Freezes a campaign: its compiled message in all languages with links and pictures, and a row of the ledger for each
person, which says the version that is theirs.

In the caller's transaction: what may be launched, and when, is for `lifecycle`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement, Connection, FromClause, bindparam, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from mailer.audience.selection.languages import languages_of, version_column
from mailer.audience.selection.select import Selection, decided, places
from mailer.audience.selection.spec import Audience, to_json
from mailer.compose import message as messages
from mailer.compose.languages import best_of
from mailer.compose.message import ORIGINAL, Message
from mailer.compose.source.images import read_image
from mailer.delivery.ledger.mailed_message import NUMBERS_PER_CAMPAIGN
from mailer.errors import MailerError
from mailer.store.pictures import keep_picture
from mailer.store.tables.core import campaigns, deliveries, links, people
from mailer.store.tables.states import CampaignKind, CampaignState, DeliveryState
from mailer.workspace import Newsletter


@dataclass(frozen=True, slots=True)
class Plan:
    """A message and its audience, ready to be launched or scheduled. The newsletter's folder has its pictures."""

    message: Message
    audience: Audience
    newsletter: Newsletter
    transport: str

    def read_by(self, supporter: Mapping[str, object]) -> Plan:
        """With the one version that this person gets."""
        version = self.message.spoken.version_for(str(supporter.get("language", "")))
        return replace(self, message=self.message.version(version))

    def in_language(self, language: str) -> Plan:
        """With the version in this language alone. Raises `MailerError` when there is none."""
        spoken = {tag: version for version, tag in self.message.spoken.by_version.items()}
        found = best_of(language, spoken)
        if found is None:
            slug = self.message.slug
            raise MailerError(f"{slug} isn't written in {language!r}", remedy=f"It is in {', '.join(spoken)}.")
        return replace(self, message=self.message.version(spoken[found]))


@dataclass(frozen=True, slots=True)
class PartOf:
    """What a campaign is part of: its kind, the series or automation, and the name of its own."""

    kind: CampaignKind
    parent: str
    slug: str


def create_campaign(
    connection: Connection, plan: Plan, *, state: CampaignState, now: datetime, part_of: PartOf | None = None
) -> int:
    """Store the message, its links and its pictures as a new campaign; returns its number. Raises when there is one."""
    message = plan.message
    part_of = part_of or PartOf(CampaignKind.NEWSLETTER, "", message.slug)
    campaign_id = secrets.randbelow(2**31 - 1) + 1
    try:
        connection.execute(
            insert(campaigns).values(
                id=campaign_id,
                slug=part_of.slug,
                kind=part_of.kind,
                parent=part_of.parent,
                state=state,
                message=messages.to_json(message),
                digest=message.digest,
                audience=to_json(plan.audience),
                transport=plan.transport,
                is_urgent=message.is_urgent,
                is_public=message.is_public,
                created_at=now,
            )
        )
    except IntegrityError:
        raise MailerError(
            f"{message.slug} is being sent by somebody else right now", remedy="See: mailer status"
        ) from None
    rows = [
        {
            "campaign_id": campaign_id,
            "n": link.n,
            "url": link.url,
            "label": link.label,
            "placement": link.placement,
            "is_action": link.is_action,
            "language": version,
        }
        for version, one in message.versions.items()
        for link in one.links
    ]
    if rows:
        connection.execute(insert(links), rows)
    keep_images(connection, message, plan.newsletter)
    return campaign_id


def keep_images(connection: Connection, message: Message, newsletter: Newsletter) -> None:
    """Store the message's pictures, so that they are served as they were mailed.

    Raises when one of them isn't the picture any more that was compiled, checked and previewed.
    """
    for image in message.every_image:
        keep_picture(connection, image.digest, image.content_type, read=partial(read_image, image, newsletter))


def freeze_audience(
    connection: Connection, campaign_id: int, *, message: Message, audience: Audience, now: datetime
) -> Selection:
    """One row for each person, numbered within the campaign, by a few statements of the database."""
    with decided(connection, audience, now=now) as selection:
        number, version, source = _numbered(connection, message)
        connection.execute(
            insert(deliveries).from_select(
                ["id", "campaign_id", "person_id", "state", "not_before", "language"],
                select(
                    literal(campaign_id * NUMBERS_PER_CAMPAIGN) + number,
                    literal(campaign_id),
                    places.c.person_id,
                    literal(str(DeliveryState.QUEUED)),
                    bindparam("due", now, deliveries.c.not_before.type),
                    version,
                )
                .select_from(source)
                .order_by(number),
            )
        )
    connection.execute(
        update(campaigns).where(campaigns.c.id == campaign_id).values(counts=selection.counts(), launched_at=now)
    )
    return selection


def _numbered(connection: Connection, message: Message) -> tuple[ColumnElement[int], ColumnElement[str], FromClause]:
    """Everybody's number, the version they get, and the table with both. Where there are several versions, those who
    get one of them have neighbouring numbers, so that who sends one needn't pass over the others in the queue."""
    if not message.translations:
        return places.c.n, literal(ORIGINAL), places
    version = version_column(languages_of(connection), message.spoken)
    number = func.row_number().over(order_by=(version, places.c.n))
    # A left join: nobody who was chosen is lost, whatever became of their row in this moment.
    return number, version, places.outerjoin(people, people.c.id == places.c.person_id)
