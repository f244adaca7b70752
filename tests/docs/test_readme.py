"""What the README says is run: its commands in order, in a workspace of its own; and every link leads somewhere."""

from __future__ import annotations

import email
import email.policy
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer.cli import COMMANDS
from tests.patience import HANG_SECONDS

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")})
ENGINEERS = [page for page in PAGES if {"internals", "decisions"} & set(page.parts)]
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)|src=\"([^\"]+)\"")
OURS = ("--name", "Friends of the Library", "--address", "12 Mill RateLimit, Leeds", "--sender",
        "appeals@libraryfriends.ngo", "--zone", "Europe/London")  # fmt: skip
SECTION = re.compile(r"\]\(((?!https?:)[^)#\s]*)#([^)\s]+)\)")
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
MESSAGE = re.compile(r"^```markdown\n(---\n.*?)^```", re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The `mailer …` lines of the README up to "Going live", split as a shell does, comments left out."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Going live")[0]
    lines = [line for block in SHELL.findall(text) for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("mailer ")]


def example() -> str:
    """The message that the README has in it."""
    (text,) = MESSAGE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    return text


def test_the_tour_works_from_beginning_to_end(tmp_path: Path) -> None:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{opened.getsockname()[1]}"
    environ = {
        **os.environ,
        "MAILER_PUBLIC_URL": base,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def run(arguments: list[str], folder: Path) -> str:
        done = subprocess.run(arguments, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    run(
        ["mailer", "init", "our-campaigns", *OURS], tmp_path
    )  # a sender of one's own: nothing of the sample may be left
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
        "preview",
        "serve",
        "signatures",
    }
    for command in asked:
        if command[1] == "send":  # asks for the number of people, which nobody is here to type
            command += ["--yes", str(len(people(root)))]
        if command[1] in ("preview", "serve"):  # they go on until they are stopped
            with serving(command, root, environ, base):
                if command[1] == "serve":
                    sign(root, base)
            continue
        if command[1] == "schedule":  # the README's date passes
            command[command.index("--at") + 1] = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%d} 09:00"
        run(command, root)
        if command[1] == "new":
            (root / "newsletters" / command[2] / "message.md").write_text(example(), encoding="utf-8")
    assert len(list((root / "outbox" / "new").iterdir())) == 2 * len(people(root)) + 1  # two newsletters and the proof
    assert "1 of 500 signatures" in run(["mailer", "signatures", "2026-11-ask-un-experts"], root)
    assert (root / "preview" / "save-the-library.html").is_file()


@contextmanager
def serving(command: list[str], root: Path, environ: dict[str, str], base: str) -> Generator[None]:
    """A command of the tour that serves, until the end of the block."""
    more = ["--port", base.rpartition(":")[2]] if command[1] == "serve" else ["--port", "0", "--no-open"]
    with subprocess.Popen([*command, *more], cwd=root, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert "http://127.0.0.1" in said, said
            yield
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=HANG_SECONDS)
        finally:
            process.kill()


def sign(root: Path, base: str) -> None:
    """The first signature: the button of a mail of the sample appeal, and the button of the page it leads to."""
    files = sorted((root / "outbox" / "new").iterdir())
    texts = (file.read_bytes() for file in files)
    mail = next(text for text in texts if b"2026-11-ask-un-experts" in text)
    body = email.message_from_bytes(mail, policy=email.policy.default).get_body(("plain",))
    assert body is not None
    found = re.search(rf"{re.escape(base)}/c/\S+", body.get_content())
    assert found
    with urllib.request.urlopen(found[0]) as page:
        address = page.url
    form = urllib.parse.urlencode({"first_name": "Ada", "last_name": "Sample", "country": "GB"}).encode()
    with urllib.request.urlopen(address, data=form) as thanks:
        assert "/thanks" in thanks.url


def people(root: Path) -> list[str]:
    """Who is subscribed, as `mailer people export` says."""
    command = ["-m", "mailer", "people", "export", "supporters"]
    done = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_exist(page: Path) -> None:
    for found in LINK.finditer(prose(page)):
        target = found[1] or found[3]
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_to_a_section_lead_to_one_that_exists(page: Path) -> None:
    for path, section in SECTION.findall(prose(page)):
        assert section in sections(page.parent / path if path else page), f"{path}#{section}"


def prose(page: Path) -> str:
    """A page without what is in code, where a link is an example."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def sections(page: Path) -> set[str]:
    """The ids that a Markdown page's headings get where it is shown."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_leads_to_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "internals").glob("*.md")} - {ROOT / "docs" / "README.md"}
    assert [page.name for page in pages if f"]({page.relative_to(ROOT / 'docs')})" not in index] == []


@pytest.mark.parametrize("page", ENGINEERS, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_that_pages_name_exist(page: Path) -> None:
    """Paths of our code, from the repository's root or from `mailer/`."""
    named = re.findall(r"`([a-z_]+(?:/[a-z_0-9]+)+\.py)`", page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists() and not (ROOT / "mailer" / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_only_commands_that_exist(page: Path) -> None:
    named = re.findall(r"`mailer ([a-z]+)", page.read_text(encoding="utf-8"))
    known = set(COMMANDS)
    assert set(named) <= known
