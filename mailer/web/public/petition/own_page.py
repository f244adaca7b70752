"""The thanks as somebody's own page: what its address says of the signature that was just made, sealed.

Nothing of it can be read, so an address that somebody shares tells nobody whose it is, nor whether an address that was
typed had signed before. It works for a while, for saying thank you by name and for adding to the signature, and is the
plain thanks page from then on. There is no cookie.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache

from cryptography.fernet import Fernet, InvalidToken

LIFE_SECONDS = 30 * 60
LONGEST = 1_000  # characters of a seal that are looked at


@dataclass(frozen=True, slots=True)
class OwnPage:
    """A signature that was just made. `name`: what the person typed as their first name, and "" for people who came by
    a link in a mail, since somebody else may have that mail by now."""

    page: str
    signature: int
    name: str
    by_link: bool


def seal(own: OwnPage, keys: Sequence[bytes], *, at: datetime) -> str:
    """The page's address says this."""
    sealed = _lock(keys[0]).encrypt_at_time(json.dumps(asdict(own)).encode(), int(at.timestamp()))
    return sealed.decode("ascii").rstrip("=")  # which addresses would have to escape


def unseal(text: str, keys: Sequence[bytes], *, page: str, now: datetime) -> OwnPage | None:
    """What the address says; None when it says nothing of `page`, is damaged, or has served its time."""
    text += "=" * (-len(text) % 4)
    for lock in map(_lock, keys) if 0 < len(text) <= LONGEST and text.isascii() else ():
        try:
            own = OwnPage(**json.loads(lock.decrypt_at_time(text, LIFE_SECONDS, int(now.timestamp()))))
        except (InvalidToken, ValueError):
            continue
        return own if own.page == page else None
    return None


@cache
def _lock(key: bytes) -> Fernet:
    return Fernet(urlsafe_b64encode(hmac.digest(key, b"mailer.own_page", "sha256")))
