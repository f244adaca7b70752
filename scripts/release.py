"""Builds a release into dist/: wheel, source distribution, and a list of everything inside. `make release` runs this.

Both archives are built twice and compared byte by byte. The wheel is then installed with the locked packages into a
clean virtual environment, which sends a campaign with it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
LOCK = ROOT / "requirements.lock"


def main() -> None:
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        built, again = build(DIST), build(Path(scratch) / "again")
        for one, other in zip(built, again, strict=True):
            if one.read_bytes() != other.read_bytes():
                sys.exit(f"error: two builds of {one.name} differ, so this release can't be reproduced")
        wheel = next(path for path in built if path.suffix == ".whl")
        write_sbom(DIST / f"{wheel.name.removesuffix('.whl')}.cdx.json")
        try_out(wheel, Path(scratch))
    for path in sorted(DIST.iterdir()):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size:,} bytes")


def build(folder: Path) -> list[Path]:
    """Build wheel and source distribution, dated by the last commit. Returns their paths.

    `SOURCE_DATE_EPOCH` is how reproducible-builds.org has a build dated.
    """
    date = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True)
    environ = os.environ | {"SOURCE_DATE_EPOCH": date.stdout.strip()}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
    return sorted(folder.iterdir())


def write_sbom(path: Path) -> None:
    """Write what the locked packages are as a CycloneDX list (ECMA-424), the same bytes for the same lock file."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(LOCK), "--output-reproducible"]
    subprocess.run([*command, "--pyproject", str(ROOT / "pyproject.toml"), "-o", str(path)], cwd=ROOT, check=True)


def try_out(wheel: Path, folder: Path) -> None:
    """Install the wheel in a clean virtual environment, and bring people in, check, and send with it.

    Exits when anything fails, or when not everybody was mailed.
    """
    venv.create(folder / "venv", with_pip=True)
    pip = [str(folder / "venv" / "bin" / "pip"), "--quiet", "--disable-pip-version-check", "install", "--no-compile"]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAILER_", "PYTHON"))}

    def mailer(*arguments: str, at: Path) -> str:
        command = [str(folder / "venv" / "bin" / "mailer"), *arguments]
        done = subprocess.run(command, cwd=at, env=kept, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"error: mailer {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    mailer("init", "campaigns", at=folder)
    campaigns, newsletter = folder / "campaigns", "2026-11-ask-un-experts"
    mailer("import", "supporters", "lists/sample-supporters.csv", "--rejects", "rejects.csv", at=campaigns)
    asked = re.search(r"([\d,]+) people", mailer("send", newsletter, "--dry-run", at=campaigns))
    if not asked:
        sys.exit("error: `mailer send --dry-run` names no number of people")
    number = asked[1].replace(",", "")
    mailer("send", newsletter, "--yes", number, at=campaigns)
    mails = len(list((campaigns / "outbox" / "new").iterdir()))
    if mails != int(number):
        sys.exit(f"error: {number} people were to be mailed, and {mails} mails are in the outbox")
    print(f"The wheel sent {mails} mails from a clean environment")


if __name__ == "__main__":
    main()
