"""Whether colours can be told apart: WCAG 2.2's contrast, and what dark modes make of a colour. Pure.

`contrast_faults` judges the colours of `brand` as the blocks in templates/ use them; `ratio` and `turned` judge
other pairs. A mail can't say no to dark mode (prefers-color-scheme is unknown in 25 of 43 measured mail
programs, caniemail), so colours must stay readable when they are turned around.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from mailer.diagnostics import Diagnostic, Level, Place
from mailer.settings import Brand

TEXT = 4.5  # WCAG 2.2, success criterion 1.4.3 (AA)
LARGE_TEXT = 3.0  # the same, for text of 24 px, or of 18.66 px and bold
SETTINGS = Place("mailer.toml")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two colours that meet: the keys of [brand] they come from ("" for none), and where that is."""

    front_key: str
    back_key: str
    where: str
    least: float = TEXT


PAIRS = (
    Pair("text", "surface", "the text"),
    Pair("text", "tint", "figures' words and the links to pass on"),
    Pair("muted", "surface", "captions and notes"),
    Pair("muted", "background", "the footer"),
    Pair("link", "surface", "links"),
    Pair("on_primary", "primary", "the button"),
    Pair("primary", "surface", "the organisation's name"),
    Pair("primary", "tint", "figures", LARGE_TEXT),
)


@lru_cache(maxsize=4096)  # of colours that are worked out, each is compared with many
def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, 0 to 1 (WCAG 2.2, definition of relative luminance)."""
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    """Contrast of two colours, from 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    first, second = luminance(one), luminance(other)
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def turned(colour: str) -> str:
    """The colour with its lightness turned around and its hue kept, as mail programs do that invert colours.

    Chromium's rule (dark_mode_color_filter.cc), in CIELAB: the new lightness is 110 less the old, at most 100. A test
    holds it against the browser. Mail programs keep theirs to themselves.
    """
    lightness, a, b = _lab(colour)
    return _from_lab(min(110.0 - lightness, 100.0), a, b)


def shown(front: str, back: str) -> Iterator[tuple[str, str, str]]:
    """How a pair may be shown: (as what, front, back): light, all turned, only light grounds and dark words turned.

    The last is what most programs do that change colours at all.
    """
    yield "light", front, back
    yield "inverted", turned(front), turned(back)
    light_behind, dark_before = _lab(back)[0] > 50, _lab(front)[0] < 60
    yield "partly inverted", turned(front) if dark_before else front, turned(back) if light_behind else back


def contrast_faults(
    brand: Brand, place: Callable[[str], Place] = lambda _: SETTINGS,
    meet: Callable[[str, str], bool] = lambda _, __: True,
) -> list[Diagnostic]:  # fmt: skip
    """Pairs of `brand` that can't be read. In light they are faults, in inverted colours warnings.

    `place` says where a key of [brand] is; `meet` whether words in the first colour are set on the second at all.
    """
    faults: list[Diagnostic] = []
    for pair in PAIRS:
        front, back = getattr(brand, pair.front_key), getattr(brand, pair.back_key)
        if not meet(front, back):
            continue
        for how, before, behind in shown(front, back):
            found = ratio(before, behind)
            if found >= pair.least:
                continue
            light = how == "light"
            mode = "" if light else f" when a mail program turns colours around for dark mode ({how})"
            message = f"{pair.where} can't be read well: {pair.front_key} on {pair.back_key} has {found:.1f} : 1{mode}"
            remedy = f"{_remedy(pair, front, back)} WCAG 2.2 asks for {pair.least:g} : 1."
            faults.append(
                Diagnostic(message, place(pair.front_key), remedy, level=Level.ERROR if light else Level.WARNING)
            )
            break  # the same two colours, said once
    return faults


def _remedy(pair: Pair, front: str, back: str) -> str:
    """The nearest shade of the front, by steps of lightness, that can be read in every way it may be shown."""
    lightness, a, b = _lab(front)
    away = 1 if _lab(back)[0] < lightness else -1
    for step in range(1, 101):
        for target in (lightness + away * step, lightness - away * step):
            if not 0 <= target <= 100:
                continue
            other = _from_lab(target, a, b)
            if all(ratio(before, behind) >= pair.least for _, before, behind in shown(other, back)):
                return f"{pair.front_key} = {other!r} would do.".replace("'", '"')
    return f"No shade of {pair.front_key} would do: choose another {pair.back_key}, lighter or darker."


# Colour spaces: sRGB (IEC 61966-2-1) with D65 white, and CIELAB (CIE 15).

WHITE = (0.95047, 1.0, 1.08883)


def _linear(colour: str) -> tuple[float, float, float]:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return red, green, blue


def _lab(colour: str) -> tuple[float, float, float]:
    red, green, blue = _linear(colour)
    x, y, z = (
        part / white
        for part, white in zip(
            (
                0.4124564 * red + 0.3575761 * green + 0.1804375 * blue,
                0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
                0.0193339 * red + 0.1191920 * green + 0.9503041 * blue,
            ),
            WHITE, strict=True,
        )
    )  # fmt: skip
    fx, fy, fz = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _from_lab(lightness: float, a: float, b: float) -> str:
    fy = (lightness + 16) / 116
    fx, fz = fy + a / 500, fy - b / 200
    x, y, z = (
        white * (t**3 if t**3 > 216 / 24389 else (116 * t - 16) * 27 / 24389)
        for t, white in zip((fx, fy, fz), WHITE, strict=True)
    )
    channels = (
        3.2404542 * x - 1.5371385 * y - 0.4985314 * z,
        -0.9692660 * x + 1.8760108 * y + 0.0415560 * z,
        0.0556434 * x - 0.2040259 * y + 1.0572252 * z,
    )
    shaped = (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in channels)
    return "#" + "".join(f"{round(255 * min(max(c, 0.0), 1.0)):02x}" for c in shaped)
