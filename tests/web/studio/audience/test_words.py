"""Conditions in words."""

from __future__ import annotations

import pytest

from mailer.audience.selection.rows import to_rows
from mailer.audience.selection.segment_sql import parse_segment
from mailer.compose.expressions.ast import ANYTHING
from mailer.web.studio.audience.choices import BuilderChoices
from mailer.web.studio.audience.words import words_of

CHOICES = BuilderChoices({"pages": [("river", "River letter")], "times": [("3", "3 times")]}, {})


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ('supporter.country == "GB"', "people in the United Kingdom"),
        ('supporter.country in ["GB", "IE", "DE"]', "people in the United Kingdom, Ireland or Germany"),
        ('supporter.country != "DE" and supporter.language == "cy"', "people outside Germany who read Welsh"),
        ('signed("river") or joined_since("2024-02-01")',
         "people who signed “River letter” or who joined on 1 February 2024 or later"),
        ('not signed_within("12 months")', "people who signed nothing in the last 12 months"),
        ('signed_times("3")', "people who signed at least 3 times"),
        ("supporter.town", "people whose town is known"),
        ('tagged("swimmer") and supporter.country == "GB"',
         "people who are tagged “swimmer” and in the United Kingdom"),
        ('not wants("urgent")', "people who don’t want urgent"),
        ('supporter.town == "Bath" and (supporter.age or mailed("x"))',
         "people whose town is “Bath” and (whose age is known or who were mailed “x”)"),
        ("not (supporter.town or supporter.age)", "people other than those whose town is known or whose age is known"),
    ],
)  # fmt: skip
def test_who_is_meant(expression: str, words: str) -> None:
    group = to_rows(parse_segment(expression, fields=ANYTHING))
    assert group is not None
    assert words_of(group, CHOICES) == words
