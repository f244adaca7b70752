"""Which features a stylesheet uses, where rules are nested, cut off or many."""

from __future__ import annotations

import pytest

from mailer.checking.evidence.css_usage import uses

KNOWN = {"css-display-flex", "css-pseudo-class-hover", "css-at-font-face"}


def used(css: str) -> list[tuple[str, int | None]]:
    found = uses(f"<style>{css}</style>", file="template.mjml", known=KNOWN)
    return [(one.feature, one.place.line) for one in found]


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ("a { display: flex }", [("css-display-flex", 1)]),
        ("p { margin: 0 }\na:hover { margin: 0 }", [("css-pseudo-class-hover", 2)]),
        ("a:hover {\n b { display: flex } }", [("css-display-flex", 2)]),  # what is around a rule is none itself
        ("} a:hover { display: flex", []),  # nor is what never ends
        ("a:hover } b { display: flex }", [("css-display-flex", 1)]),
        ("@media print { a:hover { display: flex } }\nb { display: flex }", [("css-display-flex", 2)]),
        ("@font-face { src: x }", [("css-at-font-face", 1)]),
    ],
)
def test_rules_are_told_apart(css: str, expected: list[tuple[str, int]]) -> None:
    assert used(css) == expected


def test_a_large_sheet_for_other_screens_is_read_to_its_end() -> None:
    """What is blanked out has no rules; looking for one from each of its characters would take minutes."""
    assert used("@media print {" + "a { margin: 1px }\n" * 20_000 + "}\nb { display: flex }") == [
        ("css-display-flex", 20_002)
    ]
