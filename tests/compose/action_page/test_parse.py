"""action.md: what a page is made of, and every fault of one at once, each with its line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.action_page.parse import ActionPage, NextAsk, OptIn, parse_action_page, read_action_page
from mailer.diagnostics import Diagnostic, Level
from mailer.errors import MailerError
from mailer.workspace import ListDefinition, Workspace
from tests.compose.conftest import Desk

LISTS = {
    "supporters": ListDefinition("supporters", "Supporters", "s.lists.example.org", consent="Mail me.", language="fr"),
    "silent": ListDefinition("silent", "Silent", "silent.lists.example.org"),
}
LEAST = '---\nheadline: "Keep it"\nstatement: We ask you to **keep** it.\n---\n\nIt is good.\n'


def parse(text: str) -> tuple[ActionPage | None, list[Diagnostic]]:
    return parse_action_page(text, slug="keep-it", file="newsletters/keep-it/action.md", lists=LISTS)


def page(front: str, body: str = "It is good.") -> tuple[ActionPage | None, list[Diagnostic]]:
    return parse(f'---\nheadline: "Keep it"\nstatement: We ask you to keep it.\n{front}\n---\n\n{body}\n')


def test_the_least_a_page_needs() -> None:
    found, faults = parse(LEAST)
    assert faults == []
    assert found is not None
    assert (found.headline, found.statement, found.language) == ("Keep it", "We ask you to **keep** it.", "en")
    assert found.statement_html == "<p>We ask you to <strong>keep</strong> it.</p>\n"
    assert (found.fields, found.opt_in, found.target, found.next) == ({}, None, None, None)
    assert (found.share, found.show_names, found.button) == ("Keep it", True, "")


def test_everything_a_page_can_have() -> None:
    found, faults = page(
        "fields: {comment: optional, country: required}\nopt_in: {list: supporters}\ntarget: 5000\nshow_names: false\n"
        "thanks: |\n  *Thanks.*\nnext: {url: https://example.org/, label: Give}\nshare: Sign!\nbutton: Sign\nnotes: x\n"
        "tags: rivers, Hay  market, RIVERS"
    )
    assert faults == []
    assert found is not None
    assert list(found.fields.items()) == [("country", True), ("comment", False)]
    assert found.opt_in == OptIn("supporters", "Mail me."), "the wording is the list's own"
    assert found.language == "fr", "the language is the list's"
    assert found.next == NextAsk("https://example.org/", "Give")
    assert (found.target, found.show_names, found.share, found.button) == (5000, False, "Sign!", "Sign")
    assert found.thanks_html == "<p><em>Thanks.</em></p>\n"
    assert found.tags == ("rivers", "Hay market")


@pytest.mark.parametrize(
    ("front", "words"),
    [
        ("target: many", "target must be a whole number"),
        ("target: 0", "target must be a whole number"),
        ("target: true", "target must be a whole number"),
        ("fields: {county: required}", "unknown field 'county'"),
        ("fields: {country: yes}", "fields.country must be required or optional"),
        ("fields: [country]", "fields must hold keys"),
        ("fields: {email: required}", "email is asked for on every page"),
        ("opt_in: {list: supporter}", "there is no list 'supporter'"),
        ("opt_in: {wording: Yes}", "opt_in.wording must be text"),
        ("opt_in: {list: silent}", "opt_in has no wording"),
        ("opt_in: {list: supporters, ticked: true}", "unknown key opt_in.ticked"),
        ("opt_in: supporters", "opt_in must hold keys"),
        ("next: {url: 'javascript:alert(1)', label: x}", "is not a web address"),
        ("next: {label: x}", "next must have a url and a label"),
        ("show_names: maybe", "show_names must be true or false"),
        ("language: English!", "is not a language"),
        ("button: [a]", "button must be text"),
        ("tags: [rivers, 'a;b']", "'a;b' can't be a tag"),
        ('share: "a\\nb"', "share must be on one line"),
        (f"share: {'long ' * 50}", "share has 249 characters"),
        ("shares: x", "unknown key 'shares'"),
        ('button: "Sign, {{ supporter.first_name }}"', "merge tags can't be used on a page"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(front: str, words: str) -> None:
    _, faults = page(front)
    assert any(words in fault.message for fault in faults), faults
    assert {fault.place.line for fault in faults if fault.place} == {4}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (LEAST + "<<<<<<< HEAD\nOne.\n=======\nTwo.\n>>>>>>> theirs\n", [7, 11]),
        (LEAST.replace("statement", "<<<<<<< HEAD\ntarget: 5\n=======\ntarget: 6\n>>>>>>> theirs\nstatement"), [3, 7]),
        (f"<<<<<<< HEAD\n{LEAST}=======\n{LEAST}>>>>>>> theirs\n", [1, 15]),
    ],
    ids=["text", "front matter", "whole file"],
)
def test_a_merge_that_nobody_resolved_is_a_fault_at_each_of_its_marks(text: str, lines: list[int]) -> None:
    _, faults = parse(text)
    assert [(one.message[:21], one.place.line if one.place else None, one.level) for one in faults] == [
        ("git left two versions", line, Level.ERROR) for line in lines
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Dear {{ supporter.first_name }}", "merge tags can't be used on a page"),
        ("![A picture](https://elsewhere.example/x.png)", "pictures can't be used on a page"),
        ("[Go](javascript:alert)", "is not a web address"),
        ("[Go](//evil.example)", "is not a web address"),
        ("[Go](https://ours@evil.example/)", "is not a web address"),
        ("[Go](data:text/html,x)", "is not a web address"),
        ("Read on.[^9]", "there is no note '9'"),
        (" ", "the page has no text"),
    ],
)
def test_what_a_text_can_not_hold(body: str, words: str) -> None:
    _, faults = page("target: 5", f"Fine.\n\n{body}" if body.strip() else body)
    assert [words in fault.message for fault in faults] == [True]
    assert faults[0].place is not None
    assert faults[0].place.line == (9 if body.strip() else 8)


def test_a_text_has_links_of_every_kind_and_headings_below_the_headline() -> None:
    text = "# One\n\n## Two\n\n### Three\n\n[a](mailto:us@example.org) [b](tel:+4420) [c](https://example.org/)"
    found, faults = page("target: 5", text)
    assert faults == []
    assert found is not None
    assert re.findall("<(h.)>", found.text_html) == ["h2", "h2", "h3"]
    assert re.findall('href="(.*?)" rel="noreferrer"', found.text_html) == [
        "mailto:us@example.org", "tel:+4420", "https://example.org/",
    ]  # fmt: skip


def test_no_page_or_no_front_matter(workspace: Workspace) -> None:
    (workspace.newsletters / "keep-it").mkdir()
    with pytest.raises(MailerError, match="keep-it has no sign page"):
        read_action_page(workspace.newsletter("keep-it"))
    (workspace.newsletters / "keep-it" / "action.md").write_text("Sign here\n")
    with pytest.raises(MailerError, match="front matter is missing"):
        read_action_page(workspace.newsletter("keep-it"))


def test_all_faults_come_at_once(workspace: Workspace) -> None:
    folder = workspace.newsletters / "keep-it"
    folder.mkdir()
    (folder / "action.md").write_text("---\ntarget: x\nfoo: 1\n---\n")
    with pytest.raises(MailerError) as caught:
        read_action_page(workspace.newsletter("keep-it"))
    told = str(caught.value)
    for words in ("headline is missing", "statement is missing", "no text", "target must", "unknown key 'foo'"):
        assert words in told
    assert "newsletters/keep-it/action.md:2" in told


def test_raw_html_is_shown_as_text_and_said() -> None:
    found, faults = page("target: 5", "A <script>alert(1)</script> <b>bold</b> word")
    assert found is not None
    assert "<script" not in found.text_html
    assert "<b>" not in found.text_html
    assert [fault.level for fault in faults] == [Level.WARNING] * len(faults)
    assert faults


@given(st.text(max_size=200))
def test_no_text_brings_markup_of_its_own(body: str) -> None:
    found, _ = parse('---\nheadline: "x"\nstatement: y\n---\n\n' + body)
    if found:
        tags = {tag.lower() for tag in re.findall(r"<([a-zA-Z]+)", found.text_html)}
        assert tags <= {"p", "h", "ul", "ol", "li", "em", "strong", "code", "pre", "blockquote", "hr", "br", "a", "img",
                        "sup", "section"}  # fmt: skip


def test_the_description_is_plain_words_cut_at_a_word() -> None:
    body = f"**Bold**[^1] and [a link](https://example.org).\n\n{'word ' * 60}\n\n[^1]: Note."
    found, _ = page("target: 5", body)
    assert found is not None
    assert found.description.startswith("Bold and a link. word")
    assert len(found.description) <= 202
    assert "Note" not in found.description


def test_notes_of_two_texts_do_not_share_a_name() -> None:
    found, faults = page("thanks: |\n  Thanks.[^1]\n\n  [^1]: One.", "Text.[^1]\n\n[^1]: Other.")
    assert faults == []
    assert found is not None
    names = [part.partition('"')[0] for html in (found.text_html, found.thanks_html) for part in html.split('id="')[1:]]
    assert len(names) == len(set(names)) == 4


def test_a_message_leads_to_its_own_page(desk: Desk) -> None:
    front = "---\nsubject: S\nlist: supporters\ntemplate: small\naction: {page: true, label: Sign}\n---\n\n"
    desk.folder.mkdir(parents=True, exist_ok=True)
    (desk.folder / "message.md").write_text(front + "[Sign](action)\n")
    assert [fault.message for fault in desk.source().faults] == ["there is no action.md beside the message"]
    (desk.folder / "action.md").write_text(LEAST)
    action = [link for link in desk.compile().message.links if link.is_action]
    assert [link.url for link in action] == [f"https://mail.example.org/act/{desk.slug}"]


def test_an_action_has_a_page_or_a_url(desk: Desk) -> None:
    desk.folder.mkdir(parents=True, exist_ok=True)
    (desk.folder / "action.md").write_text(LEAST)
    for lines, words in (("page: true, url: 'https://x.example/'", "a page and a url"), ("page: 1", "true or false")):
        (desk.folder / "message.md").write_text(
            f'---\nsubject: "S"\nlist: supporters\ntemplate: small\naction: {{label: Sign, {lines}}}\n---\n\nText.\n'
        )
        assert [fault.message for fault in desk.source().faults if words in fault.message]
