"""Everything that would be mailed and shown, as one value with one digest: what an approval is bound to.

Equal content has one digest on every machine. How it is read from a newsletter's files: `review.reading`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class PlannedTime:
    """When a newsletter is meant to leave: an instant in UTC, and the zone in which it was given."""

    at: datetime
    zone: str

    def __str__(self) -> str:
        """Such as "Tue 1 Dec 2026 09:00 Europe/London"."""
        from zoneinfo import ZoneInfo

        return f"{self.at.astimezone(ZoneInfo(self.zone)):%a %-d %b %Y %H:%M} {self.zone}"


@dataclass(frozen=True, slots=True)
class NewsletterContent:
    """What would be mailed and shown, as JSON data by part: mail, pictures, pages, thanks, lists, brand, audience,
    leaves (null: as soon as it is sent), and series, the rule of one that repeats."""

    slug: str
    parts: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 over all parts, in hex."""
        written = json.dumps(self.parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(written.encode("ascii")).hexdigest()

    @property
    def list_name(self) -> str:
        """The list in whose name it goes out."""
        return self.parts["mail"]["list"]


def leaves_at(content: NewsletterContent) -> PlannedTime | None:
    """When it is meant to leave; None: as soon as it is sent."""
    leaves = content.parts["leaves"]
    return PlannedTime(datetime.fromisoformat(leaves["at"]), leaves["zone"]) if leaves else None
