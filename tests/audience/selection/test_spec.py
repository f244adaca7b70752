"""The audience in the front matter: what it may say, and every fault with its line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from mailer.audience.fields import known_fields
from mailer.audience.selection.front_matter import read_audience
from mailer.audience.selection.spec import Audience
from mailer.compose.source.message_file import Source
from mailer.diagnostics import Place
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.workspace import ListDefinition, Newsletter, Workspace
from tests.audience.world import add_campaign, bring


class Written:
    """What `read_audience` asks of a source: its raw mapping, and where each key stands."""

    list = "supporters"
    is_urgent = False

    def __init__(self, workspace: Workspace, audience: dict[str, object]) -> None:
        self.newsletter = Newsletter(workspace, "appeal")
        self.audience = audience
        self.keys: list[str] = []

    def place(self, key: str) -> Place:
        self.keys.append(key)
        return Place("newsletters/appeal/message.md", 5)


def read(database: Database, workspace: Workspace, audience: dict[str, object]) -> Audience:
    (workspace.lists / "vips.toml").write_text('title = "V"\nlist_id = "v.example.org"\n')
    with database.read() as connection:
        fields = known_fields(connection, [])
        source = cast(Source, Written(workspace, audience))
        return read_audience(connection, source, fields=fields)


def test_without_a_word_it_is_the_newsletters_list(database: Database, workspace: Workspace) -> None:
    assert read(database, workspace, {}) == Audience(("supporters",))


def test_everything_at_once(database: Database, workspace: Workspace, now: datetime) -> None:
    with database.write() as connection:
        add_campaign(connection, 1, "earlier")
    (workspace.newsletters / "written").mkdir()
    raw: dict[str, object] = {
        "include": ["supporters", "supporters"],
        "exclude": "vips",
        "segment": ' supporter.country == "GB" and not clicked("earlier") ',
        "not_mailed_within_hours": 36.5,
        "not_mailed_by": ["earlier", "written"],
        "limit": 1000,
        "seed": 0,
    }
    assert read(database, workspace, raw) == Audience(
        ("supporters",), ("vips",), 'supporter.country == "GB" and not clicked("earlier")', 36.5,
        ("earlier", "written"), 1000, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"inclde": ["supporters"]}, "Did you mean 'include'"),
        ({"include": ["suporters"]}, "Did you mean 'supporters'"),
        ({"include": []}, "empty list"),
        ({"include": [7]}, "must name lists"),
        ({"include": {"a": 1}}, "must name lists"),
        ({"include": ["vips"], "exclude": ["vips"]}, "included and excluded"),
        ({"segment": "supporter.contry == 'GB'"}, "country"),
        ({"segment": "supporter.country =="}, "read"),
        ({"segment": 7}, "must be an expression"),
        ({"segment": "mailed('nowhere')"}, "no campaign 'nowhere'"),
        ({"segment": "not (supporter.country and subscribed('nowhere'))"}, "no list 'nowhere'"),
        ({"segment": "signed('a-page')"}, "there is no sign page 'a-page'"),
        ({"segment": "opened('x')"}, "opened"),
        ({"segment": "joined_since('yesterday')"}, "joined_since can't ask about 'yesterday'"),
        ({"segment": "not signed_within('soon')"}, "signed_within can't ask about 'soon'"),
        ({"not_mailed_by": ["appeal"]}, "no campaign 'appeal'"),
        ({"not_mailed_within_hours": "1h"}, "must be a number"),
        ({"not_mailed_within_hours": -1}, "from more than 0"),
        ({"limit": 0}, "from 1"),
        ({"limit": 1.5}, "whole number"),
        ({"limit": True}, "whole number"),
        ({"seed": -1}, "from 0"),
    ],
)
def test_each_fault_has_its_place_and_remedy(
    database: Database, workspace: Workspace, raw: dict[str, object], words: str
) -> None:
    with pytest.raises(MailerError) as caught:
        read(database, workspace, raw)
    assert words in str(caught.value)
    assert "newsletters/appeal/message.md:" in str(caught.value)


def test_all_faults_come_at_once(database: Database, workspace: Workspace) -> None:
    raw: dict[str, object] = {"include": ["x"], "limit": "y", "segment": "supporter.z", "what": 1}
    with pytest.raises(MailerError) as caught:
        read(database, workspace, raw)
    assert len(caught.value.diagnostics) == 4


def test_known_fields(database: Database, tmp_path: Path) -> None:
    bring(database, tmp_path / "a.csv", "email,town,Shoe size\na@example.org,Leeds,\nb@example.org,,7\n")
    definition = ListDefinition("x", "X", "x.example.org", columns={"Union": "union", "S": "status", "T": "-"})
    with database.read() as connection:
        fields = known_fields(connection, [definition])
    assert fields == {
        "email", "first_name", "last_name", "name", "country", "language", "timezone", "tags", "town", "shoe_size",
        "union",
    }  # fmt: skip
