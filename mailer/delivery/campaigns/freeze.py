"""Freezes a campaign: its compiled message in all languages with links and pictures, and a row of the ledger for each
person, which says the version that is theirs.

In the caller's transaction: what may be launched, and when, is for `lifecycle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from mailer.audience.selection.groups import list_numbers
from mailer.audience.selection.languages import languages_of, version_column
from mailer.audience.selection.select import Selection, decided, places, staged_places
from mailer.audience.selection.spec import Audience, to_json, with_cap
from mailer.compose import message as messages
from mailer.compose.data.tables import Cells, no_cells
from mailer.compose.languages import best_of
from mailer.compose.message import ORIGINAL, REST, Message
from mailer.compose.source.images import read_image
from mailer.delivery.campaigns.timed import COLUMNS as TIMED
from mailer.delivery.campaigns.timed import timed
from mailer.delivery.data.rows import freeze_tables
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.delivery.schedule.local_hours import AT_ONCE, Timing
from mailer.errors import MailerError
from mailer.settings import Pace
from mailer.store.engine.by_campaign import NUMBERS_PER_CAMPAIGN
from mailer.store.engine.parts import LARGE, launching, new_number
from mailer.store.pictures import keep_picture
from mailer.store.tables.core import campaigns, links, subscriptions
from mailer.store.tables.states import CampaignKind, CampaignState
from mailer.workspace import Newsletter

if TYPE_CHECKING:
    from mailer.delivery.schedule.recurring import SeriesRule


@dataclass(frozen=True, slots=True)
class Plan:
    """A message and its audience, ready to be launched or scheduled. The newsletter's folder has its pictures."""

    message: Message
    audience: Audience
    newsletter: Newsletter
    transport: str
    pace: Pace = field(default_factory=Pace)  # while its warm-up plan limits, those who acted last are mailed first
    cells: Cells = no_cells  # of the tables that its mails look into
    series: SeriesRule | None = None  # of one that repeats, whose issues are mailed and never itself
    kind: CampaignKind = CampaignKind.NEWSLETTER
    parent: str = ""  # the newsletter that an issue is of, or the automation of a step

    def read_by(self, supporter: Mapping[str, object]) -> Plan:
        """With the one version that this person gets."""
        version = self.message.spoken.version_for(str(supporter.get("language", "")))
        return replace(self, message=self.message.version(version))

    def of_version(self, arm: str) -> Plan:
        """With one version of its test alone, in all languages. Raises `MailerError` when there is none."""
        if arm.lower() not in self.message.arms or not arm:
            slug, known = self.message.slug, ", ".join(filter(None, self.message.arms))
            remedy = f"There are {known}." if known else "It has no `test:`; see docs/tests.md."
            raise MailerError(f"{slug} has no version {arm!r}", remedy=remedy)
        return replace(self, message=self.message.arm(arm.lower()))

    def in_language(self, language: str) -> Plan:
        """With the version in this language alone. Raises `MailerError` when there is none."""
        spoken = {tag: version for version, tag in self.message.spoken.by_version.items()}
        found = best_of(language, spoken)
        if found is None:
            slug = self.message.slug
            raise MailerError(f"{slug} isn't written in {language!r}", remedy=f"It is in {', '.join(spoken)}.")
        return replace(self, message=self.message.version(spoken[found]))


def create_campaign(connection: Connection, plan: Plan, *, state: CampaignState, now: datetime, slug: str = "") -> int:
    """Store the message, its links and its pictures as a new campaign, called by its message unless `slug` says
    otherwise; returns its number. Raises when there is one."""
    message = plan.message
    campaign_id = new_number(connection, large=partial(_is_large, connection, plan))
    try:
        connection.execute(
            insert(campaigns).values(
                id=campaign_id,
                slug=slug or message.slug,
                kind=plan.kind,
                parent=plan.parent,
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
            "arm": arm,
            "language": language,
        }
        for (arm, language), one in message.mails.items()
        for link in one.links
    ]
    if rows:
        connection.execute(insert(links), rows)
    keep_images(connection, message, plan.newsletter)
    freeze_tables(connection, campaign_id, message)
    return campaign_id


def _is_large(connection: Connection, plan: Plan) -> bool:
    """Whether its lists have so many people that it gets parts of its own, should the database have such. The step of
    an automation gets none: it is open for good, and there may be many."""
    audience = plan.audience
    if plan.kind is CampaignKind.STEP or (audience.limit is not None and audience.limit < LARGE):
        return False
    on_lists = select(literal(1)).where(subscriptions.c.list_id.in_(list_numbers(audience.include)))
    return connection.execute(select(func.count()).select_from(on_lists.limit(LARGE).subquery())).scalar_one() >= LARGE


def keep_images(connection: Connection, message: Message, newsletter: Newsletter) -> None:
    """Store the message's pictures, so that they are served as they were mailed.

    Raises when one of them isn't the picture any more that was compiled, checked and previewed.
    """
    for image in message.every_image:
        keep_picture(connection, image.digest, image.content_type, read=partial(read_image, image, newsletter))


def freeze_audience(
    connection: Connection, campaign_id: int, *, message: Message, audience: Audience, warm_up: WarmUp, now: datetime,
    timing: Timing = AT_ONCE,
) -> Selection:  # fmt: skip
    """One row for each person, numbered within the campaign, by a few statements of the database. Of a test, who gets
    which version is drawn here, and who waits for the one that wins; down a list, who waits behind which gate; by local
    time, when each may leave: all is fixed, and nobody is chosen again. While a warm-up plan limits how many are mailed
    today, those who acted last come first."""
    limited = warm_up.today(connection, now) is not None
    groups = audience.down_the_list
    with decided(connection, audience, now=now, recent_first=limited) as selection:
        chosen, stage, sampled = places, literal(0), None
        if message.variants:
            from mailer.delivery.experiments.draw import draw  # few newsletters test anything
            from mailer.delivery.experiments.kept import keep_test
            from mailer.delivery.experiments.priors import planned_sizes

            sizes = planned_sizes(connection, message, selection.chosen)
            drawn = draw(connection, campaign_id=campaign_id, arms=len(message.arms), each=sizes[-1])
            keep_test(connection, message, drawn, sizes=sizes, people=selection.chosen, now=now)
            chosen = drawn.drawn
            stage = case((chosen.c.arm == REST, 1), else_=0)
            sampled = chosen.c.arm != REST
        elif groups is not None:
            chosen = staged_places(groups, seed=campaign_id, now=now)
            stage = chosen.c.stage
        number, arm, version = _numbered(connection, message, chosen)
        when = timed(connection, timing, chosen, now=now, at_once=sampled)
        rows = (
            select(
                literal(campaign_id * NUMBERS_PER_CAMPAIGN) + number,
                literal(campaign_id),
                chosen.c.person_id,
                arm,
                stage,
                version,
                *when.values,
            )
            .select_from(when.source)
            .order_by(number)
        )
        columns = ["id", "campaign_id", "person_id", "arm", "stage", "language", *TIMED]
        with launching(connection, campaign_id) as ledger:
            connection.execute(insert(ledger).from_select(columns, rows))
    connection.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id)
        .values(counts=selection.counts(), launched_at=now, audience=with_cap(audience))
    )
    if groups is not None:
        from mailer.delivery.experiments.cohorts import keep_cohorts  # few newsletters go down their list

        keep_cohorts(connection, campaign_id, groups, now=now)
    return selection


def _numbered(
    connection: Connection, message: Message, chosen: FromClause
) -> tuple[ColumnElement[int], ColumnElement[str], ColumnElement[str]]:
    """Everybody's number, the version of the test and the language that they get. Those who get the same mail have
    neighbouring numbers, so that who sends one needn't pass over the others in the queue."""
    arm: ColumnElement[str] = chosen.c.arm if message.variants else literal("")
    version: ColumnElement[str] = literal(ORIGINAL)
    if message.translations:
        version = version_column(chosen.c.language, languages_of(connection), message.spoken)
    alike = [*([arm] if message.variants else []), *([version] if message.translations else [])]
    number = func.row_number().over(order_by=(*alike, chosen.c.n)) if alike else chosen.c.n
    return number, arm, version
