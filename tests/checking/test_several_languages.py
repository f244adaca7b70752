"""Every language is checked: each version for those who get it, and what is found names its file."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import update

from mailer.audience.selection.spec import Audience
from mailer.checking.collect import Scope
from mailer.checking.preflight import Preflight, preflight
from mailer.checking.recheck import why_hold
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.workspace import Workspace
from tests.languages import BRAZILIAN, FRENCH, READERS, add_readers, write


@pytest.fixture
def readers(database: Database, now: datetime) -> dict[str, str]:
    return add_readers(database, each=2, now=now)


def look(workspace: Workspace, database: Database, now: datetime) -> Preflight:
    return preflight(database, workspace.newsletter("river"), scope=Scope(), now=now)


def test_each_version_is_merged_for_those_who_get_it(
    workspace: Workspace, database: Database, now: datetime, readers: dict[str, str]
) -> None:
    write(workspace)
    found = look(workspace, database, now)
    assert not found.errors
    assert found.selection is not None
    assert found.selection.chosen == len(readers)
    assert {one.language: one.people for one in found.reached} == {
        language: 2 * sum(version == name for version in READERS.values())
        for language, name in (("en", ""), ("fr", "fr"), ("pt-BR", "pt-BR"))
    }
    assert found.figures is not None
    assert found.figures.people == len(readers)
    assert {one.branches[0] for one in found.figures.variants} == {"en", "fr", "pt-BR"}
    told = {one.message: one.place and one.place.file for one in found.remarks if one.rule == "audience.language"}
    assert told["German: 2 people get the English mail"] == "newsletters/river/message.md"
    assert not any("French" in words for words in told)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (FRENCH.replace("Les égouts", "TODO Les égouts"), "writing.placeholder"),
        (FRENCH.replace("rivière.\n", "rivière. [ici](https://example.org/x)\n"), "links.vague"),
        (FRENCH.replace('{{ supporter.first_name | default("à toutes et à tous") }}', "{{ supporter.town }}"), ""),
        (FRENCH.replace("preheader", "notes"), "subject.no-preheader"),
    ],
)
def test_what_is_found_in_a_translation_names_its_file(
    workspace: Workspace, database: Database, now: datetime, readers: dict[str, str], text: str, rule: str
) -> None:
    write(workspace)
    before = set(look(workspace, database, now).remarks)
    write(workspace, message_fr=text)
    new = [one for one in look(workspace, database, now).remarks if one not in before]
    assert new
    assert {one.place.file for one in new if one.place} == {"newsletters/river/message.fr.md"}
    if rule:
        assert rule in {one.rule for one in new}


def test_a_greeting_that_is_empty_for_readers_of_one_language_alone(
    workspace: Workspace, database: Database, now: datetime, readers: dict[str, str]
) -> None:
    """Those without a name read Portuguese: the same words are a fault in that version, and in no other."""
    with database.write() as connection:
        connection.execute(update(people).where(people.c.language.like("pt%")).values(first_name=""))
    plain = "{{ supporter.first_name }}"
    write(
        workspace,
        message_fr=FRENCH.replace('{{ supporter.first_name | default("à toutes et à tous") }}', plain),
        **{"message_pt-BR": BRAZILIAN.replace('{{ supporter.first_name | default("você") }}', plain)},
    )
    found = look(workspace, database, now)
    told = [one for one in found.errors if one.rule == "audience.greeting"]
    assert [one.place and one.place.file for one in told] == ["newsletters/river/message.pt-BR.md"]
    assert told[0].message.startswith("6 people")
    assert found.plan is not None
    held = why_hold(workspace, database, found.plan.message, Audience(("supporters",)), now=now)
    assert held == "6 people would get nothing in place of {{ supporter.first_name }}"


def test_the_page_in_another_language_is_checked(workspace: Workspace, database: Database, now: datetime) -> None:
    write(workspace, action_fr="---\nheadline: Nettoyons\n---\nLe conseil décide.\n")
    (fault,) = look(workspace, database, now).errors
    assert fault.place is not None
    assert fault.place.file == "newsletters/river/action.fr.md"
    assert fault.message == "statement is missing"
