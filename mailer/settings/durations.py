"""Durations as people write them in settings and commands: 55s, 30m, 2h or 1d, and "3 hours"."""

from __future__ import annotations

import re

from mailer.errors import MailerError

DURATION = re.compile(r"([0-9]{1,9})(?:([smhd])| (second|minute|hour|day)s?)")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> int:
    """Seconds of a duration such as 55s, 30m, 2h, 1d or "3 hours"."""
    match = DURATION.fullmatch(text.strip())
    if not match:
        raise MailerError(f"{text!r} is not a duration", remedy="Write 55s, 30m, 2h or 1d.")
    return int(match[1]) * UNITS[match[2] or match[3][0]]
