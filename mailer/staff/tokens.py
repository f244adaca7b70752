"""Secrets that a browser or a mail keeps for us: 256 random bits, of which the database knows the hash alone.

A stolen copy of the database opens no session and no link. SHA-256 suffices, since nobody guesses 256 random bits.
"""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """A new secret: 43 characters that an address or a cookie may hold."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hashed(token: str) -> bytes:
    """What the database keeps of it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
