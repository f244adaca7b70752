"""Draws how many have signed as a PNG: bytes out, no I/O.

Mails show it (PUBLIC_URL/progress/<slug>.png); counting, answering and caching are for the route. Figures need no
translation. They are drawn on the bar's own colours, and around the bar the picture is transparent: a mail program that
inverts the colours behind it can't make them unreadable.
"""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageColor, ImageDraw, ImageFont

from mailer.settings import Brand

WIDEST, NARROWEST = 2000, 120  # pixels
# Height of the bar, and of its figures, as shares of the width: 52 and 29 pixels where a mail is 520 wide.
BAR, FIGURE = 0.1, 0.056
TRACK = 0.16  # of `primary` in `surface`: the colour of the part that is still missing
FINER = 4  # times: round ends are drawn so much larger, then made smaller

Colour = tuple[int, int, int]


def draw(signed: int, target: int | None, brand: Brand, width: int = 1040) -> bytes:
    """A PNG `width` pixels wide: `signed` of `target` as a bar with both figures; without a target only `signed`.

    1,040 pixels are twice the width in a mail, for high-resolution screens. Negative counts are treated as 0.
    """
    width = max(NARROWEST, min(width, WIDEST))
    height = round(width * BAR)
    signed = max(signed, 0)
    goal = target if target and target > 0 else None
    share = min(signed / goal, 1.0) if goal else 1.0
    font = ImageFont.load_default(width * FIGURE)
    margin = height * 0.42
    count, last = _grouped(signed), _grouped(goal) if goal else ""
    filled = max(width * share, height) if share > 0 else 0.0
    beside = font.getlength(last) + 2 * margin if goal else 0.0
    if goal and width - filled < beside:  # no room after it: both go in the filled part
        count, last = f"{count} / {last}" if signed < goal else count, ""
    needed = font.getlength(count) + 2 * margin
    if filled < needed and width - filled < needed - margin + beside:
        filled = min(needed, width)  # it fits neither beside the filled part nor in it, so that part grows

    track = _mixed(_rgb(brand.primary), _rgb(brand.surface), TRACK)
    picture = Image.new("RGBA", (width, height), (*track, 0))
    picture.paste((*track, 255), mask=_bar((width, height), width))
    if filled:
        picture.paste((*_rgb(brand.primary), 255), mask=_bar((width, height), filled))
    pen = ImageDraw.Draw(picture)

    def write(text: str, left: float, colour: str) -> None:
        pen.text((left, height / 2), text, font=font, fill=colour, anchor="lm", stroke_width=width / 1500)

    if filled >= needed:
        write(count, filled - needed + margin, brand.on_primary)
    else:
        write(count, filled + (margin / 2 if filled else margin), brand.text)
    if last:
        write(last, width - beside + margin, brand.text)
    out = BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _bar(size: tuple[int, int], end: float) -> Image.Image:
    """How much of each pixel a bar with round ends from the left to `end` covers."""
    width, height = size
    mask = Image.new("L", (width * FINER, height * FINER))
    box = (0, 0, end * FINER - 1, height * FINER - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius=height * FINER / 2, fill=255)
    return mask.resize(size, Image.Resampling.BOX)


def _grouped(number: int) -> str:
    """12 345: a space separates thousands in every language (ISO 80000-1 §7.3.1); commas and points don't."""
    return f"{number:,}".replace(",", " ")


def _rgb(colour: str) -> Colour:
    red, green, blue, *_ = ImageColor.getrgb(colour)
    return red, green, blue


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(one, other, strict=True))
    return red, green, blue
