"""A release: built the same twice, and its wheel does the main job where nothing else is installed."""

from __future__ import annotations

from pathlib import Path

from scripts.release import build, try_out


def test_two_builds_are_the_same_and_the_wheel_sends_a_campaign(tmp_path: Path) -> None:
    built, again = build(tmp_path / "built"), build(tmp_path / "again")
    assert [path.name for path in built] == [path.name for path in again]
    assert [path.read_bytes() for path in built] == [path.read_bytes() for path in again]
    try_out(next(path for path in built if path.suffix == ".whl"), tmp_path)
