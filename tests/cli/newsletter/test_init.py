"""`mailer init` and `mailer new`, the sample list, and what the wheel carries for them."""

from __future__ import annotations

import csv
import io
import json
import re
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import frontmatter
import pytest
from click.testing import CliRunner, Result

from mailer.cli import cli
from mailer.cli.newsletter.starter import CONTENT, IGNORED, make_workspace, starter_root
from mailer.errors import MailerError
from mailer.locale.language import CATALOGUES
from mailer.workspace import find_workspace
from scripts.sample_list import BROKEN, PEOPLE, sample
from tests.conftest import REPOSITORY
from tests.drafts import fill_in

TEMPLATES = ("appeal", "digest", "event", "thanks", "update", "urgent")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


def run(*arguments: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    monkeypatch.chdir(folder)
    return CliRunner().invoke(cli, list(arguments))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_workspace_works_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "campaigns"
    made = make_workspace(folder)
    workspace = find_workspace(folder, environ={})
    assert workspace.slugs() == ["2026-11-ask-un-experts", "2026-12-year-in-review"]
    assert workspace.list_names() == ["supporters"]
    assert workspace.list_definition("supporters").columns["First name"] == "first_name"
    assert workspace.settings.transport == "outbox"
    assert len(workspace.secrets.require_signing()[0]) >= 32
    assert len(workspace.secrets.require_address_key()) >= 32
    assert stat.S_IMODE((folder / "secrets.toml").stat().st_mode) == 0o600
    assert set(made) == set(tree(folder))
    assert tree(folder / "templates") == tree(REPOSITORY / "templates")


def test_two_workspaces_have_different_keys(tmp_path: Path) -> None:
    secrets: set[str] = set()
    for name in ("a", "b"):
        make_workspace(tmp_path / name)
        data = tomllib.loads((tmp_path / name / "secrets.toml").read_text(encoding="utf-8"))
        secrets |= {data["signing_keys"][0], data["address_key"]}
    assert len(secrets) == 4


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "mailer.toml").write_text("# mine\n", encoding="utf-8")
    (tmp_path / "secrets.toml").write_text("# mine too\n", encoding="utf-8")
    (tmp_path / ".gitignore").write_text("/build\n*.db\n", encoding="utf-8")
    made = make_workspace(tmp_path)
    assert (tmp_path / "mailer.toml").read_text(encoding="utf-8") == "# mine\n"
    assert (tmp_path / "secrets.toml").read_text(encoding="utf-8") == "# mine too\n"
    assert list((tmp_path / "templates").iterdir()) == []
    ignored = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ignored[:2] == ["/build", "*.db"]
    assert set(IGNORED) <= set(ignored)
    assert ignored.count("*.db") == 1
    assert "mailer.toml" not in made
    assert "lists/supporters.toml" in made
    before = tree(tmp_path)
    assert make_workspace(tmp_path) == []
    assert tree(tmp_path) == before


def test_a_fresh_clone_only_lacks_its_secrets(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    (tmp_path / "secrets.toml").unlink()
    assert make_workspace(tmp_path) == ["secrets.toml"]


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("", encoding="utf-8")
    with pytest.raises(MailerError, match="is a file"):
        make_workspace(tmp_path / "x")


def test_init_says_what_it_did_and_shows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("init", "ws", folder=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    assert "cd ws && mailer check" in result.output
    assert "postal address" in result.output
    for key in re.findall(r'"([^"]{20,})"', (tmp_path / "ws" / "secrets.toml").read_text(encoding="utf-8")):
        assert key not in result.output
    again = run("init", "ws", folder=tmp_path, monkeypatch=monkeypatch)
    assert "nothing was changed" in again.output


def test_git_would_take_neither_secrets_nor_addresses(tmp_path: Path) -> None:
    make_workspace(tmp_path)
    (tmp_path / "lists" / "everyone.csv").write_text("x", encoding="utf-8")
    (tmp_path / "mailer.db").write_text("x", encoding="utf-8")
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "mail").write_text("x", encoding="utf-8")

    def git(*arguments: str) -> str:
        command = ["git", "-c", "core.excludesFile=/dev/null", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    taken = set(git("ls-files", "--others", "--exclude-standard").split())
    assert not taken & {"secrets.toml", "lists/everyone.csv", "mailer.db", "outbox/mail"}
    assert {"mailer.toml", "lists/supporters.toml", "lists/sample-supporters.csv", "lists/README.md"} <= taken


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_newsletter_explains_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    make_workspace(tmp_path)
    result = run("new", "2027-01-night-school", "--template", template, folder=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 0, result.output
    text = (tmp_path / "newsletters" / "2027-01-night-school" / "message.md").read_text(encoding="utf-8")
    post = frontmatter.loads(text)
    assert post["subject"] == "Night school"
    assert (post["template"], post["list"], post["language"]) == (template, "supporters", "en")
    assert "  url: https://action.example.org/act/2027-01-night-school" in text
    head = text.split("---")[1]
    assert {"urgent": "# Until when"}.get(template, "# Line above the headline") in head
    assert head.count("#") > 8
    assert "{{ organisation.name }}" in head
    assert "%" not in text.replace("{%", "").replace("%}", "")
    expected = {
        "appeal": ("::: ask", "::: quote", "::: numbers", "::: picture", "::: ps", "[^1]", "{% if"),
        "update": ("::: story", "::: ask", "::: numbers"),
        "urgent": ("::: ask", "::: ps"),
        "thanks": ("::: progress", "::: share", "::: ask"),
        "digest": ("::: story", "::: story 2026-12-year-in-review", "::: ask"),
        "event": ("::: ask", "::: quote", "::: ps"),
    }[template]
    assert all(word in post.content for word in expected)


def test_a_template_without_a_draft_gets_a_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_workspace(tmp_path)
    (tmp_path / "templates" / "appeal" / "draft.md").unlink()
    run("new", "x", folder=tmp_path, monkeypatch=monkeypatch)
    fill_in(tmp_path / "newsletters" / "x" / "message.md")
    result = run("check", "x", folder=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_draft_that_was_filled_in_passes_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str
) -> None:
    make_workspace(tmp_path)
    run("new", "x", "--template", template, folder=tmp_path, monkeypatch=monkeypatch)
    fill_in(tmp_path / "newsletters" / "x" / "message.md")
    result = run("check", "x", folder=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_draft_itself_is_not_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str) -> None:
    make_workspace(tmp_path)
    run("new", "x", "--template", template, folder=tmp_path, monkeypatch=monkeypatch)
    message = tmp_path / "newsletters" / "x" / "message.md"
    result = run("check", "x", "--json", folder=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 1
    errors = [one for one in json.loads(result.output)["x"]["remarks"] if one["level"] == "error"]
    assert {one["rule"] for one in errors} == {"writing.placeholder"}
    assert len(errors) == message.read_text(encoding="utf-8").count("[[") - 1  # one stands in the notes to the writer


@pytest.mark.parametrize("slug", ["2026-11-ask-un-experts", "2026-12-year-in-review"])
def test_the_samples_pass_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slug: str) -> None:
    make_workspace(tmp_path)
    result = run("check", slug, folder=tmp_path, monkeypatch=monkeypatch)
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize("slug", ["Night", "a_b", "../x", "", "-a", "a" * 81, "ä", "a/b", "a b"])
def test_a_bad_slug_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slug: str) -> None:
    make_workspace(tmp_path)
    before = tree(tmp_path)
    result = run("new", "--", slug, folder=tmp_path, monkeypatch=monkeypatch)
    assert isinstance(result.exception, MailerError)
    assert "can't be a newsletter's name" in result.exception.message
    assert tree(tmp_path) == before


def test_new_overwrites_nothing_and_knows_the_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_workspace(tmp_path)
    before = tree(tmp_path)
    there = run("new", "2026-11-ask-un-experts", folder=tmp_path, monkeypatch=monkeypatch)
    assert "exists already" in str(there.exception)
    unknown = run("new", "x", "--template", "apeal", folder=tmp_path, monkeypatch=monkeypatch)
    assert "Did you mean 'appeal'?" in str(unknown.exception)
    assert tree(tmp_path) == before


def test_new_needs_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_workspace(tmp_path)
    (tmp_path / "lists" / "supporters.toml").unlink()
    result = run("new", "x", folder=tmp_path, monkeypatch=monkeypatch)
    assert "no list is defined" in str(result.exception)
    assert not (tmp_path / "newsletters" / "x").exists()


def test_the_sample_list_is_what_its_program_makes() -> None:
    assert (REPOSITORY / "lists" / "sample-supporters.csv").read_text(encoding="utf-8") == sample()


def test_the_sample_list_has_what_real_files_have() -> None:
    rows = list(csv.DictReader(io.StringIO(sample())))
    addresses = [row["Email"].strip().lower() for row in rows]
    broken = {row[0].lower() for row in BROKEN}
    good = [address for address in addresses if address and address not in broken]
    assert len(set(good)) == PEOPLE
    assert len(good) > PEOPLE, "duplicates"
    assert all(address.endswith("@example.org") for address in good)
    assert broken <= set(addresses)
    assert sum(row["status"] == "unsubscribed" for row in rows) >= 10
    assert sum(not any(row.values()) for row in rows) >= 3, "empty rows"
    names = [row["First name"] for row in rows]
    assert sum(not name for name in names) > 30
    assert max(map(len, names)) > 40
    for script in ("é", "سارة", "נועם", "प्रिया"):
        assert any(script in name for name in names), script
    assert len({row["Country"] for row in rows}) > 20
    assert len({row["Language"] for row in rows}) > 10


def test_what_is_mailed_to_is_only_an_example() -> None:
    """Nobody real is in what the repository and the wheel carry."""
    root = starter_root()
    for name in (*CONTENT, "mailer.toml"):
        for path in [p for p in (root / name).rglob("*") if p.is_file()] or [root / name]:
            if path.suffix != ".png":
                for address in ADDRESS.findall(path.read_text(encoding="utf-8")):
                    domain = address.lower().rstrip(".").split("@")[1]
                    assert domain in ("example.org", "exam_ple.org"), (path, address)
            assert path.stat().st_size < 60_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as pip would install it, built from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = out.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_carries_the_starter_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    wanted = {"mailer.toml"}
    for name in CONTENT:
        path = REPOSITORY / name
        found = path.rglob("*") if path.is_dir() else [path]
        wanted |= {p.relative_to(REPOSITORY).as_posix() for p in found if p.is_file()}
    assert {name.removeprefix("mailer/starter/") for name in names if name.startswith("mailer/starter/")} == wanted
    assert {"mailer/compose/schema.json", "mailer/compose/schema.LICENSE"} <= names
    catalogues = {f"mailer/locale/{path.name}" for path in CATALOGUES.glob("*.po")}
    assert {name for name in names if name.endswith(".po")} == catalogues != set()
    assert not [name for name in names if re.search(r"secrets\.toml|\.db|/outbox/(new|cur|tmp)|tests/|\.env", name)]
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"mailer"}


def test_a_workspace_can_be_made_from_the_wheel(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """The package of the wheel alone, far from any checkout."""
    wheel.extractall(tmp_path / "site")
    code = (
        "from pathlib import Path; from mailer.cli.newsletter.starter import make_workspace; make_workspace(Path('ws'))"
    )
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert tree(tmp_path / "ws" / "templates") == tree(REPOSITORY / "templates")
    assert find_workspace(tmp_path / "ws", environ={}).slugs() == ["2026-11-ask-un-experts", "2026-12-year-in-review"]
