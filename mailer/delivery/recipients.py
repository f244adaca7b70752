"""Who the claimed people are right now: their address and what merge tags see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from mailer.audience.people import supporters
from mailer.delivery.recording import Claim
from mailer.store.arrays import among
from mailer.store.database import Database
from mailer.store.tables import people


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person about to be mailed."""

    address: str
    domain: str
    fields: Mapping[str, str]
    tracked: bool = False  # known to agree to be tracked; only looked up where it matters


def load_recipients(
    database: Database, claims: Sequence[Claim], *, with_tracking: bool = False
) -> dict[int, Recipient]:
    """The people of `claims` by id; those forgotten meanwhile are missing."""
    numbers = [claim.person_id for claim in claims]
    with database.read() as connection:
        known = supporters(connection, numbers)
        tracked = _tracked(connection, numbers) if with_tracking else set[int]()
    return {
        person_id: Recipient(fields["email"], fields["email"].rpartition("@")[2], fields, person_id in tracked)
        for person_id, fields in known.items()
    }


def _tracked(connection: Connection, numbers: Sequence[int]) -> set[int]:
    query = select(people.c.id).where(among(people.c.id, "numbers"), people.c.tracking)
    return set(connection.execute(query, {"numbers": numbers}).scalars())
