"""Signed tokens that stand for one delivery and one purpose in the links of a mail.

A token is 24 bytes in URL-safe base64 (32 characters): a byte of flags, the delivery's number in 8 bytes, and the
first 15 bytes of an HMAC-SHA256 (RFC 2104) over both, under a key derived for the purpose. A token for reading can't
be used for leaving. The first signing key signs and all of them verify, so keys can be changed while old mails
keep working. Nothing in a token says who the person is.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailer.errors import MailerError

ID_BYTES = 8
MAC_BYTES = 15  # 120 bits: far beyond guessing, and the token ends on a whole base64 group
PROOF = 0x01  # flag: the number is a proof's, so nothing that is done with it counts


class Purpose(StrEnum):
    """What a token lets its bearer do; its value is the path it stands in."""

    CLICK = "c"
    UNSUBSCRIBE = "u"
    VIEW = "v"
    PREFERENCES = "p"


class BadToken(MailerError):
    """The token was not signed by us for this purpose: cut short, altered or made up."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a token names: a delivery, or a proof that stands for one."""

    id: int
    proof: bool = False


class Signer:
    """Signs and reads tokens. `keys` come newest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._derived = {
            purpose: [hmac.digest(key, b"mailer.token." + purpose.encode(), hashlib.sha256) for key in keys]
            for purpose in Purpose
        }

    def sign(self, purpose: Purpose, named: Named) -> str:
        """The token of `named` for `purpose`."""
        body = bytes([PROOF if named.proof else 0]) + named.id.to_bytes(ID_BYTES)
        mac = hmac.digest(self._derived[purpose][0], body, "sha256")[:MAC_BYTES]
        return urlsafe_b64encode(body + mac).decode("ascii")

    def read(self, purpose: Purpose, token: str) -> Named:
        """What `token` names; raises `BadToken`. Every token has one spelling only."""
        try:
            raw = urlsafe_b64decode(token.encode("ascii"))
        except (UnicodeEncodeError, Base64Error, ValueError):
            raise BadToken("the link is damaged") from None
        body, mac = raw[: 1 + ID_BYTES], raw[1 + ID_BYTES :]
        genuine = False
        for key in self._derived[purpose]:
            genuine |= hmac.compare_digest(mac, hmac.digest(key, body, "sha256")[:MAC_BYTES])
        if not genuine or body[0] & ~PROOF or urlsafe_b64encode(raw).decode("ascii") != token:
            raise BadToken("the link is damaged")
        return Named(int.from_bytes(body[1:]), proof=bool(body[0] & PROOF))
