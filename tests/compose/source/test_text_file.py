"""Texts that can't be read say so with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.compose.source.text_file import read_text


@pytest.mark.parametrize("kind", ["missing", "folder", "dangling link", "link to itself"])
def test_what_can_not_be_read_is_a_fault_with_its_place(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "message.md"
    if kind == "folder":
        path.mkdir()
    elif "link" in kind:
        path.symlink_to(path if kind == "link to itself" else tmp_path / "nowhere")
    text, (fault,) = read_text(path, file="newsletters/x/message.md")
    assert text is None
    assert fault.stops
    assert fault.place
    assert fault.place.file == "newsletters/x/message.md"
    assert "can't be read" in fault.message
