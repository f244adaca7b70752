"""Markdown in a minute, in the README and in docs/writing.md: what it says people see is what they get."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mailer.cli.newsletter.starter import make_workspace
from mailer.workspace import Workspace, find_workspace
from scripts.block_pictures import html_of, write
from tests.conftest import REPOSITORY

ROW = re.compile(r"^\| (`.+`) \| (.+) \|$", re.MULTILINE)
SEEN = {
    "Act **before Thursday**.": r"<p[^>]*>Act <strong[^>]*>before Thursday</strong>\.</p>",
    "Every branch, *every* reader.": r"Every branch, <em[^>]*>every</em> reader\.",
    "[the council's plan](https://example.org/plan)": r"<a [^>]*>the council.s plan</a>",
    "[Add your name](action)": r"<p[^>]*><a [^>]*>Add your name</a></p>",
    "::: ask\n:::": r"<td [^>]*>\s*<a [^>]*>\s*Add your name\s*</a>",
    "## What is at stake": r"<h2[^>]*>What is at stake</h2>",
    "- 400 visitors a day": r"<ul[^>]*>\s*<li[^>]*>400 visitors a day</li>",
    "![Children reading](reading.jpg)": r"<img [^>]*alt=\"Children reading\"",
    'Dear {{ supporter.first_name | default("friend") }},': "Dear Zoë,",
    '{% if supporter.country == "GB" %}Write to your councillor.{% endif %}': r"Write to your councillor\.",
}


def rows(page: Path) -> dict[str, str]:
    """What the page's table says is typed, with what people see."""
    text = page.read_text(encoding="utf-8").partition("## Markdown in a minute")[2].partition("\n## ")[0]
    typed = {"\n".join(re.findall(r"`([^`]+)`", cell)): seen for cell, seen in ROW.findall(text)}
    return {key.replace(r"\|", "|"): seen for key, seen in typed.items()}


@pytest.fixture(name="workspace", scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("minute") / "campaigns"
    make_workspace(root)
    return find_workspace(root)


def test_both_pages_have_the_same_table() -> None:
    assert rows(REPOSITORY / "README.md") == rows(REPOSITORY / "docs" / "writing.md")
    assert list(rows(REPOSITORY / "README.md")) == list(SEEN)


@pytest.mark.parametrize("typed", SEEN)
def test_what_is_typed_comes_out_as_the_table_says(workspace: Workspace, typed: str) -> None:
    slug = f"row-{list(SEEN).index(typed)}"
    write(workspace, slug, "Something before it.\n\n" + typed)
    shutil.copyfile(workspace.newsletters / slug / "letters.png", workspace.newsletters / slug / "reading.jpg")
    assert re.search(SEEN[typed], html_of(workspace, slug).replace("&nbsp;", " "), re.IGNORECASE)
