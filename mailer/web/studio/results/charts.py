"""Courses as charts: the shapes of an SVG that grows with the page, and the words beside its axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mailer.reports.after_sending import Course, TimeStep
from mailer.web.studio.core.moments import DAYS, MONTHS

ROUND = (2, 4, 6, 8, 10, 12, 16)
MOST_LABELS = 5
GAP = 0.2  # of a bar's width, between it and the next


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in hundredths of the chart."""

    x: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of one series. `highest`: the value at its upper edge; `labels`: times, from left to right."""

    highest: int
    labels: tuple[str, ...]
    bars: tuple[Bar, ...] = ()
    line: str = ""  # the points of a polyline, in hundredths
    value: float = 0.0  # at the end of the line


def bars_of(course: Course, *, of: str, zone: ZoneInfo) -> Chart:
    """What came in each stretch of time. `of`: signatures, or clicks."""
    steps, step_seconds = course.steps, course.step_seconds
    values = [int(getattr(step, of)) for step in steps]
    highest = ceiling(max(values, default=0))
    each = 100 / max(1, len(steps))
    bars = [
        Bar(
            round(n * each, 2), round(each * (1 - GAP), 2), round(100 * value / highest, 2),
            f"{moment_words(step.begins, zone, step_seconds)}: {value:,}",
        )
        for n, (step, value) in enumerate(zip(steps, values, strict=True))
    ]  # fmt: skip
    return Chart(highest, _labels(steps, zone, step_seconds), tuple(bars))


def line_of(course: Course, *, sent: int, usual: float, zone: ZoneInfo) -> Chart:
    """Signatures for each 1,000 people since it left, growing; `usual` is to fit in as well."""
    steps, step_seconds = course.steps, course.step_seconds
    total, points = 0, ["0,100"]
    reached = [total := total + step.signatures for step in steps]
    rates = [1000 * people / sent if sent else 0.0 for people in reached]
    highest = ceiling(max(usual, rates[-1] if rates else 0))
    points += [f"{100 * (n + 1) / len(rates):.2f},{100 - 100 * rate / highest:.2f}" for n, rate in enumerate(rates)]
    return Chart(highest, _labels(steps, zone, step_seconds), line=" ".join(points), value=rates[-1] if rates else 0.0)


def ceiling(value: float) -> int:
    """A round number that is not below `value` and whose half is round as well."""
    return next(part * 10**power for power in range(12) for part in ROUND if part * 10**power >= value)


def moment_words(when: datetime, zone: ZoneInfo, step_seconds: int) -> str:
    """When a stretch begins, as exactly as its length deserves."""
    there = when.astimezone(zone)
    if step_seconds >= timedelta(days=1).total_seconds():
        return f"{DAYS[there.weekday()]} {there.day} {MONTHS[there.month - 1]}"
    return f"{DAYS[there.weekday()]} {there:%H:%M}"


def _labels(steps: Sequence[TimeStep], zone: ZoneInfo, step_seconds: int) -> tuple[str, ...]:
    every = max(1, -(-len(steps) // MOST_LABELS))
    found, before = list[str](), ""
    for step in steps[::every]:
        words = moment_words(step.begins, zone, step_seconds)
        day, _, clock = words.partition(" ")
        found.append(clock if day == before and ":" in clock else words)  # a day is named once
        before = day
    return tuple(found)
