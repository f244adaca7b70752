"""Draws what other sites show of a link to a page: picture, headline, who asks and the button's words.

Values in, a JPEG of 1200 × 630 pixels out. It holds no count: cards are kept for months by those who show them. In a
language that is read from right to left it is mirrored. Words in letters that none of our fonts has are left out, since
a card with boxes for letters is worse than one without words.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageOps

from mailer.compose.colours.palette import Palette
from mailer.fonts import can_write, scripts_of, typeface
from mailer.web.pages.picture_sizes import on_white, upright

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

SIZE = WIDTH, HEIGHT = 1200, 630  # the Open Graph picture that every large site shows whole, 1.91 : 1
INSET = 56
TEXT_WIDTH = {True: 470, False: 1000}  # pixels, beside a picture and without one
LARGEST, SMALLEST, HIGHEST = 76, 44, 340  # size of the headline's letters, and its height in pixels
LEADING, LEADING_JOINED = 1.04, 1.3
BUTTON_TOP, BUTTON_HEIGHT, BUTTON_INSET, BUTTON_TEXT = 502, 72, 28, 30
LOGO = 52
FINER = 3  # times: curves are drawn so much larger, then made smaller
# The bank between words and picture: its distance from the start at some heights, then along the bottom.
BANK = ((0, 600), (175, 553), (430, 608), (575, 590))
SHORE = ((590, 577), (830, 602), (1200, 562))
HILL = ((420, 630), (700, 560), (960, 390), (1200, 330))
QUALITY = 86
JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class CardWords:
    """What is written on a card."""

    headline: str
    button: str
    name: str  # the organisation's
    direction: str = "ltr"


@dataclass(frozen=True, slots=True)
class LinkPreview:
    """What a page's HTML tells other sites of it (meta.html). Addresses are whole ones."""

    title: str
    description: str
    url: str
    image: str = ""  # 1200 by 630, JPEG
    alt: str = ""
    kind: str = "website"  # or article


def share_card(words: CardWords, palette: Palette, *, picture: bytes | None = None, logo: bytes | None = None) -> bytes:
    """The card as JPEG. Either picture may be missing."""
    headline, button, name = (_on_one_line(text) for text in (words.headline, words.button, words.name))
    card = Image.new("RGB", SIZE, palette.deep)
    from_right = words.direction == "rtl"
    if picture is not None:
        shown = ImageOps.fit(on_white(upright(picture)), (WIDTH - 540, HEIGHT), centering=(0.5, 0.5))
        whole = Image.new("RGB", SIZE, palette.deep)
        whole.paste(shown, (540, 0))
        if from_right:  # the card is mirrored, the picture isn't
            whole.paste(shown, (0, 0))
        card.paste(whole, mask=_behind_the_bank(from_right))
    else:
        card.paste(Image.new("RGB", SIZE, palette.on_deep_track), mask=_hills(from_right))
    pen = _Pen(card, from_right=from_right)
    pen.brand(name, palette.on_deep, logo)
    if headline and can_write(headline):
        pen.headline(headline, palette.on_deep, TEXT_WIDTH[picture is not None])
    if button and can_write(button):
        pen.button(button, palette)
    out = BytesIO()
    card.save(out, "JPEG", quality=QUALITY, progressive=True, optimize=True)
    return out.getvalue()


def _on_one_line(text: str) -> str:
    """The text without what has no shape of its own, but for what joins letters."""
    return " ".join("".join(c if c.isprintable() or c in JOINERS else " " for c in text).split())


class _Pen:
    """Writes from the side where the language begins."""

    def __init__(self, card: Image.Image, *, from_right: bool) -> None:
        self._card = card
        self._draw = ImageDraw.Draw(card)
        self._from_right = from_right

    def write(self, text: str, at: tuple[float, float], font: FreeTypeFont, colour: str) -> None:
        """`at`: how far from the start, and the middle of the line."""
        x = WIDTH - at[0] if self._from_right else at[0]
        self._draw.text((x, at[1]), text, font=font, fill=colour, anchor="rm" if self._from_right else "lm")

    def brand(self, name: str, colour: str, logo: bytes | None) -> None:
        start = INSET
        mark = _drawable(logo) if logo is not None else None
        if mark is not None:
            mark = ImageOps.contain(mark, (6 * LOGO, LOGO))
            x = WIDTH - INSET - mark.width if self._from_right else INSET
            self._card.paste(mark, (x, INSET + (LOGO - mark.height) // 2), mark)
            start += mark.width + 16
        font = typeface(name, 28, bold=True)
        if name and can_write(name) and font.getlength(name) <= TEXT_WIDTH[True] + INSET - start:
            self.write(name, (start, INSET + LOGO / 2), font, colour)

    def headline(self, text: str, colour: str, width: int) -> None:
        size, lines = _fitting(text, width)
        font, step = typeface(text, size, bold=True), _step(text, size)
        first = INSET + LOGO + 28 + (HIGHEST - step * len(lines)) / 2 + step / 2
        for number, line in enumerate(lines):
            self.write(line, (INSET, first + number * step), font, colour)

    def button(self, text: str, palette: Palette) -> None:
        size = BUTTON_TEXT
        most = TEXT_WIDTH[True] - 2 * BUTTON_INSET
        while (length := typeface(text, size, bold=True).getlength(text)) > most and size > 20:
            size -= 2
        if length > most:
            return
        left, right = INSET, INSET + length + 2 * BUTTON_INSET
        box = (WIDTH - right, WIDTH - left) if self._from_right else (left, right)
        shape = Image.new("L", (round((box[1] - box[0]) * FINER), BUTTON_HEIGHT * FINER))
        ImageDraw.Draw(shape).rounded_rectangle((0, 0, shape.width - 1, shape.height - 1), 14 * FINER, fill=255)
        shape = shape.resize((shape.width // FINER, BUTTON_HEIGHT), Image.Resampling.BOX)
        self._card.paste(Image.new("RGB", shape.size, palette.act), (round(box[0]), BUTTON_TOP), shape)
        font = typeface(text, size, bold=True)
        self.write(text, (INSET + BUTTON_INSET, BUTTON_TOP + BUTTON_HEIGHT / 2), font, palette.act_on)


def _drawable(logo: bytes) -> Image.Image | None:
    """A logo's pixels; None for one that can't be drawn, such as an SVG."""
    try:
        return upright(logo).convert("RGBA")
    except Exception:  # noqa: BLE001 - a broken file makes its readers there stumble in every way
        return None


def _fitting(text: str, width: int) -> tuple[int, list[str]]:
    """The largest size at which a headline fits, and its lines, of lengths as even as they go."""
    for size in range(LARGEST, SMALLEST - 1, -4):
        lines = _lines(text, size, width)
        if len(lines) * _step(text, size) <= HIGHEST and all(
            typeface(text, size, bold=True).getlength(one) <= width for one in lines
        ):
            narrower = width
            while narrower > 200 and len(_lines(text, size, narrower - 20)) == len(lines):
                narrower -= 20
            even = _lines(text, size, narrower)
            widest = max(typeface(text, size, bold=True).getlength(one) for one in even)
            return size, even if widest <= width else lines
    lines, most = _lines(_broken(text, width), SMALLEST, width), int(HIGHEST / _step(text, SMALLEST))
    if len(lines) <= most:
        return SMALLEST, lines
    font, last = typeface(text, SMALLEST, bold=True), lines[most - 1]
    while font.getlength(f"{last}…") > width:
        last = last[:-1].rstrip(" -")
    return SMALLEST, [*lines[: most - 1], f"{last}…"]


def _step(text: str, size: int) -> float:
    """From line to line. Latin, Greek and Cyrillic letters keep to their line; others have marks above and below."""
    return size * (LEADING if scripts_of(text) <= {"LATIN", "GREEK", "CYRILLIC"} else LEADING_JOINED)


def _broken(text: str, width: float) -> str:
    """The text with a hyphen and a space in each word that is wider than a line."""
    font, words = typeface(text, SMALLEST, bold=True), list[str]()
    for word in text.split():
        rest = word
        while font.getlength(rest) > width:
            fits = next(end for end in range(len(rest) - 1, 0, -1) if font.getlength(f"{rest[:end]}-") <= width)
            words.append(f"{rest[:fits]}-")
            rest = rest[fits:]
        words.append(rest)
    return " ".join(words)


def _lines(text: str, size: int, width: float) -> list[str]:
    font = typeface(text, size, bold=True)
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _behind_the_bank(from_right: bool) -> Image.Image:
    """Where the picture is seen: beyond the bank at the side, above the shore at the bottom."""
    side = [(_smooth(BANK, y), y) for y in range(BANK[-1][0] + 1)]
    bottom = [(x, _smooth(SHORE, x)) for x in range(SHORE[0][0], WIDTH + 1, 4)]
    return _mask([*side, *bottom, (WIDTH, SHORE[-1][1]), (WIDTH, 0)], from_right)


def _hills(from_right: bool) -> Image.Image:
    """Where there is no picture: a hill at the end, so that the band has a shape."""
    slope = [(x, _smooth(HILL, x)) for x in range(HILL[0][0], WIDTH + 1, 4)]
    return _mask([*slope, (WIDTH, HEIGHT)], from_right)


def _mask(points: list[tuple[float, float]], from_right: bool) -> Image.Image:
    large = Image.new("L", (WIDTH * FINER, HEIGHT * FINER))
    ImageDraw.Draw(large).polygon([(x * FINER, y * FINER) for x, y in points], fill=255)
    mask = large.resize(SIZE, Image.Resampling.BOX)
    return ImageOps.mirror(mask) if from_right else mask


def _smooth(points: tuple[tuple[int, int], ...], at: float) -> float:
    """The height at `at` of a curve through `points` (Catmull-Rom)."""
    place = next((n for n in range(len(points) - 2) if at <= points[n + 1][0]), len(points) - 2)
    (x, y), (end, height) = points[place], points[place + 1]
    before, after = points[max(place - 1, 0)][1], points[min(place + 2, len(points) - 1)][1]
    t = (at - x) / (end - x)
    return 0.5 * (
        2 * y + (height - before) * t + (2 * before - 5 * y + 4 * height - after) * t**2
        + (3 * y - before - 3 * height + after) * t**3
    )  # fmt: skip
