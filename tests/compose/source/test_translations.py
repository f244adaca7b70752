"""message.fr.md beside message.md: what it takes from there, what it must say itself, and what can't differ."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.action_page.versions import read_page_versions
from mailer.compose.compiler import compile_message
from mailer.compose.source.frontmatter import split_front_matter
from mailer.compose.source.message_file import read_source
from mailer.compose.source.wording import mark_of, message_words, page_words
from mailer.errors import MailerError
from mailer.workspace import Workspace
from tests.languages import FRENCH, FRENCH_PAGE, ORIGINAL, PAGE, write

pytestmark = pytest.mark.sqlite


def faults(workspace: Workspace) -> dict[str, list[str]]:
    """What is found in each file."""
    source = read_source(workspace.newsletter("river"))
    try:
        compile_message(source, definition=workspace.list_definition("supporters"), known_fields=())
    except MailerError as error:
        found: dict[str, list[str]] = {}
        for one in error.diagnostics:
            if one.stops:
                assert one.place is not None
                found.setdefault(Path(one.place.file).name, []).append(one.message)
        return found
    return {}


def test_it_takes_what_is_no_words(workspace: Workspace) -> None:
    original = ORIGINAL.replace("list:", "from: Campaigns <fr@example.org>\nurgent: true\nlist:")
    source = read_source(write(workspace, message=original))
    french = next(one for one in source.translations if one.language == "fr")
    assert (french.list, french.template, french.from_) == ("supporters", "appeal", "Campaigns <fr@example.org>")
    assert french.is_urgent
    assert french.action is not None
    assert (french.action.page, french.action.label) == (True, "Je signe")
    assert french.subject == "Nettoyons notre rivière"


def test_it_may_have_a_sender_and_an_address_of_its_own(workspace: Workspace) -> None:
    own = FRENCH.replace("action:\n", "from: Campagnes <fr@example.org>\naction:\n  url: https://example.org/fr\n")
    french = read_source(write(workspace, message_fr=own)).translations[0]
    assert french.from_ == "Campagnes <fr@example.org>"
    assert french.action is not None
    assert (french.action.url, french.action.page) == ("https://example.org/fr", False)


def test_words_are_never_taken(workspace: Workspace) -> None:
    signed = ORIGINAL.replace("list:", "headline: Clean it\nsignature: |\n  Ada\nlist:")
    bare = "---\nnotes: later\n---\nBonjour.\n"
    source = read_source(write(workspace, message=signed, message_fr=bare))
    french = source.translations[0]
    assert (french.subject, french.preheader, french.headline, french.signature) == ("", "", "", "")
    assert faults(workspace) == {"message.fr.md": ["subject is missing", "action.label is missing"]}


@pytest.mark.parametrize("key", ["list: supporters", "template: appeal", "urgent: true", "audience: {include: [x]}"])
def test_what_makes_one_newsletter_cannot_differ(workspace: Workspace, key: str) -> None:
    write(workspace, message_fr=FRENCH.replace("action:", f"{key}\naction:"))
    assert faults(workspace) == {"message.fr.md": [f"{key.partition(':')[0]} is the same in all languages"]}


def test_all_faults_of_all_files_at_once_and_shared_ones_in_one_place(workspace: Workspace) -> None:
    write(
        workspace,
        message=ORIGINAL.replace("template: appeal", "template: appeall"),
        message_fr=FRENCH.replace("subject", "subjekt"),
    )
    found = faults(workspace)
    assert found["message.md"] == ["unknown template 'appeall'"]
    assert "subject is missing" in found["message.fr.md"]
    assert not any("template" in one for one in found["message.fr.md"])
    assert "message.pt-BR.md" not in found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("message_old", "'old' is not a language"),
        ("message_french", "'french' is not a language"),
        ("message_fr_FR", "'fr.FR' is not a language"),
        ("message_en", "there is another text in 'en'"),
    ],
)
def test_a_name_that_is_no_language_of_its_own(workspace: Workspace, name: str, words: str) -> None:
    write(workspace, **{name: FRENCH})
    assert faults(workspace) == {f"{name.replace('_', '.')}.md": [words]}


def test_a_front_matter_that_cannot_be_read_stops_all(workspace: Workspace) -> None:
    write(workspace, message_fr="Bonjour")
    assert faults(workspace) == {"message.fr.md": ["the front matter is missing"]}


def test_the_language_is_the_names(workspace: Workspace) -> None:
    write(workspace, message_fr=FRENCH.replace("action:", "language: de\naction:"))
    assert faults(workspace) == {"message.fr.md": ["language differs from the file's name"]}


OPT_IN = PAGE.replace(
    "target:",
    "fields:\n  country: required\nopt_in:\n  list: supporters\n  wording: Agreed\n"
    "next:\n  url: https://example.org/give\n  label: Give 5 euros\ntarget:",
)


def test_a_page_takes_fields_goal_and_next_step_but_no_words(workspace: Workspace) -> None:
    french = FRENCH_PAGE.replace("---\nLe", "opt_in:\n  wording: Oui\nnext:\n  label: Donner 5 euros\n---\nLe")
    pages = read_page_versions(write(workspace, action=OPT_IN, action_fr=french))[0].pages
    assert dict(pages["fr"].fields) == {"country": True}
    assert pages["fr"].target == pages[""].target == 1000
    assert pages["fr"].opt_in is not None
    assert (pages["fr"].opt_in.list, pages["fr"].opt_in.wording) == ("supporters", "Oui")
    assert pages["fr"].next is not None
    assert (pages["fr"].next.url, pages["fr"].next.label) == ("https://example.org/give", "Donner 5 euros")
    assert pages["fr"].languages == pages[""].languages == ("en", "fr")
    assert pages["fr"].share == "Nettoyons notre rivière"


def test_nobody_agrees_to_words_in_another_language(workspace: Workspace) -> None:
    write(workspace, action=OPT_IN)
    with pytest.raises(MailerError) as raised:
        read_page_versions(workspace.newsletter("river"))
    told = [one for one in raised.value.diagnostics if one.stops]
    assert {one.message for one in told} == {"opt_in.wording is missing", "next must have a url and a label"}
    assert {one.place.file for one in told if one.place} == {"newsletters/river/action.fr.md"}


def test_one_goal(workspace: Workspace) -> None:
    write(workspace, action_fr=FRENCH_PAGE.replace("---\nLe", "target: 5\n---\nLe"))
    with pytest.raises(MailerError, match="target is the same in all languages"):
        read_page_versions(workspace.newsletter("river"))


def told(workspace: Workspace) -> list[str]:
    """Which translations are said to be older than their original."""
    newsletter = workspace.newsletter("river")
    source = read_source(newsletter)
    found = [*(one for each in source.translations for one in each.faults), *read_page_versions(newsletter)[1]]
    return [Path(one.place.file).name for one in found if one.rule == "writing.outdated" and one.place]


def test_a_translation_knows_when_its_originals_words_change(workspace: Workspace) -> None:
    newsletter = write(workspace)
    front, _ = split_front_matter(PAGE, file="")
    assert front is not None
    mail, page = mark_of(message_words(read_source(newsletter))), mark_of(page_words(front))
    ours = {
        "message_fr": FRENCH.replace("action:", f"original: {mail}\naction:"),
        "action_fr": FRENCH_PAGE.replace("---\nLe", f"original: {page}\n---\nLe"),
    }
    write(workspace, **ours)
    assert told(workspace) == []
    rewrapped = ORIGINAL.replace("Sewage runs into", "Sewage runs\ninto")
    write(workspace, **ours, message=rewrapped.replace("list:", "notes: ask Bo\nlist:"))
    assert told(workspace) == [], "nothing that people read has changed"
    write(workspace, **ours, message=ORIGINAL.replace("Sewage", "Filth"))
    assert told(workspace) == ["message.fr.md"]
    write(workspace, **ours, action=PAGE.replace("stop the sewage", "stop it"))
    assert told(workspace) == ["action.fr.md"]
    write(workspace, **ours, action=PAGE.replace("target: 1000", "target: 2000"))
    assert told(workspace) == []


@given(st.text(max_size=60))
def test_a_mark_is_letters_that_yaml_reads_as_a_text(words: str) -> None:
    mark = mark_of(words)
    assert re.fullmatch("[a-p]{12}", mark)
    assert yaml.safe_load(f"original: {mark}") == {"original": mark}


ASKING = PAGE.replace(
    "target:",
    "fields:\n  postcode: required\n  role:\n    label: I am a\n    choices: [Parent, Teacher]\n    required: true\n"
    "target:",
)


def test_questions_of_a_pages_own_have_words_in_each_language_and_one_answer(workspace: Workspace) -> None:
    own = "fields:\n  role:\n    label: Je suis\n    choices: [parent, prof]\n---\nLe"
    pages = read_page_versions(write(workspace, action=ASKING, action_fr=FRENCH_PAGE.replace("---\nLe", own)))[0].pages
    (question,) = pages["fr"].own
    assert (question.field.label, question.required) == ("Je suis", True)
    assert dict(question.field.choices) == {"Parent": "parent", "Teacher": "prof"}
    assert dict(pages["fr"].fields) == {"postcode": True}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ("", "fields.role has no label"),
        ("  role:\n    label: Je suis\n", "fields.role.choices needs words for each of the 2 choices"),
        ("  role:\n    label: Je suis\n    choices: [parent]\n", "fields.role.choices needs words for each of the 2"),
        ("  role:\n    label: Je suis\n    choices: [a, b]\n    required: false\n", "fields.role.required is the same"),
        ("  role:\n    label: Je suis\n    choices: [a, b]\n  phone: required\n", "fields.phone is the same"),
    ],
)
def test_what_is_asked_for_is_one_for_all_languages(workspace: Workspace, own: str, words: str) -> None:
    french = FRENCH_PAGE.replace("---\nLe", f"fields:\n{own}---\nLe" if own else "---\nLe")
    write(workspace, action=ASKING, action_fr=french)
    with pytest.raises(MailerError, match=re.escape(words)):
        read_page_versions(workspace.newsletter("river"))
