"""What the README says is run: its commands in order, in a workspace of its own; and every link leads somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer.cli import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)|src=\"([^\"]+)\"")
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The `mailer …` lines of the README up to "Going live", split as a shell does, comments left out."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Going live")[0]
    lines = [line for block in SHELL.findall(text) for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("mailer ")]


def test_the_tour_works_from_beginning_to_end(tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(arguments: list[str], folder: Path) -> str:
        done = subprocess.run(arguments, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    run(["mailer", "init", "our-campaigns"], tmp_path)
    root = tmp_path / "our-campaigns"
    asked = commands()
    assert {command[1] for command in asked} >= {
        "import",
        "new",
        "check",
        "render",
        "audience",
        "test",
        "send",
        "report",
    }
    for command in asked:
        if command[1] == "send":  # asks for the number of people, which nobody is here to type
            command += ["--yes", str(len(people(root)))]
        if command[1] == "schedule":  # the README's date passes
            command[command.index("--at") + 1] = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%d} 09:00"
        run(command, root)
    assert len(list((root / "outbox" / "new").iterdir())) == len(people(root)) + 1  # and the proof
    assert (root / "preview" / "save-the-library.html").is_file()


def people(root: Path) -> list[str]:
    """Who is subscribed, as `mailer people export` says."""
    command = ["-m", "mailer", "people", "export", "supporters"]
    done = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for found in LINK.finditer(page.read_text(encoding="utf-8")):
        target = found[1] or found[3]
        if not target.startswith(("http://", "https://", "mailto:", "action", "{{")) and page.name != "writing.md":
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_only_commands_that_exist(page: Path) -> None:
    named = re.findall(r"`mailer ([a-z]+)", page.read_text(encoding="utf-8"))
    known = set(COMMANDS)
    assert set(named) <= known
