"""What the docs say of mailer.toml is what can be set: the keys in their examples, and the studio's table of all."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from mailer.diagnostics import Place
from mailer.settings.loader import sections
from mailer.settings.schema import StudioSettings
from mailer.settings.tables import read_table, settings_of

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| `(.*?)` \|", re.MULTILINE)


def examples() -> list[tuple[str, str, dict[str, Any]]]:
    """Each section of mailer.toml that a page shows: the page, the section, its keys."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    for page in sorted(DOCS.glob("*.md")):
        for language, text in EXAMPLE.findall(page.read_text(encoding="utf-8")):
            if language == "toml":
                shown = tomllib.loads(text)
                found += [(page.name, name, shown[name]) for name in sections() if isinstance(shown.get(name), dict)]
    return found


@pytest.mark.parametrize(("page", "name", "shown"), examples())
def test_an_example_can_be_set(page: str, name: str, shown: dict[str, Any]) -> None:
    kind = sections()[name]
    faults = read_table(kind, shown, section=name, place=lambda key: Place(part=key)).faults
    assert not [one for one in faults if one.part in shown], f"docs/{page}"


def test_the_studios_table_has_each_setting_with_its_default() -> None:
    table = (DOCS / "studio.md").read_text(encoding="utf-8").partition("## Settings")[2].partition("\n## ")[0]
    told = {key: tomllib.loads(f"x = {default}")["x"] for key, default in ROW.findall(table)}
    read = {key: list(one.default) if isinstance(one.default, tuple) else one.default
            for key, one in settings_of(StudioSettings).items()}  # fmt: skip
    assert told == read
