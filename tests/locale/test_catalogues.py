"""What every catalogue holds: all words in all plural forms, placeholders and tags as they were, its own language."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message

from mailer.locale.cldr import script_of
from mailer.locale.language import CATALOGUES, LANGUAGES
from scripts.catalogues import read, words

OTHERS = [code for code in LANGUAGES if code != "en"]
MARK = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+[^>]*>")
SENTENCE = 3  # words from which on two languages don't say the same by chance
SCRIPTS = {"Latn": "LATIN", "Arab": "ARABIC", "Deva": "DEVANAGARI"}


@cache
def catalogue(code: str) -> Catalog:
    return read(CATALOGUES / f"{code.replace('-', '_')}.po")


def texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def messages(code: str) -> list[Message]:
    return [message for message in catalogue(code) if message.id]


def english(message: Message) -> str:
    return texts(message.id)[-1]


def bare(text: str) -> str:
    """The words alone."""
    return " ".join(MARK.sub(" ", text).split())


def test_there_are_the_languages_that_were_promised() -> None:
    assert set(LANGUAGES) >= {"en", "fr", "de", "es", "ar"}


@pytest.mark.parametrize("code", OTHERS)
def test_every_word_is_translated_in_every_plural_form(code: str) -> None:
    """If this fails: `python -m scripts.catalogues`, then translate what is new."""
    wanted = {str(message.id) for message in words() if message.id}
    forms = catalogue(code).num_plurals
    found = {
        str(message.id)
        for message in messages(code)
        if all(text.strip() for text in texts(message.string)) and not message.fuzzy
        if len(texts(message.string)) == (1 if isinstance(message.id, str) else forms)
    }
    assert wanted - found == set()
    assert found - wanted == set(), "words that are nowhere said any more"


@pytest.mark.parametrize("code", OTHERS)
def test_no_placeholder_and_no_tag_is_lost_or_made_up(code: str) -> None:
    wrong: list[str] = []
    for message in messages(code):
        wanted = sorted(MARK.findall(english(message)))
        for text in texts(message.string):
            marks = sorted(MARK.findall(text))
            # A plural form may leave the number out: in Arabic the forms for one and two say it.
            fits = marks == wanted if isinstance(message.id, str) else {*marks, "%(num)s"} >= {*wanted} >= {*marks}
            wrong += [] if fits and text.strip() == text else [text]
    assert wrong == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_is_in_its_own_language(code: str) -> None:
    """Nothing long is left in English, nor in letters of another script."""
    script, wrong = SCRIPTS[script_of(code)], list[str]()
    for message in messages(code):
        for text in texts(message.string):
            letters = [unicodedata.name(sign, "").partition(" ")[0] for sign in bare(text) if sign.isalpha()]
            is_ours = 2 * letters.count(script) >= len(letters)
            is_long = len(bare(english(message)).split()) >= SENTENCE
            wrong += [] if is_ours and not (is_long and text == english(message)) else [text]
    assert wrong == []


def test_no_two_languages_say_the_same_sentence() -> None:
    """Text of one catalogue was pasted into another by mistake."""
    said: dict[tuple[str, str], set[str]] = defaultdict(set)
    for code in OTHERS:
        for message in messages(code):
            for text in texts(message.string):
                if len(bare(text).split()) >= SENTENCE:
                    said[str(message.id), text].add(code)
    assert {text: codes for text, codes in said.items() if len(codes) > 1} == {}
