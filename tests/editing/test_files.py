"""Files are written in one moment: whoever reads, and however the writer dies, the file is the old one or the new."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailer.editing.files import STALE_SECONDS, write_file
from mailer.errors import MailerError

OLD, NEW = b"old\n" * 50_000, b"new\n" * 60_000

# A writer that kills itself with -9 when it comes to the given call of the operating system.
DYING = """
import os, signal, sys, tempfile
from pathlib import Path
from mailer.editing.files import write_file

module, name, after = sys.argv[1].split(":")
place = {"os": os, "tempfile": tempfile, "Path": Path}[module]
real, left = getattr(place, name), int(after)

def call(*given, **named):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)

setattr(place, name, call)
path = Path(sys.argv[2])
write_file(path, b"new\\n" * 60_000, within=path.parent)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "message.md"
    file.write_bytes(OLD)
    return file


@pytest.mark.parametrize(
    ("dies_at", "expected"),
    [("tempfile:mkstemp:0", OLD), ("os:fdopen:0", OLD), ("os:fsync:0", OLD), ("Path:replace:0", OLD),
     ("os:fsync:1", NEW)],
)  # fmt: skip
def test_a_killed_writer_leaves_a_whole_file(path: Path, dies_at: str, expected: bytes) -> None:
    done = subprocess.run([sys.executable, "-c", DYING, dies_at, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == expected
    write_file(path, b"next\n", within=path.parent)
    assert path.read_bytes() == b"next\n"


def test_what_a_killed_writer_left_goes_in_time_and_what_is_being_written_stays(path: Path) -> None:
    left, writing = (path.with_name(f".message.md.saving-{name}") for name in ("left", "writing"))
    for one in (left, writing):
        one.write_bytes(b"half")
    long_ago = time.time() - STALE_SECONDS - 60
    os.utime(left, (long_ago, long_ago))
    write_file(path, NEW, within=path.parent)
    assert sorted(one.name for one in path.parent.iterdir()) == [writing.name, path.name]


def test_the_mode_stays(path: Path) -> None:
    path.chmod(0o640)
    write_file(path, NEW, within=path.parent)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_new_file_is_readable_like_others(tmp_path: Path) -> None:
    path = tmp_path / "action.md"
    write_file(path, NEW, within=tmp_path)
    assert path.read_bytes() == NEW
    assert path.stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "newsletters"
    outside.mkdir()
    inside.mkdir()
    (outside / "message.md").write_bytes(OLD)
    (inside / "folder").symlink_to(outside)
    (inside / "message.md").symlink_to(outside / "message.md")
    for path in (inside / "folder" / "message.md", inside / "message.md", inside / ".." / "outside" / "message.md"):
        with pytest.raises(MailerError, match="outside the workspace"):
            write_file(path, NEW, within=inside)
    assert (outside / "message.md").read_bytes() == OLD
    assert [one.name for one in outside.iterdir()] == ["message.md"]


def test_newsletters_may_be_a_link_to_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "content" / "appeal").mkdir(parents=True)
    (tmp_path / "newsletters").symlink_to(tmp_path / "content")
    write_file(tmp_path / "newsletters" / "appeal" / "message.md", NEW, within=tmp_path / "newsletters")
    assert (tmp_path / "content" / "appeal" / "message.md").read_bytes() == NEW


def test_a_disk_that_refuses_changes_nothing_and_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MailerError, match="No space left"):
        write_file(path, NEW, within=path.parent)
    assert path.read_bytes() == OLD
    assert [one.name for one in path.parent.iterdir()] == ["message.md"]
