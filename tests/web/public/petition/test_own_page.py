"""The address of somebody's own thanks: it says nothing to those who read it, and serves for half an hour."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.web.public.petition.own_page import LIFE_SECONDS, OwnPage, seal, unseal
from tests.conftest import NOW

KEY, OTHER = b"a key for tests" * 3, b"another key" * 3
OWN = OwnPage("library", 1234567, "Maria", by_link=False)


@given(st.builds(OwnPage, st.just("library"), st.integers(1, 2**62), st.text(max_size=80), st.booleans()))
def test_what_is_sealed_comes_back(own: OwnPage) -> None:
    assert unseal(seal(own, [KEY], at=NOW), [KEY], page="library", now=NOW) == own


def test_nothing_of_it_can_be_read() -> None:
    sealed = seal(OWN, [KEY], at=NOW)
    raw = urlsafe_b64decode(sealed + "==")
    for secret in (b"Maria", b"1234567", b"library"):
        assert secret not in raw


def test_it_serves_for_a_while() -> None:
    sealed = seal(OWN, [KEY], at=NOW)
    assert unseal(sealed, [KEY], page="library", now=NOW + timedelta(seconds=LIFE_SECONDS)) == OWN
    assert unseal(sealed, [KEY], page="library", now=NOW + timedelta(seconds=LIFE_SECONDS + 1)) is None


def test_it_is_of_one_page_and_of_our_keys() -> None:
    sealed = seal(OWN, [KEY], at=NOW)
    assert unseal(sealed, [KEY], page="river", now=NOW) is None
    assert unseal(sealed, [OTHER], page="library", now=NOW) is None
    assert unseal(sealed, [OTHER, KEY], page="library", now=NOW) == OWN, "keys are changed while people sign"


@pytest.mark.parametrize("text", ["", "x", "é", "A" * 120, "A" * 5000, "gAAAAA==", "\x00"])
def test_what_we_did_not_seal_says_nothing(text: str) -> None:
    assert unseal(text, [KEY], page="library", now=NOW) is None


@given(st.integers(0, 139), st.sampled_from("AZaz09-_"))
def test_an_altered_seal_says_nothing(place: int, letter: str) -> None:
    sealed = seal(OWN, [KEY], at=NOW)
    altered = sealed[:place] + letter + sealed[place + 1 :]
    found = unseal(altered, [KEY], page="library", now=NOW)
    assert found is None or urlsafe_b64decode(altered + "==") == urlsafe_b64decode(sealed + "==")
