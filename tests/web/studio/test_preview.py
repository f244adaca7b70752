"""Pure parts: how a mail is dressed for its frame, what inboxes cut, how headers are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.web.studio.preview.frame import Look, dressed, marked, policy
from mailer.web.studio.preview.inbox_line import INBOXES, columns, cut, lines
from mailer.web.studio.preview.person_mail import headers_of
from mailer.web.studio.preview.tabs import TABS, read_view

MAIL = (
    '<html><head><meta name="color-scheme" content="light dark" /><style>a{}@media (prefers-color-scheme: dark){a{b:c}}'
    "@media ( prefers-color-scheme:light ) and (max-width:9px){d{}}</style></head>"
    "<body><p>prefers-color-scheme: dark</p><p>(prefers-color-scheme: dark)</p></body></html>"
)


def test_questions_about_the_scheme_are_answered_in_styles_alone() -> None:
    dark, light = dressed(MAIL, Look.DARK), dressed(MAIL, Look.LIGHT)
    assert "@media (min-width:0px){a{b:c}}" in dark
    assert "@media (max-width:0px) and (max-width:9px)" in dark
    assert "@media (max-width:0px){a{b:c}}" in light
    assert "@media (min-width:0px) and (max-width:9px)" in light
    assert dark.endswith("<body><p>prefers-color-scheme: dark</p><p>(prefers-color-scheme: dark)</p></body></html>")


def test_a_mail_that_says_nothing_of_dark_stays_light_in_the_dark() -> None:
    assert "color-scheme:only dark" in dressed(MAIL, Look.DARK)
    assert "color-scheme:only light" in dressed(MAIL.replace("light dark", "light"), Look.DARK)
    assert "color-scheme:only light" in dressed(MAIL, Look.FORCED)
    assert "invert" in dressed(MAIL, Look.FORCED)
    assert "invert" not in dressed(MAIL, Look.DARK)


def test_a_page_without_a_head_is_dressed_too() -> None:
    assert dressed("<p>x</p>", Look.LIGHT).endswith("</style><p>x</p>")


def test_the_frame_goes_to_the_element_that_changed() -> None:
    before = "<html><head><title>a</title></head><body><p>One</p><p>Two</p><p>Three</p></body></html>"
    after = before.replace("Two", "Twelve")
    assert marked(after, before) == after.replace("<p>Tw", '<p id="changed">Tw')
    assert marked(before, before) == before
    other_title = before.replace("<title>a", "<title>b")
    assert marked(other_title, before) == other_title
    assert marked("no body", before) == "no body"


def test_the_frames_policy_lets_nothing_in_but_its_pictures() -> None:
    assert "img-src http://127.0.0.1:1/x/pictures/;" in policy("http://127.0.0.1:1/x/pictures/")
    assert "img-src 'none';" in policy("")
    assert "script" not in policy("")
    assert policy("").startswith("sandbox;")


@given(st.text(max_size=80), st.integers(min_value=0, max_value=60))
def test_a_cut_fits_and_loses_nothing(text: str, most: int) -> None:
    shown, rest = cut(text, most)
    assert shown + rest == text
    assert columns(shown) <= most


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("plain", 10, "plain"),
        ("plain", 3, "pla"),
        ("你好世界", 5, "你好"),
        ("ab👩‍👧x", 4, "ab"),  # a family is one sign, never cut into its members
        ("cafe\u0301s", 4, "cafe\u0301"),
        ("e\u0301", 0, ""),
        ("❤️ x", 1, "❤️"),
    ],
)
def test_signs_that_belong_together_are_cut_together(text: str, most: int, shown: str) -> None:
    assert cut(text, most)[0] == shown


def test_each_inbox_shows_its_line() -> None:
    found = lines(sender="Example Campaigns", subject="s" * 80, preheader="p" * 200, text="unused")
    assert [line.inbox for line in found] == list(INBOXES)
    for line in found:
        assert columns(line.subject) == line.inbox.subject
        whole = columns(line.preheader) + (columns(line.subject) if line.inbox.together else 0)
        assert whole == line.inbox.preheader
    bare = lines(sender="x", subject="s", preheader="", text="The  first\nwords")
    assert bare[0].preheader == "The first words"


def test_headers_are_unfolded_and_decoded() -> None:
    found = headers_of(b"Subject: =?utf-8?b?WsOv?=\r\nList-Unsubscribe: <https://a>,\r\n <mailto:b>\r\n\r\nbody: x")
    assert [(header.name, header.value) for header in found] == [
        ("Subject", "Zï"),
        ("List-Unsubscribe", "<https://a>, <mailto:b>"),
    ]
    assert found[0].written == "=?utf-8?b?WsOv?="


def test_an_address_that_asks_for_nonsense_shows_what_is_usual() -> None:
    view = read_view({"tab": "x", "width": "9", "as": "../../p1", "line": "-3", "q": " a "})
    assert (view.tab, view.width, view.reader, view.line, view.words) == (TABS[0], "wide", "ada", 0, "a")
    assert read_view({"tab": "phone", "width": "wide"}).width == "390"
    assert read_view({"tab": "dark", "width": "320", "as": "p12"}).query(tab="text") == "tab=text&as=p12"
