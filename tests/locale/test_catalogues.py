"""What every catalogue holds: all words in all plural forms, placeholders and tags as they were, its own language."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache
from gettext import c2py
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message

from mailer.locale.cldr import script_of
from mailer.locale.language import CATALOGUES, LANGUAGES
from scripts.catalogues import read, words

OTHERS = [code for code in LANGUAGES if code != "en"]
MARK = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+[^>]*>")
SENTENCE = 4  # words from which on two languages don't say the same by chance
SCRIPTS = {"Latn": "LATIN", "Arab": "ARABIC", "Deva": "DEVANAGARI", "Hebr": "HEBREW"}
# Words of address that the register of a language doesn't use: docs/decisions/0058-a-language-is-one-file.md.
NOT_SAID = {
    "de": r"(?<!^)(?<![.?!:„] )\b(Sie|Ihnen|Ihre?[mnrs]?)\b",
    "es": r"\b[Uu]sted(es)?\b|\b[Ss]u (correo|nombre|firma|dirección|bandeja|país)\b",
    "fr": r"\b([Tt]u|[Tt]oi|[Tt]on|[Tt]es)\b",
    "it": r"\b(Lei|Suo|Sua|Suoi|Sue)\b",
    "nl": r"\b([Uu]|[Uu]w)\b",
    "pl": r"\b(Pana?|Pani|Państwo|Państwa)\b",
    "pt-BR": r"\b([Tt]u|[Tt]eus?|[Tt]uas?|senhora?)\b",
}


@cache
def catalogue(code: str) -> Catalog:
    return read(CATALOGUES / f"{code.replace('-', '_')}.po")


def texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def messages(code: str) -> list[Message]:
    return [message for message in catalogue(code) if message.id]


def english(message: Message) -> str:
    return texts(message.id)[-1]


@cache
def forms_of_many(code: str) -> frozenset[int]:
    """The plural forms that are for numbers above two, too."""
    choose = c2py(catalogue(code).plural_expr)
    return frozenset(choose(number) for number in range(3, 1000))


def bare(text: str) -> str:
    """The words alone."""
    return " ".join(MARK.sub(" ", text).split())


def test_there_are_the_languages_that_were_promised() -> None:
    assert set(LANGUAGES) >= {"en", "fr", "de", "es", "ar", "it", "nl", "pt-BR", "pl", "hi"}


@cache
def wanted_words() -> frozenset[str]:
    """What the program says; looking for it takes half a second."""
    return frozenset(str(message.id) for message in words() if message.id)


@pytest.mark.parametrize("code", OTHERS)
def test_every_word_is_translated_in_every_plural_form(code: str) -> None:
    """If this fails: `python -m scripts.catalogues`, then translate what is new."""
    forms = catalogue(code).num_plurals
    found = {
        str(message.id)
        for message in messages(code)
        if all(text.strip() for text in texts(message.string)) and not message.fuzzy
        if len(texts(message.string)) == (1 if isinstance(message.id, str) else forms)
    }
    assert wanted_words() - found == set()
    assert found - wanted_words() == set(), "words that are nowhere said any more"


@pytest.mark.parametrize("code", OTHERS)
def test_no_placeholder_and_no_tag_is_lost_or_made_up(code: str) -> None:
    wrong: list[str] = []
    for message in messages(code):
        wanted = sorted(MARK.findall(english(message)))
        for form, text in enumerate(texts(message.string)):
            marks = sorted(MARK.findall(text))
            if isinstance(message.id, str) or form in forms_of_many(code):
                fits = marks == wanted
            else:  # a form for one or two may say so in words, as Arabic does
                lost = {mark for mark in {*wanted} - {*marks} if not mark.startswith("<")}
                fits = {*marks} <= {*wanted} and lost <= {"%(num)s", "%(count)s", "%(number)s", "%(goal)s"}
            wrong += [] if fits and text.strip() == text else [text]
    assert wrong == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_is_in_its_own_language(code: str) -> None:
    """Nothing long is left in English, nor in letters of another script."""
    script, wrong = SCRIPTS[script_of(code)], list[str]()
    for message in messages(code):
        kept = {*bare(english(message)).split()}  # names such as RSS are the same everywhere
        for text in texts(message.string):
            told = "".join(word for word in bare(text).split() if word not in kept)
            letters = [unicodedata.name(sign, "").partition(" ")[0] for sign in told if sign.isalpha()]
            is_ours = 2 * letters.count(script) >= len(letters)
            wrong += [] if is_ours and not (text == english(message) and len(kept) >= SENTENCE) else [text]
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


@pytest.mark.parametrize("code", [code for code in NOT_SAID if code in LANGUAGES])
def test_a_language_keeps_to_one_way_of_address(code: str) -> None:
    said = [text for message in messages(code) for text in texts(message.string)]
    # A text of several paragraphs is a letter to whomever a petition is addressed to, who is no supporter.
    found = [text for text in said if "\n\n" not in text and re.search(NOT_SAID[code], text)]
    assert found == []


def test_french_signs_stand_off_by_a_space_that_does_not_break() -> None:
    found = [
        text
        for message in messages("fr")
        for text in texts(message.string)
        if re.search(r"[^\u202f\s][?!;]|[ \xa0][?!:;»]|« ", text)
    ]
    assert found == []
