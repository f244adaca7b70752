"""Languages of the pages: every word is translated, nothing of a placeholder or a tag is lost, readers get theirs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from hypothesis import given
from hypothesis import strategies as st

from mailer import i18n
from mailer.i18n import LANGUAGES, choose, language
from scripts.catalogues import read, words
from tests.web.client import BROWSER
from tests.web.conftest import Served

OTHERS = [code for code in LANGUAGES if code != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)s")
TAG = re.compile(r"</?\w+[^>]*>")


def catalogue(code: str) -> Catalog:
    return read(Path(i18n.__file__).parent / "locale" / f"{code}.po")


def texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def test_there_are_the_languages_that_were_promised() -> None:
    assert set(LANGUAGES) >= {"en", "fr", "de", "es", "ar"}


@pytest.mark.parametrize("code", OTHERS)
def test_every_word_of_the_pages_is_translated(code: str) -> None:
    """If this fails: `python -m scripts.catalogues`, then translate what is new."""
    wanted = {str(message.id) for message in words() if message.id}
    found = {
        str(message.id)
        for message in catalogue(code)
        if message.id and all(texts(message.string)) and not message.fuzzy
    }
    assert wanted - found == set()
    assert found - wanted == set(), "words that no page has any more"


@pytest.mark.parametrize("code", OTHERS)
def test_no_placeholder_and_no_tag_is_lost_in_translation(code: str) -> None:
    def marks(text: str) -> list[str]:
        return sorted([*PLACEHOLDER.findall(text), *TAG.findall(text)])

    def faults(message: Message) -> list[str]:
        original = texts(message.id)[-1]
        return [text for text in texts(message.string) if marks(text) != marks(original)]

    # A plural form may leave the number out: in Arabic the forms for one and two say it.
    lost = [
        text for message in catalogue(code) if isinstance(message.id, str) and message.id for text in faults(message)
    ]
    assert lost == []


def test_a_reader_gets_their_language_in_its_direction(served: Served) -> None:
    page = served.get("/", headers={**BROWSER, "Accept-Language": "ar-EG,ar;q=0.9,en;q=0.5"})
    assert '<html lang="ar" dir="rtl">' in page.text
    assert page.headers["content-language"] == "ar"
    assert '<html lang="de" dir="ltr">' in served.get("/?lang=de").text
    assert '<html lang="en"' in served.get("/", headers={**BROWSER, "Accept-Language": "tlh"}).text
    lost = served.get("/c/x/1", headers={**BROWSER, "Accept-Language": "fr"})
    assert (lost.status, "Ce lien ne fonctionne pas" in lost.text) == (404, True)


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
    assert choose("xx", "pt_BR", accepted="de").code == "de"


@given(st.text(max_size=300))
def test_any_header_gives_a_language(header: str) -> None:
    assert choose(header, accepted=header).code in LANGUAGES


@pytest.mark.parametrize("code", LANGUAGES)
def test_numbers_lists_and_countries_are_written_as_the_language_does(code: str) -> None:
    spoken = language(code)
    assert "<script>" not in spoken.listed(["a", "<script>"])
    assert spoken.listed(["a", "b", "c"]).count("<strong>") == 3
    countries = dict(spoken.countries())
    assert {"GB", "FR", "CN", "EG"} <= set(countries)
    assert {"EU", "ZZ", "UN"}.isdisjoint(countries)
    assert spoken.number(12500) != "12500"
