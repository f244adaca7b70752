"""What an email address is here, and how it is remembered: one spelling for each person, one keyed hash of it.

Whether anybody lives there is for the transports to find out.
"""

from __future__ import annotations

import hashlib
import re

from mailer.errors import MailerError
from mailer.senders import LONGEST_ADDRESS

HASH_BYTES = 16
AROUND = " \t\r\n\f\v\u00a0\u200b\ufeff"  # what pasting leaves around an address

# A part of what email-validator allows, and nothing it refuses: lower-case ASCII, no xn-- labels, a common ending, and
# short enough to need no limit on its parts. Everything else is judged by email-validator itself; the two agree, by
# property test. Possessive, since nothing here is ever matched another way: half the time.
SHORT = 64
_ATOM = r"[a-z0-9_!#$%&'*+/=?^`{|}~-]++"
_PLAIN = (
    rf"{_ATOM}(?:\.{_ATOM})*+@(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)++"
    r"(?!(?:arpa|invalid|local|localhost|onion|test)(?![a-z]))[a-z]{2,}+"
)
PLAIN = re.compile(_PLAIN)


class BadAddress(MailerError):
    """This text is not an address that can be mailed; `message` says why."""

    def __init__(self, why: str) -> None:
        super().__init__(why, remedy="Write one as name@example.org.")


def normalise(text: str) -> str:
    """The one spelling of an address: trimmed, lower case, the domain as people read it. Raises `BadAddress`.

    RFC 5321 §2.4 lets a host tell John@ from john@; next to none does, and people type either. So spellings that
    differ in case are one person, who gets one mail. email-validator is the judge, with its strict limit of 64
    characters before the @. Letters beyond ASCII there are refused: every relay on the way would have to speak
    SMTPUTF8 (RFC 6531). In the domain they are fine, and kept readable.
    """
    bare = text.strip(AROUND)
    if bare.isascii():
        lower = bare.lower()
        if len(lower) <= SHORT and PLAIN.fullmatch(lower):
            return lower
    return judge(bare)


def judge(text: str) -> str:
    """What `normalise` gives for a trimmed text, by email-validator alone."""
    from email_validator import EmailNotValidError, validate_email  # slow to import, and rarely asked

    if not text:
        raise BadAddress("the address is empty")
    if len(text) > 4 * LONGEST_ADDRESS:
        raise BadAddress(f"the address is {len(text)} characters long; {LONGEST_ADDRESS} is the most")
    local, _, _ = text.rpartition("@")
    if local and not local.isascii():
        raise BadAddress("a letter beyond ASCII is before the @, which many mail systems can't carry")
    try:
        found = validate_email(text, check_deliverability=False, strict=True, allow_smtputf8=False)
    except EmailNotValidError as error:
        reason = str(error).rstrip(".")
        raise BadAddress(reason[:1].lower() + reason[1:]) from None
    return f"{found.local_part.lower()}@{found.domain}"


def address_hash(address: str, key: bytes) -> bytes:
    """The keyed BLAKE2b of a normalised address, 16 bytes: what a suppression keeps of a person.

    Keyed, since plain hashes of addresses are undone by trying known addresses.
    """
    return hashlib.blake2b(address.encode(), digest_size=HASH_BYTES, key=hash_key(key)).digest()


def hash_key(key: bytes) -> bytes:
    """A key of any length as one BLAKE2b takes (64 bytes at most), for callers that hash many addresses."""
    return key if len(key) <= hashlib.blake2b.MAX_KEY_SIZE else hashlib.blake2b(key).digest()
