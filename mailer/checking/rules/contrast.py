"""Contrast of each text against its background, by WCAG 2.2: computed from inline styles and bgcolor.

Only the mail's own colours are known. `compose.colours.contrast` computes what readers' dark modes make of the brand's
colours.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from mailer.checking.evidence.css_colours import TRANSPARENT, Colour, Keyword, read, read_attribute
from mailer.checking.registry import HTML, rule
from mailer.checking.rules.accessibility import font_pixels, texts
from mailer.checking.specimen import Specimen
from mailer.compose.colours.contrast import LARGE_TEXT, TEXT, contrast_faults, ratio
from mailer.compose.colours.palette import palette_faults
from mailer.compose.html_tree import Element
from mailer.diagnostics import Diagnostic, Level

LARGE_PIXELS = 24.0  # 18 points
LARGE_BOLD_PIXELS = 18.66  # 14 points
# What browsers take when nothing is said.
WHITE, BLACK, LINK = Colour(255, 255, 255), Colour(0, 0, 0), Colour(0, 0, 238)


@rule(
    "contrast.low", Level.ERROR, "text has too little contrast with its background",
    why="People with weak eyes, an old screen or the sun on it can't read it. 59.4 % of mails have such text.",
)  # fmt: skip
def low(specimen: Specimen) -> Iterator[Diagnostic]:
    told: set[tuple[str, str]] = set()
    for element, words in texts(specimen.html):
        text, ground = colour_of(element), ground_of(element)
        if text is None or ground is None:
            continue
        front, back = text.over(ground).hex(), ground.hex()
        measured, wanted = ratio(front, back), LARGE_TEXT if is_large(element) else TEXT
        if measured < wanted and (front, back) not in told:
            told.add((front, back))
            yield Diagnostic(f"“{words[:40]}” in {front} on {back} has a contrast of {measured:.1f} : 1, "
                f"less than {wanted:g} : 1", HTML, "Take a darker text or a lighter background.")  # fmt: skip


@rule(
    "contrast.brand", Level.ERROR, "two colours of [brand] in mailer.toml can't be read one on the other",
    why="A template of your own sets words in one of them on the other. The templates that come with Mailer take the "
    "nearest shade that can be read.",
)  # fmt: skip
def brand(specimen: Specimen) -> Iterator[Diagnostic]:
    yield from (fault for fault in _as_seen(specimen) if fault.stops)


@rule(
    "contrast.dark", Level.WARNING, "two colours of [brand] can't be read when a mail program turns them around",
    why="Readers who chose a dark mode get colours that nobody chose: Gmail, Outlook and Samsung ask no mail about it.",
)  # fmt: skip
def brand_in_the_dark(specimen: Specimen) -> Iterator[Diagnostic]:
    yield from (fault for fault in _as_seen(specimen) if not fault.stops)


@rule(
    "contrast.pages", Level.WARNING, "a colour of [brand] can't be read on the supporters' pages",
    why="The pages show the nearest shade that can be read, which is not the one that was chosen.",
)  # fmt: skip
def on_pages(specimen: Specimen) -> Iterator[Diagnostic]:
    yield from palette_faults(specimen.settings.brand)


def _as_seen(specimen: Specimen) -> list[Diagnostic]:
    """Faults of the pairs that meet in this mail."""
    seen = _meeting(specimen.html)
    return contrast_faults(specimen.settings.brand, meet=lambda front, back: (front.lower(), back.lower()) in seen)


@lru_cache(maxsize=1)  # two rules ask
def _meeting(html: Element) -> set[tuple[str, str]]:
    """The colours of words in this mail, each with the ground it is on."""
    found = ((colour_of(element), ground_of(element)) for element, _ in texts(html))
    return {(text.over(ground).hex(), ground.hex()) for text, ground in found if text and ground}


def colour_of(element: Element) -> Colour | None:
    """The colour of its words, which may let the ground shine through, or None when it can't be told."""
    for one in element.ancestors():
        said = read(one.styles.get("color", ""))
        if said is Keyword.NOTHING and one.tag == "font":
            said = read_attribute(one.attrs.get("color", ""))
        if said is Keyword.NOTHING and one.tag == "body":
            said = read_attribute(one.attrs.get("text", ""))
        match said:
            case Colour():
                return said
            case Keyword.UNKNOWN:
                return None
            case Keyword.INITIAL:
                return BLACK
            case Keyword.NOTHING if one.tag == "a" and one.attrs.get("href"):
                return LINK
            case _:
                continue
    return BLACK


def ground_of(element: Element) -> Colour | None:
    """The opaque colour behind its words, or None when there is a picture or it can't be told."""
    seen = TRANSPARENT
    for one in element.ancestors():
        if one.attrs.get("background") or one.styles.get("background-image", "none") != "none":
            return None
        said = _ground(one)
        if said is Keyword.CURRENT:
            said = colour_of(one) or Keyword.UNKNOWN
        if said is Keyword.UNKNOWN:
            return None
        if isinstance(said, Colour):
            seen = seen.over(said)
        if seen.alpha == 1.0:
            return seen
    return seen.over(WHITE)


def _ground(element: Element) -> Colour | Keyword:
    for name in ("background-color", "background"):
        if name in element.styles and (said := read(element.styles[name])) is not Keyword.NOTHING:
            return said
    if element.styles.get("background") == "none":
        return TRANSPARENT
    return read_attribute(element.attrs.get("bgcolor", ""))


def is_large(element: Element) -> bool:
    size = font_pixels(element)
    weight = next((one.styles["font-weight"] for one in element.ancestors() if "font-weight" in one.styles), "")
    bold = weight == "bold" or (weight.isdigit() and int(weight) >= 700) or element.tag in ("b", "strong", "h1", "h2")
    return size >= LARGE_PIXELS or (bold and size >= LARGE_BOLD_PIXELS)
