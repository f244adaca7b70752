"""The text of an author's own MJML: every address is in it, every row is a line, conditions hold what they held."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.html_to_text.convert import text_of_html
from mailer.compose.mjml.to_html import mjml_to_html
from mailer.compose.templating.markers import Control, LinkMark, Literal, Markers
from mailer.diagnostics import Place

HERE = Place("message.mjml", 1)


def text(html: str) -> str:
    return text_of_html(html, markers=Markers("x"))


SAID = {
    "hidden": ('<title>T</title><div style="display:none">no <b>no</b></div><!-- no --><p>Yes</p>', "Yes\n"),
    "hidden in a sentence": ('<p>a<span style="display:none">no</span> b</p>', "a b\n"),
    "hidden in a link": ('<a href="https://e.org/">Read <b hidden>no</b>it</a>', "Read it: https://e.org/\n"),
    "hidden items": ("<ul><li>a</li><li hidden>no</li><title>no</title><li>b</li></ul>", "- a\n- b\n"),
    "hidden terms": ("<dl><dt>a</dt><div><dt>b</dt><dd>c</dd></div><dd hidden>no</dd></dl>", "a\nb\n    c\n"),
    "hidden cells and rows": (
        "<table><caption>Years</caption><tr><td>a</td><td hidden>no</td><td>b</td></tr>"
        "<tr hidden><td>no</td></tr></table>",
        "Years\n\na | b\n",
    ),
    "links in what is hidden": (
        "<ul><li>a</li><li hidden><a href='https://e.org/l'>l</a></li><li>b</li></ul><table><tr><td>a</td><td hidden>"
        "<a href='https://e.org/c'>c</a></td><td>b</td></tr><tr hidden><td><a href='https://e.org/r'>r</a></td></tr></table>",
        "- a\nl: https://e.org/l\n\n- b\n\na c: https://e.org/c | b\nr: https://e.org/r\n",
    ),
    "hidden in Outlook alone": ('<p style="mso-hide:all">Yes</p>', "Yes\n"),
    "link in a sentence": (
        '<p>Some <a href="https://e.org/a">words here</a> and\n more.<br>Next</p>',
        "Some words here and more.\nNext\nwords here: https://e.org/a\n",
    ),
    "link twice": (
        '<p><a href="https://e.org/">Read</a> or <a href="https://e.org/">read</a></p>',
        "Read or read\nRead: https://e.org/\n",
    ),
    "line": ("<p>a</p><hr><p>b</p>", "a\n\n* * *\n\nb\n"),
    "paragraphs in a lone cell": ("<table><tr><td><p>a</p><p>b</p></td></tr></table>", "a\n\nb\n"),
    "ends without beginnings": ("<p>a<br/>b</i></p></p>c", "a\nb\n\nc\n"),
    "place in the mail": ('<p><a href="#x">up</a></p>', "up\n"),
    "picture": ('<p><img src="x" alt="A cat">words</p>', "[A cat] words\n"),
    "picture that links": ('<a href="https://e.org/b"><img src="x" alt="A cat"></a>', "A cat: https://e.org/b\n"),
    "link without words": ('<a href="https://e.org/b"><img src="x" alt=""></a>', "https://e.org/b\n"),
    "block in a link": ('<a href="https://e.org/"><p>Read  it</p></a>', "Read it: https://e.org/\n"),
    "heading in a link": ('<a href="https://e.org/"><h2>Read it</h2></a>', "Read it: https://e.org/\n"),
    "link in a heading": ('<h2><a href="https://e.org/">Read it</a></h2>', "Read it: https://e.org/\n"),
    "table in a link": (
        '<a href="https://e.org/"><table><tr><td>a</td><td>b</td></tr></table></a>',
        "a b: https://e.org/\n",
    ),
    "blocks in a link": (
        '<a href="https://e.org/"><h2>Title</h2><p>Teaser</p></a>',
        "Title\n-----\n\nTeaser\nhttps://e.org/\n",
    ),
    "links side by side": (
        '<a href="https://e.org/a">Home</a><a href="https://e.org/b">About us</a>',
        "Home: https://e.org/a\nAbout us: https://e.org/b\n",
    ),
    "links with signs between": (
        '<p><a href="https://e.org/a">Leave</a> &nbsp;·&nbsp; <a href="https://e.org/b">View</a></p>',
        "Leave: https://e.org/a\nView: https://e.org/b\n",
    ),
    "mail": ('<p><a href="mailto:us@e.org">us@e.org</a></p>', "us@e.org\n"),
    "list": ("<ul><li>one</li><li>two<ul><li>in</li></ul></li></ul>", "- one\n- two\n  - in\n"),
    "numbers": ("<ol><li>one</li><li><p>two</p></li></ol>", "1. one\n2. two\n"),
    "numbers from": ('<ol start="9"><li>a</li><li value="20">b</li><li>c</li></ol>', "9. a\n20. b\n21. c\n"),
    "numbers back": ("<ol reversed><li>a</li><li>b</li></ol>", "2. a\n1. b\n"),
    "letters": ('<ol type="a"><li>x</li><li>y</li></ol><ol type="I"><li>x</li></ol>', "a. x\nb. y\n\nI. x\n"),
    "list in a list": ("<ul><li>one</li><ul><li>in</li></ul></ul>", "- one\n  - in\n"),
    "link in an item": (
        '<ol><li>See <a href="https://e.org/">it</a> now</li></ol>',
        "1. See it now\n   it: https://e.org/\n",
    ),
    "terms": ("<dl><dt>Term</dt><dd>Meaning</dd></dl>", "Term\n    Meaning\n"),
    "quotation": ("<blockquote><p>A</p><p>B</p></blockquote>", "> A\n>\n> B\n"),
    "own lines": ("<pre>a  b\n c</pre>", "a  b\n c\n"),
    "soft hyphens": ("<p>Bürger&shy;meister&zwnj;&nbsp;&zwnj;&nbsp;&#847; \u200bnow</p>", "Bürgermeister now\n"),
    "Persian": ("<p>می\u200cخواهم</p>", "می\u200cخواهم\n"),
    "raised": ("<p>Yes.<sup>1</sup> H<sub>2</sub>O, 10<sup>th</sup></p>", "Yes.¹ H₂O, 10th\n"),
    "struck": ("<p><s>old</s> new</p>", "~~old~~ new\n"),
    "rows": (
        "<table><thead><tr><th>Year</th><th>Loans</th></tr></thead><tr><td>2025</td><td>1,200</td></tr></table>",
        "Year | Loans\n2025 | 1,200\n",
    ),
    "rows of blocks": (
        "<table><tr><td><p>a</p><p>b</p></td><td><ul><li>c</li></ul></td></tr><tr><td></td><td>d</td></tr></table>",
        "a b | c\nd\n",
    ),
    "picture beside words": (
        '<table><tr><td><img src="x" alt=""></td><td>a<br>b</td></tr></table>',
        "a b\n",
    ),
    "empty corner": (
        "<table><tr><th></th><th>2025</th><th>2026</th></tr><tr><td>x</td><td></td><td>1</td></tr></table>",
        " | 2025 | 2026\nx |  | 1\n",
    ),
    "link in a cell": (
        '<table><tr><td>2025</td><td><a href="https://e.org/">Report</a></td><td>9</td></tr></table>',
        "2025 | Report: https://e.org/ | 9\n",
    ),
    "table that lays out": (
        '<table role="presentation"><tr><td>a</td><td>b</td></tr></table>',
        "a\n\nb\n",
    ),
    "tables in a table": (
        "<table><tr><td><table><tr><td>a</td><td>b</td></tr></table></td><td>c</td></tr></table>",
        "a | b\n\nc\n",
    ),
    "only where it is hidden": (
        '<div style="display:none"><a href="https://e.org/a">A</a></div><p>b <a href="https://e.org/b">B</a> c</p>'
        '<div style="display:none"><a href="https://e.org/b">B</a></div>',
        "A: https://e.org/a\n\nb B c\nB: https://e.org/b\n",
    ),
}


@pytest.mark.parametrize(("html", "said"), SAID.values(), ids=SAID)
def test_each_thing_is_said_as_text(html: str, said: str) -> None:
    assert text(html) == said


def test_long_paragraphs_are_wrapped_and_rows_are_not() -> None:
    words = "word " * 40
    html = f"<p>{words}</p><table><tr><td>{words}</td><td>{words}</td></tr></table>"
    paragraph, row = text(html).split("\n\n")
    assert all(len(line) <= 72 for line in paragraph.split("\n"))
    assert "\n" not in row.strip()


TREES = st.recursive(
    st.sampled_from(["words", " ", "<br>", '<img src="x" alt="A cat">', "LINK", "LINK"]),
    lambda inner: st.tuples(
        st.sampled_from(
            ["p", "div", "span", "b", "h1", "h2", "ul", "ol", "li", "dl", "dt", "dd", "table", "tr", "td", "tbody", "a",
             "blockquote", "pre", "sup", "del", "center", "table role=presentation", 'div style="display:none"', "th"]
        ),
        st.lists(inner, max_size=4),
    ).map(lambda found: f"<{found[0]}>{''.join(found[1])}</{found[0].split(' ')[0]}>"),
    max_leaves=30,
)  # fmt: skip


@given(st.lists(TREES, max_size=4).map("".join))
def test_every_address_of_the_html_is_in_the_text(html: str) -> None:
    count = html.count("LINK")
    for number in range(count):
        html = html.replace("LINK", f'<a href="https://e.org/{number}.">go {number}</a>', 1)
    found = text(html)
    for number in range(count):
        assert f"https://e.org/{number}." in found
    assert text(html) == found


@given(st.lists(st.lists(st.sampled_from(["a", "b c", "<b>d</b>", "1,200", "<p>e</p><p>f</p>", ""]), min_size=2,
                         max_size=4), min_size=1, max_size=5))  # fmt: skip
def test_every_row_is_one_line(rows: list[list[str]]) -> None:
    html = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    lines = text(f"<table>{html}</table>").rstrip("\n").split("\n")
    assert [line for line in lines if line] == [
        (" | ".join(said) if sum(map(bool, said)) > 1 else "".join(said)).rstrip()
        for row in rows
        if any(said := [" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in row])
    ]


def condition(markers: Markers) -> tuple[str, str, str]:
    group = markers.new_group()
    controls = [Control(group, 0, "supporter.x", HERE), Control(group, 1, "", HERE), Control(group, -1, "", HERE)]
    first, other, end = (markers.add(control) for control in controls)
    return first, other, end


CONDITIONS = {
    "in a sentence": (
        'A {IF}<a href="https://e.org/">b</a>{ELSE}c{END} d',
        "A {IF}b {ELSE}c{END} d{IF}\nb: https://e.org/{ELSE}{END}\n",
    ),
    "around a paragraph": ("<p>a</p>{IF}<p>b</p>{ELSE}<p>c</p>{END}<p>d</p>", "a\n\n{IF}b\n\n{ELSE}c\n\n{END}d\n"),
    "all of a paragraph": (
        '<p>{IF}b <a href="https://e.org/">x</a> y{ELSE}c{END}</p><p>d</p>',
        "{IF}b x y\nx: https://e.org/\n\n{ELSE}c\n\n{END}d\n",
    ),
    "words beside a block": (
        '{IF}one <a href="https://e.org/">x</a> y{ELSE}<p>two</p>{END}',
        "{IF}one x y\nx: https://e.org/\n\n{ELSE}two\n\n{END}\n",
    ),
    "around a row": (
        "<table><tr><td>a</td><td>b</td></tr>{IF}<tr><td>c</td><td>d</td></tr>{ELSE}{END}</table>",
        "a | b\n{IF}c | d\n{ELSE}{END}\n",
    ),
    "around a cell": (
        "<table><tr>{IF}<td>a</td>{ELSE}{END}<td>b</td>{IF}<td>c</td>{ELSE}{END}</tr></table>",
        "{IF}a{ELSE}{END} | b{IF} | c{ELSE}{END}\n",
    ),
    "around an item": ("<ul><li>a</li>{IF}<li>b</li>{ELSE}<li>c</li>{END}</ul>", "- a\n{IF}- b\n{ELSE}- c\n{END}\n"),
    "in a link": ('<a href="https://e.org/">{IF}a{ELSE}b{END}</a>', "{IF}a{ELSE}b{END}: https://e.org/\n"),
}


@pytest.mark.parametrize(("html", "said"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition_holds_in_the_text_what_it_holds_in_the_html(html: str, said: str) -> None:
    markers = Markers("x")
    first, other, end = condition(markers)

    def named(words: str) -> str:
        return words.replace("{IF}", first).replace("{ELSE}", other).replace("{END}", end)

    assert text_of_html(named(html), markers=markers) == named(said)


def test_what_is_known_is_said_and_two_addresses_to_one_place_are_one() -> None:
    markers = Markers("x")
    known = markers.add(Literal("Friends & Co"))
    phone, desk = markers.add(LinkMark(0)), markers.add(LinkMark(1))
    html = f'<p>{known}</p><div style="display:none"><a href="{phone}">go</a></div><p><a href="{desk}">go</a></p>'
    same = {phone: "https://e.org/", desk: "https://e.org/"}
    found = text_of_html(html, markers=markers, destination=lambda address: same[address])
    assert found == f"Friends & Co\n\ngo: {desk}\n"


def test_components_of_mjml_are_told_one_by_one() -> None:
    html = mjml_to_html(
        """<mjml lang="en" dir="ltr"><mj-head><mj-title>T</mj-title></mj-head><mj-body>
        <mj-section><mj-column><mj-image src="a.png" alt="A cat" href="https://e.org/img"/></mj-column>
        <mj-column><mj-button href="https://e.org/go">Go now</mj-button></mj-column></mj-section>
        <mj-section><mj-column>
        <mj-navbar><mj-navbar-link href="https://e.org/n1">Home</mj-navbar-link><mj-navbar-link href="https://e.org/n2">Us</mj-navbar-link></mj-navbar>
        <mj-social><mj-social-element src="f.png" alt="F" href="https://e.org/f">Find us on F</mj-social-element>
        <mj-social-element src="g.png" alt="G" href="https://e.org/g"></mj-social-element></mj-social>
        <mj-divider/><mj-spacer/><mj-table><tr><td>a</td><td>b</td></tr></mj-table>
        </mj-column></mj-section></mj-body></mjml>"""
    )
    assert text(html) == (
        "A cat: https://e.org/img\n\nGo now: https://e.org/go\n\nHome: https://e.org/n1\nUs: https://e.org/n2\n\n"
        "Find us on F: https://e.org/f\nG: https://e.org/g\n\na | b\n"
    )
