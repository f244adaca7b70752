"""Renews the scripts of others in mailer/web/studio/static/vendor by the table in mailer/web/studio/vendored.py.

    python -m scripts.vendor

Change a version in the table, run it, run the tests, and read the package's changes before you commit. `npm pack`
fetches each package; what the table names is written unmodified, with the SHA-256 of each file beside it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from mailer.web.studio.vendored import FOLDER, PACKAGES, SUMS, Package


def main() -> None:
    """Fetches what isn't there in the version of the table, and removes other versions of the same packages."""
    for package in PACKAGES:
        for other in FOLDER.glob(f"{package.folder.rsplit('@', 1)[0]}@*"):
            if other.name != package.folder:
                shutil.rmtree(other)
        if not (FOLDER / package.folder / SUMS).exists():
            _fetch(package)
            print(package.name, package.version)


def _fetch(package: Package) -> None:
    with TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", "--pack-destination", place, f"{package.name}@{package.version}"]
        subprocess.run(command, check=True)
        (archive,) = Path(place).glob("*.tgz")
        with tarfile.open(archive) as opened:
            opened.extractall(place, filter="data")
        (unpacked,) = (path for path in Path(place).iterdir() if path.is_dir())
        target = FOLDER / package.folder
        sums: list[str] = []
        for name in package.files:
            content = (unpacked / name).read_bytes()
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)
            sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
        (target / SUMS).write_text("".join(sums), encoding="utf-8")


if __name__ == "__main__":
    main()
