"""Colours in every notation, laid over each other, inherited, and left out where no mail program could read them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.checking.evidence.css_colours import Colour, Keyword, read, read_attribute
from mailer.checking.rules.contrast import colour_of, ground_of
from mailer.compose.html_tree import Element, parse


@pytest.mark.parametrize(
    ("value", "hexed", "alpha"),
    [
        ("rebeccapurple", "#663399", 1), ("LightGoldenRodYellow", "#fafad2", 1), ("darkslategrey", "#2f4f4f", 1),
        ("#abc", "#aabbcc", 1), ("#ABC8", "#aabbcc", 0x88 / 255), ("#11223344", "#112233", 0x44 / 255),
        ("rgb(1,2,3)", "#010203", 1), ("rgb(1 2 3)", "#010203", 1), ("rgb(1 2 3 / 50%)", "#010203", 0.5),
        ("rgba(255, 0, 0, .25)", "#ff0000", 0.25), ("rgb(10%, 20%, 30%)", "#1a334c", 1),
        ("rgb(300 -1 0)", "#ff0000", 1), ("hsl(120, 100%, 25%)", "#008000", 1),
        ("hsl(120deg 100% 25% / .5)", "#008000", 0.5),
        ("hsla(0.5turn 100% 50%)", "#00ffff", 1), ("hwb(0 20% 20%)", "#cc3333", 1), ("transparent", "#000000", 0),
        ("red !important", "#ff0000", 1), ("no-repeat #eee top", "#eeeeee", 1),
    ],
)  # fmt: skip
def test_a_colour_is_read(value: str, hexed: str, alpha: float) -> None:
    found = read(value)
    assert isinstance(found, Colour)
    assert (found.hex(), found.alpha) == (hexed, pytest.approx(alpha))


@pytest.mark.parametrize(
    ("value", "keyword"),
    [
        ("", Keyword.NOTHING), ("none", Keyword.NOTHING), ("bleu", Keyword.NOTHING), ("#12345", Keyword.NOTHING),
        ("inherit", Keyword.INHERIT), ("unset", Keyword.INHERIT), ("initial", Keyword.INITIAL),
        ("currentColor", Keyword.CURRENT), ("windowtext", Keyword.UNKNOWN), ("oklch(70% 0.1 200)", Keyword.UNKNOWN),
        ("color-mix(in srgb, red, blue)", Keyword.UNKNOWN), ("var(--x)", Keyword.UNKNOWN),
        ("#fff url(x.png)", Keyword.UNKNOWN), ("linear-gradient(red, blue)", Keyword.UNKNOWN),
    ],
)  # fmt: skip
def test_what_is_no_colour_by_itself(value: str, keyword: Keyword) -> None:
    assert read(value) is keyword


def test_attributes_need_no_mark() -> None:
    assert read_attribute("ffffff") == read_attribute("#FFF") == read_attribute("White") == Colour(255, 255, 255)


def shown(html: str) -> tuple[str | None, str | None]:
    """Text and ground of the element that holds the word x."""
    (element,) = [one for one in parse(html).walk() if "x" in one.children]

    def hexed(find: Callable[[Element], Colour | None]) -> str | None:
        return found.hex() if (found := find(element)) else None

    return hexed(colour_of), hexed(ground_of)


@pytest.mark.parametrize(
    ("html", "text", "ground"),
    [
        ("<p>x</p>", "#000000", "#ffffff"),
        ('<div style="color:teal;background:beige"><p>x</p></div>', "#008080", "#f5f5dc"),
        ('<div style="color:teal"><p style="color:inherit">x</p></div>', "#008080", "#ffffff"),
        ('<div style="color:teal"><p style="color:bleu">x</p></div>', "#008080", "#ffffff"),
        ('<div style="color:teal"><p style="color:currentColor">x</p></div>', "#008080", "#ffffff"),
        ('<div style="color:teal"><p style="color:initial">x</p></div>', "#000000", "#ffffff"),
        ('<div style="color:teal"><a href="https://a.test">x</a></div>', "#0000ee", "#ffffff"),
        ('<div style="color:teal"><a href="https://a.test" style="color:inherit">x</a></div>', "#008080", "#ffffff"),
        ('<font color="ff0000">x</font>', "#ff0000", "#ffffff"),
        ('<body text="#333" bgcolor="eeeeee"><p>x</p></body>', "#333333", "#eeeeee"),
        ('<p style="color:lab(50% 1 1)">x</p>', None, "#ffffff"),
        ('<p style="background:url(a.png) #fff">x</p>', "#000000", None),
        ('<p style="background-image:linear-gradient(red,blue)">x</p>', "#000000", None),
        ('<p style="background-image:none;background-color:red">x</p>', "#000000", "#ff0000"),
        ('<table background="a.png"><td>x</td></table>', "#000000", None),
        ('<td bgcolor="red" style="background:none">x</td>', "#000000", "#ffffff"),
        ('<td bgcolor="red" style="background:transparent">x</td>', "#000000", "#ffffff"),
        ('<td bgcolor="red" style="background:rot">x</td>', "#000000", "#ff0000"),
        ('<div style="background:#000"><p style="background:rgba(255,255,255,.5)">x</p></div>', "#000000", "#808080"),
        ('<div style="background:#0000ff80"><p style="background:#ff000080">x</p></div>', "#000000", "#bf3f7f"),
        ('<p style="color:red;background:currentColor">x</p>', "#ff0000", "#ff0000"),
    ],
)
def test_which_colours_meet(html: str, text: str | None, ground: str | None) -> None:
    assert shown(html) == (text, ground)


COLOURS = st.builds(
    Colour,
    *[st.integers(0, 255).map(float)] * 3,
    alpha=st.integers(0, 255).map(lambda part: part / 255),
)


@given(COLOURS, COLOURS)
def test_a_colour_over_an_opaque_one_is_opaque_and_between_both(front: Colour, back: Colour) -> None:
    seen = front.over(Colour(back.red, back.green, back.blue))
    assert seen.alpha == pytest.approx(1)
    for name in ("red", "green", "blue"):
        ends = sorted((getattr(front, name), getattr(back, name)))
        assert ends[0] - 1e-6 <= getattr(seen, name) <= ends[1] + 1e-6


@given(COLOURS)
def test_what_is_written_is_read_back(colour: Colour) -> None:
    found = read(colour.hex())
    assert isinstance(found, Colour)
    assert (found.red, found.green, found.blue) == pytest.approx((colour.red, colour.green, colour.blue))
