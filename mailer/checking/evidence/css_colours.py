"""CSS colours as numbers: every notation of CSS Color 4 that mail programs show, and one colour laid over another.

The only module that imports tinycss2. Where a colour comes from is for `rules.contrast`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

import tinycss2
from tinycss2.color4 import parse_color

BARE_HEX = re.compile(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}")
# Spaces that tinycss2 brings to sRGB; the others (lab, oklch, display-p3 …) are shown by few mail programs.
CONVERTED = ("srgb", "hsl", "hwb")


@dataclass(frozen=True, slots=True)
class Colour:
    """Red, green, blue from 0 to 255, and how much it covers, from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def over(self, behind: Colour) -> Colour:
        """What is seen of it on `behind` (CSS Compositing 1, source-over)."""
        alpha = self.alpha + behind.alpha * (1 - self.alpha)
        if not alpha:
            return TRANSPARENT

        def mixed(front: float, back: float) -> float:
            return (front * self.alpha + back * behind.alpha * (1 - self.alpha)) / alpha

        return Colour(
            mixed(self.red, behind.red), mixed(self.green, behind.green), mixed(self.blue, behind.blue), alpha
        )

    def hex(self) -> str:
        """As #rrggbb, without regard to alpha."""
        return "#" + "".join(f"{round(part):02x}" for part in (self.red, self.green, self.blue))


class Keyword(Enum):
    """A value that is no colour of its own."""

    INHERIT = "inherit"
    INITIAL = "initial"
    CURRENT = "currentcolor"
    NOTHING = "nothing"  # no colour, or one that mail programs can't read and so leave out
    UNKNOWN = "unknown"  # a colour that depends on the reader's program, or that we can't compute


TRANSPARENT = Colour(0, 0, 0, 0)
KEYWORDS = {
    "inherit": Keyword.INHERIT, "unset": Keyword.INHERIT, "revert": Keyword.INHERIT, "revert-layer": Keyword.INHERIT,
    "initial": Keyword.INITIAL,
}  # fmt: skip
# CSS Color 4 §6.2: of the reader's system.
SYSTEM = frozenset(
    ("accentcolor", "accentcolortext", "activetext", "buttonborder", "buttonface", "buttontext", "canvas", "canvastext",
     "field", "fieldtext", "graytext", "highlight", "highlighttext", "linktext", "mark", "marktext", "selecteditem",
     "selecteditemtext", "visitedtext", "windowtext", "window")
)  # fmt: skip


@lru_cache(maxsize=1024)
def read(value: str) -> Colour | Keyword:
    """The colour that a value of `color`, `background-color` or `background` names."""
    tokens = tinycss2.parse_component_value_list(value, skip_comments=True)
    found = [one for token in tokens if (one := _read_token(token)) is not Keyword.NOTHING]
    return Keyword.UNKNOWN if Keyword.UNKNOWN in found else found[-1] if found else Keyword.NOTHING


def read_attribute(value: str) -> Colour | Keyword:
    """The same of `bgcolor` or <font color>, where browsers take digits without # as well."""
    return read(f"#{value}" if BARE_HEX.fullmatch(value.strip()) else value)


def _read_token(token: Any) -> Colour | Keyword:
    if token.type == "ident" and token.lower_value in KEYWORDS:
        return KEYWORDS[token.lower_value]
    if token.type == "ident" and token.lower_value in SYSTEM:
        return Keyword.UNKNOWN
    colour: Any = parse_color(token)
    if colour == "currentcolor":
        return Keyword.CURRENT
    if colour is None:
        return Keyword.UNKNOWN if token.type in ("url", "function") else Keyword.NOTHING  # pictures, newer notations
    if colour.space not in CONVERTED:
        return Keyword.UNKNOWN
    red, green, blue = (255 * min(max(part or 0.0, 0.0), 1.0) for part in colour.to("srgb").coordinates)
    return Colour(red, green, blue, min(max(colour.alpha, 0.0), 1.0))
