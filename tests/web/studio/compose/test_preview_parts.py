"""Pure parts: how a mail is dressed for its frame, what inboxes cut, what an address asks for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.web.studio.compose.panel import read_panel_view
from mailer.web.studio.preview.frame import Look, dressed, policy
from mailer.web.studio.preview.inbox_line import INBOXES, columns, cut, lines

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


def test_the_frames_policy_lets_nothing_in_but_its_pictures() -> None:
    assert "img-src http://127.0.0.1:1/x/pictures/;" in policy("http://127.0.0.1:1/x/pictures/")
    assert "img-src 'none';" in policy("")
    assert "script" not in policy("")
    assert policy("").startswith("sandbox allow-same-origin;")


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


@pytest.mark.parametrize("asked", [{"shape": "x"}, {"as": "../../p1"}, {"colours": "9"}, {"as": "a" * 50}, {}])
def test_an_address_that_asks_for_nonsense_shows_what_is_usual(asked: dict[str, str]) -> None:
    view = read_panel_view(asked)
    assert (view.reader, view.shape, view.colours, view.pictures) == ("ada", "phone", "light", True)
