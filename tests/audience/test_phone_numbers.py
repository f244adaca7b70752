"""Phone numbers: how people type them is forgiven, and none becomes another number."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.audience.phone_numbers import BadNumber, phone_number


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+44 20 7946 0958", "+442079460958"),
        ("+44 (20) 7946-0958", "+442079460958"),
        (" +1 (202) 555-0143 ", "+12025550143"),
        ("+49.30.123456", "+4930123456"),
        ("030/1234567", "0301234567"),
        ("(020) 7946 0958", "02079460958"),
        ("00353 1 234 5678", "0035312345678"),
        ("011 353 1 234 5678", "01135312345678"),
        ("06\u00a012\u202f34\u00a056\u00a078", "0612345678"),
        ("+44\u201120\u20137946\u20100958", "+442079460958"),
        ("\u202a+44 20 7946 0958\u202c", "+442079460958"),
        ("＋４４ ２０ ７９４６ ０９５８", "+442079460958"),
        ("+٢٠ ٢ ٢٣٤٥ ٦٧٨٩", "+20223456789"),
        ("+۹۸ ۲۱ ۱۲۳۴ ۵۶۷۸", "+982112345678"),
        ("+6834001", "+6834001"),
        ("+123456789012345", "+123456789012345"),
    ],
)
def test_how_people_type_a_number(typed: str, kept: str) -> None:
    assert phone_number(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "", "+", "none", "123456", "+44 1234", "1234567890123456", "+1234567890123456", "+0 20 7946 0958",
        "+44 (0)20 7946 0958", "+39 ( 0 ) 6 123 4567", "7946 0958/59", "7946 0958 / 9", "020 7946 0958 ext. 5",
        "020 7946 0958 or 0959", "020 7946 0958, 020 7946 0959", "020 7946 0958 / 020 7946 0959", "44+20 7946 0958",
        "++442079460958", "tel:+442079460958", "1-800-FLOWERS", "+44 20 7946 0958x5", "0000000", "+44 20 7946\n0958 x",
        "020794609½8", "☎ 020 7946 0958", "#31#0612345678", "*67 202 555 0143",
    ],
)  # fmt: skip
def test_what_is_no_number_or_reads_two_ways_is_refused(typed: str) -> None:
    with pytest.raises(BadNumber):
        phone_number(typed)


@given(st.text(max_size=60) | st.text("+0123456789 ()/.-٣", max_size=30))
def test_a_number_has_the_digits_that_were_typed_and_no_others(typed: str) -> None:
    try:
        kept = phone_number(typed)
    except BadNumber:
        return
    assert re.fullmatch(r"\+?[0-9]{7,15}", kept)
    assert phone_number(kept) == kept
    if typed.isascii():
        assert kept == re.sub(r"[^+0-9]", "", typed)
