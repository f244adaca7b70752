"""The files a newsletter is made of, as text with numbered lines, so that a finding can lead to its place.

Only what staff write is shown: never secrets, addresses, or anything outside the workspace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mailer.compose.source.message_file import LARGEST_BYTES, MARKDOWN_FILE, MJML_FILE

SHOWN = re.compile(
    r"newsletters/[a-z0-9-]+/[A-Za-z0-9_.-]+\.(md|mjml)|templates/[A-Za-z0-9_/.-]+\.(mjml|toml)|"
    r"lists/[a-z0-9-]+\.toml|mailer\.toml"
)


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A file by its path in the workspace, and its lines."""

    name: str
    lines: tuple[str, ...]


def read_source_file(root: Path, name: str) -> ShownFile | None:
    """The file `name` of the workspace; None when it isn't one to be shown, or isn't there."""
    path = (root / name).resolve()
    allowed = SHOWN.fullmatch(name) and ".." not in name and path.is_relative_to(root.resolve())
    # templates/ may be a link to a folder elsewhere; what lies in it is the workspace's all the same.
    shared = SHOWN.fullmatch(name) and ".." not in name and path.is_relative_to((root / "templates").resolve())
    if not (allowed or shared) or not path.is_file() or path.stat().st_size > LARGEST_BYTES:
        return None
    return ShownFile(name, tuple(path.read_text(encoding="utf-8", errors="replace").splitlines()))


def message_file(root: Path, slug: str) -> str:
    """The path of a newsletter's message, whichever of its two kinds it is."""
    folder = f"newsletters/{slug}"
    return f"{folder}/{MJML_FILE if (root / folder / MJML_FILE).is_file() else MARKDOWN_FILE}"
