"""Passwords of staff: judged when they are chosen, kept as Argon2id (RFC 9106), compared in one time for everybody.

A password alone opens nothing: a code from an app, or a recovery code, goes with it.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from mailer.errors import MailerError

SHORTEST, LONGEST = 12, 256  # characters; NIST SP 800-63B-4 asks for 8 beside a second factor, and to allow 64
FEWEST_KINDS = 5  # different characters
# OWASP's password storage cheat sheet: at least 19 MiB and two passes. This is some 0.1 s of a small server.
MEMORY_KIB, PASSES, LANES = 47_104, 2, 1
SALT_BYTES, HASH_BYTES = 16, 32
AT_ONCE = threading.BoundedSemaphore(4)  # each takes its memory; a crowd of sign-ins waits instead


class PasswordTooWeak(MailerError):
    """A password that would be guessed; `message` says why."""


def judge_password(password: str, *, address: str) -> None:
    """Raises `PasswordTooWeak`. No rules about kinds of characters, which make people choose `Password1!`."""
    plain = _plain(password)
    if len(plain) < SHORTEST:
        raise PasswordTooWeak(f"A password needs {SHORTEST} characters or more.", remedy="Four random words are good.")
    if len(plain) > LONGEST:
        raise PasswordTooWeak(f"A password has at most {LONGEST} characters.")
    names = [part for part in address.lower().replace("@", ".").split(".") if len(part) > 3]
    rest = plain.lower()
    for name in (address.lower(), *names):
        rest = rest.replace(name, "")
    if len(set(rest)) < FEWEST_KINDS or len(rest) < SHORTEST // 2:
        raise PasswordTooWeak("That password is easily guessed.", remedy="Four random words are good.")


def hash_password(password: str) -> str:
    """The PHC string that the database keeps."""
    with AT_ONCE:
        return _argon2id().derive_phc_encoded(_octets(password))


def is_password(password: str, kept: str) -> bool:
    """Whether this is the password of a PHC string; "" is nobody's, which takes as long to find out."""
    with AT_ONCE:
        try:
            Argon2id.verify_phc_encoded(_octets(password[: 2 * LONGEST]), kept or _nobodys())
        except InvalidKey:
            return False
    return bool(kept)


def _argon2id() -> Argon2id:
    salt = secrets.token_bytes(SALT_BYTES)
    return Argon2id(salt=salt, length=HASH_BYTES, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB)


@cache
def _nobodys() -> str:
    return _argon2id().derive_phc_encoded(secrets.token_bytes(HASH_BYTES))


def _plain(password: str) -> str:
    """One spelling however a keyboard composes it (NIST SP 800-63B-4 §3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _octets(password: str) -> bytes:
    return _plain(password).encode("utf-8", "replace")  # half a character, which no keyboard types
