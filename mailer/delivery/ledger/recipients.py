"""Who the claimed people are right now: their address and what merge tags see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mailer.audience.people.people import MERGED_OF, supporter
from mailer.delivery.ledger.outcomes import Claim
from mailer.store.engine.database import Database


class Recipient(NamedTuple):
    """A person about to be mailed."""

    address: str
    domain: str
    fields: Mapping[str, str]
    tracked: bool = False  # known to agree to be tracked; only said where it matters


def load_recipients(
    database: Database, claims: Sequence[Claim], *, with_tracking: bool = False
) -> dict[int, Recipient]:
    """The people of `claims` by id; those forgotten meanwhile are missing."""
    with database.held.read() as connection:
        rows = MERGED_OF.rows(connection, [claim.person_id for claim in claims], {})
    return {
        row[0]: Recipient(row[1], row[1].rpartition("@")[2], supporter(row[1:-1]), with_tracking and bool(row[-1]))
        for row in rows
    }
