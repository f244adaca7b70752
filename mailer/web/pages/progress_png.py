"""Draws how many have signed as a PNG: bytes out, no I/O.

Mails show it (PUBLIC_URL/progress/<slug>.png); counting, answering and caching are for the route. It is as wide as the
text of a mail on a phone, 342 by 92, at three times that: sharp there, and on a computer where it is shown larger. It
is set on the mail's own ground, light or dark, since words on nothing vanish where a program turns colours around.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Protocol

from PIL import Image, ImageColor, ImageDraw

from mailer.fonts import can_write, typeface
from mailer.locale.language import ENGLISH, Language, closest

WIDTH, HEIGHT, SCALE = 342, 92, 3  # pixels as shown on a phone, and how many times that is drawn
BASELINE = 48  # of the figure and of the words at the other end
FIGURE, LEAST_FIGURE, WORDS = 48, 24, 20  # sizes of type
BAR_TOP, BAR = 68, 14
LEAST = 0.02  # of the bar is drawn from the first name on
GAP = 16  # between the figure and the words
LONGEST_TAG = 35  # characters of a language tag (RFC 5646 §4.4.1)
FINER = 2  # times: round ends are drawn so much larger, then made smaller
FEW_COLOURS = 64  # shades between those that are used, for smooth edges; a third of the bytes


class Colours(Protocol):
    """What it needs of a palette (`compose.colours.palette`)."""

    @property
    def card(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def quiet(self) -> str: ...
    @property
    def track(self) -> str: ...
    @property
    def act_edge(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ProgressWords:
    """What is written: the count, what is at the other end, and from which side it is read."""

    figure: str
    beside: str
    right_to_left: bool


def words_in(wish: str, signed: int, target: int | None) -> ProgressWords:
    """The words in the language `wish` (BCP 47; "" is English), with figures as they are written there.

    A language without a catalogue, or one whose words can't be drawn, has the goal's figure alone.
    """
    written = Language(wish[:LONGEST_TAG] or ENGLISH)
    spoken = closest(written.code)
    beside = _beside(Language(spoken), written, signed, target) if spoken else ""
    if not can_write(beside):
        beside = ""
    if not beside and target:
        beside = written.number(target)
    return ProgressWords(written.number(max(signed, 0)), beside, written.direction == "rtl")


def _beside(spoken: Language, written: Language, signed: int, target: int | None) -> str:
    if target:
        return spoken.say("of %(goal)s") % {"goal": written.number(target)}
    ngettext = spoken.words.ngettext
    return ngettext("has signed", "have signed", max(signed, 0))


def draw(words: ProgressWords, share: float | None, colours: Colours) -> bytes:
    """A PNG of the figure, the words beside it and a bar of which `share` (0 to 1) is full; None draws no bar."""
    picture = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), colours.card)
    pen = ImageDraw.Draw(picture)
    right = WIDTH * SCALE
    beside = typeface(words.beside, WORDS * SCALE, bold=False)
    room = right - (beside.getlength(words.beside) + GAP * SCALE if words.beside else 0)
    size = FIGURE
    figure = typeface(words.figure, size * SCALE, bold=True)
    while figure.getlength(words.figure) > room and size > LEAST_FIGURE:
        size -= 2
        figure = typeface(words.figure, size * SCALE, bold=True)
    ends = ("rs", "ls") if words.right_to_left else ("ls", "rs")
    places = (right, 0) if words.right_to_left else (0, right)
    # Beside a bar the words are at its end; without one they follow the figure.
    if share is None:
        after = figure.getlength(words.figure) + GAP * SCALE * 0.6
        places, ends = (places[0], right - after if words.right_to_left else after), (ends[0], ends[0])
    baseline = BASELINE * SCALE
    pen.text((places[0], baseline), words.figure, font=figure, fill=colours.text, anchor=ends[0])
    if words.beside:
        pen.text((places[1], baseline), words.beside, font=beside, fill=colours.quiet, anchor=ends[1])
    if share is not None:
        _bar(picture, share, colours, right_to_left=words.right_to_left)
    out = BytesIO()
    picture.quantize(FEW_COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def share_of(signed: int, target: int | None) -> float | None:
    """How much of the bar is full: the true share, but visible from the first name on; None without a goal."""
    if not target or target < 0:
        return None
    return 0.0 if signed <= 0 else max(LEAST, min(signed / target, 1.0))


def _bar(picture: Image.Image, share: float, colours: Colours, *, right_to_left: bool) -> None:
    top, size = BAR_TOP * SCALE, (WIDTH * SCALE, BAR * SCALE)
    picture.paste(ImageColor.getrgb(colours.track), (0, top), _mask(size, 0, size[0]))
    if share:
        length = round(size[0] * share)
        ends = (size[0] - length, size[0]) if right_to_left else (0, length)
        picture.paste(ImageColor.getrgb(colours.act_edge), (0, top), _mask(size, *ends))


def _mask(size: tuple[int, int], left: float, right: float) -> Image.Image:
    """How much of each pixel a bar with round ends from `left` to `right` covers."""
    mask = Image.new("L", (size[0] * FINER, size[1] * FINER))
    box = (left * FINER, 0, right * FINER - 1, size[1] * FINER - 1)
    ImageDraw.Draw(mask).rounded_rectangle(box, radius=size[1] * FINER / 2, fill=255)
    # A piece shorter than the bar is high lies within the bar's own round end.
    whole = Image.new("L", mask.size)
    ImageDraw.Draw(whole).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), radius=mask.height / 2, fill=255)
    return Image.composite(mask, Image.new("L", mask.size), whole).resize(size, Image.Resampling.BOX)
