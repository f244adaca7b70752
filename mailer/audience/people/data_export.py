"""Everything that is kept of one person, as data they can take away (GDPR Art. 15 and 20)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select

from mailer.audience.people.people import show
from mailer.audience.people.timeline import version_told
from mailer.petition_fields.table import KEPT
from mailer.store.engine.by_campaign import about
from mailer.store.tables import inbound as tables
from mailer.store.tables.automations import automation_entries, automations
from mailer.store.tables.core import campaigns, deliveries, events, hits, links, people
from mailer.store.tables.experiments import campaign_tests

signatures, statements, conversions = tables.signatures, tables.statements, tables.conversions
replies = tables.replies


def everything(connection: Connection, address: str, *, address_key: bytes) -> dict[str, Any]:
    """Who they are, their consents, mails, what they followed, signed and did, and their suppressions."""
    dossier = show(connection, address, address_key=address_key)
    kept: dict[str, Any] = asdict(dossier) if dossier else {"address": address}
    kept.pop("person_id", None)
    # Without who decided and from where: a colleague, who is somebody else.
    told = ("at", "action", "detail", "reason")
    kept["decisions"] = [{name: one[name] for name in told} for one in kept.get("decisions", ())]
    if dossier is None or dossier.person_id is None:
        return kept
    person_id = dossier.person_id
    wish = select(people.c.frequency).where(people.c.id == person_id)
    return {
        **kept,
        "frequency": connection.execute(wish).scalar(),
        "deliveries": _mails(connection, person_id),
        "clicks": _clicks(connection, person_id),
        "signatures": _signatures(connection, person_id),
        "conversions": _conversions(connection, person_id),
        "replies": _replies(connection, person_id),
        "automations": _automations(connection, person_id),
    }


def _mails(connection: Connection, person_id: int) -> list[dict[str, Any]]:
    mine = deliveries.c.person_id == person_id
    noted: dict[int, list[dict[str, Any]]] = {}
    happened = select(events.c.delivery_id, events.c.at, events.c.kind, events.c.detail)
    for row in connection.execute(happened.join(deliveries, about(events)).where(mine)):
        noted.setdefault(row.delivery_id, []).append({"at": row.at, "kind": row.kind, "detail": row.detail})
    query = (
        select(
            deliveries.c.id,
            campaigns.c.slug,
            deliveries.c.state,
            deliveries.c.changed_at,
            deliveries.c.arm,
            campaign_tests.c.winner,
        )
        .join(campaigns, campaigns.c.id == deliveries.c.campaign_id)
        .outerjoin(campaign_tests, campaign_tests.c.campaign_id == deliveries.c.campaign_id)
        .where(mine)
        .order_by(deliveries.c.changed_at, deliveries.c.id)
    )
    return [
        {"newsletter": row.slug, "state": row.state, "at": row.changed_at, "events": noted.get(row.id, [])}
        | ({"version": version_told(row.arm, row.winner)} if row.arm else {})
        for row in connection.execute(query)
    ]


def _clicks(connection: Connection, person_id: int) -> list[dict[str, Any]]:
    of_link = (links.c.campaign_id == hits.c.campaign_id) & (links.c.n == hits.c.n)
    query = (
        select(campaigns.c.slug.label("newsletter"), links.c.url, hits.c.n, hits.c.at, hits.c.headers, hits.c.verdict)
        .select_from(
            hits.join(deliveries, about(hits))
            .join(campaigns, campaigns.c.id == hits.c.campaign_id)
            .outerjoin(links, of_link)
        )
        .where(deliveries.c.person_id == person_id, hits.c.campaign_id == deliveries.c.campaign_id)
        .order_by(hits.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _signatures(connection: Connection, person_id: int) -> list[dict[str, Any]]:
    names = ("page", *(field.name for field in KEPT), "own", "shown", "signed_at", "changed_at")
    query = (
        select(*[signatures.c[name] for name in names], statements.c.text.label("statement"))
        .join(statements, statements.c.id == signatures.c.statement_id)
        .where(signatures.c.person_id == person_id)
        .order_by(signatures.c.signed_at)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _conversions(connection: Connection, person_id: int) -> list[dict[str, Any]]:
    query = (
        select(conversions.c.name, conversions.c.reference, conversions.c.at)
        .join(deliveries, about(conversions))
        .where(deliveries.c.person_id == person_id)
        .order_by(conversions.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _replies(connection: Connection, person_id: int) -> list[dict[str, Any]]:
    names = ("at", "kind", "state", "sender", "subject", "words", "attachments")
    query = (
        select(*[replies.c[name] for name in names], campaigns.c.slug.label("newsletter"))
        .select_from(replies.join(deliveries, about(replies)).join(campaigns, campaigns.c.id == replies.c.campaign_id))
        .where(deliveries.c.person_id == person_id)
        .order_by(replies.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def _automations(connection: Connection, person_id: int) -> list[dict[str, Any]]:
    names = ("number", "step", "due_at", "state", "reason", "entered_at", "changed_at")
    query = (
        select(automations.c.slug.label("automation"), *[automation_entries.c[name] for name in names])
        .join(automations, automations.c.id == automation_entries.c.automation_id)
        .where(automation_entries.c.person_id == person_id)
        .order_by(automation_entries.c.id)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
