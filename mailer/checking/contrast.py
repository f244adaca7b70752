"""Contrast of each text against its background, by WCAG 2.2: computed from inline styles and bgcolor.

Only what stands in the mail itself is known. What readers' dark modes make of the brand's colours is reckoned in
`compose.contrast`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailer.checking.accessibility import font_pixels, texts
from mailer.checking.document import Element
from mailer.checking.remarks import Level
from mailer.checking.rules import Found, rule
from mailer.checking.specimen import Specimen
from mailer.compose.contrast import contrast_faults, ratio
from mailer.errors import Fault

Colour = tuple[int, int, int]

ENOUGH = 4.5  # WCAG 2.2, 1.4.3 (AA)
ENOUGH_LARGE = 3.0
LARGE_PIXELS = 24.0  # 18 points
LARGE_BOLD_PIXELS = 18.66  # 14 points
HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})(?![0-9a-f])")
RGB = re.compile(r"rgba?\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*(?:,\s*([\d.]+%?)\s*)?\)")
NAMED = {
    "black": "#000000", "white": "#ffffff", "red": "#ff0000", "green": "#008000", "blue": "#0000ff",
    "yellow": "#ffff00", "orange": "#ffa500", "purple": "#800080", "gray": "#808080", "grey": "#808080",
    "silver": "#c0c0c0", "maroon": "#800000", "navy": "#000080", "teal": "#008080", "lime": "#00ff00",
    "aqua": "#00ffff", "fuchsia": "#ff00ff", "olive": "#808000", "pink": "#ffc0cb", "lightgray": "#d3d3d3",
    "lightgrey": "#d3d3d3", "darkgray": "#a9a9a9", "darkgrey": "#a9a9a9", "dimgray": "#696969", "gold": "#ffd700",
    "crimson": "#dc143c", "tomato": "#ff6347", "beige": "#f5f5dc", "ivory": "#fffff0", "whitesmoke": "#f5f5f5",
}  # fmt: skip
WHITE, BLACK, LINK = (255, 255, 255), (0, 0, 0), (0, 0, 238)  # what browsers take when nothing is said


@rule(
    "contrast.low", Level.ERROR, "text stands out too little from its background",
    why="People with weak eyes, an old screen or the sun on it can't read it. 59.4 % of mails have such text.",
)  # fmt: skip
def low(specimen: Specimen) -> Iterator[Found]:
    told: set[tuple[Colour, Colour]] = set()
    for element, words in texts(specimen.html):
        text, ground = colour_of(element), ground_of(element)
        if text is None or ground is None or (text, ground) in told:
            continue
        measured, wanted = ratio(written(text), written(ground)), ENOUGH_LARGE if is_large(element) else ENOUGH
        if measured < wanted:
            told.add((text, ground))
            yield Found(
                f"“{words[:40]}” in {written(text)} on {written(ground)} has a contrast of {measured:.1f} : 1, "
                f"less than {wanted:g} : 1", "Take a darker text or a lighter background.", part="HTML",
            )  # fmt: skip


@rule(
    "contrast.brand", Level.ERROR, "two colours of [brand] in mailer.toml can't be read one on the other",
    why="Every mail and every page is made of them.",
)  # fmt: skip
def brand(specimen: Specimen) -> Iterator[Found]:
    yield from (_found(fault) for fault in contrast_faults(specimen.settings.brand) if not fault.warning)


@rule(
    "contrast.dark", Level.WARNING, "two colours of [brand] can't be read when a mail program turns them around",
    why="Readers who chose a dark mode get colours that nobody chose: Gmail, Outlook and Samsung ask no mail about it.",
)  # fmt: skip
def brand_in_the_dark(specimen: Specimen) -> Iterator[Found]:
    yield from (_found(fault) for fault in contrast_faults(specimen.settings.brand) if fault.warning)


def _found(fault: Fault) -> Found:
    return Found(fault.message, fault.hint or "", place=fault.place)


def read_colour(value: str) -> Colour | None:
    """The opaque colour that a CSS value names, or None when it names none, or one that lets others shine through."""
    value = NAMED.get(value, value)
    if found := HEX.search(value):
        digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    found = RGB.search(value)
    if not found or found[4] not in (None, "1", "1.0", "100%"):
        return None
    return min(int(found[1]), 255), min(int(found[2]), 255), min(int(found[3]), 255)


def written(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def colour_of(element: Element) -> Colour | None:
    """The colour of its words, or None when it can't be told."""
    for one in element.ancestors():
        said = one.styles.get("color") or (one.attrs.get("color", "").lower() if one.tag == "font" else "")
        if said and said not in ("inherit", "currentcolor"):
            return read_colour(said)
        if one.tag == "a" and one.attrs.get("href"):
            return LINK
    return BLACK


def ground_of(element: Element) -> Colour | None:
    """The colour behind its words, or None when there is a picture or something see-through."""
    for one in element.ancestors():
        if one.attrs.get("background") or "url(" in one.styles.get(
            "background", one.styles.get("background-image", "")
        ):
            return None
        said = (
            one.styles.get("background-color") or one.styles.get("background") or one.attrs.get("bgcolor", "").lower()
        )
        if said and said not in ("none", "transparent", "inherit"):
            return read_colour(said)
    return WHITE


def is_large(element: Element) -> bool:
    size = font_pixels(element)
    weight = next((one.styles["font-weight"] for one in element.ancestors() if "font-weight" in one.styles), "")
    bold = weight == "bold" or (weight.isdigit() and int(weight) >= 700) or element.tag in ("b", "strong", "h1", "h2")
    return size >= LARGE_PIXELS or (bold and size >= LARGE_BOLD_PIXELS)
