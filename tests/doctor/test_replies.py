"""The doctor says where replies go, and warns of addresses that nobody reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailer.diagnostics import Level
from mailer.doctor.replies import examine_replies
from mailer.settings.schema import Replies, Sender, Settings

SETTINGS = Settings(root=Path(), sender=Sender("Us <us@example.org>"))


@pytest.mark.parametrize(
    ("settings", "words", "level"),
    [
        (SETTINGS, "replies go to us@example.org", Level.OK),
        (replace(SETTINGS, sender=Sender("Us <noreply@example.org>")), "nobody reads", Level.WARNING),
        (replace(SETTINGS, sender=Sender("Us <no-reply@example.org>", "ann@example.org")), "ann@example.org", Level.OK),
        (replace(SETTINGS, replies=Replies("replies@example.org")), "Inbox has them", Level.OK),
        (replace(SETTINGS, sender=Sender("do_not_reply@example.org")), "nobody reads", Level.WARNING),
    ],
)
def test_it_says_where_replies_go(settings: Settings, words: str, level: Level) -> None:
    (found,) = examine_replies(settings, {})
    assert words in found.message
    assert found.level is level


def test_lists_with_an_address_of_their_own_are_named() -> None:
    found = examine_replies(replace(SETTINGS, replies=Replies("replies@example.org"), transport="sendgrid"),
                            {"news": "ann@example.org", "old": "noreply@example.org"})  # fmt: skip
    assert [one.level for one in found] == [Level.OK, Level.OK, Level.OK, Level.WARNING]
    assert "one Reply-To" in found[1].message
    assert "replies to the list news go to ann@example.org" in found[2].message
