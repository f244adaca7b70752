"""The first draft: with notes for those who write in the file, and without them for those who write in the studio."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.cli.newsletter.starter import make_workspace
from mailer.editing.first_draft import make_newsletter
from mailer.workspace import Workspace, find_workspace


def lines_of(workspace: Workspace, slug: str) -> list[str]:
    text = (workspace.newsletter(slug).folder / "message.md").read_text(encoding="utf-8")
    return text.split("\n---\n", 1)[1].split("\n")


@pytest.mark.parametrize("template", ["appeal", "digest", "event", "thanks", "update", "urgent"])
def test_notes_are_for_those_who_write_in_the_file(template: str, tmp_path: Path) -> None:
    make_workspace(tmp_path)
    workspace = find_workspace(tmp_path, environ={})
    make_newsletter(workspace, "by-hand", template=template, notes=True)
    make_newsletter(workspace, "in-the-studio", template=template)
    by_hand, in_studio = lines_of(workspace, "by-hand"), lines_of(workspace, "in-the-studio")
    kept, inside = list[str](), False
    for line in by_hand:
        inside = inside or line.startswith("{#")
        if not inside:
            kept.append(line.replace("by-hand", "in-the-studio"))
        inside = inside and "#}" not in line
    assert len(kept) < len(by_hand)
    assert kept == in_studio
    assert not any("{#" in line or "#}" in line for line in in_studio)
