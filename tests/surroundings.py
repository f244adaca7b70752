"""What the tests have around them: an environment of their own, whatever the host has installed, set or exported.

With `MAILER_DATABASE` exported the commands under test would write into that database and mail by that relay; a program
such as SpamAssassin changes what `mailer check` says; locale, time zone, colours and git's settings change what is
read. So nothing of the host's environment is left but what is named here.
"""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
import time
from collections.abc import MutableMapping
from pathlib import Path

# The programs that tests may call, where the host has them. Others can't be found, whatever is installed.
PROGRAMS = (
    "sh", "env", "cat", "dirname", "basename", "readlink", "sed", "sleep", "true",  # for the scripts among the others
    "git", "node", "mount", "umount", "unshare", "mkdir", "chmod", "systemd-analyze",
    "postgres", "initdb", "pg_ctl", "pg_dump", "psql", "perl", "pg_config",  # Debian's pg_dump is a script of perl
    "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
    "mshow", "mmime", "mhdr", "nginx", "caddy", "smtpd",
)  # fmt: skip
BESIDE_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"  # servers are in sbin, which users lack
# What concerns how the suite is run, not what it sees.
KEPT = ("CI", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "FAKETIME", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED")
KEPT_PREFIXES = ("PYTEST_", "HYPOTHESIS_", "COVERAGE_", "COV_", "FAKETIME_")
OURS = (
    "PYTEST_MAILER_SURROUNDINGS"  # the folder of programs and home; set once, and inherited by pytest-xdist's workers
)
GIT = "[user]\n\tname = Tests\n\temail = tests@example.org\n[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n"


def set_apart(environ: MutableMapping[str, str] = os.environ) -> Path | None:
    """Replace the environment by one of the tests' own; the folder made for it, or None when a parent made it."""
    os.umask(0o022)
    importlib.import_module("readline")  # it sets LINES and COLUMNS when it is loaded, by whichever module
    for name in ("LINES", "COLUMNS"):
        environ.pop(name, None)
    if OURS in environ:
        return None
    folder = Path(tempfile.mkdtemp(prefix="mailer-tests-"))
    programs, home = folder / "bin", folder / "home"
    programs.mkdir()
    home.mkdir()
    (home / ".gitconfig").write_text(GIT, encoding="utf-8")
    where = f"{environ.get('PATH', '')}:{BESIDE_PATH}"
    for name in PROGRAMS:
        if found := shutil.which(name, path=where):
            (programs / name).symlink_to(Path(found).absolute())
    for name in list(environ):
        if name not in KEPT and not name.startswith(KEPT_PREFIXES):
            del environ[name]
    ours = {
        "PATH": str(programs),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1",
        OURS: str(folder),
    }
    environ.update(ours)
    if environ is os.environ:
        time.tzset()
    return folder
