"""Which kind of file system a folder is on, as Linux tells in /proc/self/mountinfo. Elsewhere it isn't known."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")


def file_system_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """The kind, such as ext4 or nfs4; "" when the system doesn't tell."""
    try:
        text = mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
    return kind_for(folder.resolve(), text)


def kind_for(folder: Path, mountinfo: str) -> str:
    """The kind of the innermost mount above `folder`. The lines are described in proc_pid_mountinfo(5)."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), fields[4]))
        # The last line wins among equals: it was mounted over the others.
        if (folder == point or point in folder.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), after.split(" ")[0]
    return kind
