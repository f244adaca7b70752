"""A mail as an article: what was written and nothing of a mail's own, safe whatever the mail holds."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.html_tree import VOID, parse
from mailer.web.pages.article import ArticlePicture, ArticleSource, article_of, urls_for_article
from tests.conftest import REPOSITORY

GOLDEN = sorted((REPOSITORY / "tests" / "compose" / "golden" / "mails").glob("*.html"))
ALLOWED = {
    "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "blockquote", "hr", "pre", "a", "b", "strong", "em", "i",
    "sup", "sub", "br", "code", "bdi", "s", "u", "span", "img",
}  # fmt: skip
GIVEN = {"id", "lang", "dir", "href", "class", "src", "alt", "width", "height", "loading"}
OURS = "https://mail.example.org"
SOURCE = ArticleSource(
    own=lambda src: src.removeprefix(OURS) if src.startswith(f"{OURS}/i/") else "",
    size=lambda src: (1200, 800) if "river" in src else None,
    actions={f"{OURS}/archive/x/go/1"},
    unsaid={"You get this mail because you signed."},
    name="Clean River",
)
URLS = urls_for_article(f"{OURS}/archive/x/go")
BUTTON = (
    '<table><tr><td bgcolor="#c00"><a href="{}" style="background:#c00;display:inline-block">{}</a></td></tr></table>'
)
MAIL = f"""<html><head><title>x</title><style>p{{}}</style></head><body>
<div style="display:none">the preheader</div>
<table><tr><td><div>Clean River</div></td></tr><tr><td><div>Take action</div></td></tr>
<tr><td><div><h1>3,412 hours &amp; more</h1></div></td></tr>
<tr><td><img src="{OURS}/i/ab/river.png" alt="A &quot;river&quot;" width="520"></td></tr>
<tr><td><div><p>Dear friend, <b>read</b> <a href="{OURS}/archive/x/go/2">this</a>.</p></div></td></tr>
<tr><td style="font-size:48px"><div>61</div></td><td style="font-size:16px"><div>spills</div></td></tr>
<tr><td>{BUTTON.format(f"{OURS}/archive/x/go/1", "Sign")}</td></tr>
<tr><td><div><blockquote><p>A quote</p></blockquote></div></td></tr>
<tr><td>{BUTTON.format(f"{OURS}/archive/x/go/1", "Sign again")}</td></tr>
<tr><td><img src="https://elsewhere.example.net/spy.png" alt="spy">
<img src="{OURS}/i/cd/face.png" width="64" alt="Rhi"></td></tr>
<tr><td><div><p>You get this mail because you signed.</p></div></td></tr>
<tr><td><div><p>Also said</p><p><a href="{URLS.unsubscribe}">Unsubscribe</a> · <a href="{URLS.view}">View</a></p>
<p>12 Weir Lane</p></div></td></tr></table></body></html>"""


class Checked(HTMLParser):
    """Takes nothing but what pages allow, with each element closed where it was opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        assert {name for name, _ in attrs} <= GIVEN
        for name, value in attrs:
            assert name != "href" or str(value).lower().startswith(("http://", "https://", "mailto:", "#", "/"))
            assert name != "src" or str(value).startswith("/i/")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_mail_becomes_an_article() -> None:
    found = article_of(MAIL, SOURCE)
    assert (found.headline, found.kicker) == ("3,412 hours & more", "Take action")
    assert found.lead == ArticlePicture("/i/ab/river.png", 'A "river"', (1200, 800))
    assert found.pictures == (found.lead,)
    Checked(found.html)
    for words in (
        "Dear friend, <b>read</b>",
        '<p class="figure">61</p>',
        "<p>spills</p>",
        "<blockquote><p>A quote</p>",
    ):
        assert words in found.html
    assert found.html.count('class="go"') == 1, "one loud thing"
    assert 'class="btn">Sign again</a>' in found.html
    assert '<img class="face" src="/i/cd/face.png" width="64" height="64" alt="Rhi">' in found.html


@pytest.mark.parametrize(
    "words", ["preheader", "because", "Unsubscribe", "View", "Weir Lane", "spy", "elsewhere", "#mailer", "Clean River"]
)
def test_what_belongs_in_a_mail_alone_is_left_out(words: str) -> None:
    assert words not in article_of(MAIL, SOURCE).html


def test_a_mail_that_is_one_cell_loses_only_the_line_to_leave() -> None:
    html = f"<div><h1>Hello</h1><p>{'Many words. ' * 30}</p><p><a href='{URLS.unsubscribe}'>Leave</a></p></div>"
    found = article_of(html, SOURCE)
    assert "Many words" in found.html
    assert "Leave" not in found.html


def test_a_mail_without_a_headline_is_all_there() -> None:
    found = article_of("<p>One</p><p>Two</p>", SOURCE)
    assert (found.headline, found.kicker, found.lead, str(found.html)) == ("", "", None, "<p>One</p><p>Two</p>")


def test_a_second_headline_is_none_of_the_pages() -> None:
    found = article_of("<h1>One</h1><p>two <h1>three</h1></p><div><h1>four</h1></div>", SOURCE)
    assert found.headline == "One"
    assert "<h1" not in found.html
    assert {"two", "three", "four"} <= set(parse(found.html).text().split())


def test_a_long_text_before_the_headline_stays() -> None:
    found = article_of(f"<p>{'so it began ' * 10}</p><h1>Then</h1><p>after</p>", SOURCE)
    assert found.kicker == ""
    assert str(found.html).startswith("<p>so it began")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_template_reads_as_an_article(path: Path) -> None:
    html = path.read_text(encoding="utf-8")
    found = article_of(html, SOURCE)
    Checked(found.html)
    assert found.headline
    said = set(parse(html).text().split())
    kept = parse(f"{found.kicker} {found.headline} {found.html}").text().split()
    assert set(kept) <= said, "no word of its own"
    assert len(kept) > 0.5 * len(said)


TAGS = st.sampled_from(
    ["p", "div", "td", "a", "h1", "img", "ul", "li", "b", "script", "style", "span", "blockquote", "svg"]
)
PIECES = st.one_of(
    st.text(max_size=12),
    st.builds(lambda tag: f"</{tag}>", TAGS),
    st.builds(
        lambda tag, name, value: f'<{tag} {name}="{value}">', TAGS,
        st.sampled_from(["href", "src", "onclick", "style", "id", "class"]),
        st.sampled_from(["javascript:alert(1)", f"{OURS}/i/ab/river.png", "font-size:48px", "x&quot; on=&quot;", "#a"]),
    ),
)  # fmt: skip


@given(st.lists(PIECES, max_size=25))
def test_any_html_makes_a_safe_article(pieces: list[str]) -> None:
    Checked(article_of("".join(pieces), SOURCE).html)
