"""What a new workspace begins with, and how it gets there without touching what is there already.

The starter content is the repository's own: its templates, sample newsletters, sample list and settings. In a source
checkout it is read from there; the wheel carries a copy as mailer/starter (pyproject.toml, force-include).
"""

from __future__ import annotations

import os
import secrets
import tomllib
from collections.abc import Iterator
from pathlib import Path

import mailer
from mailer.cli.newsletter.first_settings import Answers, list_text, settings_text
from mailer.counting import counted
from mailer.errors import MailerError
from mailer.settings import SECRETS_FILE, SETTINGS_FILE

# Folders and files of the starter, relative to its root. Only these: a checkout may hold newsletters and lists of its
# own. pyproject.toml names the same for the wheel; a test compares the two.
CONTENT = (
    "templates",
    "newsletters/README.md",
    "newsletters/2026-11-ask-un-experts",
    "newsletters/2026-12-year-in-review",
    "lists/README.md",
    "lists/supporters.toml",
    "lists/sample-supporters.csv",
)
LIST = Path("lists/supporters.toml")
NOTHING_SAID = Answers()
FOLDERS = ("templates", "newsletters", "lists")
IGNORED = (
    "secrets.toml",
    "/outbox/",
    "/rendered/",
    "*.db",
    "*.db-wal",
    "*.db-shm",
    "*.db-journal",
    "lists/*",
    "!lists/*.toml",
    "!lists/README.md",
    "!lists/sample-supporters.csv",
    "/data/private/",
)


def starter_root() -> Path:
    """The folder that holds the starter content."""
    package = Path(mailer.__file__).parent
    for folder in (package.parent, package / "starter"):
        if (folder / SETTINGS_FILE).is_file() and (folder / "templates").is_dir():
            return folder
    raise MailerError("the starter content is missing from this installation", remedy="Install Mailer again.")


def make_workspace(folder: Path, answers: Answers = NOTHING_SAID) -> list[str]:
    """Make whatever `folder` lacks to be a workspace, and nothing else. Returns what was made, relative to `folder`.

    `answers` say who it is for; those that can't be right are refused before anything is made. A folder of content
    that is there already is left as it is, even if empty: somebody may have emptied it.
    """
    if folder.exists() and not folder.is_dir():
        raise MailerError(f"{folder} is a file", remedy="Name a folder: mailer init DIR")
    starter = starter_root()
    settings = settings_text((starter / SETTINGS_FILE).read_text(encoding="utf-8"), answers)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name for name in FOLDERS if (folder / name).exists()}
    # The secrets' protection comes before the secrets.
    made = [*_ignore(folder), *_settings(settings, folder)]
    for path in _files(starter):
        target = folder / path
        if path.parts[0] not in kept:
            target.parent.mkdir(parents=True, exist_ok=True)
            content = (starter / path).read_bytes()
            if path == LIST:
                content = list_text(content.decode(), answers).encode()
            target.write_bytes(content)
            made.append(path.as_posix())
    return [*made, *_secrets(folder)]


def _files(starter: Path) -> Iterator[Path]:
    """The starter's files, relative to its root, in one stable order."""
    for name in CONTENT:
        path = starter / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file.relative_to(starter) for file in found if file.is_file() and not file.name.startswith("."))


def _settings(text: str, folder: Path) -> Iterator[str]:
    if not (folder / SETTINGS_FILE).exists():
        (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")
        yield SETTINGS_FILE


def _secrets(folder: Path) -> Iterator[str]:
    """secrets.toml with fresh keys, readable by its owner alone from the first moment."""
    path = folder / SECRETS_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(
            "# Keep this file to yourself, and keep a copy: without it the links in mails already sent stop working.\n"
            "# Signs the links in mails. To change it, put the new key first and leave the old ones behind it.\n"
            f'signing_keys = ["{secrets.token_urlsafe(32)}"]\n'
            "# Keys the hash under which the addresses of people who left are remembered. Never change it.\n"
            f'address_key = "{secrets.token_urlsafe(32)}"\n'
        )
    yield SECRETS_FILE


def _ignore(folder: Path) -> Iterator[str]:
    """.gitignore, or in one that is there the lines it lacks: neither secrets nor addresses may get into git."""
    path = folder / ".gitignore"
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = {line.strip() for line in before.splitlines()}
    missing = [line for line in IGNORED if line not in lines]
    if missing:
        block = "\n".join(["# What Mailer keeps on its own machine", *missing, ""])
        path.write_text(f"{before.rstrip()}\n\n{block}" if before.strip() else block, encoding="utf-8")
        yield f".gitignore ({counted(len(missing), 'line')})" if before else ".gitignore"


def organisation_is_example(folder: Path) -> bool:
    """Whether mailer.toml still names the sample's organisation."""
    data = tomllib.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    return data.get("organisation", {}).get("name") == "Example Campaigns"
