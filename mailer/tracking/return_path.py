"""The return path of a mail: the mailbox for bounces with a signed token as its tag.

A token's base64 tells capitals from small letters, which mail systems need not keep before the @ (RFC 5321 §2.4 asks
them to, and some don't). So here it is base32 (RFC 4648 §6), in lower case, and is read in any case. Who may act on
what comes back to it is for `feedback.dsn`.
"""

from __future__ import annotations

import re
from base64 import b32decode, b32encode, urlsafe_b64decode, urlsafe_b64encode

TAG_CHARACTERS = 39  # 24 bytes are 38.4 characters of base32

# Before it is the + of the tag, or whatever else a mail system divides tags by.
_TAGGED = re.compile(rf"(?<![A-Za-z2-7])([A-Za-z2-7]{{{TAG_CHARACTERS}}})@")


def return_path(mailbox: str, token: str) -> str:
    """The address bounces come back to: `mailbox` with the token as its tag."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{tag_of(token)}@{domain}"


def tag_of(token: str) -> str:
    """A token of 32 characters as 39 of `a` to `z` and `2` to `7`."""
    return b32encode(urlsafe_b64decode(token)).decode("ascii").rstrip("=").lower()


def token_of(tag: str) -> str:
    """The token of a tag, in whatever case it came back; "" when no tag of ours is written so."""
    try:
        raw = b32decode(tag.upper() + "=" * (-len(tag) % 8))
    except ValueError:
        return ""
    token = urlsafe_b64encode(raw).decode("ascii")
    return token if tag_of(token) == tag.lower() else ""  # one spelling for each token


def tokens_in(text: str) -> list[str]:
    """The tokens in the addresses of a header."""
    return [token for tag in _TAGGED.findall(text) if (token := token_of(tag))]
