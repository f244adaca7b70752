"""The suite sees nothing of what its host exports, has installed or is set to."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import settings

from tests.conftest import REPOSITORY
from tests.surroundings import OURS, PROGRAMS, set_apart

SPAMASSASSIN = """#!/bin/sh
cat >/dev/null
printf 'X-Spam-Flag: YES\\nX-Spam-Status: Yes, score=99.0 required=5.0 tests=LOCAL\\n\\n'
"""
# Tests that one of these hosts made fail, or could: what they see and what they write.
TELLTALES = (
    "tests/test_surroundings.py::test_nothing_of_the_host_is_left",
    "tests/cli/campaign/test_send.py::test_launched_for_later_is_sent_by_run",
    "tests/checking/test_preflight.py::test_a_waived_rule_stops_nothing_and_its_reason_is_kept",
    "tests/cli/newsletter/test_init.py::test_git_would_take_neither_secrets_nor_addresses",
)


def test_nothing_of_the_host_is_left() -> None:
    """What the tests below start among hostile surroundings; here it holds as well."""
    assert not [name for name in os.environ if name.startswith("MAILER_")]
    assert not {"FORCE_COLOR", "NO_COLOR", "COLUMNS", "LC_ALL", "LANGUAGE", "http_proxy", "PGHOST"} & set(os.environ)
    assert shutil.which("spamassassin") is None
    assert (os.environ["TZ"], time.tzname[0]) == ("UTC", "UTC")
    assert datetime(2026, 7, 1).astimezone().utcoffset() == datetime(2026, 1, 1).astimezone().utcoffset()
    assert Path.home().parent == Path(os.environ[OURS])
    assert (Path.home() / ".gitconfig").is_file()
    assert {path.name for path in Path(os.environ["PATH"]).iterdir()} <= set(PROGRAMS)
    assert settings().deadline is None
    made = Path(os.environ[OURS]) / f"made-{os.getpid()}"
    made.touch()
    assert stat.S_IMODE(made.stat().st_mode) == 0o644


def hostile(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which somebody works with Mailer for real."""
    programs, home = tmp_path / "bin", tmp_path / "home"
    programs.mkdir()
    home.mkdir()
    spam = programs / "spamassassin"
    spam.write_text(SPAMASSASSIN, encoding="utf-8")
    spam.chmod(0o755)
    (home / ".gitconfig").write_text("[core]\n\texcludesFile = /dev/null\n[init]\n\ttemplateDir = /nowhere\n")
    with closing(sqlite3.connect(tmp_path / "real.db")) as database:
        database.execute("CREATE TABLE people (id INTEGER)")
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(home),
        "MAILER_DATABASE": str(tmp_path / "real.db"),
        "MAILER_TRANSPORT": "smtp",
        "MAILER_SMTP_HOST": "relay.example.org",
        "MAILER_SIGNING_KEYS": "k" * 40,
        "MAILER_NONSENSE": "1",
        "FORCE_COLOR": "1", "COLUMNS": "20", "NO_COLOR": "", "TERM": "xterm-256color", "LC_ALL": "C", "LANGUAGE": "de",
        "TZ": "Asia/Kolkata", "http_proxy": "http://127.0.0.1:1", "PGHOST": "127.0.0.1", "GIT_DIR": "/nowhere",
        "PYTHONWARNINGS": "ignore",
    }  # fmt: skip


def test_the_suite_passes_among_hostile_surroundings(tmp_path: Path) -> None:
    before = hostile(tmp_path)
    database = (tmp_path / "real.db").read_bytes()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        str(tmp_path / "inner"),
        *TELLTALES,
    ]
    done = subprocess.run(
        ["/bin/sh", "-c", 'umask 077 && exec "$@"', "sh", *command],
        cwd=REPOSITORY, env=before, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "real.db").read_bytes() == database
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("mailer-tests-")]


@pytest.mark.parametrize("path", ["", "/nowhere", "relative/bin"])
def test_it_works_without_a_path(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"PATH": path, "MAILER_DATABASE": "x", "CI": "true", "HOME": "/nowhere"}
    made = set_apart(environ)
    try:
        assert made is not None
        assert set(environ) == {"PATH", "HOME", "LANG", "TZ", "GIT_CONFIG_NOSYSTEM", "CI", OURS}
        assert shutil.which("sh", path=environ["PATH"])
        assert set_apart(environ) is None, "a process of pytest-xdist keeps what it was given"
    finally:
        shutil.rmtree(str(made))
