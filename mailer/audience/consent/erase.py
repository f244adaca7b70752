"""Takes a person out of everything but the figures: what they wrote, what was said of them, where they clicked from.

What stays: that the address must not be mailed, as a keyed hash; deliveries, clicks and signatures as counts without a
person. The person's own row, subscriptions and consents are deleted by `consent.forget`, which calls this.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, case, or_, select, update
from sqlalchemy import delete as delete_from

from mailer.audience.consent.scrub import NOTHING_SAID, scrub
from mailer.petition_fields.table import KEPT
from mailer.store.tables.automations import automation_entries
from mailer.store.tables.core import deliveries, events, hits, proofs, suppressions
from mailer.store.tables.data import lookup_rows, lookup_tables
from mailer.store.tables.inbound import (
    conversions,
    provider_events,
    replies,
    requests,
    returned_mails,
    signatures,
    unsubscribe_presses,
)
from mailer.store.tables.jobs import jobs
from mailer.store.tables.states import EntryState, SuppressionReason, ThanksState, WhyLeft


def blank(connection: Connection, *, person_id: int, address: str, address_hash: bytes) -> None:
    """Remove every trace of a person beside their own rows. `address` is normalised."""
    # First, since an automation that is just about to mail them is waited for here, and its mail is then seen below.
    inside = automation_entries.c.due_at.is_not(None)
    connection.execute(
        update(automation_entries)
        .where(automation_entries.c.person_id == person_id)
        .values(
            person_id=None, due_at=None,
            state=case((inside, EntryState.LEFT.value), else_=automation_entries.c.state),
            reason=case((inside, WhyLeft.FORGOTTEN.value), else_=automation_entries.c.reason),
        )
    )  # fmt: skip
    theirs = select(deliveries.c.id).where(deliveries.c.person_id == person_id)
    _what_was_said(connection, person_id, address_hash)
    campaign_ids = select(deliveries.c.campaign_id).where(
        deliveries.c.person_id == person_id
    )  # there is an index by it
    connection.execute(
        update(hits)
        .where(hits.c.campaign_id.in_(campaign_ids), hits.c.delivery_id.in_(theirs))
        .values(headers={}, network=b"")  # the counts stay
    )
    connection.execute(
        update(unsubscribe_presses).where(unsubscribe_presses.c.delivery_id.in_(theirs)).values(agent="", network=b"")
    )
    connection.execute(
        update(signatures)
        .where(signatures.c.person_id == person_id)
        .values(
            person_id=None, shown=False, own={}, comment_state="", thanks=_not_waiting(),
            **{field.name: "" for field in KEPT},
        )
    )  # fmt: skip
    # The other site's own number of it may name the person there.
    numbers = select(conversions.c.id).where(
        conversions.c.campaign_id.in_(campaign_ids), conversions.c.delivery_id.in_(theirs)
    )
    for number in connection.execute(numbers).scalars().all():
        connection.execute(
            update(conversions).where(conversions.c.id == number).values(reference=f"forgotten-{number}")
        )
    connection.execute(
        delete_from(requests).where(or_(requests.c.address == address, requests.c.person_id == person_id))
    )
    connection.execute(delete_from(jobs).where(or_(jobs.c.address == address, jobs.c.person_id == person_id)))
    _what_providers_wrote(connection, person_id, address)
    of_people = select(lookup_tables.c.id).where(lookup_tables.c.kind == "address")
    theirs_there = lookup_rows.c.table_id.in_(of_people), lookup_rows.c.key == address_hash.hex()
    connection.execute(delete_from(lookup_rows).where(*theirs_there))
    for table in (deliveries, proofs):
        connection.execute(update(table).where(table.c.person_id == person_id).values(person_id=None))


def _not_waiting() -> ColumnElement[str]:
    """What became of a signature's mail of thanks, when one that waits is deleted with the rest of the jobs."""
    waits = signatures.c.thanks == ThanksState.QUEUED.value
    return case((waits, ThanksState.NONE.value), else_=signatures.c.thanks)


def _what_was_said(connection: Connection, person_id: int, address_hash: bytes) -> None:
    """Replies of servers quote the address: in deliveries, their events, and the source of a suppression."""
    theirs = select(deliveries.c.id).where(deliveries.c.person_id == person_id)
    connection.execute(
        update(events).where(events.c.delivery_id.in_(theirs), events.c.detail.contains("@")).values(detail="")
    )
    connection.execute(update(deliveries).where(deliveries.c.person_id == person_id).values(detail=""))
    said = suppressions.c.reason.in_([SuppressionReason.BOUNCED.value, SuppressionReason.COMPLAINED.value])
    connection.execute(
        update(suppressions)
        .where(suppressions.c.address_hash == address_hash, or_(said, suppressions.c.source.contains("@")))
        .values(source="")
    )


def _what_providers_wrote(connection: Connection, person_id: int, address: str) -> None:
    theirs = select(deliveries.c.id).where(deliveries.c.person_id == person_id)
    connection.execute(delete_from(provider_events).where(provider_events.c.delivery_id.in_(theirs)))
    connection.execute(
        update(returned_mails).where(returned_mails.c.delivery_id.in_(theirs)).values(sender="", subject="", why="")
    )
    connection.execute(update(replies).where(replies.c.delivery_id.in_(theirs)).values(NOTHING_SAID))
    scrub(connection, address)
