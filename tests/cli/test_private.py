"""What commands write about people is their owner's alone, and `mailer doctor` finds what isn't."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer

SLUG = "2026-11-ask-un-experts"


@pytest.fixture(autouse=True)
def open_umask(mailer: Mailer) -> Iterator[None]:
    before = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(before)


def modes(*paths: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in paths}


def test_exports_rejects_renders_and_the_outbox_are_private(mailer: Mailer, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email\nana@example.org\nnobody\n")
    rejects, export = tmp_path / "no.csv", tmp_path / "export.csv"
    assert mailer("import", "supporters", str(people), "--rejects", str(rejects)).code == 0
    assert mailer("people", "export", "supporters", "--out", str(export)).code == 0
    assert mailer("render", SLUG).code == 0
    assert mailer("test", SLUG, "--to", "ana@example.org").code == 0
    rendered, outbox = Path("rendered"), Path("outbox")
    mails = list((outbox / "new").iterdir())
    kinds = [path for path in (rendered / SLUG).iterdir() if path.suffix in (".html", ".txt", ".eml")]
    assert mails
    assert len(kinds) == 3
    assert modes(rejects, export, *mails, *kinds) == {0o600}
    assert modes(rendered, rendered / SLUG, outbox, *(outbox / name for name in ("new", "cur", "tmp"))) == {0o700}


def test_doctor_finds_what_others_can_read(mailer: Mailer) -> None:
    assert mailer("test", SLUG, "--to", "ana@example.org").code == 0
    assert "thers on this machine" not in mailer("doctor").out
    Path("outbox").chmod(0o755)
    said = mailer("doctor").out
    assert "Others on this machine can read outbox" in said
    assert "chmod -R go= " in said
    Path("outbox").chmod(0o700)
    assert "thers on this machine" not in mailer("doctor").out
    assert mailer("people", "export", "supporters", "--out", "everyone.csv").code == 0
    assert "thers on this machine" not in mailer("doctor").out
    Path("everyone.csv").chmod(0o644)
    assert "Others on this machine can read everyone.csv" in mailer("doctor").out
