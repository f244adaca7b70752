"""What a petition's page tells of those who signed: how many, the latest names, what they wrote, and the delivery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mailer.audience.petition.comments import SignerComment, shown_comments
from mailer.audience.petition.delivered import DeliveredPetition, petition_delivered
from mailer.audience.petition.signatures import SignatureCount, tally
from mailer.compose.action_page.parse import ActionPage

NAMES = 3  # last first names that are shown
COMMENTS = 5  # last comments


@dataclass(frozen=True, slots=True)
class ToldOfPage:
    """What the page tells. `delivered` is None while the petition was not."""

    tally: SignatureCount
    comments: Sequence[SignerComment] = ()
    delivered: DeliveredPetition | None = None


def told_of(connection: Connection, page: ActionPage) -> ToldOfPage:
    """It, as it is now."""
    return ToldOfPage(
        tally(connection, page.slug, names=NAMES if page.show_names else 0),
        shown_comments(connection, page.slug, page.show_comments, limit=COMMENTS),
        petition_delivered(connection, page.slug),
    )
