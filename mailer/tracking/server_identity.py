"""How a server proves that it knows this workspace's signing keys, without telling them.

The asker sends a number used once; the answer is its HMAC-SHA256 (RFC 2104) under a key derived for this purpose
alone, so that it is worth nothing as a token and no copy of an older answer will do.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from enum import StrEnum

NONCE = re.compile(r"[0-9a-f]{32}")
_PURPOSE = b"mailer.identity"


class Likeness(StrEnum):
    """Which of our signing keys the server answered with."""

    SAME = "same"  # the newest of our keys
    OLDER = "older"  # a key that we have put behind another: the server doesn't know the newest
    OTHER = "other"


def prove(keys: Sequence[bytes], nonce: str) -> str:
    """The answer to `nonce` with the newest of `keys`."""
    return _answer(keys[0], nonce)


def recognise(keys: Sequence[bytes], nonce: str, answer: str) -> Likeness:
    """Which of our keys gave `answer`."""
    for place, key in enumerate(keys):
        if hmac.compare_digest(_answer(key, nonce).encode(), answer.encode()):
            return Likeness.OLDER if place else Likeness.SAME
    return Likeness.OTHER


def _answer(key: bytes, nonce: str) -> str:
    derived = hmac.digest(key, _PURPOSE, hashlib.sha256)
    return hmac.digest(derived, nonce.encode(), hashlib.sha256).hex()
