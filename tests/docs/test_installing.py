"""What pages and messages say to install is this project, with an extra that it has: PyPI's `mailer` is another one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ASKED = re.compile(r"pip install ['\"]?([\w.-]+)\[(\w+)\]")


def test_an_extra_is_one_of_ours() -> None:
    paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "mailer").rglob("*.py")]
    asked = {
        (path.relative_to(ROOT).as_posix(), *found)
        for path in paths
        for found in ASKED.findall(path.read_text(encoding="utf-8"))
    }
    ours = {(PROJECT["name"], extra) for extra in PROJECT["optional-dependencies"]}
    assert asked, "nothing says what to install"
    assert not [one for one in asked if one[1:] not in ours]
