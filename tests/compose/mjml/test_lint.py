"""The check of MJML source: each mistake that the compiler swallows is named with its line, and good source passes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mjml import mjml2html

from mailer.compose.mjml.forbidden import ATTRIBUTES, TAGS, VALUES
from mailer.compose.mjml.lint import check_structure
from mailer.compose.mjml.schema import tags, value_fault
from mailer.compose.mjml.to_html import MAX_DEPTH, mjml_to_html
from mailer.compose.mjml.tokenizer import TokenKind, scan
from mailer.diagnostics import Diagnostic

MARK = "mk0a1b2c3dv7z"
TITLE = "<mj-title>T</mj-title>"


def page(body: str, *, head: str = TITLE) -> str:
    """A whole message; `body` begins on line 3."""
    return f'<mjml lang="en" dir="ltr"><mj-head>{head}</mj-head>\n<mj-body>\n{body}\n</mj-body>\n</mjml>'


def section(content: str) -> str:
    return page(f"<mj-section><mj-column>\n{content}\n</mj-column></mj-section>")


def errors(source: str) -> list[Diagnostic]:
    return [fault for fault in check_structure(source, file="layout.mjml") if fault.stops]


def lines(found: Sequence[Diagnostic]) -> list[int | None]:
    return [fault.place.line if fault.place else None for fault in found]


# What mjml-python compiles without a word: source, the line of the fault, and words of its message.
SILENT = {
    "unknown tag": (section("<mj-foo>bar</mj-foo>"), 4, "no tag <mj-foo>"),
    "capitals": (section("<MJ-TEXT>x</MJ-TEXT>"), 4, "no tag <MJ-TEXT>"),
    "button in text": (section('<mj-text><mj-button href="x">y</mj-button></mj-text>'), 4, "only HTML is rendered"),
    "loose text in body": (page("hello"), 3, "directly in <mj-body>: 'hello'"),
    "loose text in section": (page("<mj-section>\nhello</mj-section>"), 4, "directly in <mj-section>"),
    "loose text in column": (section("\n\nhello"), 6, "directly in <mj-column>"),
    "loose marker": (page(MARK), 3, "directly in <mj-body>"),
    "no-break space between tags": (page("\u00a0"), 3, "directly in <mj-body>"),
    "paragraph in column": (section("<p>x</p>"), 4, "<p> is directly in <mj-column>"),
    "text in section": (page("<mj-section><mj-text>x</mj-text></mj-section>"), 3, "isn't allowed inside <mj-section>"),
    "text in body": (page("<mj-text>x</mj-text>"), 3, "isn't allowed inside <mj-body>"),
    "section in section": (page("<mj-section><mj-section></mj-section></mj-section>"), 3, "inside <mj-section>"),
    "column in body": (page("<mj-column></mj-column>"), 3, "inside <mj-body>"),
    "column in column": (section("<mj-column></mj-column>"), 4, "inside <mj-column>"),
    "column in wrapper": (page("<mj-wrapper><mj-column></mj-column></mj-wrapper>"), 3, "inside <mj-wrapper>"),
    "wrapper in wrapper": (page("<mj-wrapper><mj-wrapper></mj-wrapper></mj-wrapper>"), 3, "inside <mj-wrapper>"),
    "section in hero": (page("<mj-hero><mj-section></mj-section></mj-hero>"), 3, "inside <mj-hero>"),
    "unknown attribute": (section('<mj-text\ncolour="red">x</mj-text>'), 5, "no attribute 'colour'"),
    "bad size": (section('<mj-text font-size="big">x</mj-text>'), 4, "must be a size such as 16px"),
    "bad padding": (section('<mj-text padding="1em 2foo">x</mj-text>'), 4, "must be a size"),
    "rem": (section('<mj-text font-size="1rem">x</mj-text>'), 4, "must be a size"),
    "no unit": (section('<mj-text font-size="16">x</mj-text>'), 4, "must be a size"),
    "five paddings": (section('<mj-text padding="1px 1px 1px 1px 1px">x</mj-text>'), 4, "up to 4 of them"),
    "bad width": (page('<mj-section><mj-column width="abc"></mj-column></mj-section>'), 3, "must be a size"),
    "bad colour": (section('<mj-text color="reddish">x</mj-text>'), 4, "must be a colour like #1d4f91"),
    "bad choice": (section('<mj-text align="middle">x</mj-text>'), 4, "must be one of: left, right, center, justify"),
    "percentage": (page('<mj-section padding="5% 40px"></mj-section>'), 3, "must be in px"),
    "twice": (section('<mj-text color="#fff" color="#000">x</mj-text>'), 4, "color appears twice on <mj-text>"),
    "twice in HTML": (section('<mj-text><a href="a" href="b">x</a></mj-text>'), 4, "href appears twice on <a>"),
    "no value": (section("<mj-text color>x</mj-text>"), 4, "color on <mj-text> has no value"),
    "merge tag as size": (section(f'<mj-image src="a" alt="b" width="{MARK}px"/>'), 4, "can't hold a merge tag"),
    "undefined class": (section('<mj-text mj-class="big">x</mj-text>'), 4, 'mj-class "big" isn\'t defined'),
    "too wide": (page('<mj-section><mj-column width="80%"/>\n<mj-column width="80%"/></mj-section>'), 4, "160%"),
    "no body": ('<mjml lang="en" dir="ltr"><mj-head><mj-title>T</mj-title></mj-head></mjml>', 1, "no <mj-body>"),
    "head after body": (
        '<mjml lang="en" dir="ltr"><mj-body></mj-body>\n<mj-head><mj-title>T</mj-title></mj-head></mjml>', 2,
        "after <mj-body>",
    ),
    "two bodies": (page("").replace("</mjml>", "<mj-body></mj-body></mjml>"), 5, "more than one <mj-body>"),
    "no alt": (section('<mj-image src="a.png"/>'), 4, "<mj-image> has no alt"),
    "no alt in HTML": (section('<mj-text><img src="a.png"/></mj-text>'), 4, "<img> has no alt"),
    "linked picture": (section('<mj-image src="a" href="b" alt=" "/>'), 4, "a link has an empty alt"),
    "button to nowhere": (section("<mj-button>x</mj-button>"), 4, "<mj-button> has no href"),
    "hot-linked icon": (
        section('<mj-social><mj-social-element name="facebook" alt="F" href="x">F</mj-social-element></mj-social>'), 4,
        "<mj-social-element> has no src",
    ),
    "crossed": (
        page("<mj-section><mj-column><mj-text>A</mj-section></mj-column></mj-text>"), 3,
        "isn't closed before </mj-section>",
    ),
    "half tag in raw": (page("<mj-raw><div></mj-raw>\n<mj-raw></div></mj-raw>"), 3, "isn't closed before </mj-raw>"),
    "div in raw in column": (section("<mj-raw><div>x</div></mj-raw>"), 4, "inside a column, which is a table"),
    "mjml in raw": (page("<mj-raw><mj-section></mj-section></mj-raw>"), 3, "only HTML is rendered"),
    "script": (page("<mj-raw><script>x</script></mj-raw>"), 3, "<script> doesn't work in mails"),
    "event": (section('<mj-text><a onclick="x()">y</a></mj-text>'), 4, "onclick on <a> is code"),
    "import in styles": (page("", head=f"{TITLE}<mj-style>\n@import url(x);</mj-style>"), 2, "@import fetches"),
    "font face": (page("", head=f"{TITLE}<mj-style>@font-face {{}}</mj-style>"), 1, "@font-face fetches"),
    "fluid hero": (page('<mj-hero mode="fluid-height"></mj-hero>'), 3, "comes out with no height"),
    "gap": (page('<mj-wrapper gap="10px"></mj-wrapper>'), 3, "gap is ignored"),
    "background picture": (page('<mj-section background-url="x.png"></mj-section>'), 3, "can't be reached by keyboard"),
    "hamburger": (section('<mj-navbar hamburger="hamburger"></mj-navbar>'), 4, "folding menu"),
    "preview": (page("", head=f"{TITLE}<mj-preview>x</mj-preview>"), 1, "mj-preview can't be used"),
    "font": (page("", head=f'{TITLE}<mj-font name="a" href="b"/>'), 1, "another server"),
    "carousel": (section("<mj-carousel></mj-carousel>"), 4, "mj-carousel works in few"),
    "accordion": (section("<mj-accordion></mj-accordion>"), 4, "mj-accordion works in few"),
}  # fmt: skip

# What it refuses with words that help nobody, or fails on.
LOUD = {
    "unclosed tag": (page("<mj-section>"), 3, "<mj-section> isn't closed before </mj-body>"),
    "unclosed to the end": ("<mjml>\n<mj-body>", 2, "<mj-body> is never closed"),
    "unclosed paragraph": (section("<mj-text><p>x</mj-text>"), 4, "<p> isn't closed before </mj-text>"),
    "stray close": (page("</mj-text>"), 3, "closes a tag that isn't open"),
    "void close": (section("<mj-text>a</br>b</mj-text>"), 4, "<br> has no closing tag"),
    "less-than": (section("<mj-text>1 < 2</mj-text>"), 4, "a bare '<': write &lt;"),
    "unquoted": (section("<mj-text color=red>x</mj-text>"), 4, "needs quotes around the value of color"),
    "unclosed quote": (section('<mj-text color="red>x</mj-text>'), 4, "has"),
    "unclosed comment": (page("<!-- x"), 3, "'<!--' is never closed"),
    "dashes in comment": (page("<!-- x -- y -->"), 3, "a comment can't hold '--'"),
    "CDATA": (section("<mj-text><![CDATA[x]]></mj-text>"), 4, "CDATA"),
    "declaration": ('<?xml version="1.0"?>' + page(""), 1, "have no place in MJML"),
    "conditional": (page("<![if mso]>"), 3, "have no place in MJML"),
    "media query": (page("", head=f"{TITLE}<mj-style>@media (width<600px) {{}}</mj-style>"), 1, "a bare '<'"),
    "include": (page('<mj-include path="x.mjml"/>'), 3, "mj-include isn't supported"),
    "html attributes": (page("", head=f"{TITLE}<mj-html-attributes></mj-html-attributes>"), 1, "isn't supported"),
    "file-start": (
        page("").replace("<mj-head>", '<mj-raw position="file-start"></mj-raw><mj-head>'), 1,
        "position isn't supported",
    ),
    "button in social": (section('<mj-social><mj-button href="x">y</mj-button></mj-social>'), 4, "inside <mj-social>"),
    "close with attributes": (section('<mj-text>x</mj-text a="b">'), 4, "nothing but its name"),
    "no space": (section('<mj-image src="a"alt="b"/>'), 4, "needs a space before alt"),
    "empty": ("", 1, "no <mjml> tag"),
    "text only": ("hello", 1, "outside <mjml>"),
    "two roots": ("<mjml><mj-body></mj-body></mjml>\n<mjml><mj-body></mj-body></mjml>", 1, "more than one <mjml>"),
    "too deep": (
        section("<mj-text>" + "<i>" * MAX_DEPTH + "</i>" * MAX_DEPTH + "</mj-text>"), 4, "nested more than 64 deep",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "line", "words"), [*SILENT.values(), *LOUD.values()], ids=[*SILENT, *LOUD])
def test_each_mistake_is_named_with_its_line(source: str, line: int, words: str) -> None:
    found = errors(source)
    assert any(words in fault.message for fault in found), found
    assert next(fault for fault in found if words in fault.message).place is not None
    assert line in lines([fault for fault in found if words in fault.message])


# The compiler has caught up with some: then the check is stricter than need be, which is harmless but worth knowing.
REFUSED_BY_MRML = {"carousel", "fluid hero", "no body"}


@pytest.mark.parametrize("name", sorted(set(SILENT) - REFUSED_BY_MRML))
def test_the_compiler_alone_would_not_have_said_so(name: str) -> None:
    assert mjml2html(SILENT[name][0], fonts={})


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("<mj-colum></mj-colum>", "<mj-column>"),
        ("<mj-txet></mj-txet>", "<mj-text>"),
        ('<mj-text font-sise="16px">x</mj-text>', "'font-size'"),
        ('<mj-text colr="#fff">x</mj-text>', "'color'"),
    ],
)
def test_the_nearest_match_is_offered(wrong: str, right: str) -> None:
    assert any(fault.remedy and f"Did you mean {right}?" in fault.remedy for fault in errors(section(wrong)))


def test_all_faults_come_at_once_in_the_order_of_their_lines() -> None:
    source = page('<mj-section colour="a">\n<mj-foo/>\n<mj-column width="x">\n<mj-image/>\n</mj-column></mj-section>')
    found = errors(source)
    assert len(found) == 5
    assert lines(found) == [3, 4, 5, 6, 6]


def test_one_slip_is_one_fault() -> None:
    assert len(errors(section("<mj-txt>Some <b>words</b> here</mj-txt>"))) == 1


def test_what_the_reader_of_the_mail_would_miss_is_a_warning() -> None:
    found = check_structure("<mjml><mj-body></mj-body></mjml>", file="m")
    assert [fault.message for fault in found if not fault.stops] == [
        "<mjml> has no lang",
        "<mjml> has no dir",
        "there is no <mj-title>",
    ]


GOOD = page(
    f'<mj-raw>{MARK}<div style="display:none">{MARK}</div></mj-raw>\n'
    '<mj-wrapper padding="0px"><mj-section padding="0px 40px" direction="rtl"><mj-group><mj-column width="50%">'
    f'<mj-image src="{MARK}" alt="{MARK}" href="{MARK}"/></mj-column><mj-column width="50%"><mj-text mj-class="big" '
    f'css-class="a b" color="{MARK}" line-height="1.5">Tom &amp; <a href="{MARK}">x</a><br>y<br/><img src="a" alt=""/>'
    "</mj-text></mj-column></mj-group></mj-section></mj-wrapper>\n"
    "<mj-raw><!--[if !mso]><!--><p>x</p><!--<![endif]--></mj-raw>"
    f'<mj-section><mj-column border-left="4px solid {MARK}"><mj-raw>{MARK}</mj-raw><mj-button href="{MARK}" '
    'inner-padding="14px 24px">Go</mj-button><mj-divider border-width="1px"/><mj-spacer height="20px"/>'
    "<mj-table><tr><td>1</td></tr></mj-table><mj-raw><tr><td>1</td></tr></mj-raw><!-- a note -->"
    "</mj-column></mj-section>"
    '<mj-hero height="200px"><mj-text>x</mj-text></mj-hero>',
    head=f'<mj-title>{MARK}</mj-title><mj-breakpoint width="479px"/><mj-attributes><mj-all font-family="Arial"/>'
    '<mj-text font-size="17px"/><mj-image padding="0px"/><mj-class name="big" font-size="24px"/></mj-attributes>'
    f'<mj-style>.a > b {{ color: {MARK} }}</mj-style><mj-raw><meta name="x" content="{MARK}"/></mj-raw>',
)


def test_good_source_has_no_faults_and_compiles() -> None:
    assert check_structure(GOOD, file="m") == []
    assert check_structure("\ufeff" + GOOD, file="m") == []
    assert mjml_to_html(GOOD).count(MARK) >= GOOD.count(MARK)


PIECES = [
    "<b>", "</b>", "<mj-text>", "</mj-text>", "<mj-raw>", "</mj-raw>", "<!--", "-->", '"', "'", "<", ">", "/", "&",
    "&#", ";", "\x00", "\u202f", "<![if", "<br>", "<p>", "=", " ", "\n", "a", "mj-", "0", MARK, "<mj-section>",
    "</mj-section>", "<tr>", "/>", "--", "!", "?", "\x0b", "\\", "\ud800", "<style>", "<title>", "<pre>", "]]>",
]  # fmt: skip


@settings(max_examples=100, deadline=None)  # ten edits are tried for each that passes the check
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, 6), st.sampled_from(["", *PIECES])), min_size=1, max_size=2
    )
)
def test_what_passes_the_check_compiles(edits: list[tuple[int, int, str]]) -> None:
    source = GOOD
    for at, cut, piece in edits:
        source = source[:at] + piece + source[at + cut :]
    assume(not errors(source))
    assert "</html>" in mjml_to_html(source)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, "<mjml>", "<mj-body>", "</mjml>", 'a="b"']), max_size=30).map("".join))
def test_the_scan_covers_every_character_once_and_never_fails(source: str) -> None:
    pieces = list(scan(source))
    assert "".join(source[piece.start : piece.end] for piece in pieces) == source
    assert all(piece.line == source[: piece.start].count("\n") + 1 for piece in pieces)
    check_structure(source, file="m")


def test_the_scan_is_linear() -> None:
    """A million characters of what would make a backtracking scanner stop for good."""
    for bait in ("<", '<a "', "<!--", "</", "<a b='", "& "):
        assert sum(1 for _ in scan(bait * (200_000 // len(bait)))) >= 1


def test_attributes_keep_their_lines() -> None:
    piece = next(piece for piece in scan("\n<mj-image\n  src='a'\n\n  alt=\"b\" c/>") if piece.kind is TokenKind.EMPTY)
    assert [(a.name, a.value, a.line) for a in piece.attributes] == [("src", "a", 3), ("alt", "b", 5), ("c", None, 5)]


def test_what_is_refused_is_something_mjml_has() -> None:
    """A slip in the table of refusals would refuse nothing."""
    known = tags()
    assert set(TAGS) - {"mj-include"} <= set(known)
    for tag, attribute in [*ATTRIBUTES, *((tag, attribute) for tag, attribute, _ in VALUES)]:
        assert attribute in known[tag].attributes, (tag, attribute)


def test_every_type_of_the_schema_is_understood() -> None:
    kinds = {kind for tag in tags().values() for kind in tag.attributes.values()}
    bases = {re.split(r"[({]", kind)[0] for kind in kinds}
    assert bases == {"unit", "unitWithNegative", "string", "color", "enum", "boolean", "integer"}
    for kind in kinds:
        value_fault(kind, "x")
        assert value_fault(kind, "10px") is None or not kind.startswith("unit(px")
