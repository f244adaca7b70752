"""The ::: blocks that staff write: what comes out in HTML and in plain text, and what is refused with what remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from mailer.compose.markdown.parser import CONTAINERS
from mailer.compose.merge import MergeProgram
from mailer.compose.source.labels import words_for
from mailer.locale.language import LANGUAGES
from tests.compose.conftest import URLS, Desk
from tests.compose.mjml.test_templates import TEMPLATES
from tests.conftest import REPOSITORY

ZOE = {"first_name": "Zoë", "email": "z@example.org", "country": "GB"}


@pytest.fixture
def page(desk: Desk) -> Desk:
    """A desk with the blocks that ship, in the layout of tests."""
    for path in (REPOSITORY / "templates" / "blocks").glob("*.mjml"):
        (desk.workspace.templates / "blocks" / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for name in TEMPLATES:
        folder = desk.workspace.templates / name
        folder.mkdir()
        for path in (REPOSITORY / "templates" / name).iterdir():
            (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return desk


def mailed(page: Desk, body: str, **front: str) -> tuple[str, str, MergeProgram]:
    page.write(body, **front)
    path = page.folder / "message.md"
    path.write_text(path.read_text(encoding="utf-8").replace("template: small", "template: appeal"), encoding="utf-8")
    program = MergeProgram(page.compile().message)
    return program.html(ZOE, URLS), program.text(ZOE, URLS), program


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html[html.index("<body") :]).split())


def test_numbers_have_their_words_beside_them_and_read_as_lines(page: Desk) -> None:
    lines = "- **12** experts asked\n- **1.5 million** people held\n- **{{ supporter.country }}** is yours\n"
    html, text, _ = mailed(page, f"::: numbers\n{lines}:::\n")
    rows = re.findall(r'<tr><td class="figure" style="[^"]*font-size: ?(\d+)px[^"]*">[^<]*</td><td', html)
    assert rows == ["30"] * 3, "as large as leaves room beside the longest"
    assert "12 experts asked 1.5 million people held GB is yours" in words(html)
    assert "- 12 experts asked\n- 1.5 million people held\n- GB is yours\n\n" in text


def test_progress_is_a_picture_of_our_server_with_words_for_those_who_see_none(page: Desk) -> None:
    html, text, _ = mailed(page, "::: progress\nHelp us reach **20,000**.\n:::\n")
    src = "https://mail.example.org/progress/an-appeal.png?lang=en"
    pictures = [tag for tag in re.findall(r"<img [^>]*>", html) if 'alt="How many have signed so far"' in tag]
    assert [unescape(tag.split('src="')[1].split('"')[0]) for tag in pictures] == [src, f"{src}&mode=dark"]
    assert ['class="night"' in tag and "display: none" in tag for tag in pictures] == [False, True]
    assert f"How many have signed so far: {src}\n\nHelp us reach 20,000.\n" in text
    other, _, _ = mailed(page, "::: progress another-appeal\n:::\n")
    assert "https://mail.example.org/progress/another-appeal.png" in other


def test_share_links_pass_on_the_action_and_the_words(page: Desk) -> None:
    page.workspace.settings.link_parameters.update(utm_source="mail")  # pyright: ignore[reportAttributeAccessIssue]
    html, text, program = mailed(page, "::: share\nI have signed. *Will* you? & more\n:::\n")
    address = "https://act.example.org/a?utm_source=mail"
    said = f"I have signed. Will you? & more {address}"
    links = {link.label: link for link in program.message.links if link.placement == "share"}
    assert list(links) == ["WhatsApp", "Facebook", "Bluesky", "Telegram", "X"]
    assert [found[0] for found in re.findall(r">(WhatsApp|Email)<(/a)", html)] == ["WhatsApp", "Email"]
    for name, key in (("WhatsApp", "text"), ("X", "text"), ("Bluesky", "text"), ("Facebook", "u")):
        assert parse_qs(urlsplit(links[name].url).query) == {key: [address if key == "u" else said]}
        assert f"{name}: {URLS.click}/{links[name].n}" in text
        assert not links[name].is_action
    apart = {"url": [address], "text": ["I have signed. Will you? & more"]}
    assert parse_qs(urlsplit(links["Telegram"].url).query) == apart
    mail = re.search(r'href="(mailto:[^"]+)"', html)
    assert mail
    fields = parse_qs(urlsplit(mail[1].replace("&amp;", "&")).query)
    assert fields == {"subject": ["I have signed. Will you? & more"], "body": [said]}
    assert address in words(html)
    assert f"Pass it on: I have signed. Will you? & more\n{address}\n" in text


def test_share_says_the_headline_when_it_is_given_no_words(page: Desk) -> None:
    _, text, _ = mailed(
        page, "::: share https://example.org/x\n:::\n", more="headline: 'Hi {{ supporter.name }} you'\n"
    )
    assert "Pass it on: Hi you\nhttps://example.org/x\n" in text


def test_a_caption_may_hold_links(page: Desk, picture: Callable[[str], Path]) -> None:
    picture("a.png")
    for body in (
        "![A seal](a.png)\nBy [Ana](https://example.org/ana)",
        "![A seal](a.png)\n\nBy [Ana](https://example.org/ana)",
    ):
        html, text, program = mailed(page, f"::: picture\n{body}\n:::\n")
        assert 'alt="A seal"' in html
        assert "By Ana" in words(html)
        assert "[A seal]\nBy Ana\nAna: https://mail.example.org/c/TOKEN/1\n" in text
        assert [link.placement for link in program.message.links] == ["picture", "footer"]
    html, text, _ = mailed(page, "::: picture\n![A seal](a.png)\n:::\n")
    assert "[A seal]\n\n" in text


def test_a_postscript_comes_below_the_signature(page: Desk) -> None:
    body = "Words\n\n{% if supporter.country == 'GB' %}\n::: ps\nFor you.\n:::\n{% endif %}\n\n::: ps\nFor all.\n:::\n"
    html, text, program = mailed(page, body, more="signature: The team\n")
    for found in (words(html), " ".join(text.split())):
        assert "Words The team P.S. For you. P.S. For all." in found
    assert "Words The team P.S. For all." in " ".join(program.text({"email": "x@example.org"}, URLS).split())


def test_a_signature_may_have_a_picture(page: Desk, picture: Callable[[str], Path]) -> None:
    picture("maria.png")
    more = "signature: |\n  ![Maria Silva](maria.png)\n  **Maria Silva**\\\n  Campaigns\n"
    html, text, program = mailed(page, "Words", more=more)
    assert re.search(r'<img src="https://mail.example.org/i/[0-9a-f]{16}/maria.png" alt="Maria Silva"', html)
    assert "Words\n\nMaria Silva\nCampaigns\n" in text
    assert [image.name for image in program.message.images] == ["maria.png"]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", [*LANGUAGES, "xx"])
def test_every_block_in_every_template_and_language(
    page: Desk, picture: Callable[[str], Path], template: str, language: str
) -> None:
    picture("a.png")
    body = (
        "Hello[^1]\n\n::: ask\n:::\n\n::: quote Ana\nWords\n:::\n\n::: picture\n![A seal](a.png)\n:::\n\n"
        "::: story\n### Title\n\nWords\n:::\n\n::: numbers\n- **1** a\n- **2** b\n:::\n\n::: progress\n:::\n\n"
        "::: share\n:::\n\n::: ps\nLast.\n:::\n\n[^1]: Note\n"
    )
    assert all(f"::: {name}" in body for name in CONTAINERS)
    needed = 'starts: "2027-01-30 14:00"\nplace: Here\n' if template == "event" else ""
    page.write(body, more=f"language: {language}\n{needed}")
    path = page.folder / "message.md"
    path.write_text(path.read_text(encoding="utf-8").replace("template: small", f"template: {template}"), "utf-8")
    html = MergeProgram(page.compile().message).html(ZOE, URLS)
    own = words_for(language)
    for said in (own.share, own.email, own.copy, own.ps, own.progress):
        assert said in html


@pytest.mark.parametrize(
    ("body", "line", "message", "remedy"),
    [
        ("::: numbers\nwords\n:::", 10, "holds one list", "- **12** experts asked"),
        ("::: numbers\n- **1** a\n:::", 10, "two or three figures, not 1", "two or three lines"),
        ("::: numbers\n- **1** a\n- **2** b\n- **3** c\n- **4** d\n:::", 10, "two or three figures, not 4", ""),
        ("::: numbers\n- 12 experts\n- **2** b\n:::", 10, "doesn't begin with a figure in bold", "**12**"),
        ("::: numbers\n- **12** a\n\n  b\n- **2** b\n:::", 10, "or is more than a line", "**12**"),
        ("::: numbers\n- **12**\n- **2** b\n:::", 10, "doesn't begin with a figure in bold", "**12**"),
        ("::: numbers\n:::", 10, "holds one list", ""),
        ("::: progress ../x\n:::", 10, "names no newsletter", "behind ::: progress"),
        ("::: share\n- a\n:::", 10, "holds one sentence", "plain words"),
        ("::: share\n{{ supporter.country }}\n:::", 10, "can't wait for the person", "merge tag"),
        ("::: share https://x.org/?e={{ supporter.email }}\n:::", 10, "can't be passed on", "Name another"),
        ("::: share nowhere\n:::", 10, "is not a web address", ""),
        ("::: picture\nwords\n:::", 10, "has no picture", "![What it shows]"),
        ("::: picture\n![](a.png)\n:::", 10, "has no description", "Say in a few words"),
        ("::: picture\n![x](a.png)\n\n![y](a.png)\n:::", 13, "needs a paragraph of its own", ""),
        ("::: ps\n- a\n:::", 10, "begins with words", "Write a sentence"),
        ("::: ps\na\n:::\n\nb", 10, "not the last thing", "Move it to the end"),
        ("{% if supporter.country %}\n::: ps\na\n:::\n\nb\n{% endif %}", 11, "not the last thing", ""),
        ("::: numbers\n- **1** a\n- **2** b", 10, "numbers is never closed", ""),
        ("::: sahre\n:::", 10, "unknown block 'sahre'", "share"),
    ],
)  # fmt: skip
def test_what_a_block_cannot_hold_is_refused(
    desk: Desk, picture: Callable[[str], Path], body: str, line: int, message: str, remedy: str
) -> None:
    picture("a.png")
    faults = desk.faults(body)
    hit = [fault for fault in faults if message in fault.message]
    assert hit, faults
    assert hit[0].place
    assert hit[0].place.line == line
    assert remedy in (hit[0].remedy or "")


def test_an_action_that_waits_for_the_person_is_not_passed_on(desk: Desk) -> None:
    faults = desk.faults("::: share\n:::", action="https://act.example.org/?e={{ supporter.email }}")
    assert "can't be passed on" in faults[0].message


def test_a_template_that_shows_no_postscript_is_told_of(desk: Desk) -> None:
    (fault,) = desk.faults("::: ps\nLast.\n:::")
    assert "the template doesn't show a P.S." in fault.message
    assert "postscripts" in (fault.remedy or "")


def test_a_template_that_shows_no_signature_picture_is_told_of(desk: Desk, picture: Callable[[str], Path]) -> None:
    picture("a.png")
    (fault,) = desk.faults("Words", more="signature: '![x](a.png)'\n")
    assert "doesn't show the signature's picture" in fault.message


def other(page: Desk, **front: str) -> None:
    """Another newsletter of the workspace."""
    folder = page.workspace.newsletters / "the-other"
    folder.mkdir()
    (folder / "weir.png").write_bytes((REPOSITORY / "docs/images/block-ask.png").read_bytes())
    keys = {
        "subject": "\"Hi {{ supporter.first_name | default('you') }}, it worked\"",
        "preheader": "What you did on Sunday.",
        "list": "supporters", "template": "update", "picture": "weir.png", "picture_alt": "The weir", "archive": "true",
        **front,
    }  # fmt: skip
    text = "".join(f"{key}: {value}\n" for key, value in keys.items() if value)
    (folder / "message.md").write_text(f"---\n{text}---\n\nWords.\n", encoding="utf-8")


def test_a_story_may_be_told_by_another_newsletter(page: Desk) -> None:
    other(page)
    html, text, program = mailed(page, "::: story the-other\n:::\n")
    assert "Hi , it worked" not in html
    assert "Hi, it\u00a0worked" in unescape(html).replace("Hi , it", "Hi, it")
    assert "What you did on Sunday." in html
    assert [image.name for image in program.message.images] == ["newsletters/the-other/weir.png"]
    (link,) = [link for link in program.message.links if link.placement == "story"]
    assert (link.url, link.label) == ("https://mail.example.org/archive/the-other", "Read the whole story")
    assert f"What you did on Sunday.\n\nRead the whole story: {URLS.click}/{link.n}\n" in text


def test_what_is_written_in_it_comes_first(page: Desk) -> None:
    other(page)
    typed = "::: story the-other\n### Sunday\n\nOur words.\n\n[See how](https://example.org/how)\n:::\n"
    html, _, program = mailed(page, typed)
    assert "Our words." in html
    assert "What you did" not in html
    assert ">Sunday</h2>" in html
    assert "https://example.org/how" in [link.url for link in program.message.links]


@pytest.mark.parametrize(
    ("slug", "front", "words"),
    [
        ("the-other", {"archive": ""}, "has no public page to lead to"),
        ("missing", {}, "can't be told of"),
        ("../etc", {}, "can't be told of"),
    ],
)
def test_one_that_cannot_tell_is_named_once(page: Desk, slug: str, front: dict[str, str], words: str) -> None:
    other(page, **front)
    (fault,) = page.faults(f"::: story {slug}\n:::\n")
    assert words in fault.message
