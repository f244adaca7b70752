"""Which language a reader gets, and how it writes numbers, lists and names; what the CLDR says of any language."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st

from mailer.locale import language
from mailer.locale.cldr import direction_of, locale_of, own_name
from mailer.locale.language import LANGUAGES, Language, choose, closest
from mailer.locale.quotation_marks import quotes_for


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("en;q=0.2, es", "es"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("de;q=nonsense, ar", "ar"),
        ("", "en"),
        ("*", "en"),
        (",;=,", "en"),
    ],
)
def test_the_most_wanted_language_is_chosen(header: str, code: str) -> None:
    assert choose(accepted=header).code == code


def test_what_is_known_of_a_person_goes_before_their_browser() -> None:
    assert choose("", "fr", accepted="de").code == "fr"
    assert choose("xx", "de_AT", accepted="fr").code == "de"


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("pt-BR", "pt-BR"), ("pt_BR", "pt-BR"), ("PT-br", "pt-BR"), ("pt", "pt-BR"), ("pt-PT", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant"), ("zh-TW", "zh-Hant"), ("zh-CN", ""), ("zh", ""), ("de-AT", "de"), ("pa", ""),
        ("", ""), ("-", ""),
    ],
)  # fmt: skip
def test_a_language_is_read_without_its_region_and_in_its_own_script(
    monkeypatch: pytest.MonkeyPatch, tag: str, code: str
) -> None:
    monkeypatch.setattr(language, "LANGUAGES", ("en", "de", "pa-Arab", "pt-BR", "zh-Hant"))
    assert closest.__wrapped__(tag) == code


@given(st.text(max_size=300))
def test_any_header_gives_a_language(header: str) -> None:
    assert choose(header, accepted=header).code in LANGUAGES


@given(st.text(max_size=20))
def test_any_tag_has_a_direction_a_locale_and_marks(tag: str) -> None:
    assert direction_of(tag) in ("ltr", "rtl")
    assert locale_of(tag).months
    assert len(quotes_for(tag)) == 4
    assert own_name(tag) or not tag


@pytest.mark.parametrize("code", LANGUAGES)
def test_numbers_lists_and_countries_are_written_as_the_language_does(code: str) -> None:
    spoken = Language(code)
    assert "<script>" not in spoken.listed(["a", "<script>"])
    assert spoken.listed(["a", "b", "c"]).count("<strong>") == 3
    countries = dict(spoken.countries())
    assert {"GB", "FR", "CN", "EG"} <= set(countries)
    assert {"EU", "ZZ", "UN"}.isdisjoint(countries)
    assert spoken.number(12500) != "12500"
    assert spoken.name != code


def test_every_language_is_written_in_the_direction_of_its_script() -> None:
    """What is worked out from the script is what the CLDR says where it says it."""
    told = {name: Locale.parse(name).text_direction for name in locale_identifiers()}
    wrong = {
        name for name, direction in told.items() if direction in ("ltr", "rtl") and direction_of(name) != direction
    }
    assert wrong == set()
    # and where it says nothing: scripts written out, regions, old codes
    for tag in ("arc", "az-Arab", "dv", "iw", "nqo", "pa-PK", "pnb", "syr", "uz_Arab_AF", "yi"):
        assert direction_of(tag) == "rtl"
    for tag in ("", "xx", "pa", "ar-Latn", "he-latn", "mn-Mong"):
        assert direction_of(tag) == "ltr"


@pytest.mark.parametrize(
    ("tag", "marks"),
    [("de", "„“‚‘"), ("de-AT", "„“‚‘"), ("de-CH", "«»‹›"), ("pl", "„”«»"), ("pt-BR", "“”‘’"), ("pt-PT", "«»“”"),
     ("zh_Hant_TW", "「」『』"), ("en-GB", "“”‘’"), ("xx", "“”‘’"), ("", "“”‘’")],
)  # fmt: skip
def test_quotation_marks_are_those_of_the_nearest_language(tag: str, marks: str) -> None:
    assert "".join(quotes_for(tag)) == marks


@pytest.mark.parametrize(
    ("code", "zone", "words"),
    [
        ("en", "Europe/London", "Tuesday 1 December, 14:05 GMT"),
        ("de", "Europe/Berlin", "Di., 1. Dezember, 14:05 MEZ"),
        ("de", "Asia/Kolkata", "Di., 1. Dezember, 14:05 IST"),
    ],
)
def test_a_moment_is_in_its_own_zone(code: str, zone: str, words: str) -> None:
    assert Language(code).moment(datetime(2026, 12, 1, 14, 5, tzinfo=ZoneInfo(zone))) == words
