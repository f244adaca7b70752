"""A sealed backup is one that age opens, whole or not at all."""

from __future__ import annotations

import io
import os

import pytest

from mailer.store.admin.sealed import CHUNK, seal
from tests.age import opened

PASSPHRASE = "fish can’t vote, and neither can bees"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 200_001])
def test_age_opens_what_was_sealed(size: int) -> None:
    plain = os.urandom(size)
    sealed = b"".join(seal(io.BytesIO(plain), PASSPHRASE))
    assert opened(sealed, PASSPHRASE) == plain


def test_nothing_opens_it_without_the_passphrase_or_in_part() -> None:
    plain = os.urandom(2 * CHUNK)
    sealed = b"".join(seal(io.BytesIO(plain), PASSPHRASE))
    assert plain[:32] not in sealed
    bent = bytearray(sealed)
    bent[-1] ^= 1
    for wrong, passphrase in (
        (sealed, PASSPHRASE + " "), (sealed[: -CHUNK - 16], PASSPHRASE), (bytes(bent), PASSPHRASE)
    ):  # fmt: skip
        assert opened(wrong, passphrase) is None
    assert b"".join(seal(io.BytesIO(plain), PASSPHRASE)) != sealed
