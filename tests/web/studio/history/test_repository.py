"""The studio and a repository that colleagues use as well: a real bare one, beside a colleague's clone."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mailer.staff.rights import Role
from mailer.web.studio.history.repository import Repository, repository_of
from tests.patience import until
from tests.web.studio.conftest import BODY, FRONT, HERE, SLUG, Clock, House
from tests.web.studio.history.test_versions import save

TEXT = FRONT + BODY
pytestmark = pytest.mark.sqlite


def git(folder: Path, *arguments: str) -> str:
    known = ["-c", "user.name=Tom", "-c", "user.email=tom@example.org"]
    done = subprocess.run(["git", *known, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def colleague(house: House, tmp_path: Path) -> Path:
    """A colleague's clone. The studio commits, pushes, and pulls each five minutes."""
    root, bare, clone = house.workspace.root, tmp_path / "bare.git", tmp_path / "clone"
    settings = root / "mailer.toml"
    settings.write_text(settings.read_text() + '\n[studio]\ngit = true\ngit_push = true\ngit_pull = "5m"\n')
    (root / ".gitignore").write_text("secrets.toml\n*.db*\noutbox\nbare.git\nclone\n")
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Studio")
    git(root, "config", "user.email", "studio@example.org")
    git(root, "add", "newsletters", "lists", "mailer.toml", ".gitignore")
    git(root, "commit", "--quiet", "--message", "Begin")
    git(root, "remote", "add", "origin", str(bare))
    git(root, "push", "--quiet", "--set-upstream", "origin", "main")
    git(tmp_path, "clone", "--quiet", str(bare), str(clone))
    return clone


def theirs(clone: Path) -> Path:
    return clone / "newsletters" / SLUG / "message.md"


def push(clone: Path, text: str) -> None:
    git(clone, "pull", "--quiet", "--no-rebase")
    theirs(clone).write_text(text, encoding="utf-8")
    git(clone, "commit", "--quiet", "--all", "--message", "By a colleague")
    git(clone, "push", "--quiet")


def now(house: House) -> str:
    return house.file.read_text(encoding="utf-8")


def exchanged(house: House) -> Repository:
    found = repository_of(house.studio)
    found.begin().result()
    found.begin().result()  # the one before may have begun before what is looked for
    return found


def test_a_save_is_pushed_by_itself_and_what_others_pushed_comes_in(
    house: House, colleague: Path, clock: Clock
) -> None:
    save(house, TEXT.replace("Ask them", "Tell them"), TEXT)

    def arrived() -> bool:
        git(colleague, "pull", "--quiet", "--no-rebase")
        return "Tell them" in theirs(colleague).read_text(encoding="utf-8")

    until(arrived)
    push(colleague, now(house).replace("Germany.", "Berlin."))
    clock.at += timedelta(minutes=6)
    until(lambda: "Berlin." in git(house.workspace.root, "show", f"HEAD:newsletters/{SLUG}/message.md"))
    exchanged(house)  # git takes a file away before it writes the new one: look once that is over
    assert "Berlin." in now(house)
    assert "Tell them" in now(house)
    assert repository_of(house.studio).trouble is None


def test_a_repository_that_is_not_there_loses_no_save_and_is_said(house: House, colleague: Path, clock: Clock) -> None:
    bare = Path(git(house.workspace.root, "remote", "get-url", "origin"))
    bare.rename(bare.with_name("away.git"))
    save(house, TEXT.replace("Ask them", "Tell them"), TEXT)
    assert "Tell them" in now(house)
    assert exchanged(house).trouble
    for page in (HERE, "/"):
        text = house.get(page).text
        assert "What is saved here isn’t with the others" in text
        assert "The repository that others use can’t be reached" in text
    assert git(house.workspace.root, "log", "-1", "--format=%s") == f"Save {SLUG}"
    bare.with_name("away.git").rename(bare)
    assert exchanged(house).trouble is None
    assert "isn’t with the others" not in house.get(HERE).text
    git(colleague, "pull", "--quiet", "--no-rebase")
    assert "Tell them" in theirs(colleague).read_text(encoding="utf-8")


@pytest.mark.parametrize("keep", ["ours", "theirs"])
def test_where_both_changed_the_same_lines_somebody_chooses(house: House, colleague: Path, keep: str) -> None:
    push(colleague, TEXT.replace("Ask them", "Warn them"))
    mine = TEXT.replace("Ask them", "Tell them")
    house.file.write_text(mine, encoding="utf-8")
    git(house.workspace.root, "commit", "--quiet", "--all", "--message", "Here")
    trouble = exchanged(house).trouble
    assert trouble
    assert now(house) == mine, "no mark of a merge lies in it"
    page = house.get(HERE).text
    assert "The same lines were changed in the repository" in page
    assert "Warn them **now**" in page
    (file,) = trouble.about(SLUG)
    viewer, writer = house.sign_in(Role.VIEWER), house.sign_in(Role.WRITER)
    sent = urlencode({"path": file.path, "theirs": file.digest, "keep": keep}).encode()
    assert house.post(f"{HERE}repository", sent, cookie=viewer).status == 403
    assert house.post(f"{HERE}repository", sent.replace(b"theirs=", b"theirs=0"), cookie=writer).status == 303
    assert now(house) == mine, "another version of theirs than the one that was shown"
    assert house.post(f"{HERE}repository", sent, cookie=writer).status == 303
    expected = mine if keep == "ours" else TEXT.replace("Ask them", "Warn them")
    assert now(house) == expected
    assert repository_of(house.studio).trouble is None
    git(colleague, "pull", "--quiet", "--no-rebase")
    assert theirs(colleague).read_text(encoding="utf-8") == expected


def test_what_is_changed_and_not_committed_is_not_touched(house: House, colleague: Path) -> None:
    push(colleague, TEXT.replace("Ask them", "Warn them"))
    house.write(BODY.replace("Dear", "Dearest"))
    trouble = exchanged(house).trouble
    assert trouble
    assert "changed here and not committed" in trouble.words
    assert "Dearest" in now(house)
    assert git(house.workspace.root, "status", "--porcelain", "--untracked-files=no").strip().startswith("M")
