"""Addresses: one spelling for each person, and a short way that agrees with the judge."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.audience.addresses import AROUND, BadAddress, address_hash, judge, normalise
from mailer.senders import LONGEST_ADDRESS

ADDRESS_LIKE = st.text(alphabet="aAzZ09.-_+@!'xn\"<> ()é\u212aİ", max_size=30) | st.from_regex(
    r"[a-zA-Z0-9._+'-]{1,70}@([a-zA-Z0-9-]{1,65}\.){1,3}(com|org|test|local|arpa|invalid|c|museum|1a|xn--p1ai)",
    fullmatch=True,
)


def judged(text: str) -> str | None:
    try:
        return judge(text.strip(AROUND))
    except BadAddress:
        return None


@given(ADDRESS_LIKE)
@example("K@example.org")  # the Kelvin sign, which becomes an ASCII k in lower case
@example("a@xn--bcher-kva.example.org")
@example("a@ab--cd.org")
@example("a@" + "b" * 64 + ".org")
@example("a" * 64 + "@" + ".".join(["b" * 61] * 3) + ".org")
@example("a@b.test")
@example("a@test.org")
def test_the_short_way_agrees_with_email_validator(text: str) -> None:
    try:
        mine: str | None = normalise(text)
    except BadAddress:
        mine = None
    assert mine == judged(text)


@given(ADDRESS_LIKE)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    try:
        once = normalise(text)
    except BadAddress:
        return
    assert normalise(once) == once
    assert once.rpartition("@")[0].isascii()
    assert len(once.encode()) <= LONGEST_ADDRESS


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        ("  ada@example.org\u00a0\u200b", "ada@example.org"),
        ("ADA+news@example.org", "ada+news@example.org"),
        ("ada@BÜCHER.example", "ada@bücher.example"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("o'neil@example.org", "o'neil@example.org"),
    ],
)
def test_one_spelling_for_each_person(written: str, kept: str) -> None:
    assert normalise(written) == kept


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "empty"),
        ("ada", "@-sign"),
        ("ada@", "after the @"),
        ("@example.org", "before the @"),
        ("jörg@example.org", "beyond ASCII"),
        ("a..b@example.org", "two periods"),
        ("a" * 65 + "@example.org", "too long"),
        ("a@localhost", "period"),
        ("a@b.invalid", "special-use"),
        ("Ada <ada@example.org>", "display name"),
        ("ada@example.org\nBcc: x@example.org", ""),
        ("a@" + "b" * 2000, "2002 characters"),
        ('"a b"@example.org', "uoting"),
    ],
)
def test_what_is_no_address_says_why(written: str, reason: str) -> None:
    with pytest.raises(BadAddress) as caught:
        normalise(written)
    assert reason in caught.value.message


def test_the_hash_is_keyed_and_takes_keys_of_any_length() -> None:
    hashes = {address_hash("ada@example.org", key) for key in (b"a", b"b", b"k" * 64, b"k" * 65, b"k" * 66)}
    assert len(hashes) == 5
    assert {len(hashed) for hashed in hashes} == {16}
