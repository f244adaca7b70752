"""The templates that ship: readable by everyone, on every screen, whichever blocks and conditions a message has."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup
from playwright.sync_api import Browser

from mailer.compose.colours.palette import palettes, unreadable
from mailer.compose.look.logo import MailLogo
from mailer.compose.look.voice import voice_of
from mailer.compose.mjml.lint import check_structure
from mailer.compose.mjml.to_html import mjml_to_html
from mailer.compose.mjml.tokenizer import VOID
from mailer.compose.source.labels import words_for
from mailer.settings import Brand, Organisation
from tests.browser import browser  # noqa: F401  # pyright: ignore[reportUnusedImport]  # a fixture
from tests.conftest import REPOSITORY

TEMPLATES = ("appeal", "digest", "event", "thanks", "update", "urgent")
MARKS = tuple(f"mk0a1b2c3dc{n}z" for n in range(3))
PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
PROGRESS = "https://m.example.org/progress/s.png?lang=en"
NIGHT = f"{PROGRESS}&mode=dark"
LIGHT, DARK = palettes(Brand())
LOGO = MailLogo(PICTURE, "Example Campaigns", 120, 36, alone=True, tile=False)
MARK = MailLogo(PICTURE, "", 36, 36, alone=False, tile=True)
NUMBERS = ("12", "1.5 million", "0")
LONG_WORD = "Menschenrechtsbeauftragtenversammlung"


def thing(**values: Any) -> SimpleNamespace:
    return SimpleNamespace(**values)


def message(language: str = "en", direction: str = "ltr") -> SimpleNamespace:
    start, end = ("left", "right") if direction == "ltr" else ("right", "left")
    return thing(
        subject="Say “no” & sign", title="Say “no” & sign", preheader="Twelve experts asked. Add your name.",
        headline="Say “no” & sign: ask UN experts", language=language, direction=direction, start=start, end=end,
        is_thanks=False,
    )  # fmt: skip


def blocks() -> list[SimpleNamespace]:
    """Every kind of block, with and without what it can lack; MARKS stand around whole ones."""
    text = f'<p>Dear Ana,<sup>1</sup> <a href="https://m.example.org/c/t/2">{LONG_WORD}</a></p><h2>Why</h2><ul><li>a</li></ul>'
    return [
        thing(kind="text", html=Markup(text + "<blockquote><p>b</p></blockquote><h3>c</h3><ol><li>d</li></ol>")),
        thing(kind="ask", label="Add your name", url="https://m.example.org/c/t/1"),
        thing(kind="condition", marker=MARKS[0]),
        thing(kind="quote", html=Markup("<p>On a significant scale.”</p>"), by="A tribunal", mark="“"),
        thing(kind="story", title="A", image=thing(src=PICTURE, alt="Letters"), html=Markup("<p>b</p>"),
          link=thing(label="Read more", url="https://m.example.org/c/t/3")),
        thing(kind="condition", marker=MARKS[1]),
        thing(kind="image", src=PICTURE, alt="A street", width=1200, caption="A caption"),
        thing(kind="condition", marker=MARKS[2]),
        thing(kind="image", src=PICTURE, alt="", width=None, caption=""),
        thing(kind="quote", html=Markup("<p>Nobody said it.</p>"), by="", mark=""),
        thing(kind="story", title="No picture", image=None, html=Markup("<p>b</p>"), link=None),
        thing(kind="numbers", size=30,
          figures=[thing(figure=Markup(n), label=Markup("<em>people</em>")) for n in NUMBERS]),
        thing(kind="progress", src=PROGRESS, night_src=NIGHT, alt="How many", html=Markup("<p>So far</p>")),
        thing(kind="progress", src=PROGRESS, night_src=NIGHT, alt="How many", html=Markup("")),
        thing(kind="share", title="Pass it on", copy="Or copy:", address=f"https://example.org/{LONG_WORD * 3}",
          links=[thing(label=name, url=f"https://m.example.org/c/t/2{n}") for n, name in enumerate(("Email", "X"))]),
    ]  # fmt: skip


def context(**changes: Any) -> dict[str, Any]:
    notes = [thing(number=n, html=Markup(f'<a href="https://m.example.org/c/t/{n + 8}">Source</a>')) for n in (1, 2)]
    return {
        "message": message(), "body": blocks(), "notes": notes,
        "fields": {"kicker": "Act", "picture": PICTURE, "picture_alt": "A crowd", "deadline": "Closes tonight"},
        "action": thing(url="https://m.example.org/c/t/1", label="Add your name"),
        "signature": Markup("<p><strong>The team</strong></p>"),
        "signature_picture": thing(src=PICTURE, alt="Maria Silva", width=200),
        "postscripts": [thing(kind="ps", html=Markup("<p><strong>P.S.</strong> One more thing.</p>"))],
        "organisation": Organisation("Example Campaigns", "1 Example Street, London", "https://example.org"),
        "brand": Brand(social={"Mastodon": "https://example.org/@us"}), "light": LIGHT, "dark": DARK,
        "event": thing(date="Saturday, 12 December 2026", time="14:00–16:30", day="12", month="Dec", place="Town Hall",
          address="1 Market Street"),
        "logo": None, "sheet_logo": None, "voice": voice_of("Say “no” & sign", "en"),
        "list": thing(name="s", title="Supporters", description="You asked for it."),
        "unsubscribe_url": "https://m.example.org/u/t", "view_url": "https://m.example.org/v/t",
        "preferences_url": "https://m.example.org/p/t",
        **changes,
    }  # fmt: skip


def layout(name: str, **changes: Any) -> str:
    loader = FileSystemLoader(REPOSITORY / "templates")
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined, loader=loader)
    values = context(**changes)
    words = words_for(values["message"].language)
    return environment.get_template(f"{name}/layout.mjml").render(values, words=words)


def compiled(name: str, **changes: Any) -> str:
    return mjml_to_html(layout(name, **changes))


class Page(HTMLParser):
    """Tags with their attributes, and what is wrong with how they close."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.walk: list[tuple[str, dict[str, str]]] = []  # the same, and each end as /tag
        self.faults: list[str] = []
        self.stack: list[str] = []
        self.feed(source)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.stack]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.walk.append(self.tags[-1])
        if tag not in VOID and not tag.startswith(("o:", "xml")):
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.walk.append((f"/{tag}", {}))
        if tag.startswith(("o:", "xml")):
            return
        if not self.stack or self.stack[-1] != tag:
            self.faults.append(f"</{tag}> inside {self.stack[-3:]}")
        else:
            self.stack.pop()

    def all(self, tag: str) -> Iterator[dict[str, str]]:
        return (attributes for found, attributes in self.tags if found == tag)


def for_outlook(html: str) -> str:
    """The page as classic Outlook reads it: comments addressed to it opened, what is hidden from it gone."""
    html = re.sub(r"<!--\[if !mso\]><!-->.*?<!--<!\[endif\]-->", "", html, flags=re.DOTALL)
    return re.sub(r"<!--\[if (?:mso|lte|mso \| IE)[^\]]*\]>(.*?)<!\[endif\]-->", r"\1", html, flags=re.DOTALL)


def style(attributes: dict[str, str]) -> dict[str, str]:
    pairs = (rule.partition(":") for rule in attributes.get("style", "").split(";") if ":" in rule)
    return {name.strip(): value.strip() for name, _, value in pairs}


def pixels(text: str) -> float:
    return float(text.removesuffix("px"))


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("full", [True, False])
def test_the_layout_has_no_faults(name: str, direction: str, full: bool) -> None:
    bare: dict[str, Any] = {
        "fields": {}, "notes": [], "signature": "", "signature_picture": None, "postscripts": [], "action": None,
        "organisation": Organisation("Example", "Street", ""), "logo": LOGO, "sheet_logo": MARK,
    }  # fmt: skip
    source = layout(name, message=message("ar" if direction == "rtl" else "en", direction), **({} if full else bare))
    assert check_structure(source, file="layout.mjml") == []
    assert mjml_to_html(source)


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_page_says_its_language_and_what_it_is(name: str) -> None:
    page = Page(compiled(name, message=message("ar", "rtl")))
    (root,) = page.all("html")
    assert (root["lang"], root["dir"]) == ("ar", "rtl")
    article = next(attributes for attributes in page.all("div") if attributes.get("role") == "article")
    assert (article["lang"], article["dir"], article["aria-label"]) == ("ar", "rtl", "Say “no” & sign")
    assert len(list(page.all("title"))) == 1
    assert "<title>Say “no” &amp; sign</title>" in compiled(name)
    metas = {attributes.get("name"): attributes.get("content") for attributes in page.all("meta")}
    assert metas["color-scheme"] == metas["supported-color-schemes"] == "light dark"
    assert metas["description"] == "Twelve experts asked. Add your name."


@pytest.mark.parametrize("name", TEMPLATES)
def test_one_h1_and_no_level_left_out(name: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(compiled(name)).tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("name", TEMPLATES)
def test_tables_are_for_layout_only_and_pictures_are_described(name: str) -> None:
    page = Page(for_outlook(compiled(name)))
    tables = list(page.all("table"))
    assert len(tables) > 20
    assert all(table.get("role") == "presentation" for table in tables)
    images = list(page.all("img"))
    assert len(images) == (7 if "masthead" in (REPOSITORY / "templates" / name / "layout.mjml").read_text() else 6)
    assert all("alt" in image for image in images)


@pytest.mark.parametrize("name", TEMPLATES)
def test_text_is_large_enough(name: str) -> None:
    """Body text is 16 px or more on lines of 1.5 or more; nothing anywhere is under 15 px."""
    html = compiled(name)
    sizes = [
        pixels(s["font-size"]) for _, a in Page(html).tags if "font-size" in (s := style(a)) and "px" in s["font-size"]
    ]
    # 0 px and 1 px are MJML's own, on cells and rules that hold no text.
    assert min(size for size in sizes if size > 1) >= 15
    prose = [style(a) for a in re_divs(html)]
    assert prose
    for rules in prose:
        assert pixels(rules["font-size"]) >= 15
        assert float(rules["line-height"]) >= 1.2
    body = [rules for rules in prose if rules["font-size"] == "17px" and rules["line-height"] == "1.55"]
    assert body[-1]["text-align"] == "left"


def re_divs(html: str) -> list[dict[str, str]]:
    """The divs that hold the text of mj-text."""
    found = [a for a in Page(html).all("div") if "line-height" in style(a) and a.get("aria-hidden") != "true"]
    return [a for a in found if style(a).get("font-size", "0") not in ("0", "0px")]


@pytest.mark.parametrize("name", TEMPLATES)
def test_buttons_are_at_least_44_pixels_high(name: str) -> None:
    links = [a for a in Page(compiled(name)).all("a") if "padding" in style(a)]
    if name == "event":
        assert links.pop(0)["href"] == "https://m.example.org/v/t/event.ics"
    button, *links = links
    for link in (button, *links):
        rules = style(link)
        padding = pixels(rules["padding"].split()[0])
        line = rules["line-height"]
        size = pixels(rules.get("font-size", "17px"))
        assert size * (float(line.rstrip("%")) / (100 if "%" in line else 1)) + 2 * padding >= 44
    assert button["href"] == "https://m.example.org/c/t/1"
    assert [link["href"] for link in links] == ["https://m.example.org/c/t/20", "https://m.example.org/c/t/21"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_links_are_underlined_and_coloured(name: str) -> None:
    for link in Page(compiled(name)).all("a"):
        rules = style(link)
        if "text-decoration" not in rules or rules.get("font-size") == "18px":  # the button, and the logo or a picture
            continue
        assert rules["text-decoration"] == "underline"
        assert rules["color"].startswith("#")


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_asked_of_third_parties(name: str) -> None:
    page = Page(for_outlook(compiled(name)))
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object", "form", "video")]
    assert {a["src"] for a in page.all("img")} == {PICTURE, PROGRESS}
    html = compiled(name)
    assert "url(" not in html
    assert "@import" not in html
    hosts = set(re.findall(r"https?://([^/\"'\s)]+)", html)) - {"www.w3.org"}
    assert hosts == {"m.example.org", "example.org"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_footer_says_who_why_and_how_to_leave(name: str) -> None:
    html = compiled(name)
    footer = html[html.index("Source</a>") :]
    for expected in (
        "1 Example Street, London",
        "You asked for it.",
        "Example Campaigns",
        'href="https://example.org"',
    ):
        assert expected in footer
    for word, url in (("Unsubscribe", "u"), ("Fewer emails", "p"), ("View in browser", "v")):
        assert re.search(rf'<a [^>]*href="https://m\.example\.org/{url}/t"[^>]*>{word}</a>', footer)
    assert "Abmelden" in compiled(name, message=message("de-AT"))
    assert "Unsubscribe" in compiled(name, message=message("cy"))


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_preheader_is_first_and_hidden(name: str) -> None:
    html = compiled(name)
    body = html[html.index('role="article"') :]
    first = body.index("<div")
    assert body[first:].startswith(
        '<div class="preheader" style="display:none;max-height:0;overflow:hidden;mso-hide:all">'
    )
    assert "<v:" not in html


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("kept", list(itertools.product([True, False], repeat=2)))
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_the_page_is_whole_whichever_branches_are_taken(name: str, kept: tuple[bool, bool], direction: str) -> None:
    """MARKS stand for if, else and endif around whole blocks; for Outlook and for everyone else all tags must pair."""
    html = compiled(name, message=message(direction=direction))
    before, first, second, after = re.split("|".join(MARKS), html)
    chosen = before + (first if kept[0] else "") + (second if kept[1] else "") + after
    assert ("A tribunal" in chosen, "A caption" in chosen) == kept
    assert Page(chosen).faults == []  # as everyone reads it: what is for Outlook alone is a comment
    assert Page(for_outlook(chosen)).faults == []


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_what_meets_can_be_read_in_light_and_in_dark() -> None:
    assert [*unreadable(LIGHT), *unreadable(DARK)] == []
    html = compiled("appeal")
    dark = html[html.index("prefers-color-scheme: dark") :]
    for role in ("page", "card", "tint", "text", "quiet", "link", "line", "act", "act_on", "act_edge", "spark"):
        assert f"{getattr(DARK, role)} !important" in dark, role


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_band_keeps_the_brand_in_the_dark(name: str, browser: Browser) -> None:  # noqa: F811  # the fixture
    """The ground of the headline and of the footer is the same by day and by night."""
    grounds: list[list[str]] = []
    for scheme in ("light", "dark"):
        tab = browser.new_context(viewport={"width": 700, "height": 900}, color_scheme=scheme)
        try:
            page = tab.new_page()
            page.set_content(compiled(name))
            script = "all => all.map((one) => getComputedStyle(one.querySelector('table')).backgroundColor)"
            grounds.append(page.eval_on_selector_all(".band", script))
        finally:
            tab.close()
    assert grounds[0] == grounds[1]
    assert {_hex(ground) for ground in grounds[0]} == (set() if name == "urgent" else {LIGHT.deep})


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_scrolls_sideways_on_the_smallest_phone(name: str, direction: str, browser: Browser) -> None:  # noqa: F811  # the fixture
    html = compiled(name, message=message(direction=direction))
    for mark in MARKS:
        html = html.replace(mark, "")
    tab = browser.new_context(viewport={"width": 320, "height": 640}, java_script_enabled=True)
    try:
        page = tab.new_page()
        page.set_content(html)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        button = page.get_by_role("link", name="Add your name", exact=True).bounding_box()
        assert button is not None
        assert button["height"] >= 44
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).direction") == direction
    finally:
        tab.close()


@pytest.mark.parametrize("name", TEMPLATES)
def test_in_the_dark_nothing_is_dark_on_dark(name: str, browser: Browser) -> None:  # noqa: F811  # the fixture
    """Every text against the first background behind it, with prefers-color-scheme: dark."""
    tab = browser.new_context(viewport={"width": 700, "height": 900}, color_scheme="dark")
    try:
        page = tab.new_page()
        page.set_content(compiled(name))
        pairs: list[list[str]] = page.evaluate(
            """() => {
              const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
              while (texts.nextNode()) {
                const node = texts.currentNode, own = node.parentElement;
                if (!node.data.trim() || !own.getClientRects().length || own.closest('.preheader')) continue;
                if (node.data.includes('mk0a1b2c3d')) continue;
                let behind = own;
                const back = () => getComputedStyle(behind).backgroundColor;
                while (behind && back() === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
                found.push([node.data.trim(), getComputedStyle(own).color, back()]);
              }
              return found;
            }"""
        )
    finally:
        tab.close()
    assert len(pairs) > 20
    for text, front, back in pairs:
        assert contrast(_hex(front), _hex(back)) >= 4.5, (text, front, back)


def _hex(rgb: str) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", rgb)[:3])


def outlook_rows(html: str) -> Iterator[tuple[float, float]]:
    """Each row of the page as Outlook reads it whose cells have widths: their sum, and the room there is for them."""
    room: list[float] = [600]
    cells: list[float] = []
    for tag, attributes in Page(for_outlook(html)).walk:
        rules = style(attributes)
        if tag == "table":
            width = attributes.get("width") or rules.get("width", "100%")
            room.append(pixels(width) if "px" in width or width.isdigit() else room[-1])
        elif tag == "td":
            sides = (rules.get("padding", "0px") + " ").split()
            left, right = (sides * 4)[-1 if len(sides) == 4 else 1 % len(sides)], sides[1 % len(sides)]
            sides_width = pixels(rules.get("padding-left", left)) + pixels(rules.get("padding-right", right))
            width = rules.get("width") or attributes.get("width", "")
            if "px" in width:  # an attribute as well: mj-wrapper has it, and it is too wide when there is a padding
                cells.append(pixels(width))
                yield sum(cells), room[-1]
            room.append((cells[-1] if "px" in width else room[-1]) - sides_width)
        elif tag in ("/table", "/td"):
            room.pop()
        if tag in ("tr", "/tr", "/table", "table"):
            cells = []


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_columns_fit_their_row_in_classic_outlook(name: str, direction: str) -> None:
    """Outlook takes widths as they stand: a row whose cells are wider than its room makes the whole mail wider."""
    rows = list(outlook_rows(compiled(name, message=message(direction=direction))))
    assert any(room == 552 for _, room in rows)
    if name != "digest":  # whose stories have no columns
        assert (207, 552) in rows, "the picture of a story"
    for cells, room in rows:
        assert cells <= room, (cells, room)
        assert cells == int(cells), "half pixels are rounded up"


def test_a_row_that_does_not_fit_is_seen() -> None:
    wide = '<table width="600"><tr><td style="padding:0px 40px"><table><tr><td style="width:600px"></td></tr></table>'
    assert list(outlook_rows(wide + "</td></tr></table>")) == [(600, 520)]
