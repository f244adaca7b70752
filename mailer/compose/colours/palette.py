"""The colours of the supporters' pages, light and dark, worked out from `[brand]`. Pure.

Only `primary` is needed. What else is set is taken where it can be read, and brought to the nearest shade where it
can't; `palette_faults` says so. So every pair in PAIRS can be read, whatever the brand: a test tries any.

Shades are made in OKLCH (Björn Ottosson, bottosson.github.io/posts/oklab), which keeps the hue: blue made lighter in
CIELAB turns purple.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

from mailer.compose.colours.contrast import SETTINGS, TEXT, ratio
from mailer.diagnostics import Diagnostic, Level
from mailer.settings import Brand

EDGE = 3.0  # WCAG 2.2, success criterion 1.4.11, and 1.4.3 for large text
WHITE, BLACK = "#ffffff", "#000000"
KEYS = ("primary", "on_primary", "text", "muted", "background", "surface", "link", "action")
COME_AS = Brand()  # a colour that is as the settings come isn't set: it is worked out
# Grounds of dark mode, before they take a touch of the brand.
NIGHT_PAGE, NIGHT_CARD = "#0d1116", "#181d23"
GOOD, BAD = "#1a7048", "#b3261e"
STEPS, STRIDE = 200, 10  # of lightness, from a colour to white or black


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by role, each #rrggbb. `deep` is the band behind headlines and the footer, in light and in dark alike."""

    deep: str
    on_deep: str
    on_deep_quiet: str
    on_deep_track: str  # the empty part of a bar on `deep`
    spark: str  # a kicker, a bar and a tick on `deep`
    act: str  # the one loud button
    act_on: str
    act_over: str  # while the pointer is on it
    act_edge: str  # its border, a bar, and large figures that hurt: a shade of `act` that shows on page and card
    page: str
    card: str
    tint: str
    line: str  # a hairline that only decorates
    field: str  # the border of what can be filled in
    text: str
    quiet: str
    link: str
    track: str
    good: str
    bad: str

    def css(self, base: Palette | None = None) -> str:
        """The custom properties of a style sheet, "--deep:#0b3845;--on-deep:#fff"; only what differs from `base`."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return ";".join(
            f"--{name.replace('_', '-')}:{_short(value)}" for name, value in values.items()
            if base is None or value != getattr(base, name)
        )  # fmt: skip


# Front, backs, the least contrast: what pages put on one another.
PAIRS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("on_deep", ("deep",), TEXT),
    ("on_deep_quiet", ("deep",), TEXT),
    ("spark", ("deep",), TEXT),
    ("act_on", ("act", "act_over"), TEXT),
    ("act_edge", ("page", "card"), EDGE),
    ("text", ("page", "card", "tint"), TEXT),
    ("quiet", ("page", "card", "tint"), TEXT),
    ("link", ("page", "card", "tint"), TEXT),
    ("field", ("page", "card"), EDGE),
    ("good", ("card", "tint"), TEXT),
    ("bad", ("page", "card", "tint"), TEXT),
)


def palettes(brand: Brand) -> tuple[Palette, Palette]:
    """The colours for light and for dark. They are kept, since every mail and picture asks for the same."""
    return _worked_out(**{key: str(getattr(brand, key)) for key in KEYS})


@lru_cache(maxsize=16)
def _worked_out(**colours: str) -> tuple[Palette, Palette]:
    brand = replace(COME_AS, **colours)
    deep = _until(brand.primary, BLACK, lambda one: ratio(WHITE, one) >= 9)
    act = brand.action or brand.primary
    band = {
        "deep": deep,
        "on_deep": WHITE,
        "on_deep_quiet": mixed(_until(deep, WHITE, lambda one: ratio(one, deep) >= 7), WHITE, 0.75),
        "on_deep_track": mixed(WHITE, deep, 0.17),
        "spark": _until(act, WHITE, lambda one: ratio(one, deep) >= 6),
    }
    return _light(brand, deep=deep, act=act, band=band), _dark(brand, deep=deep, act=act, band=band)


def palette_faults(brand: Brand) -> Iterator[Diagnostic]:
    """What is set and can't be read on the pages, which show the nearest shade that can; each a warning."""
    light, _ = palettes(brand)
    shown = {"text": light.text, "muted": light.quiet, "link": light.link, "background": light.page}
    if not brand.action:
        shown["on_primary"] = light.act_on
    for key, used in shown.items():
        given = _set(brand, key).lower()
        if given and given != used:
            behind = {"on_primary": "primary", "background": "surface"}.get(key, "the pages' grounds")
            yield Diagnostic(
                f"{key} = {given} can't be read well with {behind} on the supporters' pages, which show {used} instead",
                SETTINGS, f'Write {key} = "{used}", or leave it out. WCAG 2.2 asks for {TEXT:g} : 1.',
                level=Level.WARNING,
            )  # fmt: skip


def unreadable(palette: Palette) -> Iterator[tuple[str, str, float]]:
    """The pairs of roles that have too little contrast, with what they have; none for what `palettes` makes."""
    for front, backs, least in PAIRS:
        for back in backs:
            if (found := ratio(getattr(palette, front), getattr(palette, back))) < least:
                yield front, back, found


def mixed(one: str, other: str, share: float) -> str:
    """`share` of one colour, from 0 to 1, in the other."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def _light(brand: Brand, *, deep: str, act: str, band: dict[str, str]) -> Palette:
    card = brand.surface.lower()
    dark_words = ratio(BLACK, card) >= ratio(WHITE, card)
    words = BLACK if dark_words else WHITE

    def ground(colour: str) -> str:
        """The colour, where words of the card can be read on it too; else the card's own."""
        return colour if ratio(words, colour) >= min(9, ratio(words, card)) else card

    given_page = _set(brand, "background").lower()
    page = ground(given_page or mixed(deep, card, 0.05))
    tint = ground(mixed(_until(deep, WHITE, lambda one: ratio(one, WHITE) <= 4), card, 0.14))
    grounds = [page, card, tint]
    text = _readable(_set(brand, "text").lower() or mixed(deep, words, 0.5), grounds, TEXT, wanted=11)
    given = "" if brand.action else _set(brand, "on_primary").lower()
    act_on = _words_on(act, given or WHITE)
    return Palette(
        **band,
        act=act.lower(), act_on=act_on, act_over=_over(act, act_on),
        act_edge=_readable(act, [page, card], EDGE),
        page=page, card=card, tint=tint,
        line=mixed(text, page, 0.12), track=mixed(text, page, 0.14),
        field=_readable(mixed(text, card, 0.55), [page, card], EDGE),
        text=text,
        quiet=_readable(_set(brand, "muted").lower() or mixed(text, page, 0.66), grounds, TEXT),
        link=_readable(_set(brand, "link").lower() or brand.primary, grounds, TEXT),
        good=_readable(GOOD, grounds, TEXT), bad=_readable(BAD, grounds, TEXT),
    )  # fmt: skip


def _dark(brand: Brand, *, deep: str, act: str, band: dict[str, str]) -> Palette:
    page, card = mixed(deep, NIGHT_PAGE, 0.16), mixed(deep, NIGHT_CARD, 0.18)
    tint = mixed(deep, mixed(WHITE, card, 0.04), 0.3)
    grounds = [page, card, tint]
    act = _until(act, WHITE, lambda one: ratio(one, card) >= 6)
    act_on = _until(act, BLACK, lambda one: ratio(one, act) >= 7.5)
    act_on = act_on if ratio(act_on, act) >= TEXT else BLACK
    return Palette(
        **band,
        act=act, act_on=act_on, act_over=_over(act, act_on), act_edge=act,
        page=page, card=card, tint=tint,
        line=mixed(WHITE, card, 0.12), track=mixed(WHITE, card, 0.14),
        field=_readable(mixed(WHITE, card, 0.45), [page, card], EDGE),
        text=mixed(WHITE, deep, 0.93),
        quiet=_readable(mixed(WHITE, mixed(deep, NIGHT_CARD, 0.4), 0.66), grounds, TEXT, wanted=6),
        link=_readable(_until(brand.primary, WHITE, lambda one: ratio(one, card) >= 7), grounds, TEXT),
        good=_readable(GOOD, grounds, TEXT, wanted=7), bad=_readable(BAD, grounds, TEXT, wanted=7),
    )  # fmt: skip


def _short(colour: str) -> str:
    return f"#{colour[1::2]}" if colour[1::2] == colour[2::2] else colour


def _set(brand: Brand, key: str) -> str:
    value = str(getattr(brand, key))
    return value if value != getattr(COME_AS, key) else ""


def _words_on(ground: str, wished: str) -> str:
    """The wished colour if it can be read on the ground, else white, a dark shade of the ground, or black."""
    ink = _until(ground, BLACK, lambda one: ratio(one, ground) >= 9)
    return next(one for one in (wished, WHITE, ink, BLACK) if ratio(one, ground) >= TEXT)


def _over(ground: str, words: str) -> str:
    """The ground while it is pointed at: a little further from its words."""
    return mixed(BLACK if ratio(words, WHITE) < ratio(words, BLACK) else WHITE, ground.lower(), 0.16)


def _readable(colour: str, backs: Sequence[str], least: float, *, wanted: float = 0) -> str:
    """The nearest shade that has `least` on all of the backs; `wanted` on them if any shade has that."""

    def holds(contrast: float) -> Callable[[str], bool]:
        return lambda one: min(ratio(one, back) for back in backs) >= contrast

    end = max((BLACK, WHITE), key=lambda one: min(ratio(one, back) for back in backs))
    aim = wanted if wanted and holds(wanted)(end) else least
    return _until(colour, end, holds(aim))


def _until(colour: str, end: str, holds: Callable[[str], bool]) -> str:
    """The first shade of the colour on its way to `end`, white or black, for which `holds` is true; else `end`."""
    colour = colour.lower()
    if holds(colour):
        return colour
    lightness, chroma, hue = _oklch(colour)
    goal = 1.0 if end == WHITE else 0.0

    def shade(step: int) -> str:
        return _shade(lightness + (goal - lightness) * step / STEPS, chroma, hue)

    # Contrast grows on the way, so the steps before the first long one that holds needn't be looked at.
    reached = next((step for step in range(STRIDE, STEPS, STRIDE) if holds(shade(step))), STEPS)
    near = map(shade, range(reached - STRIDE + 1, min(reached + 1, STEPS)))
    return next(filter(holds, near), end)


# Colour spaces: sRGB (IEC 61966-2-1), OKLab and its polar form.


def _oklch(colour: str) -> tuple[float, float, float]:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    )
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.atan2(b, a)


def _shade(lightness: float, chroma: float, hue: float) -> str:
    """The colour; less vivid where a screen has none so vivid of this lightness."""
    cosine, sine = math.cos(hue), math.sin(hue)
    channels = _linear(lightness, chroma * cosine, chroma * sine)
    if not _on_screen(*channels):
        inside, outside = 0.0, chroma
        for _ in range(12):
            middle = (inside + outside) / 2
            fits = _on_screen(*_linear(lightness, middle * cosine, middle * sine))
            inside, outside = (middle, outside) if fits else (inside, middle)
        channels = _linear(lightness, inside * cosine, inside * sine)
    clipped = (min(max(c, 0.0), 1.0) for c in channels)
    shaped = (12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055 for c in clipped)
    return "#" + "".join(f"{round(255 * c):02x}" for c in shaped)


def _linear(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _on_screen(red: float, green: float, blue: float) -> bool:
    return -1e-4 <= red <= 1.0001 and -1e-4 <= green <= 1.0001 and -1e-4 <= blue <= 1.0001
