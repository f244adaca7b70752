"""The MJML compiler behind its wrapper: nothing is changed on the way, nothing crashes, nothing is fetched."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mjml import mjml2html

from mailer.compose.mjml import to_html
from mailer.compose.mjml.lint import check_structure
from mailer.compose.mjml.to_html import MAX_DEPTH, mjml_to_html
from mailer.errors import MailerError

MARK = "mk0a1b2c3dv7z"


def document(body: str, *, head: str = "") -> str:
    return f'<mjml lang="en" dir="ltr"><mj-head><mj-title>T</mj-title>{head}</mj-head><mj-body>{body}</mj-body></mjml>'


def column(content: str, *, head: str = "") -> str:
    return document(f'<mj-section padding="0px"><mj-column>{content}</mj-column></mj-section>', head=head)


class Page(HTMLParser):
    """What a browser would see: attributes with references resolved, and text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def attribute(self, tag: str, name: str) -> str | None:
        return next(attributes[name] for found, attributes in self.tags if found == tag and name in attributes)


def test_markers_come_through_byte_for_byte_wherever_they_stand() -> None:
    source = document(
        f"<mj-raw>{MARK}</mj-raw>"
        f'<mj-section><mj-column><mj-image src="{MARK}" alt="{MARK}" title="{MARK}" href="https://x.example/{MARK}?a={MARK}"/>'
        f'<mj-text color="{MARK}">{MARK} <a href="{MARK}" style="color:{MARK}">{MARK}</a></mj-text>'
        f'<mj-button href="{MARK}">{MARK}</mj-button></mj-column></mj-section>',
        head=f'<mj-title>{MARK}</mj-title><mj-raw><meta content="{MARK}" name="x"/></mj-raw>'
        f"<mj-style>.{MARK} {{ color: red }}</mj-style>",
    )
    before = mjml2html(source, fonts={})
    after = mjml_to_html(source)
    # mrml itself says the colour and some others twice; nothing is lost and nothing is added after it.
    assert after.count(MARK) == before.count(MARK) >= 15
    page = Page(after)
    assert page.attribute("img", "alt") == page.attribute("img", "src") == MARK
    assert page.attribute("a", "href") == f"https://x.example/{MARK}?a={MARK}"


@pytest.mark.parametrize("place", ["section", "column", "row"])
def test_a_bare_marker_stays_between_the_same_neighbours(place: str) -> None:
    """css-inline reads HTML5, which moves loose text out of tables."""
    html_ = {
        "section": document(
            f"<mj-raw>{MARK}</mj-raw><mj-section><mj-column><mj-text>in</mj-text></mj-column></mj-section>"
        ),
        "column": column(f"<mj-text>first</mj-text><mj-raw>{MARK}</mj-raw><mj-text>in</mj-text>"),
        "row": column(f"<mj-table><tr><td>first</td></tr>{MARK}<tr><td>in</td></tr></mj-table>"),
    }[place]
    compiled = mjml_to_html(html_)
    assert compiled.count(MARK) == 1
    assert compiled.index(MARK) < compiled.index(">in<")
    if place != "section":
        assert compiled.index(">first<") < compiled.index(MARK)
    assert "loose:" not in compiled


QUOTED = st.text(st.sampled_from("ab \"'&;<>=\\\n\t\u00a0é{}#"), max_size=12)


@given(QUOTED, QUOTED)
def test_quotes_in_any_value_come_through_whichever_quotes_stand_around_it(value: str, title: str) -> None:
    """mrml writes a quote inside a value so that the value ends there, and what follows is swallowed or shown."""

    def written(name: str, text: str, mark: str) -> str:
        safe = text.replace("&", "&amp;").replace("<", "&lt;")
        return f"{name}={mark}{safe.replace(mark, '&quot;' if mark == chr(34) else '&#39;')}{mark}"

    for mark in ("'", '"'):
        label = f"{written('alt', value, mark)} {written('title', title, mark)}"
        heading = title.replace("&", "&amp;").replace("<", "&lt;")
        source = document(
            f'<mj-section><mj-column><mj-image src="a.png" {label} href="https://x.example/"/>'
            f"<mj-text><b {written('title', value, mark)}>seen</b></mj-text>"
            f'<mj-button href="https://x.example/" {written("title", title, mark)}>press</mj-button>'
            "</mj-column></mj-section>",
            head=f"<mj-title>{heading}</mj-title>",
        )
        page = Page(mjml_to_html(source))
        said = {"value": re.sub(r"[\n\t]", " ", value), "title": re.sub(r"[\n\t]", " ", title)}
        assert page.attribute("img", "alt") == said["value"]
        assert page.attribute("img", "title") == said["title"]
        assert page.attribute("b", "title") == said["value"]
        assert page.attribute("div", "aria-label") == re.sub(r"[ \n\t]+", " ", title).strip(" ")
        assert {"seen", "press"} <= set(page.texts)


def test_a_font_in_quotes_changes_nothing_but_the_font() -> None:
    page = Page(
        mjml_to_html(
            column(
                """<mj-text font-family='"Times New Roman", serif'>seen
                <i style='font-family: "Georgia"'>too</i></mj-text>
                <mj-button href="https://x.example/" font-family='"Gill Sans"'>press</mj-button>"""
            )
        )
    )
    styles = " ".join(attributes.get("style") or "" for _, attributes in page.tags)
    for font in ('"Times New Roman", serif', '"Georgia"', '"Gill Sans"'):
        assert font in styles
    assert "\\" not in styles
    assert {"seen", "too", "press"} <= {text.strip() for text in page.texts}


SPELLINGS = {
    "two blanks": ("20px  40px", "20px 40px"),
    "blanks around": (" 20px 40px ", "20px 40px"),
    "line break": ("20px\n   40px", "20px 40px"),
    "bare 0": ("0 40px", "0px 40px"),
    "all bare": ("0 0 0 0", "0px 0px 0px 0px"),
    "capitals": ("20PX 40Px", "20px 40px"),
    "semicolon": ("20px 40px;", "20px 40px"),
}


@pytest.mark.parametrize(("written", "plain"), SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("where", ["section", "column", "wrapper", "image", "attributes", "class"])
def test_a_size_means_the_same_however_it_is_spelt(written: str, plain: str, where: str) -> None:
    """mrml leaves it out of the widths that it works out, so that Outlook's column comes out too wide."""

    def built(padding: str) -> str:
        on = {
            name: f'padding="{padding}"' if name == where else "" for name in ("section", "column", "wrapper", "image")
        }
        body = (
            f"<mj-wrapper {on['wrapper']}><mj-section {on['section']}><mj-column {on['column']}>"
            f'<mj-image src="a.png" alt="" {on["image"]}/></mj-column></mj-section></mj-wrapper>'
        )
        head = {
            "attributes": f'<mj-attributes><mj-section padding="{padding}"/></mj-attributes>',
            "class": f'<mj-attributes><mj-class name="wide" padding="{padding}"/></mj-attributes>',
        }.get(where, "")
        return document(
            body.replace("<mj-section", '<mj-section mj-class="wide"') if where == "class" else body, head=head
        )

    assert check_structure(built(written), file="m") == []
    assert mjml_to_html(built(written)) == mjml_to_html(built(plain))


def test_what_has_no_effect_here_is_left_out_without_a_word() -> None:
    source = document("<mj-section></mj-section>", head='<mj-style inline="inline">p { color: red }</mj-style>')
    source = source.replace("<mjml ", '<mjml version="4.3.0" ')
    assert check_structure(source, file="m") == []
    assert "inline" not in re.sub("css-inline|inline-", "", mjml_to_html(source))


CORRUPTED_BY_MRML = [
    "10\u202f€", "a\u00a0b", "\u200d", "👩‍👩‍👧", "❤️", "\u200f", "so\u00adft", "e\u0301", "हिन्दी", "ภาษาไทย", "العَرَبِيَّة",
    "שָׁלוֹם", "back\\slash", "C:\\new\\u{202f}", "œuvre", "’", "😀",
]  # fmt: skip


@pytest.mark.parametrize("text", CORRUPTED_BY_MRML, ids=ascii)
def test_characters_that_mrml_turns_into_escapes_arrive_whole(text: str) -> None:
    source = (
        f'<mjml><mj-head><mj-title>{text}</mj-title><mj-style>.x::after {{ content: "{text.replace(chr(92), "")}" }}'
        f'</mj-style></mj-head><mj-body><mj-section><mj-column><mj-image src="a.png" href="https://x.example/{text}" '
        f'alt="{text}" title="{text}"/><mj-text>{text}</mj-text></mj-column></mj-section></mj-body></mjml>'
    )
    page = Page(mjml_to_html(source))
    assert page.attribute("img", "alt") == text
    assert page.attribute("img", "title") == text
    assert page.attribute("a", "href") == f"https://x.example/{text}"
    assert page.attribute("div", "aria-label") == text
    assert page.texts.count(text) == 2
    assert any(f'content: "{text.replace(chr(92), "")}"' in piece for piece in page.texts)


def test_the_defect_that_this_works_round_is_still_there() -> None:
    """If mrml mends it, the wrapper can become simpler."""
    assert r"\u{202f}" in mjml2html(column('<mj-image src="a" alt="10\u202f€"/>'), fonts={})


def test_quotes_and_line_breaks_in_attributes() -> None:
    page = Page(mjml_to_html(column('<mj-image\n\tsrc="a.png"\n alt="Say &#34;no&#34; &amp;\nsign"\n/>')))
    assert page.attribute("img", "alt") == 'Say "no" & sign'


@pytest.mark.parametrize(
    "character", ["\x00", "\x08", "\x0b", "\x0c", "\x1f", "\x85", "\x92", "\ud800", "\ufffe", "\uffff"]
)
def test_characters_that_xml_forbids_are_left_out(character: str) -> None:
    assert ">ab<" in mjml_to_html(column(f"<mj-text>a{character}b</mj-text>"))


@pytest.mark.parametrize("reference", ["&#", "&#;", "&#0;", "&#xD800;", "&#99999999;", "&#x110000;", "&", "&foo"])
def test_references_to_no_character_become_text(reference: str) -> None:
    page = Page(mjml_to_html(column(f'<mj-text><a title="{reference}">x</a>{reference}</mj-text>')))
    assert page.attribute("a", "title") == reference


def test_styles_are_inlined_and_what_has_no_inline_form_is_kept() -> None:
    head = (
        "<mj-style>.note p { margin: 0 0 7px } a:hover { color: red }"
        " @media (max-width: 479px) { .note { padding: 1px !important } } [data-ogsc] p { color: pink }</mj-style>"
    )
    compiled = mjml_to_html(column('<mj-text css-class="note"><p>x</p></mj-text>', head=head))
    assert '<p style="margin: 0 0 7px' in compiled
    for kept in (
        "a:hover",
        "@media (max-width: 479px)",
        "[data-ogsc]",
        ".moz-text-html .mj-column-per-100",
        "#outlook a",
    ):
        assert kept in compiled
    assert "data-css-inline" not in compiled


def test_comments_for_outlook_are_kept() -> None:
    source = column("<mj-text>a</mj-text>") + ""
    before = mjml2html(source, fonts={})
    assert re.findall(r"<!--\[if.*?<!\[endif\]-->", mjml_to_html(source), re.DOTALL) == re.findall(
        r"<!--\[if.*?<!\[endif\]-->", before, re.DOTALL
    )


def test_no_font_is_fetched() -> None:
    source = column('<mj-text font-family="Ubuntu, Roboto">a</mj-text>')
    assert "fonts.googleapis.com" in mjml2html(source)
    assert "http" not in mjml_to_html(source).replace("http://www.w3.org/1999/xhtml", "").replace("http-equiv", "")


PANICS = ["<mj-text><!--[if m></mj-text>", "<mjml><mj-head><![if]</mj-head></mjml>"]


@pytest.mark.parametrize("source", PANICS)
def test_what_makes_the_compiler_panic_is_refused_before(source: str) -> None:
    with pytest.raises(MailerError):
        mjml_to_html(source)


@pytest.mark.parametrize("source", PANICS)
def test_a_panic_is_an_error_for_people(source: str, capfd: pytest.CaptureFixture[str]) -> None:
    prepared = to_html._Prepared("<mjml></mjml>", "x.mjml")
    with pytest.raises(MailerError) as caught:
        to_html._guarded(lambda: mjml2html(source), prepared)
    assert caught.value.remedy
    capfd.readouterr()  # Rust's own words on stderr


def test_keyboard_interrupt_is_not_taken_for_a_panic() -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        to_html._guarded(interrupted, to_html._Prepared("", "x.mjml"))


def test_depth_is_capped() -> None:
    # mjml, mj-body, mj-section, mj-column and mj-text are five.
    deepest = MAX_DEPTH - 5
    assert mjml_to_html(column("<mj-text>" + "<b>" * deepest + "x" + "</b>" * deepest + "</mj-text>"))
    for depth in (deepest + 1, 20_000):
        with pytest.raises(MailerError, match="nested more than 64 deep"):
            mjml_to_html(column("<mj-text>" + "<b>" * depth + "</b>" * depth + "</mj-text>"))
    assert mjml_to_html(column("<mj-text>" + "<br>" * 500 + "<img alt=''>" * 500 + "</mj-text>"))


def test_errors_name_the_line() -> None:
    source = '<mjml>\n<mj-body>\n<mj-section\n  padding="0px">\n<mj-text></mj-wrong></x></mj-body>\n</mjml></mjml>'
    with pytest.raises(MailerError) as caught:
        mjml_to_html(source, file="templates/appeal/layout.mjml")
    assert caught.value.place is not None
    assert caught.value.place.file == "templates/appeal/layout.mjml"
    with pytest.raises(MailerError, match=r"x\.mjml:3: broken markup"):
        mjml_to_html("<mjml>\n<mj-body>\n<mj-text color=red>", file="x.mjml")


@pytest.mark.parametrize("source", ["", "text", "<mjml>", "<mjml><mj-body>", "<p></p>", "<mjml></mjml><mjml></mjml>"])
def test_what_cannot_be_compiled_is_an_error_for_people(source: str) -> None:
    with pytest.raises(MailerError):
        mjml_to_html(source)


def test_same_source_same_bytes_in_every_process() -> None:
    code = (
        "import sys, hashlib; from mailer.compose.mjml.to_html import mjml_to_html;"
        "print(hashlib.sha256(mjml_to_html(sys.stdin.read()).encode()).hexdigest())"
    )
    source = column('<mj-image src="a" alt="b" href="c" title="d"/><mj-text css-class="a b">x</mj-text>')
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=source, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(seen) == 1


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40))
def test_any_escaped_text_arrives_as_it_was(text: str) -> None:
    written = html.escape(text)
    page = Page(mjml_to_html(column(f'<mj-image src="a" alt="{written}"/><mj-text><b>{written}</b></mj-text>')))
    kept = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs") or c in "\t\n\r")
    kept = kept.replace("\ufffe", "").replace("\uffff", "")
    assert (page.attribute("img", "alt") or "") == re.sub(r"[\t\n\r]", " ", kept)
    assert "".join(page.texts).count(kept.replace("\r\n", "\n").replace("\r", "\n")) >= 1
