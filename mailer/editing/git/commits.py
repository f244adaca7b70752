"""Keeps what is saved in git: a save is a commit by the person who saved, of that newsletter's folder alone.

The git program does it, as if the person had done it at a terminal: the repository's own hooks and settings hold.
Nothing else that somebody has changed or staged is touched. A file is saved before it is committed, so whatever git
says loses nobody's text, and the next commit of that newsletter takes along what one before couldn't.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Generator
from dataclasses import dataclass

from mailer.editing.files import UNFINISHED
from mailer.errors import MailerError
from mailer.staff.accounts import account_by_id
from mailer.staff.actor import Actor
from mailer.store.engine.database import Database
from mailer.workspace import Workspace

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 60.0  # hooks may check a whole workspace
# What ties git to another repository, when the studio was started by a hook of it: git rev-parse --local-env-vars
OTHER_REPOSITORY = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE",
)  # fmt: skip
MERGING = ("a merge was begun there and not finished", "Finish it at a terminal: git merge --continue")
NOBODY = ("git doesn’t know who works at this machine", "Say so once there: git config user.name and user.email")
UNREACHED = ("the repository that others use can’t be reached", "It is tried again with the next save or pull.")
UNFOLLOWED = ("the branch follows no other repository", "At a terminal: git push --set-upstream origin BRANCH")
# What git says → what it means, and what to do. The first that is found counts.
MEANINGS = (
    ("not a git repository", "the workspace is not in a git repository", "Run git init, or set [studio] git = false."),
    ("dubious ownership", "git doesn’t trust a repository that belongs to another account of the server",
     "Run the studio as the owner of the files, or: git config --global --add safe.directory FOLDER"),
    (".lock': File exists", "another git is at work there, or was stopped in the middle", "Save again in a moment."),
    ("during a merge", *MERGING),
    ("unmerged files", *MERGING),
    ("tell me who you are", *NOBODY),
    ("empty ident", *NOBODY),
    ("no email was given", *NOBODY),
    ("unable to auto-detect", *NOBODY),
    ("failed to sign", "git could not sign the commit", "Give it a key without a passphrase, or no commit.gpgsign."),
)  # fmt: skip

# What it says of the repository that the branch follows.
OF_THE_REMOTE = (
    ("Could not read from remote repository", *UNREACHED),
    ("unable to access", *UNREACHED),
    ("Could not resolve host", *UNREACHED),
    ("does not appear to be a git repository", *UNREACHED),
    ("no upstream configured", *UNFOLLOWED),
    ("no such branch", *UNFOLLOWED),
    ("[rejected]", "others pushed at the same moment", "It is tried again with the next save or pull."),
    ("[remote rejected]", "the repository refused what was pushed", "Its rules (a hook, a protected branch) say why."),
    ("would be overwritten by merge", "a file is changed here and not committed", "Save it here, or commit it."),
)  # fmt: skip

_one_at_a_time = threading.Lock()
_made = [0]  # commits of this process


class NotCommitted(MailerError):
    """The file is saved; git has no commit of it. The next commit of the newsletter takes it along."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit is by."""

    name: str
    address: str


def into_git(workspace: Workspace, database: Database, actor: Actor, slug: str, message: str) -> NotCommitted | None:
    """Commit what an actor did to a newsletter, where `[studio] git` says so; what kept it from that, if anything did.

    Call it after the transaction of what they did: git and its hooks take their time.
    """
    return keep_in_git(workspace, database, actor, f"newsletters/{slug}", message)


def keep_in_git(workspace: Workspace, database: Database, actor: Actor, path: str, message: str) -> NotCommitted | None:
    """The same of any folder or file of the workspace, such as "lists"."""
    if not workspace.settings.studio.git:
        return None
    try:
        commit_path(workspace, path, message, author=_author_of(database, actor))
    except NotCommitted as problem:
        log.warning("%s is saved and not committed: %s", path, problem)
        return problem
    return None


def commit_newsletter(workspace: Workspace, slug: str, message: str, *, author: Author | None) -> bool:
    """Commit what changed in a newsletter's folder; whether anything had. Raises `NotCommitted`."""
    return commit_path(workspace, f"newsletters/{slug}", message, author=author)


def commit_path(workspace: Workspace, path: str, message: str, *, author: Author | None) -> bool:
    """Commit what changed below a path of the workspace; whether anything had. Raises `NotCommitted`."""
    paths = ("--", path, f":(exclude,glob)**/{UNFINISHED}")
    with _one_at_a_time:
        if not run_git(workspace, "status", "--porcelain", "--untracked-files=all", *paths):
            return False
        if not run_git(workspace, "symbolic-ref", "--quiet", "HEAD", allowed=(0, 1)):
            raise NotCommitted(
                "git is on no branch there, so a commit would be lost", remedy="At a terminal: git switch BRANCH"
            )
        run_git(workspace, "add", "--all", *paths)
        run_git(workspace, "commit", "--quiet", "--only", "--message", _plain(message), *paths, author=author)
        _made[0] += 1
    return True


@contextlib.contextmanager
def alone() -> Generator[None]:
    """While no newsletter is committed."""
    with _one_at_a_time:
        yield


def commits() -> int:
    """How many this process made."""
    return _made[0]


def _author_of(database: Database, actor: Actor) -> Author | None:
    """The account of a person; None for this machine, whose git knows who works at it."""
    if actor.account_id is None:
        return None
    with database.read() as connection:
        account = account_by_id(connection, actor.account_id)
    return Author(_plain(account.name) or account.address, account.address)


def run_git(
    workspace: Workspace, *arguments: str, author: Author | None = None, allowed: tuple[int, ...] = (0,)
) -> str:
    environ = {name: value for name, value in os.environ.items() if name not in OTHER_REPOSITORY}
    environ |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"}
    environ.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")  # nobody is there to answer
    if author is not None:
        for role in ("AUTHOR", "COMMITTER"):
            environ |= {f"GIT_{role}_NAME": author.name, f"GIT_{role}_EMAIL": author.address}
    try:
        running = subprocess.Popen(  # noqa: S603 - fixed arguments
            ["git", *arguments], cwd=workspace.root, env=environ, stdin=subprocess.DEVNULL,  # noqa: S607
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise NotCommitted("git is not installed here", remedy="Install it, or set [studio] git = false.") from None
    with running:
        try:
            said, complaint = running.communicate(timeout=TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):  # its hooks as well; git then takes its lock away itself
                os.killpg(running.pid, signal.SIGTERM)
            raise NotCommitted(
                f"git took longer than {TIMEOUT_SECONDS:.0f} seconds", remedy="Look for a hook there that waits."
            ) from None
    if running.returncode not in allowed:
        raise _meaning((complaint + said).decode(errors="replace"))
    return said.decode(errors="replace").strip()


def _meaning(said: str) -> NotCommitted:
    for words, meaning, remedy in (*MEANINGS, *OF_THE_REMOTE):
        if words in said:
            return NotCommitted(meaning, remedy=remedy)
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it gave no reason")
    return NotCommitted(f"git refused: {last[:200]}", remedy="A check of the repository (a hook) may have said so.")


def _plain(text: str) -> str:
    """A text as git keeps it in one line: without what it takes for the end of a name."""
    return " ".join("".join(c for c in text if c not in "<>" and (c.isprintable() or c.isspace())).split())
