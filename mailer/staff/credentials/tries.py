"""How often anybody may try to sign in: for one account, from one network, and in all. Tries count before all else.

The limits hold over all servers and say nothing about who has an account: one that doesn't exist runs out as well.
Passkeys, which nobody guesses, are counted for the network alone, so nobody is locked out by a stranger's tries.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.store.networks import networks_of
from mailer.store.rate_limits import Limit, limit_key, take

# A code has a million values, of which three fit: at 12 an hour it is guessed in some ten years, the password known.
ACCOUNT = Limit(10, timedelta(minutes=5))
NETWORK = Limit(30, timedelta(seconds=20))  # an office that all signs in on Monday morning
SITE = Limit(90, timedelta(seconds=7))  # the /48 around it
EVERYBODY = Limit(600, timedelta(seconds=1))  # a tenth of a second of one core each: a crowd can't take the server


class TooManyTries(MailerError):
    """Nobody is let in now; a passkey still is."""

    def __init__(self) -> None:
        super().__init__(
            "There were too many tries to sign in.",
            remedy="Wait five minutes, use your passkey, or ask an admin for a link that works once.",
        )


def count_try(database: Database, *, address: str, network: str, key: bytes, now: datetime) -> None:
    """Count one try. `address` is what was typed, "" for a passkey; `network` is the browser's IP address.

    Raises `TooManyTries`. Committed at once: what fails afterwards was still a try.
    """
    turns = [(b"everybody", EVERYBODY), *zip(networks_of(network), (NETWORK, SITE), strict=False)]
    if address:
        turns.append((address.encode(), ACCOUNT))
    with database.write() as connection:
        for who, limit in turns:
            purpose = "staff account" if limit is ACCOUNT else "staff sign-in"
            if not take(connection, limit_key(purpose, who, key=key), limit, now=now):
                break
        else:
            return
    raise TooManyTries
