"""Keeps a workspace and the repository that its branch follows together: fetch, merge, push, by the real git.

Where both sides changed the same lines the merge is taken back at once, so no half-done merge ever lies in a
newsletter: people look at both and choose, and it is done again with what they chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.editing.files import one_at_a_time
from mailer.editing.git.commits import Author, NotCommitted, alone, run_git
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from mailer.workspace import Workspace

# Who merges are by: they say nothing that somebody wrote.
MAILER = Author("Mailer", "mailer@localhost")


@dataclass(frozen=True, slots=True)
class TheirFile:
    """A file where both changed the same lines, as the repository has it. `digest` is what git calls that version."""

    path: str
    digest: str
    text: str


class BothChanged(MailerError):
    """Nothing was merged: in these files both changed the same lines, and nobody chose yet."""

    def __init__(self, files: tuple[TheirFile, ...]) -> None:
        names = ", ".join(one.path for one in files)
        super().__init__(
            f"the same lines were changed in the repository: {names}", remedy="Choose in Write, or merge at a terminal."
        )
        self.files = files


Choices = Mapping[tuple[str, str], bool]  # (path, digest of theirs) → whether ours stays


def exchange(workspace: Workspace, database: Database, *, choices: Choices, pushes: bool) -> None:
    """Bring in what others pushed, and push what was committed here, where that is wanted.

    Raises `BothChanged`, and `NotCommitted` with what else git said. Nothing that was saved is touched then.
    """
    run_git(workspace, "fetch", "--quiet")
    # No save meanwhile: it would not see what the merge just wrote. On SQLite the transaction itself does that.
    with database.write() as connection, alone():
        one_at_a_time(connection)
        _merge(workspace, choices)
    if pushes and run_git(workspace, "rev-list", "--max-count=1", "@{upstream}..HEAD"):
        run_git(workspace, "push", "--quiet")


def _merge(workspace: Workspace, choices: Choices) -> None:
    try:
        run_git(workspace, "merge", "--quiet", "--no-edit", "@{upstream}", author=MAILER)
    except NotCommitted:
        unmerged = run_git(workspace, "diff", "--name-only", "--diff-filter=U", "-z")
        paths = [path for path in unmerged.split("\0") if path]
        if not paths:
            raise
        try:
            _settle(workspace, paths, choices)
        except BaseException:
            run_git(workspace, "merge", "--abort")
            raise


def _settle(workspace: Workspace, paths: list[str], choices: Choices) -> None:
    files = [_theirs(workspace, path) for path in paths]
    open_ones = tuple(one for one in files if (one.path, one.digest) not in choices)
    if open_ones:
        raise BothChanged(open_ones)
    for one in files:
        side = "--ours" if choices[one.path, one.digest] else "--theirs"
        run_git(workspace, "checkout", side, "--", f":(top,literal){one.path}")
        run_git(workspace, "add", "--", f":(top,literal){one.path}")
    run_git(workspace, "commit", "--quiet", "--no-edit", author=MAILER)


def _theirs(workspace: Workspace, path: str) -> TheirFile:
    """Raises `NotCommitted` where one side deleted it: only a person at a terminal can tell what is meant."""
    digest = run_git(workspace, "rev-parse", "--verify", f":3:{path}")
    run_git(workspace, "rev-parse", "--verify", f":2:{path}")
    return TheirFile(path, digest, run_git(workspace, "cat-file", "blob", digest))
