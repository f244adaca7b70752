"""How tokens are set for a mail: last words that stay together, numbered lists as rows, quotation marks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.markdown.setting import is_quoted, kept_together
from tests.compose.conftest import Desk
from tests.compose.markdown.test_containers import mailed, page  # noqa: F401  # pyright: ignore[reportUnusedImport]

Fixture = Desk


@pytest.mark.parametrize(
    ("headline", "expected"),
    [
        ("Keep our library open", "Keep our library\u00a0open"), ("Stop it", "Stop it"), ("Now", "Now"),
        ("Ask the Menschenrechtsbeauftragte now", "Ask the Menschenrechtsbeauftragte now"),
        ("They have closed our swimming-pool", "They have closed our swimming-pool"),
        ("Thank you, mk0a1b2c3dv0z", "Thank you, mk0a1b2c3dv0z"),
    ],
)  # fmt: skip
def test_a_short_last_word_is_not_left_alone(headline: str, expected: str) -> None:
    assert kept_together(headline) == expected


@given(st.text())
def test_only_blanks_are_changed(text: str) -> None:
    assert kept_together(text).replace("\u00a0", " ") == text.replace("\u00a0", " ")
    assert kept_together(kept_together(text)).count("\u00a0") <= text.count("\u00a0") + 2


@pytest.mark.parametrize(("text", "quoted"), [("“So it is.”", True), ('"Yes"', True), ("«Oui.»", True), ("No", False)])
def test_words_in_quotation_marks_are_seen(text: str, *, quoted: bool) -> None:
    assert is_quoted(text) is quoted


def test_headings_keep_their_last_words_together_in_the_mail_alone(page: Fixture) -> None:  # noqa: F811
    html, text, _ = mailed(page, "## We are asking for three things now\n\nWords.\n")
    assert "three things&nbsp;now</h2>" in html
    assert "three things now\n---" in text


def test_a_numbered_list_is_rows_of_two_cells(page: Fixture) -> None:  # noqa: F811
    html, text, _ = mailed(page, "3. One\n4. Two **and** three\n   - a\n   - b\n")
    assert html.count('class="nth"') == 2
    assert ">3</td>" in html
    assert ">4</td>" in html
    assert "<ul" in html
    assert "<ol" not in html
    assert "3. One\n4. Two and three\n" in text


def test_one_that_a_condition_lengthens_counts_by_itself(page: Fixture) -> None:  # noqa: F811
    body = '1. One\n{% if supporter.country == "GB" %}\n2. Two\n{% endif %}\n3. Three\n'
    html, _, _ = mailed(page, body)
    assert "Two" in html


def test_a_quote_has_the_marks_of_its_language_once(page: Fixture) -> None:  # noqa: F811
    html, text, _ = mailed(page, "::: quote Ana\nIt is so.\n\nIt was so.\n:::\n", more="language: de\n")
    assert html.count("„</div>") == 1
    assert "It was so.“</p>" in html
    assert "> It was so.\n> — Ana\n" in text
    html, _, _ = mailed(page, "::: quote Ana\n“It is so.”\n:::\n")
    assert html.count("“") == html.count("”") == 1
