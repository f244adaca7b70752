"""One person's timeline: what they agreed to, what was mailed, what they followed and signed.

What is known of them now (name, lists, suppressions) is for `people`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, select

from mailer.compose.message import REST
from mailer.petition_fields.table import KEPT
from mailer.store.engine.by_campaign import about
from mailer.store.tables.core import (
    campaigns,
    consent_sources,
    consents,
    deliveries,
    events,
    hits,
    links,
    lists,
    people_tags,
    tags,
)
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.inbound import conversions, replies, signatures
from mailer.store.tables.states import DeliveryState, Feedback


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. `kind` is consent, mail, event, click, opening, signature, conversion, tag or
    reply; `state` is the membership, the delivery's state, the event or the verdict."""

    at: datetime
    kind: str
    what: str  # the newsletter, page or list
    detail: str
    state: str = ""


def story(connection: Connection, person_id: int) -> list[Moment]:
    """Everything that is kept of a person with a time beside it, the oldest first."""
    parts = (_consents, _mails, _events, _clicks, _signatures, _conversions, _tags, _replies)
    found = [moment for part in parts for moment in part(connection, person_id)]
    return sorted(found, key=lambda moment: (moment.at, moment.kind))


def _consents(connection: Connection, person_id: int) -> Iterator[Moment]:
    rows = connection.execute(
        select(consents.c.at, lists.c.name, consents.c.status, consent_sources.c.how, consent_sources.c.source,
               consent_sources.c.wording, consents.c.given_at)
        .select_from(consents.join(lists, lists.c.id == consents.c.list_id)
                     .join(consent_sources, consent_sources.c.id == consents.c.source_id))
        .where(consents.c.person_id == person_id)
    )  # fmt: skip
    for row in rows:
        wording = f": “{row.wording}”" if row.wording else ""
        since = f", agreed on {row.given_at:%Y-%m-%d %H:%M}" if row.given_at else ""
        yield Moment(
            row.at, "consent", row.name, f"{row.status} by {row.how}, {row.source}{since}{wording}", row.status
        )


def version_told(arm: str, winner: str | None) -> str:
    """Which version of a test somebody got, in words; "" where nothing was tested. `winner`: of the test, "" before."""
    if arm != REST:
        return f"version {arm.upper()}" if arm else ""
    return f"version {winner.upper()}, which won its test" if winner else "waits for the version that wins"


def _mails(connection: Connection, person_id: int) -> Iterator[Moment]:
    rows = connection.execute(
        select(deliveries, campaigns.c.slug, campaign_tests.c.winner)
        .join(campaigns, campaigns.c.id == deliveries.c.campaign_id)
        .outerjoin(campaign_tests, campaign_tests.c.campaign_id == deliveries.c.campaign_id)
        .where(deliveries.c.person_id == person_id)
    )
    for row in rows:
        told = f", {version_told(row.arm, row.winner)}" if row.arm else ""
        told += f", then {row.feedback}" if row.feedback != Feedback.NONE else ""
        reply = f" ({row.code} {row.detail})".replace(" )", ")") if row.code else ""
        at = row.changed_at if row.changed_at and row.state != DeliveryState.QUEUED else row.not_before
        yield Moment(at, "mail", row.slug, f"{row.state}{told}{reply}", row.feedback or row.state)


def _events(connection: Connection, person_id: int) -> Iterator[Moment]:
    rows = connection.execute(
        select(events.c.at, events.c.kind, events.c.detail, campaigns.c.slug)
        .select_from(events.join(deliveries, about(events))
                     .join(campaigns, campaigns.c.id == events.c.campaign_id))
        .where(deliveries.c.person_id == person_id)
    )  # fmt: skip
    for row in rows:
        yield Moment(row.at, "event", row.slug, f"{row.kind} {row.detail}".strip(), row.kind)


def _clicks(connection: Connection, person_id: int) -> Iterator[Moment]:
    link = (links.c.campaign_id == hits.c.campaign_id) & (links.c.n == hits.c.n)
    rows = connection.execute(
        select(hits.c.at, hits.c.n, hits.c.verdict, hits.c.reasons, hits.c.headers, links.c.label, campaigns.c.slug)
        .select_from(hits.join(deliveries, _same(hits))
                     .join(campaigns, campaigns.c.id == hits.c.campaign_id).outerjoin(links, link))
        .where(deliveries.c.person_id == person_id)
    )  # fmt: skip
    for row in rows:
        reasons = f" ({row.reasons})" if row.reasons else ""
        agent = str(row.headers.get("user-agent", ""))
        detail = f"{row.label or ''} · {row.verdict}{reasons} · {agent}".strip(" ·")
        yield Moment(row.at, "click" if row.n else "opening", row.slug, detail, row.verdict)


def _signatures(connection: Connection, person_id: int) -> Iterator[Moment]:
    rows = connection.execute(select(signatures).where(signatures.c.person_id == person_id))
    for row in rows.mappings():
        texts = [row[field.name] for field in KEPT if row[field.name]]
        said = " ".join([*texts, *(f"{key}: {text}" for key, text in row["own"].items())])
        changed = f", changed {row['changed_at']:%Y-%m-%d %H:%M}" if row["changed_at"] != row["signed_at"] else ""
        shown = ", first name shown on the page" if row["shown"] else ""
        yield Moment(row["signed_at"], "signature", row["page"], said + shown + changed)


def _conversions(connection: Connection, person_id: int) -> Iterator[Moment]:
    rows = connection.execute(
        select(conversions.c.at, conversions.c.name, conversions.c.reference, conversions.c.source, campaigns.c.slug)
        .select_from(conversions.join(deliveries, _same(conversions))
                     .join(campaigns, campaigns.c.id == conversions.c.campaign_id))
        .where(deliveries.c.person_id == person_id)
    )  # fmt: skip
    for row in rows:
        yield Moment(row.at, "conversion", row.slug, f"{row.name} {row.reference} by {row.source}")


def _replies(connection: Connection, person_id: int) -> Iterator[Moment]:
    rows = connection.execute(
        select(replies.c.at, replies.c.kind, replies.c.state, replies.c.words, campaigns.c.slug)
        .select_from(replies.join(deliveries, _same(replies)).join(campaigns, campaigns.c.id == replies.c.campaign_id))
        .where(deliveries.c.person_id == person_id)
    )  # fmt: skip
    for row in rows:
        yield Moment(row.at, "reply", row.slug, f"{row.kind}, {row.state}: “{row.words}”")


def _tags(connection: Connection, person_id: int) -> Iterator[Moment]:
    given = select(people_tags.c.at, tags.c.name, people_tags.c.source).join(tags, tags.c.id == people_tags.c.tag_id)
    for row in connection.execute(given.where(people_tags.c.person_id == person_id)):
        yield Moment(row.at, "tag", row.name, row.source)


def _same(table: Table) -> ColumnElement[bool]:
    """The delivery a row is about; with the campaign, by which these tables are indexed."""
    return (table.c.campaign_id == deliveries.c.campaign_id) & (table.c.delivery_id == deliveries.c.id)
