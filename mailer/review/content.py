"""Everything that would be mailed and shown, as one value with one digest: what an approval is bound to.

Equal content has one digest on every machine. How it is read from a newsletter's files: `review.reading`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mailer.store.tables.states import PastHour


@dataclass(frozen=True, slots=True)
class PlannedTime:
    """When a newsletter is meant to leave: an instant in UTC, and the zone in which it was given.

    `local`: when the clocks show that time where each person is, and in `zone` where that isn't known. `past`: what
    becomes of people where that is past at the launch. `spread`: over how long its mails leave.
    """

    at: datetime
    zone: str
    local: bool = False
    past: PastHour = PastHour.REFUSE
    spread: timedelta = timedelta()

    @property
    def wall(self) -> datetime:
        """What the clocks show, without a zone."""
        from zoneinfo import ZoneInfo

        return self.at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def __str__(self) -> str:
        """Such as "Tue 1 Dec 2026 09:00 Europe/London"."""
        words = f"{self.wall:%a %-d %b %Y %H:%M} {self.zone}"
        if self.local:
            late = {PastHour.AT_ONCE: ", at once where that is past", PastHour.LEAVE_OUT: ", not where that is past"}
            words = f"{self.wall:%a %-d %b %Y %H:%M} where each person is ({self.zone} where that isn't known)"
            words += late.get(self.past, "")
        return words + (f", over {_length(self.spread)}" if self.spread else "")

    def as_json(self) -> dict[str, Any]:
        """As it is approved; what is not asked for leaves no trace, so older approvals hold. `from_json` reads it."""
        more = {"local": self.local, "past": str(self.past), "spread_seconds": int(self.spread.total_seconds())}
        return {"at": self.at.astimezone(UTC).isoformat(), "zone": self.zone, **{k: v for k, v in more.items() if v}}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> PlannedTime:
        spread = timedelta(seconds=kept.get("spread_seconds", 0))
        at, past = datetime.fromisoformat(kept["at"]), PastHour(kept.get("past", ""))
        return cls(at, kept["zone"], bool(kept.get("local")), past, spread)


def _length(span: timedelta) -> str:
    """Such as 3 h, 1 h 30 min"""
    hours, minutes = divmod(round(span.total_seconds() / 60), 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes or not hours))


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
    return PlannedTime.from_json(leaves) if leaves else None
