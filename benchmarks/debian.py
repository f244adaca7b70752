"""Programs of Debian's packages, unpacked without installing them, for counterparts that aren't on this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path


def unpacked(folder: Path, *packages: str) -> Path | None:
    """The packages' files below a folder in `folder`, in place of /; None when they can't be fetched."""
    root = folder / packages[0]
    root.mkdir(exist_ok=True)
    try:
        for package in packages:
            subprocess.run(["apt-get", "download", package], cwd=root, check=True, capture_output=True)
            (file,) = root.glob(f"{package}_*.deb")
            subprocess.run(["dpkg", "-x", str(file), str(root)], check=True)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None
    return root
