"""What became, or would become, of each row of an import, in campaigners' words and as one bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailer.audience.consent.eligibility import Reason

WIDTH = 1000  # of the bar


@dataclass(frozen=True, slots=True)
class ToldRows:
    """Rows that became the same. `tone` colours its piece of the bar, from `x` on, `width` wide."""

    title: str
    words: str
    rows: int
    tone: str
    x: int = 0
    width: int = 0


_STOPPED = {
    Reason.UNSUBSCRIBED.value: ("Unsubscribed", "Kept as unsubscribed, so nobody writes to them by mistake"),
    Reason.BOUNCED.value: ("Address stopped working", "Kept as bounced"),
    Reason.COMPLAINED.value: ("Reported spam", "Nobody writes to them again"),
    Reason.STAFF.value: ("Stopped by staff", "Nobody writes to them again"),
    Reason.INACTIVE.value: ("Inactive", "They get mail again as soon as they act"),
}


def told_report(report: Mapping[str, Any]) -> Sequence[ToldRows]:
    """The rows of a report, in groups that add up to all of them."""
    pending = f"; {report['pending']:,} of them wait until they confirm" if report["pending"] else ""
    rows = [
        ("New on this list", f"With the consent as you said{pending}", report["added"], "new"),
        ("Here already, with something new", "What the file says counts now; an empty cell takes nothing away",
         report["updated"], "known"),
        ("Here already, the same", "Nothing to change", report["unchanged"], "same"),
    ]  # fmt: skip
    rows += [
        (*_STOPPED.get(reason, (reason, "")), number, "died" if reason == Reason.BOUNCED else "stopped")
        for reason, number in report["suppressed_by"].items()
    ]
    reasons = ", ".join(f"{number:,} × {reason}" for reason, number in [*report["reasons"].items()][:4])
    more = " …" if len(report["reasons"]) > 4 else ""
    rows += [
        ("Never agreed", "Known to the other program only: not put on the list", report["no_consent"], "apart"),
        ("Twice in the file", "The first row counts", report["duplicate"], "apart"),
        ("Left out", reasons + more, report["rejected"], "bad"),
    ]
    all_rows, before, told = max(1, int(report["read"])), 0, list[ToldRows]()
    for title, words, number, tone in rows:
        if number:
            x = WIDTH * before // all_rows
            before += number
            told.append(ToldRows(title, words, number, tone, x, max(3, WIDTH * before // all_rows - x - 3)))
    return told
