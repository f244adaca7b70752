"""Tokens: what is signed comes back, and nothing else does."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.tracking.tokens import LARGEST, BadToken, LinkVisit, Named, Purpose, Signer

OLD, NEW = b"an-older-signing-key-long-enough-for-us", b"a-newer-signing-key-long-enough-for-us"
SIGNER = Signer([NEW, OLD])
PINNED_CLICK = "AAAAAAAAAAABu8ycmVrYnZTOWSAk_CRr"
PINNED_UNSUBSCRIBE = "AQAAAQAAAAAAc3_3wi1lOc0mfin9yR3g"

ids = st.integers(0, LARGEST)
named = st.builds(Named, ids, proof=st.booleans())
purposes = st.sampled_from(Purpose)


@given(purposes, named)
def test_what_is_signed_comes_back(purpose: Purpose, thing: Named) -> None:
    token = SIGNER.sign(purpose, thing)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token), "fit for a path, with no padding"
    assert SIGNER.read(purpose, token) == thing


@given(purposes, st.integers(LARGEST + 1, 2**64 - 1))
def test_a_number_that_no_row_can_have_is_refused(purpose: Purpose, number: int) -> None:
    with pytest.raises(BadToken):
        SIGNER.read(purpose, SIGNER.sign(purpose, Named(number)))


def test_the_largest_number_is_that_of_the_databases() -> None:
    assert SIGNER.read(Purpose.CLICK, SIGNER.sign(Purpose.CLICK, Named(2**63 - 1))) == Named(2**63 - 1)
    assert LARGEST == 2**63 - 1


@given(st.lists(purposes, unique=True), named)
def test_signing_many_is_signing_each(wanted: list[Purpose], thing: Named) -> None:
    found = SIGNER.signing(wanted, proof=thing.proof)(thing.id)
    assert found == [SIGNER.sign(purpose, thing) for purpose in wanted]


@given(purposes, named)
def test_a_token_is_the_hmac_that_it_says(purpose: Purpose, thing: Named) -> None:
    raw = urlsafe_b64decode(SIGNER.sign(purpose, thing))
    key = hmac.digest(NEW, b"mailer.token." + purpose.encode(), hashlib.sha256)
    assert raw[:9] == bytes([thing.proof]) + thing.id.to_bytes(8, "big")
    assert raw[9:] == hmac.digest(key, raw[:9], hashlib.sha256)[:15]


@given(purposes, purposes, named)
def test_purposes_are_apart(signed: Purpose, asked: Purpose, thing: Named) -> None:
    token = SIGNER.sign(signed, thing)
    if signed is asked:
        assert SIGNER.read(asked, token) == thing
    else:
        with pytest.raises(BadToken):
            SIGNER.read(asked, token)


@given(purposes, named, st.integers(0, 31), st.text(min_size=1, max_size=1))
def test_any_other_character_anywhere_is_found(purpose: Purpose, thing: Named, place: int, other: str) -> None:
    token = SIGNER.sign(purpose, thing)
    altered = token[:place] + other + token[place + 1 :]
    if altered != token:
        with pytest.raises(BadToken):
            SIGNER.read(purpose, altered)


def test_every_bit_counts() -> None:
    raw = urlsafe_b64decode(SIGNER.sign(Purpose.CLICK, Named(12345)))
    for place in range(len(raw)):
        for bit in range(8):
            flipped = bytearray(raw)
            flipped[place] ^= 1 << bit
            with pytest.raises(BadToken):
                SIGNER.read(Purpose.CLICK, urlsafe_b64encode(flipped).decode())


@given(st.text(max_size=80))
def test_made_up_tokens_are_refused(text: str) -> None:
    for purpose in Purpose:
        with pytest.raises(BadToken):
            SIGNER.read(purpose, text)


@given(named, st.text(alphabet="=\n\r\t +/-_AZaz09é\x00", min_size=1, max_size=4))
def test_a_token_has_one_spelling(thing: Named, more: str) -> None:
    """base64 decoders skip what they don't know; ours must not."""
    token = SIGNER.sign(Purpose.CLICK, thing)
    for altered in (token + more, more + token, token[:8] + more + token[8:]):
        with pytest.raises(BadToken):
            SIGNER.read(Purpose.CLICK, altered)


@given(named, st.integers(0, 31))
def test_a_token_cut_short_is_refused(thing: Named, length: int) -> None:
    with pytest.raises(BadToken):
        SIGNER.read(Purpose.VIEW, SIGNER.sign(Purpose.VIEW, thing)[:length])


@given(purposes, named)
def test_keys_can_be_changed(purpose: Purpose, thing: Named) -> None:
    before, after = Signer([OLD]), Signer([NEW])
    mailed_before = before.sign(purpose, thing)
    assert SIGNER.read(purpose, mailed_before) == thing, "old mails keep working"
    assert SIGNER.sign(purpose, thing) == after.sign(purpose, thing), "the first key signs"
    with pytest.raises(BadToken):
        after.read(purpose, mailed_before)


def test_keys_can_be_changed_while_visits_are_out() -> None:
    visit = LinkVisit(Named(12345), 3, datetime(2026, 11, 25, tzinfo=UTC))
    before, after = Signer([OLD]), Signer([NEW])
    given_before = before.sign_visit(Purpose.ACT, visit)
    assert SIGNER.read_visit(Purpose.ACT, given_before) == visit
    assert SIGNER.sign_visit(Purpose.ACT, visit) == after.sign_visit(Purpose.ACT, visit), "the first key signs"
    with pytest.raises(BadToken):
        after.read_visit(Purpose.ACT, given_before)


@given(ids)
def test_a_proof_is_never_a_delivery(number: int) -> None:
    for purpose in Purpose:
        proof, real = SIGNER.sign(purpose, Named(number, proof=True)), SIGNER.sign(purpose, Named(number))
        assert proof != real
        assert SIGNER.read(purpose, proof).proof
        assert not SIGNER.read(purpose, real).proof


def test_tokens_stay_as_they_are() -> None:
    """Mails are out with these: a change of the format would break every link in them."""
    signer = Signer([b"k" * 32])
    assert signer.sign(Purpose.CLICK, Named(1)) == PINNED_CLICK
    assert signer.sign(Purpose.UNSUBSCRIBE, Named(2**40, proof=True)) == PINNED_UNSUBSCRIBE


def test_an_error_never_quotes_the_token() -> None:
    with pytest.raises(BadToken) as caught:
        SIGNER.read(Purpose.CLICK, "x" * 32)
    assert "xxx" not in str(caught.value)


visits = st.builds(
    LinkVisit, named, st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1).map(lambda s: datetime.fromtimestamp(s, UTC))
)


@given(purposes, visits)
def test_a_visit_comes_back_with_its_link_and_its_second(purpose: Purpose, visit: LinkVisit) -> None:
    token = SIGNER.sign_visit(purpose, visit)
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", token)
    assert SIGNER.read_visit(purpose, token) == visit


@given(purposes, visits, purposes, visits, st.integers(0, 40))
def test_visits_cannot_be_spliced_from_two(
    first: Purpose, one: LinkVisit, second: Purpose, other: LinkVisit, cut: int
) -> None:
    tokens = SIGNER.sign_visit(first, one), SIGNER.sign_visit(second, other)
    spliced = tokens[0][:cut] + tokens[1][cut:]
    if spliced not in tokens:
        with pytest.raises(BadToken):
            SIGNER.read_visit(first, spliced)
        with pytest.raises(BadToken):
            SIGNER.read(first, spliced)


@given(purposes, visits)
def test_a_visit_is_no_token_of_a_delivery_and_the_other_way_round(purpose: Purpose, visit: LinkVisit) -> None:
    with pytest.raises(BadToken):
        SIGNER.read(purpose, SIGNER.sign_visit(purpose, visit))
    with pytest.raises(BadToken):
        SIGNER.read_visit(purpose, SIGNER.sign(purpose, visit.named))


def test_every_bit_of_a_visit_counts() -> None:
    raw = urlsafe_b64decode(
        SIGNER.sign_visit(Purpose.ACT, LinkVisit(Named(12345), 3, datetime(2026, 11, 25, tzinfo=UTC)))
    )
    for place in range(len(raw)):
        for bit in range(8):
            flipped = bytearray(raw)
            flipped[place] ^= 1 << bit
            with pytest.raises(BadToken):
                SIGNER.read_visit(Purpose.ACT, urlsafe_b64encode(flipped).decode())
