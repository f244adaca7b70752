"""Who the claimed people are right now: their address and what merge tags see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailer.audience.people import supporters
from mailer.delivery.recording import Claim
from mailer.store.database import Database


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person about to be mailed."""

    address: str
    domain: str
    fields: Mapping[str, str]


def load_recipients(database: Database, claims: Sequence[Claim]) -> dict[int, Recipient]:
    """The people of `claims` by id; those forgotten meanwhile are missing."""
    with database.read() as connection:
        known = supporters(connection, [claim.person_id for claim in claims])
    return {
        person_id: Recipient(fields["email"], fields["email"].rpartition("@")[2], fields)
        for person_id, fields in known.items()
    }
