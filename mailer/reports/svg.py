"""The course of a campaign as a picture: a standalone SVG, with a title and a table of its values for readers
who can't see it. What the values are is for `after_sending`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from xml.etree import ElementTree as ET

from mailer.reports.after_sending import Course, TimeStep
from mailer.xml_elements import add, begin

SVG = "http://www.w3.org/2000/svg"
WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 72, 56
# Two hues apart in lightness as well, so that they are told apart in grey and by colour-blind eyes (WCAG 1.4.1).
CLICKS, SIGNATURES = "#9db8d9", "#1d4f91"
INK, QUIET, GRID = "#24292f", "#57606a", "#e3e7ec"
MOST_LABELS = 8
PARTS = (4, 6, 8, 12, 16, 20, 24, 32)


def plot(course: Course, *, title: str, zone: tzinfo) -> str:
    """The picture as SVG text: a bar of clicks and a bar of signatures for each step."""
    root = begin("svg", SVG, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img", width=str(WIDTH), height=str(HEIGHT))
    root.set("font-family", "Helvetica, Arial, sans-serif")
    add(root, "title", f"{title}: clicks and signatures over time")
    add(root, "desc", "; ".join(_words(step, zone) for step in course.steps) or "Nothing has happened yet.")
    add(root, "rect", width=str(WIDTH), height=str(HEIGHT), fill="#ffffff")
    _text(root, LEFT, 32, title, size=18, weight="bold")
    _legend(root)
    highest = _ceiling(max((max(step.clicks, step.signatures) for step in course.steps), default=0))
    _scale(root, highest)
    if course.steps:
        _bars(root, course.steps, highest)
        _times(root, course, zone)
    return ET.tostring(root, encoding="unicode")


def _bars(root: ET.Element, steps: Sequence[TimeStep], highest: int) -> None:
    each = (WIDTH - LEFT - RIGHT) / len(steps)
    bar = each * 0.4
    for n, step in enumerate(steps):
        for place, (value, colour) in enumerate(((step.clicks, CLICKS), (step.signatures, SIGNATURES))):
            height = value / highest * (HEIGHT - TOP - BOTTOM)
            x = LEFT + n * each + each * 0.1 + place * bar
            add(
                root, "rect", x=f"{x:.1f}", y=f"{HEIGHT - BOTTOM - height:.1f}", width=f"{bar:.1f}",
                height=f"{height:.1f}", fill=colour,
            )  # fmt: skip


def _scale(root: ET.Element, highest: int) -> None:
    for part in range(5):
        y = HEIGHT - BOTTOM - part / 4 * (HEIGHT - TOP - BOTTOM)
        add(root, "line", x1=str(LEFT), x2=str(WIDTH - RIGHT), y1=f"{y:.1f}", y2=f"{y:.1f}", stroke=GRID)
        value = highest * part / 4
        if value == int(value):
            _text(root, LEFT - 8, y + 4, f"{int(value):,}", size=12, anchor="end", colour=QUIET)


def _times(root: ET.Element, course: Course, zone: tzinfo) -> None:
    each = (WIDTH - LEFT - RIGHT) / len(course.steps)
    every = -(-len(course.steps) // MOST_LABELS)
    days = course.step_seconds >= 86_400
    for n in range(0, len(course.steps), every):
        words = _when(course.steps[n].begins, zone, days=days)
        _text(root, LEFT + n * each, HEIGHT - BOTTOM + 22, words, size=12, colour=QUIET)


def _legend(root: ET.Element) -> None:
    x = LEFT
    for words, colour in (("clicks", CLICKS), ("signatures", SIGNATURES)):
        add(root, "rect", x=str(x), y="46", width="12", height="12", fill=colour)
        _text(root, x + 18, 56, words, size=13, colour=QUIET)
        x += 90


def _ceiling(value: int) -> int:
    """A round number that is not below `value` and has four even parts."""
    return next(part * 10**power for power in range(20) for part in PARTS if part * 10**power >= value)


def _words(step: TimeStep, zone: tzinfo) -> str:
    return f"{_when(step.begins, zone, days=False)}: {step.clicks} clicks, {step.signatures} signatures"


def _when(moment: datetime, zone: tzinfo, *, days: bool) -> str:
    local = moment.astimezone(zone)
    return f"{local:%-d %b}" if days else f"{local:%-d %b %H:%M}"


def _text(
    root: ET.Element, x: float, y: float, words: str, *, size: int, weight: str = "normal", anchor: str = "start",
    colour: str = INK,
) -> None:  # fmt: skip
    attributes = {
        "x": f"{x:.1f}", "y": f"{y:.1f}", "font-size": str(size), "font-weight": weight, "text-anchor": anchor,
        "fill": colour,
    }  # fmt: skip
    add(root, "text", words, **attributes)
