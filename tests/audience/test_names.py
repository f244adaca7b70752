"""Names: no web address in any spelling gets into one unseen, and nothing turns the direction of what follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.audience.names import clean_name, holds_address
from mailer.audience.people.people import supporter
from mailer.audience.petition.signatures import showable

ADDRESSES = [
    "evil.example",
    "Visit evil.example",
    "EVIL.COM",
    "evil.example.",
    "(evil.example)",
    "Anna, see evil.example!",
    "a.b/c",
    "a.b:80",
    "Visit evil.example/x now",
    "www.evil",
    "http://x",
    "hxxp://x",
    "t.co",
    "x.com",
    "dr.com",
    "Prof.org/x",
    "a@b",
    "<b>",
    "1.2.3.4",
    "mailto:x",
    "evil[.]com",
    "xn--abc",
    "bücher.example",
    "пример.рф",
    "ｅｖｉｌ．ｅｘａｍｐｌｅ",
    "evil。example",
    "evil｡example",
    "evil․example",
    "evil．com／x",
    "https：//x",
    "𝐞𝐯𝐢𝐥.𝐜𝐨𝐦",
    "ev\u200bil.exa\u00admple",
    "ＷＷＷ．evil",
    "a＠b",
]
NAMES = [
    "",
    "Anna",
    "Mary-Ann O'Neill",
    "J.R.R. Tolkien",
    "J.R.R.Tolkien",
    "St. John",
    "St.John",
    "Dr.Smith",
    "Smith Jr.",
    "M.A.",
    "Ph.D.",
    "d.Berg",
    "Anna/Peter",
    "Anna & Bo",
    "أمينة",
    "José María",
    "李小龙",
    "O’Brien",
    "Mrs.Brown",
    "ज़ोई",
    "A. B. C.",
    "c/o Anna",
    "Anna (Tiny) B.",
    "U.S.Grant",
    "No.1",
    "Dr.To",
    "Mr.Dev",
    "Núria Gal·la",
]


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_in_any_spelling_is_seen(text: str) -> None:
    assert holds_address(text)
    assert not showable(text)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_none(name: str) -> None:
    assert not holds_address(name)


def wide(text: str) -> str:
    """In fullwidth forms (U+FF01 to U+FF5E)."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


@given(
    st.from_regex(r"[a-z]{2,8}\.(?:com|example|org)(?:/[a-z]{0,3})?", fullmatch=True),
    st.sampled_from([str, str.upper, wide, lambda text: text.replace(".", "\u3002"), "\u2060".join]),
    st.sampled_from(["{}", "Visit {}", "{} now", "({})", "Anna, {}!"]),
)
def test_no_spelling_hides_one(address: str, spell: object, around: str) -> None:
    assert callable(spell)
    assert holds_address(around.format(spell(address)))


@given(st.text())
def test_names_are_cleaned_of_what_turns_their_direction_and_of_nothing_else(text: str) -> None:
    turning = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert clean_name(text) == "".join(sign for sign in text if sign not in turning)


def test_what_mails_and_previews_see_is_clean_whatever_is_stored() -> None:
    found = supporter(("a@b.org", "An\u202ena", "\u2066Li", "GB", "en", "", "", None))
    assert (found["first_name"], found["last_name"], found["name"]) == ("Anna", "Li", "Anna Li")
