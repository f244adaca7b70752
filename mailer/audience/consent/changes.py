"""Changes whether one person may be mailed: they leave a list, are suppressed or forgotten; keeps proof of each.

Bulk changes by files are for `audience.imports`. The caller has a write transaction open and commits it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from mailer.audience.addresses import normalise
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.consent.erase import blank
from mailer.audience.consent.recheck import change_consent
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.core import consent_sources, consents, lists, people, subscriptions, suppressions
from mailer.store.tables.imports import import_people, import_subscriptions, import_suppressions, imports
from mailer.store.tables.states import Membership, SuppressionReason

IMPORT = "import"  # how an import's people came, as their proof says


def leave(
    connection: Connection, *, person_id: int, list_ids: Iterable[int], how: str, source: str, at: datetime
) -> bool:
    """Take a person off lists at their wish: subscription, proof and suppression. False when nothing changed.

    `how` is form, link, one-click, mail or staff; `source` the campaign, page or colleague. Repeats change nothing, so
    a mail provider may post an unsubscribe twice. A person who is not known, or never was on a list, is left alone.
    """
    change_consent(connection)
    hashed = connection.execute(select(people.c.address_hash).where(people.c.id == person_id)).scalar()
    wanted = sorted(set(list_ids) - {EVERY_LIST})
    if hashed is None or not wanted:
        return False
    left = connection.execute(
        update(subscriptions)
        .where(
            subscriptions.c.person_id == person_id,
            subscriptions.c.list_id.in_(wanted),
            subscriptions.c.status != Membership.UNSUBSCRIBED,
        )
        .values(status=Membership.UNSUBSCRIBED, changed_at=at)
        .returning(subscriptions.c.list_id)
    ).scalars()
    changed = sorted(left)
    if changed:
        proof = {"person_id": person_id, "status": Membership.UNSUBSCRIBED, "at": at}
        proof["source_id"] = consent_source(connection, how=how, source=source, wording="")
        connection.execute(insert(consents), [{**proof, "list_id": list_id} for list_id in changed])
    known = connection.execute(
        select(subscriptions.c.list_id).where(
            subscriptions.c.person_id == person_id, subscriptions.c.list_id.in_(wanted)
        )
    ).scalars()
    added = [
        suppress(
            connection,
            address_hash=hashed,
            reason=SuppressionReason.UNSUBSCRIBED,
            list_id=list_id,
            at=at,
            source=source,
        )
        for list_id in sorted(known)
    ]
    return bool(changed) or any(added)


def subscribe(
    connection: Connection, *, person_id: int, list_id: int, how: str, source: str, wording: str, at: datetime
) -> None:
    """Put a person on a list at their wish, with the proof. Suppressions aren't looked at."""
    row = {"list_id": list_id, "person_id": person_id, "status": Membership.SUBSCRIBED.value, "changed_at": at}
    changed = {"status": row["status"], "changed_at": at}
    connection.execute(
        insert_for(connection, subscriptions)
        .values(row)
        .on_conflict_do_update(index_elements=["list_id", "person_id"], set_=changed)
    )
    prove(
        connection, person_id=person_id, list_id=list_id, status=Membership.SUBSCRIBED, at=at,
        source_id=consent_source(connection, how=how, source=source, wording=wording),
    )  # fmt: skip


def prove_again(
    connection: Connection, *, person_id: int, list_id: int, how: str, source: str, wording: str, at: datetime
) -> None:
    """Somebody who is on a list asks to be: their own word is kept beside an import's, which may be taken back."""
    theirs = (consents.c.person_id == person_id, consents.c.list_id == list_id)
    last = select(consent_sources.c.how).join_from(
        consents, consent_sources, consent_sources.c.id == consents.c.source_id
    )
    if connection.execute(last.where(*theirs).order_by(consents.c.id.desc()).limit(1)).scalar() == IMPORT:
        prove(
            connection, person_id=person_id, list_id=list_id, status=Membership.SUBSCRIBED, at=at,
            source_id=consent_source(connection, how=how, source=source, wording=wording),
        )  # fmt: skip


def prove(
    connection: Connection, *, person_id: int, list_id: int, status: Membership, at: datetime, source_id: int
) -> None:
    """Append the proof of one change of consent."""
    row = {"person_id": person_id, "list_id": list_id, "status": status.value, "at": at, "source_id": source_id}
    connection.execute(insert(consents).values(row))


def suppress(
    connection: Connection,
    *,
    address_hash: bytes,
    reason: SuppressionReason,
    at: datetime,
    list_id: int = EVERY_LIST,
    source: str = "",
) -> bool:
    """Never mail this address again: on one list, or on every list. False when that was so already."""
    row = {"address_hash": address_hash, "list_id": list_id, "reason": reason.value, "at": at, "source": source}
    added = connection.execute(
        insert_for(connection, suppressions).values(row).on_conflict_do_nothing().returning(suppressions.c.list_id)
    ).first()
    keep_suppressions(connection, [row])
    return added is not None


def keep_suppressions(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Somebody else than an import speaks for these suppressions too: taking it back leaves them."""
    imported = import_suppressions.c
    same = [imported[name] == bindparam(f"b_{name}") for name in ("address_hash", "list_id", "reason")]
    named = [{f"b_{name}": row[name] for name in ("address_hash", "list_id", "reason")} for row in rows]
    connection.execute(delete(import_suppressions).where(*same), named)


def leave_everything(connection: Connection, *, person_id: int, how: str, source: str, at: datetime) -> bool:
    """Take a person off all their lists and suppress the address on every list, those still to come too."""
    change_consent(connection)
    hashed = connection.execute(select(people.c.address_hash).where(people.c.id == person_id)).scalar()
    if hashed is None:
        return False
    theirs = select(subscriptions.c.list_id).where(subscriptions.c.person_id == person_id)
    list_ids = list(connection.execute(theirs).scalars())
    left = leave(connection, person_id=person_id, list_ids=list_ids, how=how, source=source, at=at)
    reason = SuppressionReason.UNSUBSCRIBED
    return suppress(connection, address_hash=hashed, reason=reason, at=at, source=source) or left


def forget(connection: Connection, *, address: str) -> bool:
    """Delete a person with everything that names them. False when the address is not known.

    Suppressions stay, as keyed hashes: somebody who left and was forgotten does not come back by the next import.
    Deliveries, clicks and signatures stay as figures without a person.
    """
    change_consent(connection)
    spelling = normalise(address)
    person = connection.execute(select(people.c.id, people.c.address_hash).where(people.c.address == spelling)).first()
    if person is None:
        return False
    person_id = person.id
    blank(connection, person_id=person_id, address=spelling, address_hash=person.address_hash)
    for table in (consents, subscriptions):
        connection.execute(delete(table).where(table.c.person_id == person_id))
    undoable = select(imports.c.id).where(imports.c.undo_until.is_not(None))
    for kept in (import_people, import_subscriptions):
        connection.execute(delete(kept).where(kept.c.import_id.in_(undoable), kept.c.person_id == person_id))
    connection.execute(delete(people).where(people.c.id == person_id))
    return True


def list_id(connection: Connection, name: str) -> int:
    """The number of the list `name`, given now if it has none."""
    found = connection.execute(select(lists.c.id).where(lists.c.name == name)).scalar()
    if found is None:
        connection.execute(insert_for(connection, lists).values(name=name).on_conflict_do_nothing())
        found = connection.execute(select(lists.c.id).where(lists.c.name == name)).scalar_one()
    return int(found)


def consent_source(connection: Connection, *, how: str, source: str, wording: str) -> int:
    """The number of this origin of consents, given now if it has none: a million consents share one."""
    row = {"how": how, "source": source, "wording": wording}
    connection.execute(insert_for(connection, consent_sources).values(row).on_conflict_do_nothing())
    same = [consent_sources.c[name] == value for name, value in row.items()]
    return int(connection.execute(select(consent_sources.c.id).where(*same)).scalar_one())
