"""One digest for equal content, on every machine; another for anything that would be mailed or shown otherwise."""

from __future__ import annotations

import shutil
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mailer.review.changes import Change, changes
from mailer.review.content import NewsletterContent, PlannedTime
from mailer.store.engine.database import Database, open_database
from mailer.workspace import Workspace, find_workspace
from tests.conftest import LIST, NOW, SECRETS, SETTINGS
from tests.review.world import SILENT, TELLING, content, write_appeal

NINE = PlannedTime(NOW + timedelta(days=7), "Europe/London")


@pytest.mark.sqlite
@pytest.mark.parametrize("part", TELLING)
def test_what_is_mailed_or_shown_is_told(appeal: Workspace, database: Database, part: str) -> None:
    before = content(appeal, database)
    TELLING[part](appeal.root)
    after = content(appeal, database)
    assert after.digest != before.digest
    told = [str(one) for one in changes(before, after)]
    assert any(line.startswith(part) for line in told), told


@pytest.mark.sqlite
@pytest.mark.parametrize("what", SILENT)
def test_what_nobody_sees_changes_nothing(appeal: Workspace, database: Database, what: str) -> None:
    before = content(appeal, database)
    SILENT[what](appeal.root)
    after = content(appeal, database)
    assert (after.digest, changes(before, after)) == (before.digest, [])


@pytest.mark.sqlite
def test_the_time_is_part_of_it(appeal: Workspace, database: Database) -> None:
    soon, at_nine = content(appeal, database), content(appeal, database, NINE)
    ten = content(appeal, database, PlannedTime(NINE.at + timedelta(hours=1), NINE.zone))
    assert len({soon.digest, at_nine.digest, ten.digest}) == 3
    assert [str(one) for one in changes(soon, at_nine)] == [
        "Leaves: “as soon as it is sent” is now “Tue 1 Dec 2026 09:00 Europe/London”"
    ]


def made(root: Path, edits: frozenset[str]) -> NewsletterContent:
    """The appeal in a workspace at `root` with these edits."""
    (root / "lists").mkdir(parents=True)
    for file, text in (("mailer.toml", SETTINGS), ("secrets.toml", SECRETS), ("lists/supporters.toml", LIST)):
        (root / file).write_text(text, encoding="utf-8")
        (root / file).chmod(0o600)
    write_appeal(root)
    for name in sorted(edits):
        {**TELLING, **SILENT}[name](root)
    workspace = find_workspace(root, {})
    database = open_database(workspace.settings.database_url)
    try:
        return content(workspace, database)
    finally:
        database.close()


@pytest.fixture(scope="module")
def digest_of(tmp_path_factory: pytest.TempPathFactory):
    """The digest of the appeal with some edits, each time in another folder."""

    @cache
    def digest(edits: frozenset[str], machine: int) -> str:
        root = tmp_path_factory.mktemp("machine") / f"of-{machine}"
        try:
            return made(root, edits).digest
        finally:
            shutil.rmtree(root)

    return digest


EDITS = some.frozensets(some.sampled_from(sorted({**TELLING, **SILENT})), max_size=6)


@given(EDITS, EDITS)
@settings(max_examples=12, deadline=None)
def test_equal_content_and_only_that_has_one_digest(digest_of, one: frozenset[str], other: frozenset[str]) -> None:
    same = one & set(TELLING) == other & set(TELLING)
    assert (digest_of(one, 1) == digest_of(other, 2)) is same


@pytest.mark.sqlite
def test_it_comes_back_from_json_as_it_was(appeal: Workspace, database: Database) -> None:
    import json

    was = content(appeal, database, NINE)
    assert NewsletterContent(was.slug, json.loads(json.dumps(was.parts))).digest == was.digest


@given(some.text(), some.text())
def test_the_pieces_of_a_difference_are_both_texts(before: str, after: str) -> None:
    pieces = Change("Mail", before, after).pieces
    old = "".join(one.words for one in pieces if one.kind != "new")
    new = "".join(one.words for one in pieces if one.kind != "old")
    assert (old.split(), new.split()) == (before.split(), after.split())


def test_a_word_is_shown_as_one_word() -> None:
    pieces = Change("Mail", "On most days it was dry.", "On nineteen days it was dry.").pieces
    assert [(one.kind, one.words) for one in pieces] == [
        ("same", "On"), ("old", " most"), ("new", " nineteen"), ("same", " days it was dry."),
    ]  # fmt: skip
    whole = Change("Mail", "On most days it was dry.", "Nobody paid for any of it.").pieces
    assert [one.kind for one in whole] == ["old", "new"]
    assert whole[0].shortened == whole[0].words
    many = " ".join(f"word{n}" for n in range(50))
    (same,) = [one for one in Change("Mail", many, f"{many} more").pieces if one.kind == "same"]
    assert same.shortened.startswith("word0 word1")
    assert same.shortened.endswith("word48 word49")
    assert len(same.shortened.split()) == 25
