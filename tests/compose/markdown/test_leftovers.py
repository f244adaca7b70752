"""Markdown that stayed Markdown is told of with its line; what is meant as it is written is not."""

from __future__ import annotations

import pytest

from mailer.diagnostics import Diagnostic
from tests.compose.conftest import URLS, Desk
from tests.compose.test_faults import FIRST_LINE

LEFT = [
    ("** x **", "** is shown", 0),
    ("a **bold ** b", "** is shown", 0),
    ("This is **important and [the letter](action)", "** is shown", 0),
    ("**[The letter](action)", "** is shown", 0),
    ("one\ntwo __open", "__ is shown", 1),
    ("a *words * b", "*words * is shown", 0),
    ("so *open it stays", "*open is shown", 0),
    ("a ~~x~~ b", "~~x~~ is shown", 0),
    ("a ==x== b", "==x== is shown", 0),
    ("| Year | Loans |\n|------|-------|\n| 2025 | 1,200 |", "tables are not part", 0),
    ("Year | Loans\n--- | ---\n2025 | 1,200", "tables are not part", 1),
    ("[sign now][petition]", "[sign now][petition] leads nowhere", 0),
    ("a\nand [the letter][]", "[the letter][] leads nowhere", 1),
    ("[sign now](https://e.org/a", "the link [sign now](… is never closed", 0),
    ("[sign now](https://e.org/a b)", "is no link as it is written", 0),
    ("[sign now] (https://e.org/a)", "is no link", 0),
    ("[sign now] (action)", "is no link", 0),
    ("(sign now)[https://e.org/a]", "its brackets are swapped", 0),
    ("![A seal](seal.png", "is never closed", 0),
    ("- [x] done\n- [ ] open", "[ ] is shown", 1),
    ("##Heading", "##Heading is no heading", 0),
    ("-one\n-two", "-one is no list", 0),
    ("> ** x", "** is shown", 0),
    ("- a\n- ** x", "** is shown", 1),
    ("## ** x", "** is shown", 0),
    ("a[^1]\n\n[^1]: ** x", "** is shown", None),
    ("**{{ supporter.first_name | default('x') }} x", "** is shown", 0),
    ("[{{ supporter.first_name | default('x') }}][y]", "[{{ supporter.first_name | default('x') }}][y] leads", 0),
]
MEANT = [
    "**bold** *it* ***both*** _x_ __y__", "2 * 3 * 4 and *Terms apply. *See below", "Name: ______ Date: ____",
    "snake_case_x and a__b", r"\*\*x\*\* \[a\]\[b\] \~\~x\~\~", "`** x **`", "a - b -- c --- d", "[x](https://e.org/a_(b))",
    "#SaveOurLibrary", "a[^1][^2]\n\n[^1]: b\n[^2]: c", "- one\n- two\n\n    more", "[ok][r]\n\n[r]: https://e.org/x",
    "a | b", "it costs 5* and 6*", "-1 degree\n-2 degrees", "[NATO] (the alliance) said", "x ~ y ~ z == w",
    "**{{ supporter.first_name | default('x') }}**", "{% if supporter.age %}**a**{% else %}*b*{% endif %}",
    "[**bold** words](https://e.org/x)", "## **Bold** heading",
]  # fmt: skip


def told(desk: Desk, body: str) -> list[Diagnostic]:
    return [fault for fault in desk.compile(body).faults if fault.rule == "writing.markdown"]


@pytest.mark.parametrize(("body", "message", "line"), LEFT)
def test_what_is_left_is_told_of(desk: Desk, body: str, message: str, line: int | None) -> None:
    found = [fault for fault in told(desk, body) if message in fault.message]
    assert found
    assert found[-1].remedy
    assert found[-1].place is not None
    assert line is None or found[-1].place.line == FIRST_LINE + line


@pytest.mark.parametrize("body", MEANT)
def test_what_is_meant_is_not(desk: Desk, body: str) -> None:
    assert told(desk, body) == []


def test_four_blanks_make_a_paragraph_whose_links_work(desk: Desk) -> None:
    compiled = desk.compile("Dear friend,\n\n    Please [sign now](action).\n\n\tand this\n")
    assert [fault.rule for fault in compiled.faults] == ["writing.indented"] * 2
    assert [link.label for link in compiled.message.links] == ["sign now"]
    assert "<pre" not in "".join(str(part) for part in compiled.message.html)


def test_there_are_no_code_blocks(desk: Desk) -> None:
    (fault,) = desk.faults("a\n\n```\n[sign now](action)\n```\n")
    assert "no code blocks" in fault.message
    assert fault.place is not None
    assert fault.place.line == FIRST_LINE + 2


def test_headings_have_ids_that_links_find(desk: Desk) -> None:
    program = desk.program(
        "Read [part two](#part-two), [the end](#part-two-2) or [it](#über-تحرّك).\n\n"
        "## Part two\n\na\n\n### Part *two*!\n\n"
        "## Über تحرّك\n\n## {{ list.title }}\n\n## …\n\n::: story\n### Our news\n\nb\n:::\n\n[part two](#part-two)\n"
    )
    html, text = program.html({}, URLS), program.text({}, URLS)
    for name in ("part-two", "part-two-2", "über-تحرّك", "supporters", "part"):
        assert f'id="{name}"' in html
    assert 'href="#part-two"' in html
    assert "#part" not in text
    assert "Read part two, the end or it.\n" in text
    assert text.count("\npart two\n") == 1


QUOTED = [
    ("en", "“Yes, ‘now’,” she said; it’s"),
    ("de", "„Yes, ‚now‘,“ she said; it’s"),
    ("de-CH", "«Yes, ‹now›,» she said; it’s"),
    ("fr", "«\u202fYes, ‹\u202fnow\u202f›,\u202f» she said; it’s"),
    ("sv", "”Yes, ’now’,” she said; it’s"),
    ("xx", "“Yes, ‘now’,” she said; it’s"),
]


@pytest.mark.parametrize(("language", "said"), QUOTED)
def test_quotes_are_set_as_the_language_has_them_where_a_template_asks(desk: Desk, language: str, said: str) -> None:
    body = '"Yes, \'now\'," she said; it\'s {{ supporter.first_name | default("x") }} `"a"` \\"b\\"'
    text = desk.program(body, more=f"language: {language}\n").text({}, URLS)
    assert "\"Yes, 'now',\" she said; it's x" in text
    toml = desk.workspace.templates / "small" / "template.toml"
    toml.write_text("typographic_quotes = true\n" + toml.read_text(encoding="utf-8"), encoding="utf-8")
    text = desk.program(body, more=f"language: {language}\n").text({}, URLS)
    assert f'{said} x "a" "b"' in text


def test_the_setting_is_true_or_false(desk: Desk) -> None:
    (desk.workspace.templates / "small" / "template.toml").write_text('typographic_quotes = "yes"\n', encoding="utf-8")
    assert [fault.message for fault in desk.faults("a")] == ["typographic_quotes must be true or false"]
