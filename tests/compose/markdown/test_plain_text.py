"""The plain-text part tells the same story as the HTML, in lines that fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.markdown.plain_text import WIDTH, label_and_address, wrap
from tests.compose.conftest import URLS, Desk


def test_everything_markdown_has(desk: Desk) -> None:
    program = desk.program(
        "## A heading\n\nFirst line\nsame paragraph\\\nbroken. **Bold** *it* `code`\n\n"
        "- one\n- two\n  - deep\n\n3. three\n4. four\n\n> quoted\n> words\n\n---\n\n    four\n    blanks\n\n"
        'Escaped \\* & &amp; "quotes"\n',
        more='signature: "The *team*"\n',
    )
    text = program.text({}, URLS)
    assert text.startswith(
        "Help us\n=======\n\nA heading\n---------\n\nFirst line same paragraph\nbroken. Bold it code\n\n"
    )
    assert "- one\n- two\n  - deep\n\n3. three\n4. four\n\n> quoted words\n\n* * *\n\nfour blanks\n\n" in text
    assert 'Escaped * & & "quotes"\n\nThe team\n\n' in text
    assert text.endswith(
        f"{'-' * WIDTH}\nYou signed up at example.org.\nExample Campaigns\n"
        "1 Example Street, London N1 1AA, United Kingdom\n\n"
        "Unsubscribe: https://mail.example.org/u/TOKEN\nFewer emails: https://mail.example.org/p/TOKEN\n"
        "View in browser: https://mail.example.org/v/TOKEN\n"
    )


def test_long_lines_are_wrapped_and_addresses_are_not(desk: Desk) -> None:
    body = "word " * 60 + "[" + "label " * 10 + "](https://e.org/" + "a" * 90 + ")"
    text = desk.program(body).text({}, URLS)
    long = [line for line in text.split("\n") if len(line) > WIDTH]
    assert all("https://" in line for line in long)


def test_links_stand_below_their_paragraph(desk: Desk) -> None:
    text = desk.program("Read [one](https://e.org/1) and [two](https://e.org/2).\n\n[alone](https://e.org/3)").text(
        {}, URLS
    )
    click = "https://mail.example.org/c/TOKEN"
    assert f"Read one and two.\none: {click}/1\ntwo: {click}/2\n\nalone: {click}/3\n" in text


def test_label_and_address() -> None:
    assert label_and_address("Sign", "https://e.org") == "Sign: https://e.org"
    assert label_and_address("https://e.org", "https://m/c/1") == "https://m/c/1"
    assert label_and_address("a@e.org", "mailto:a@e.org") == "a@e.org"
    assert label_and_address("", "https://e.org") == "https://e.org"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufdd0"), max_size=300))
def test_wrapping_keeps_every_word(text: str) -> None:
    assert wrap(text).split() == text.split()


def test_markers_count_as_one_character() -> None:
    marker = "mk01234567v12z"
    wrapped = wrap(f"{marker} " * 40)
    assert wrapped.split() == [marker] * 40
    assert wrapped.count("\n") == 1
