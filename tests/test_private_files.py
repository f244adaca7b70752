"""Files that name people are their owner's alone, whatever the umask and whatever was there before."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailer.errors import MailerError
from mailer.private_files import open_private, private_folder, readable_by_others, whole_private
from tests.conftest import REPOSITORY


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_and_one_that_was_open_to_all_are_private(tmp_path: Path) -> None:
    for name in ("new", "old"):
        path = tmp_path / name
        if name == "old":
            path.write_text("a longer text than the new one")
            path.chmod(0o666)
        with open_private(path) as file:
            assert mode(path) == 0o600, "before anything is written"
            file.write("text")
        assert path.read_text() == "text"
    with open_private(tmp_path / "bytes", "wb") as file:
        file.write(b"\r\n")
    assert (tmp_path / "bytes").read_bytes() == b"\r\n"


def test_folders_are_private_and_those_that_were_there_are_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert private_folder(tmp_path / "rendered" / "ask") == tmp_path / "rendered" / "ask"
    assert mode(tmp_path / "rendered") == mode(tmp_path / "rendered" / "ask") == 0o700
    private_folder(tmp_path)
    assert mode(tmp_path) == 0o755
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        private_folder(tmp_path / "file")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("before")
    path.chmod(0o644)
    with pytest.raises(ZeroDivisionError), whole_private(path) as file:
        file.write(f"half{1 / 0}")
    assert path.read_text() == "before"
    with whole_private(path) as file:
        file.write("after")
    assert (path.read_text(), mode(path)) == ("after", 0o600)
    assert [found.name for found in tmp_path.iterdir()] == ["people.csv"]
    with pytest.raises(MailerError, match="can't be written"), whole_private(tmp_path / "no" / "x"):
        pass


def test_what_others_can_read_is_found(tmp_path: Path) -> None:
    closed, opened = tmp_path / "closed", tmp_path / "opened"
    for folder in (closed, opened):
        (folder / "new").mkdir(parents=True)
        (folder / "new" / "mail").write_text("Dear Ana")
        folder.chmod(0o755)
    closed.chmod(0o700)
    (opened / "private").touch(0o600)
    (opened / "link").symlink_to("/etc/passwd")
    assert readable_by_others([closed, tmp_path / "missing"]) == [], "nobody gets past the folder"
    assert readable_by_others([closed, opened]) == [opened, opened / "new" / "mail"]


def test_no_other_module_opens_files_for_writing_by_itself() -> None:
    """A new place that writes files is looked at here: does what it writes name people?"""
    writes = re.compile(r"""\.write_text\(|\.write_bytes\(|\bopen\([^)\n]*["'][wax]b?\+?["']|O_CREAT|O_WRONLY""")
    nobody = {
        "mailer/editing/first_draft.py", "mailer/editing/first_mails.py",  # texts for everybody
        "mailer/editing/folders.py",
        "mailer/cli/newsletter/first_settings.py",  # settings that are only looked at
        "mailer/cli/newsletter/starter.py",  # content of a new workspace; secrets.toml is 0600
        "mailer/cli/campaign/report.py",  # a plot of figures
        "mailer/cli/newsletter/render.py",  # the pictures of a message
        "mailer/store/admin/backup.py", "mailer/store/engine/dialects.py",  # made 0600 before anything is in them
    }  # fmt: skip
    found = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "mailer").rglob("*.py")
        if writes.search(re.sub(r"open_private\([^)]*\)|whole_private\([^)]*\)", "", path.read_text(encoding="utf-8")))
    }
    assert found == nobody
