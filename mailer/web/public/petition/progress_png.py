"""Draws how many have signed as a PNG, with nothing but the standard library: bytes out, no I/O.

Mails show it (PUBLIC_URL/progress/<slug>.png); counting, answering and caching are for the route. Figures need no
translation. They are drawn on the bar's own colours, and around the bar the picture is transparent: a mail program that
inverts the colours behind it can't make them unreadable.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise

from mailer.settings import Brand

WIDEST, NARROWEST = 2000, 120  # pixels
# Height of the bar, and of a figure, as shares of the width: 52 and 24 pixels where a mail is 520 wide.
BAR, FIGURE = 0.1, 0.045
STROKE = 0.13  # of a figure's height
INK = 0.55  # of a figure's height: how wide a digit is
TRACK = 0.16  # of `primary` in `surface`: the colour of the part that is still missing

Point = tuple[float, float]
Colour = tuple[int, int, int]


def draw(signed: int, target: int | None, brand: Brand, width: int = 1040) -> bytes:
    """A PNG `width` pixels wide: `signed` of `target` as a bar with both figures; without a target only `signed`.

    1,040 pixels are twice the width in a mail, for high-resolution screens. Negative counts are treated as 0.
    """
    width = max(NARROWEST, min(width, WIDEST))
    signed = max(signed, 0)
    canvas = _Canvas(width, round(width * BAR))
    goal = target if target and target > 0 else None
    share = min(signed / goal, 1.0) if goal else 1.0
    canvas.bar(width, _mixed(_rgb(brand.primary), _rgb(brand.surface), TRACK))
    size, margin = width * FIGURE, canvas.height * 0.42
    count, last = _grouped(signed), _grouped(goal) if goal else ""
    filled = max(width * share, canvas.height) if share > 0 else 0.0
    beside = _length(last, size) + 2 * margin if goal else 0.0
    if goal and width - filled < beside:  # no room after it: both go in the filled part
        count, last = f"{count}/{last}" if signed < goal else count, ""
    needed = _length(count, size) + 2 * margin
    if filled < needed and width - filled < needed - margin + beside:
        filled = min(needed, width)  # it fits neither beside the filled part nor in it, so that part grows
    if filled:
        canvas.bar(filled, _rgb(brand.primary))
    text = _rgb(brand.text)
    if filled >= needed:
        canvas.write(count, filled - needed + margin, size, _rgb(brand.on_primary))
    else:
        canvas.write(count, filled + (margin / 2 if filled else margin), size, text)
    if last:
        canvas.write(last, width - beside + margin, size, text)
    return canvas.png()


class _Canvas:
    """Pixels of red, green, blue and opacity, one byte each."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.rows = [bytearray(4 * width) for _ in range(height)]

    def bar(self, end: float, colour: Colour) -> None:
        """A bar with round ends from the left to `end` pixels."""
        radius = self.height / 2
        solid = bytes((*colour, 255))
        for y, row in enumerate(self.rows):
            across = math.sqrt(max(radius**2 - (y + 0.5 - radius) ** 2, 0.0))
            left, right = radius - across, end - radius + across
            first, last = math.ceil(left), math.floor(right)
            if last > first:
                row[4 * first : 4 * last] = solid * (last - first)
            self._blend(row, first - 1, colour, first - left)
            self._blend(row, last, colour, right - last)

    def write(self, text: str, x: float, size: float, colour: Colour) -> None:
        """Figures `size` pixels high, starting at `x`, vertically centred in the bar."""
        top = (self.height - size) / 2
        for sign in text:
            for stroke in SIGNS[sign].strokes:
                points = [(x + px * size, top + py * size) for px, py in stroke]
                self._stroke(points, size * STROKE / 2, colour)
            x += SIGNS[sign].width * size

    def png(self) -> bytes:
        """The picture as a file (PNG: ISO/IEC 15948)."""
        rows = b"".join(b"\x00" + bytes(row) for row in self.rows)
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 6, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in chunks
        )

    def _stroke(self, points: list[Point], radius: float, colour: Colour) -> None:
        """A line with round ends through `points`."""
        parts: dict[tuple[int, int], float] = {}
        for one, two in pairwise(points):
            left, right = sorted((one[0], two[0]))
            top, bottom = sorted((one[1], two[1]))
            for y in range(max(math.floor(top - radius), 0), min(math.ceil(bottom + radius) + 1, self.height)):
                for x in range(math.floor(left - radius), math.ceil(right + radius) + 1):
                    part = radius + 0.5 - _away((x + 0.5, y + 0.5), one, two)
                    if part > parts.get((x, y), 0.0):
                        parts[x, y] = part
        for (x, y), part in parts.items():
            self._blend(self.rows[y], x, colour, part)

    def _blend(self, row: bytearray, x: int, colour: Colour, part: float) -> None:
        """Blend `colour` over a pixel, covering `part` of it."""
        if part <= 0 or not 0 <= x < self.width:
            return
        part = min(part, 1.0)
        at = 4 * x
        below = row[at + 3] / 255
        solid = part + below * (1 - part)
        for index in range(3):
            row[at + index] = round((colour[index] * part + row[at + index] * below * (1 - part)) / solid)
        row[at + 3] = round(255 * solid)


@dataclass(frozen=True, slots=True)
class _Sign:
    """Strokes in a field of height 1, and the distance to the next sign."""

    width: float
    strokes: tuple[tuple[Point, ...], ...]


def _arc(centre: Point, radius: Point, start: float, end: float) -> tuple[Point, ...]:
    """Points on an ellipse from one angle to another, in degrees; 0 is to the right, 90 is down."""
    steps = max(2, round(abs(end - start) / 15))
    angles = [math.radians(start + (end - start) * step / steps) for step in range(steps + 1)]
    return tuple((centre[0] + radius[0] * math.cos(a), centre[1] + radius[1] * math.sin(a)) for a in angles)


def _digit(*strokes: tuple[Point, ...]) -> _Sign:
    return _Sign(INK + 0.15, strokes)


_MIDDLE, _RIGHT = INK / 2, INK - 0.04
_UPPER, _LOWER = (_MIDDLE, 0.285), (_MIDDLE, 0.715)
SIGNS = {
    "0": _digit(_arc((_MIDDLE, 0.5), (0.225, 0.43), 0, 360)),
    "1": _digit(((0.1, 0.24), (0.31, 0.07), (0.31, 0.93))),
    "2": _digit((*_arc((_MIDDLE, 0.3), (0.21, 0.23), 180, 380), (0.06, 0.93), (_RIGHT, 0.93))),
    "3": _digit((*_arc(_UPPER, (0.19, 0.215), 200, 450),), (*_arc(_LOWER, (0.215, 0.215), 270, 520),)),
    "4": _digit(((0.37, 0.93), (0.37, 0.07), (0.03, 0.68), (0.53, 0.68))),
    "5": _digit(((0.46, 0.07), (0.12, 0.07), (0.09, 0.47), *_arc((0.265, 0.65), (0.22, 0.28), 230, 500))),
    "6": _digit(_arc((_MIDDLE, 0.655), (0.215, 0.275), 0, 360), (*_arc((0.46, 0.66), (0.4, 0.6), 180, 255),)),
    "7": _digit(((0.05, 0.07), (0.5, 0.07), (0.2, 0.93))),
    "8": _digit(_arc(_UPPER, (0.185, 0.215), 0, 360), _arc(_LOWER, (0.22, 0.215), 0, 360)),
    "9": _digit(_arc((_MIDDLE, 0.345), (0.215, 0.275), 0, 360), (*_arc((0.09, 0.34), (0.4, 0.6), 0, 75),)),
    " ": _Sign(0.24, ()),
    "/": _Sign(0.86, (((0.55, 0.0), (0.2, 1.0)),)),
}


def _grouped(number: int) -> str:
    """12 345: a space separates thousands in every language (ISO 80000-1 §7.3.1); commas and points don't."""
    return f"{number:,}".replace(",", " ")


def _length(text: str, size: float) -> float:
    return sum(SIGNS[sign].width for sign in text) * size - 0.15 * size if text else 0.0


def _away(point: Point, one: Point, two: Point) -> float:
    """The distance of `point` from the line between two others."""
    dx, dy = two[0] - one[0], two[1] - one[1]
    along = ((point[0] - one[0]) * dx + (point[1] - one[1]) * dy) / ((dx * dx + dy * dy) or 1.0)
    along = max(0.0, min(1.0, along))
    return math.hypot(point[0] - one[0] - along * dx, point[1] - one[1] - along * dy)


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(one, other, strict=True))
    return red, green, blue
