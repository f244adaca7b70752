"""What a group's own past mails say of how well the next one does."""

from __future__ import annotations

from sqlalchemy import Connection

from mailer.experiments.beliefs import Prior


def past_prior(connection: Connection) -> Prior:
    """What is expected of a message that nobody got yet."""
    return Prior.fallback()
