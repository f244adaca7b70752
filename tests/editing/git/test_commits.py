"""A save is a commit by that person, of that newsletter alone, by the real git."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.editing.git import commits as kept
from mailer.editing.git.commits import Author, NotCommitted, commit_newsletter, into_git, keep_in_git
from mailer.staff.accounts import add_account
from mailer.staff.actor import terminal
from mailer.staff.rights import Role
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.conftest import NOW

AMINA = Author("Amina Okoye", "amina@example.org")
APPEAL = "newsletters/appeal"


def git(workspace: Workspace, *arguments: str) -> str:
    environ = {"PATH": os.environ["PATH"], "HOME": str(workspace.root.parent), "LC_ALL": "C"}
    for role in ("AUTHOR", "COMMITTER"):
        environ |= {f"GIT_{role}_NAME": "An engineer", f"GIT_{role}_EMAIL": "engineer@example.org"}
    done = subprocess.run(
        ["git", *arguments], cwd=workspace.root, env=environ, capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace in git, on a machine whose git knows nobody."""
    monkeypatch.setenv("HOME", str(workspace.root.parent))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.useConfigOnly")  # never a name made of the machine's
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    (workspace.root / APPEAL).mkdir()
    (workspace.root / APPEAL / "message.md").write_text("one\n")
    (workspace.root / "mailer.toml").touch()
    (workspace.root / ".gitignore").write_text("secrets.toml\n*.db*\n")
    git(workspace, "init", "--quiet", "--initial-branch=main")
    git(workspace, "add", "--all")
    git(workspace, "commit", "--quiet", "--message", "Begin")
    return replace(workspace, settings=replace(workspace.settings, studio=replace(workspace.settings.studio, git=True)))


def write(workspace: Workspace, text: str, name: str = "message.md") -> None:
    (workspace.root / APPEAL / name).write_text(text)


def last(workspace: Workspace, form: str) -> str:
    return git(workspace, "log", "-1", f"--format={form}")


def test_a_commit_is_by_the_person_and_of_the_newsletter_alone(repository: Workspace) -> None:
    write(repository, "two\n")
    write(repository, "picture", "lamp.png")
    (repository.root / "staged.txt").write_text("by an engineer\n")
    git(repository, "add", "staged.txt")
    (repository.root / "mailer.toml").write_text("# half a thought\n")
    (repository.root / APPEAL / ".message.md.saving-x").write_text("half")
    assert commit_newsletter(repository, "appeal", "Save appeal", author=AMINA)
    assert last(repository, "%an <%ae> %cn <%ce> %s") == (
        "Amina Okoye <amina@example.org> Amina Okoye <amina@example.org> Save appeal"
    )
    assert git(repository, "show", "--name-only", "--format=").splitlines() == [
        f"{APPEAL}/lamp.png", f"{APPEAL}/message.md",
    ]  # fmt: skip
    assert git(repository, "status", "--porcelain").splitlines() == [
        "M mailer.toml", "A  staged.txt", f"?? {APPEAL}/.message.md.saving-x",
    ]  # fmt: skip
    assert not commit_newsletter(repository, "appeal", "Save appeal", author=AMINA)


def test_what_was_taken_out_of_the_folder_is_committed_too(repository: Workspace) -> None:
    write(repository, "away", ".put-away")
    commit_newsletter(repository, "appeal", "Put appeal away", author=AMINA)
    (repository.root / APPEAL / ".put-away").unlink()
    assert commit_newsletter(repository, "appeal", "Take appeal out again", author=AMINA)
    assert git(repository, "status", "--porcelain") == ""


def test_a_workspace_in_a_folder_of_the_repository(repository: Workspace) -> None:
    inner = repository.root / "campaigns"
    (inner / APPEAL).mkdir(parents=True)
    (inner / APPEAL / "message.md").write_text("new\n")
    write(repository, "two\n")
    assert commit_newsletter(replace(repository, root=inner), "appeal", "Begin appeal", author=AMINA)
    assert git(repository, "show", "--name-only", "--format=") == f"campaigns/{APPEAL}/message.md"


def test_the_first_commit_of_a_repository(repository: Workspace) -> None:
    git(repository, "switch", "--quiet", "--orphan", "new")
    (repository.root / APPEAL).mkdir(parents=True, exist_ok=True)
    write(repository, "one\n")
    assert commit_newsletter(repository, "appeal", "Begin appeal", author=AMINA)


def test_a_git_that_is_run_from_a_hook_of_another_repository(
    repository: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    write(repository, "two\n")
    assert commit_newsletter(repository, "appeal", "Save appeal", author=AMINA)


def _lock(workspace: Workspace) -> None:
    (workspace.root / ".git" / "index.lock").touch()


def _detach(workspace: Workspace) -> None:
    git(workspace, "checkout", "--quiet", "--detach")


def _hook(workspace: Workspace, *, text: str = "#!/bin/sh\necho 'subject: no shouting'\nexit 1\n") -> None:
    hook = workspace.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(text)
    hook.chmod(0o755)


def _merge(workspace: Workspace) -> None:
    (workspace.root / ".git" / "MERGE_HEAD").write_text(git(workspace, "rev-parse", "HEAD") + "\n")


def _none(workspace: Workspace) -> None:
    (workspace.root / ".git").rename(workspace.root / "not-git")


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(_lock, "another git is at work"), (_detach, "on no branch"), (_hook, "no shouting"), (_merge, "a merge was"),
     (_none, "not in a git repository")],
)  # fmt: skip
def test_trouble_is_told_in_words_and_the_file_stays(repository: Workspace, trouble, words: str) -> None:
    trouble(repository)
    write(repository, "two\n")
    with pytest.raises(NotCommitted, match=words) as raised:
        commit_newsletter(repository, "appeal", "Save appeal", author=AMINA)
    assert raised.value.remedy
    assert (repository.root / APPEAL / "message.md").read_text() == "two\n"


def test_the_next_commit_takes_along_what_one_before_could_not(repository: Workspace) -> None:
    _lock(repository)
    write(repository, "two\n")
    with pytest.raises(NotCommitted):
        commit_newsletter(repository, "appeal", "Save appeal", author=AMINA)
    (repository.root / ".git" / "index.lock").unlink()
    write(repository, "two\nthree\n")
    assert commit_newsletter(repository, "appeal", "Save appeal", author=AMINA)
    assert git(repository, "show", f"HEAD:{APPEAL}/message.md") == "two\nthree"


def test_a_hook_that_waits_is_ended_and_leaves_no_lock(repository: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = repository.root / "begun"
    _hook(repository, text=f"#!/bin/sh\n: > {begun}\nsleep 600\n")
    real = kept.subprocess.Popen.communicate

    def overtaken(running, timeout=None):
        if "commit" in running.args:
            while not begun.exists() and running.poll() is None:
                pass  # once the hook is at work, its time is over
            raise subprocess.TimeoutExpired(running.args, timeout or 0)
        return real(running, timeout=timeout)

    monkeypatch.setattr(kept.subprocess.Popen, "communicate", overtaken)
    write(repository, "two\n")
    with pytest.raises(NotCommitted, match="took longer"):
        commit_newsletter(repository, "appeal", "Save appeal", author=AMINA)
    assert not (repository.root / ".git" / "index.lock").exists()


def test_without_git_on_the_machine(repository: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotCommitted, match="not installed"):
        commit_newsletter(repository, "appeal", "Save appeal", author=AMINA)


def test_an_account_is_the_author(repository: Workspace, database: Database) -> None:
    with database.write() as connection:
        account = add_account(connection, terminal(), "bo@example.org", Role.WRITER, at=NOW, name="Bo <the> Writer")
    write(repository, "two\n")
    assert into_git(repository, database, account.actor("studio"), "appeal", "Save appeal") is None
    assert last(repository, "%an <%ae>") == "Bo the Writer <bo@example.org>"


def test_this_machine_is_who_its_git_says(repository: Workspace, database: Database) -> None:
    write(repository, "two\n")
    problem = into_git(repository, database, terminal(), "appeal", "Save appeal")
    assert problem is not None
    assert "doesn’t know who" in problem.message
    git(repository, "config", "user.name", "Cy")
    git(repository, "config", "user.email", "cy@example.org")
    assert into_git(repository, database, terminal(), "appeal", "Save appeal") is None
    assert last(repository, "%an <%ae>") == "Cy <cy@example.org>"


def test_without_the_setting_git_is_left_alone(repository: Workspace, workspace: Workspace, database: Database) -> None:
    write(repository, "two\n")
    assert into_git(workspace, database, terminal(), "appeal", "Save appeal") is None
    assert last(repository, "%s") == "Begin"


def test_a_lists_file_is_committed_by_itself(repository: Workspace, database: Database) -> None:
    git(repository, "config", "user.name", "Cy")
    git(repository, "config", "user.email", "cy@example.org")
    write(repository, "two\n")
    for folder, name in (("lists", "news.toml"), ("lists/segments", "active.toml")):
        (repository.root / folder).mkdir(exist_ok=True)
        (repository.root / folder / name).write_text('title = "News"\n')
    assert keep_in_git(repository, database, terminal(), "lists/news.toml", "Make the list news") is None
    assert git(repository, "show", "--name-only", "--format=").split() == ["lists/news.toml"]
    assert keep_in_git(repository, database, terminal(), "lists/segments", "Save the segment active") is None
    (repository.root / "lists/segments/active.toml").unlink()
    assert keep_in_git(repository, database, terminal(), "lists/segments", "Take the segment active away") is None
    assert last(repository, "%s") == "Take the segment active away"
    assert git(repository, "status", "--porcelain") == f"M {APPEAL}/message.md"
