"""The ready-made automations: each is sound as made, but for the words that wait for an author."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.automations.checking import check_automation
from mailer.automations.definition import read_automation
from mailer.automations.first_automation import CHOICES, make_automation
from mailer.checking.collect import Scope
from mailer.cli.newsletter.init import AUTOMATIONS
from mailer.store.engine.database import Database
from mailer.workspace import Newsletter, Workspace

OURS = ("links.placeholder", "law.placeholder", "wording.placeholder")
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
PAGE = """\
---
headline: "Keep the library open"
statement: "We ask the council to keep it open."
to: The council
---

It is the only one in town.
"""


@pytest.fixture
def petition(workspace: Workspace) -> str:
    folder = workspace.newsletters / "library"
    folder.mkdir()
    (folder / "action.md").write_text(PAGE, encoding="utf-8")
    return "library"


@pytest.mark.parametrize("kind", AUTOMATIONS)
def test_each_is_sound_but_for_what_waits_for_words(
    workspace: Workspace, database: Database, petition: str, kind: str
) -> None:
    path = make_automation(workspace, "mine", kind, petition=petition, title="Ours")
    newsletter = Newsletter(workspace, "mine")
    assert path == Path("newsletters/mine/automation.toml")
    assert read_automation(newsletter).title == "Ours"
    found = check_automation(database, newsletter, scope=Scope(everyone=True), now=NOW)
    remarks = [one for each in found for one in each.remarks if one.stops]
    assert [one.sentence for one in remarks if "[[" not in one.message and one.rule not in OURS] == []
    assert {each.slug for each in found} == {"mine", *(f"mine/{one}" for one in read_automation(newsletter).messages)}


def test_the_command_knows_them_all() -> None:
    assert tuple(one.name for one in CHOICES) == AUTOMATIONS
