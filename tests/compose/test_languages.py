"""Which version somebody gets: the same for everybody who reads the same, and always one that there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.languages import ORIGINAL, SpokenLanguages, best_of

TAGS = st.sampled_from(
    ["", "en", "en-GB", "fr", "fr-CA", "fr-FR", "FR_ca", "pt", "pt-BR", "pt-PT", "zh", "zh-Hant-TW", "zh-Hans", "zh-TW",
     "sr-Latn", "de", "x", "-", "not a tag", "ar"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "known", "best"),
    [
        ("fr", ["fr", "fr-CA"], "fr"),
        ("fr-CA", ["fr", "fr-CA"], "fr-CA"),
        ("fr-CA", ["fr"], "fr"),
        ("FR_ca", ["fr-CA"], "fr-CA"),
        ("zh-Hant-TW", ["zh-Hant", "zh"], "zh-Hant"),
        ("fr", ["fr-CA"], "fr-CA"),
        ("fr-CA", ["fr-FR"], "fr-FR"),
        ("zh-TW", ["zh-CN"], None),
        ("sr-Latn", ["sr"], "sr"),
        ("de", ["fr", "en"], None),
        ("", ["fr"], None),
    ],
)
def test_the_best_of_those_there_are(wanted: str, known: list[str], best: str | None) -> None:
    assert best_of(wanted, known) == best


@given(
    original=TAGS, translations=st.lists(TAGS.filter(bool), unique_by=str.lower), otherwise=TAGS, wanted=st.lists(TAGS)
)
def test_there_is_a_version_for_everybody(
    original: str, translations: list[str], otherwise: str, wanted: list[str]
) -> None:
    spoken = SpokenLanguages(original, tuple(translations), otherwise)
    found = spoken.version_for(*wanted)
    assert found in spoken.by_version
    alike = [tag.replace("_", "-").lower() for tag in (original, *translations)]
    if wanted and wanted[0] and alike.count(first := wanted[0].replace("_", "-").lower()) == 1:
        assert found == ("" if alike[0] == first else translations[alike.index(first) - 1]), "their own"
    if not translations:
        assert found == ORIGINAL


def test_then_the_lists_then_the_original() -> None:
    assert SpokenLanguages("de", ("en", "fr"), "en").version_for("it") == "en"
    assert SpokenLanguages("de", ("fr",), "en").version_for("it") == ORIGINAL
    assert SpokenLanguages("de", ("fr",), "de").version_for("") == ORIGINAL
