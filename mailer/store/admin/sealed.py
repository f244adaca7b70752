"""Seals a backup with a passphrase, as it is read, in the age format: `age -d` of any machine opens it.

age-encryption.org/v1 (https://c2sp.org/age) with one scrypt recipient: a random file key, wrapped by a key that scrypt
(RFC 7914) derives from the passphrase; then chunks of 64 KiB in ChaCha20-Poly1305, numbered, the last one marked, so
that none can be changed, left out or cut off unseen.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.hazmat.primitives import hmac
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

CHUNK = 64 * 1024
SHORTEST_PASSPHRASE = 12  # characters
WORK_FACTOR = 16  # log2 of scrypt's N: 64 MB and a quarter of a second for each guess
ENDING = ".age"


def seal(plain: BinaryIO, passphrase: str) -> Iterator[bytes]:
    """The file sealed, piece by piece. The passphrase is nowhere kept: who forgets it can't open the copy."""
    file_key = secrets.token_bytes(16)
    yield _header(file_key, passphrase)
    nonce = secrets.token_bytes(16)
    yield nonce
    cipher = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
    chunk, number = plain.read(CHUNK), 0
    while True:
        following = plain.read(CHUNK)
        yield cipher.encrypt(number.to_bytes(11, "big") + bytes([not following]), chunk, None)
        if not following:
            return
        chunk, number = following, number + 1


def _header(file_key: bytes, passphrase: str) -> bytes:
    salt = secrets.token_bytes(16)
    derive = Scrypt(b"age-encryption.org/v1/scrypt" + salt, length=32, n=1 << WORK_FACTOR, r=8, p=1)
    wrapped = ChaCha20Poly1305(derive.derive(passphrase.encode())).encrypt(bytes(12), file_key, None)
    lines = f"age-encryption.org/v1\n-> scrypt {_base64(salt)} {WORK_FACTOR}\n{_base64(wrapped)}\n---".encode()
    mac = hmac.HMAC(_derived(file_key, b"", b"header"), SHA256())
    mac.update(lines)
    return lines + f" {_base64(mac.finalize())}\n".encode()


def _derived(file_key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt, info=purpose).derive(file_key)


def _base64(value: bytes) -> str:
    return b64encode(value).decode().rstrip("=")
