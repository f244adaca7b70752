"""What other sites show of a link to a page: of their size, light, and written in the page's script and direction."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from mailer.compose.colours.palette import palettes
from mailer.settings import Brand
from mailer.web.pages.share_card import CardWords, share_card

PALETTE = palettes(Brand(primary="#0b3845", action="#c8371b"))[0]
ENGLISH = CardWords("Fine Wye Water for every hour of sewage", "Sign for a clean river", "Clean River Alliance")
HEAVIEST = 300_000  # bytes: WhatsApp shows no larger picture


def picture(colour: str = "lime", size: tuple[int, int] = (1200, 800)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def drawn(words: CardWords, shown: bytes | None = None, logo: bytes | None = None) -> Image.Image:
    content = share_card(words, PALETTE, picture=shown, logo=logo)
    assert len(content) < HEAVIEST
    with Image.open(BytesIO(content)) as found:
        assert (found.format, found.size) == ("JPEG", (1200, 630))
        return found.convert("RGB")


def has_colour(card: Image.Image, box: tuple[int, int, int, int], colour: str) -> bool:
    """Whether some of the box is of this colour, as nearly as JPEG keeps it."""
    piece = card.crop(box)
    far = ImageChops.difference(piece, Image.new("RGB", piece.size, colour)).convert("L").getextrema()
    return far[0] < 24  # pyright: ignore[reportOperatorIssue] - of one band, so a pair of numbers


def test_a_card_has_words_at_the_start_and_the_picture_at_the_end() -> None:
    card = drawn(ENGLISH, picture())
    assert has_colour(card, (900, 100, 1100, 300), "lime")
    assert has_colour(card, (56, 130, 520, 480), "white"), "the headline"
    assert has_colour(card, (60, 510, 300, 570), PALETTE.act), "the button"
    assert not has_colour(card, (0, 0, 530, 630), "lime"), "no word is on the picture"


def test_a_language_from_the_right_has_it_the_other_way_round() -> None:
    words = CardWords("غرّموا واي ووتر عن كل ساعة تلوّث", "وقّع من أجل نهر نظيف", "تحالف الأنهار النظيفة", "rtl")
    card = drawn(words, picture())
    assert has_colour(card, (100, 100, 300, 300), "lime")
    assert has_colour(card, (680, 130, 1144, 480), "white")
    assert has_colour(card, (900, 510, 1140, 570), PALETTE.act)


def test_arabic_letters_are_joined() -> None:
    """Letters that don't join are wider: the same text with a non-joiner between its letters."""
    word = "سسسسسس"

    def width(text: str) -> int:
        card = drawn(CardWords(text, "", "", "rtl"))
        box = card.convert("L").point([0] * 200 + [255] * 56).getbbox()
        assert box
        return box[2] - box[0]

    assert width(word) < 0.9 * width("\u200c".join(word))


def test_letters_that_no_font_of_ours_has_are_left_out() -> None:
    card = drawn(CardWords("守护我们的图书馆", "签名", "图书馆"), picture())
    assert not has_colour(card, (40, 40, 530, 600), "white")
    assert has_colour(card, (900, 100, 1100, 300), "lime")


def test_a_card_without_a_picture_has_the_headline_alone() -> None:
    card = drawn(ENGLISH)
    assert has_colour(card, (56, 130, 1100, 480), "white")
    assert has_colour(card, (0, 0, 40, 630), PALETTE.deep)


def test_the_logo_is_shown_and_a_broken_one_is_not() -> None:
    assert has_colour(drawn(ENGLISH, None, picture("red", (200, 200))), (60, 60, 104, 104), "red")
    for broken in (b"<svg/>", b"", b"\x89PNG\r\n\x1a\n"):
        assert has_colour(drawn(ENGLISH, None, broken), (0, 0, 40, 40), PALETTE.deep)


@pytest.mark.parametrize("long", ["Wasserwirtschaftsunternehmensverantwortung", "word " * 60, "a" * 300])
def test_long_words_and_headlines_stay_beside_the_picture(long: str) -> None:
    card = drawn(CardWords(long, "Add your name to the letter to the ministry of water", "X" * 90), picture("black"))
    edge = card.crop((545, 60, 560, 500)).convert("L").point([0] * 200 + [255] * 56)
    assert edge.getbbox() is None


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=120), st.text(max_size=60), st.text(max_size=60), st.sampled_from(["ltr", "rtl"]))
def test_any_words_make_a_card(headline: str, button: str, name: str, direction: str) -> None:
    drawn(CardWords(headline, button, name, direction))
