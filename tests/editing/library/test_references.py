"""Places that name a picture: found, and changed without touching anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.editing.library.references import PictureSwap, read_alt, references, swapped
from mailer.errors import MailerError

HEAD = '---\nsubject: "River"\npicture: river.png  # wide\npicture_alt: "A river"\nlist: supporters\n---\n'
NEW = "0123456789abcdef.jpg"


def swap(name: str, *, was: str = "", alt: str = "") -> PictureSwap:
    return PictureSwap({} if alt else {name: NEW}, {was: alt} if alt else {}, frozenset({name}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("![A river](river.png)\n", f"![A river]({NEW})\n"),
        ('![A river](<river.png> "By day")\n', f'![A river]({NEW} "By day")\n'),
        ("![A\nriver]( ./river.png )\r\n", f"![A\nriver]( {NEW} )\r\n"),
        ("![A river](river%2Epng)\n", f"![A river]({NEW})\n"),
        ("See river.png, and [the file](river.png).\n", "See river.png, and [the file](river.png).\n"),
        ("![A](old-river.png) ![A](river.png.jpg)\n", "![A](old-river.png) ![A](river.png.jpg)\n"),
        ("![A](https://example.org/river.png)\n", "![A](https://example.org/river.png)\n"),
        ('<mj-image width="1" src="river.png" alt="A" />\n', f'<mj-image width="1" src="{NEW}" alt="A" />\n'),
        ("<img alt='x' src='river.png'>\n", f"<img alt='x' src='{NEW}'>\n"),
    ],
)
def test_another_file_takes_the_place_of_one(before: str, after: str) -> None:
    assert swapped(HEAD + before, swap("river.png")).text == HEAD.replace("river.png", NEW) + after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("![A river](river.png)\n", "![The Lugg & more](river.png)\n"),
        ("![A\n  river](river.png)\n", "![The Lugg & more](river.png)\n"),
        ("![Another](river.png) ![A river](lake.png)\n", "![Another](river.png) ![A river](lake.png)\n"),
        ('<img src="river.png" alt="A river"/>\n', '<img src="river.png" alt="The Lugg &amp; more"/>\n'),
    ],
)
def test_other_words_where_the_same_was_said(before: str, after: str) -> None:
    head = HEAD.replace('"A river"', '"The Lugg & more"')
    assert swapped(HEAD + before, swap("river.png", was="A river", alt="The Lugg & more")).text == head + after


def test_what_nobody_described_gets_its_words() -> None:
    text = "---\npicture: river.png\nlist: x\n---\n![](river.png)\n<img src='river.png'>\n"
    found = swapped(text, PictureSwap({}, {"": "A river"}, frozenset({"river.png"}))).text
    assert [one.alt for one in references(found)] == ["A river"] * 3
    assert found.count("A river") == 3


def test_a_page_says_what_its_own_pictures_show() -> None:
    text = "---\npicture: a.png\nalt: A river\nthanks_picture: b.png\ncard: c.png\n"
    text += "asks:\n  name: R\n  picture: d.png\n---\nx\n"
    found = {one.name: one.alt for one in references(text, of_page=True)}
    assert found == {"a.png": "A river", "b.png": "", "c.png": None, "d.png": None}
    changed = swapped(text, PictureSwap({"d.png": NEW}, {}, frozenset()), of_page=True).text
    assert changed == text.replace("d.png", NEW)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=200))
def test_a_text_that_names_no_picture_stays_byte_for_byte(body: str) -> None:
    text = HEAD.replace("river.png  # wide", "lake.png") + body.replace("river", "")
    assert swapped(text, swap("river.png")).text.encode() == text.encode()


WORDS = st.text(alphabet="abc ä’&\"'(#*_.", min_size=1, max_size=30).map(lambda one: " ".join(one.split())).filter(bool)


@given(WORDS, WORDS)
def test_words_are_read_as_they_were_given(was: str, alt: str) -> None:
    text = f"---\nlist: x\n---\n![{was}](river.png) and ![{was}](lake.png)\n"
    found = references(swapped(text, swap("river.png", was=was, alt=read_alt(alt))).text)
    assert [(one.name, one.alt) for one in found] == [("river.png", alt), ("lake.png", was)]


@pytest.mark.parametrize("words", ["", " \n ", "a]b", "{{ supporter.email }}", "<b>", "x" * 301])
def test_words_that_would_be_something_else_are_refused(words: str) -> None:
    with pytest.raises(MailerError):
        read_alt(words)
