"""A message as pages under another public address show it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailer.compose.message import Choice, Message
from mailer.compose.public_url import moved
from tests.reports.builders import make_message

OLD, NEW = "https://old.example.org/mail", "https://new.example.org"


def with_html(text: str) -> Message:
    return replace(make_message(public_url=OLD), html=(text,))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'<img src="{OLD}/i/0123/a.png">', f'<img src="{NEW}/i/0123/a.png">'),
        (f'<img src="{OLD}/act/x/progress.png">', f'<img src="{NEW}/act/x/progress.png">'),
        (f'<a href="{OLD}/archive">', f'<a href="{NEW}/archive">'),
        (f'<a href="{OLD}/about">', f'<a href="{OLD}/about">'),  # the group's own site may be at the same host
        (f'<a href="{OLD}/import">', f'<a href="{OLD}/import">'),
        ('<img src="https://old.example.organisation/i/0123/a.png">',) * 2,
    ],
)
def test_what_is_ours_is_moved_and_nothing_else(text: str, shown: str) -> None:
    assert moved(with_html(text), NEW).html == (shown,)


def test_branches_and_destinations_move_too() -> None:
    message = with_html("")
    choice = Choice((("supporter.x", (f'<img src="{OLD}/i/0123/a.png">',)), ("", ("no",))))
    link = replace(message.links[0], destination=(f"{OLD}/act/library?source=mail",))
    found = moved(replace(message, slots=(*message.slots, choice), links=(link,)), NEW)
    assert found.slots[-1] == Choice((("supporter.x", (f'<img src="{NEW}/i/0123/a.png">',)), ("", ("no",))))
    assert found.links[0].destination == (f"{NEW}/act/library?source=mail",)
    assert found.public_url == NEW


def test_what_is_there_already_stays_the_same() -> None:
    message = with_html("x")
    assert moved(message, OLD) is message
