"""What staff are told when the files of a newsletter say something else than what goes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mailer.audience.selection.spec import Audience
from mailer.compose.message import Context, Image, Message, Slot
from mailer.delivery.campaigns.edited import differences

ASKED = Audience(("supporters",))
BEFORE = Message(
    slug="appeal", list="supporters", language="en", direction="ltr", from_="a@example.org", reply_to="",
    public_url="https://mail.example.org", subject=("Help ", 0), preheader=("Now",), html=("<p>One</p>",),
    text=("One\nTwo\n",), slots=(Slot("supporter.first_name", Context.HEADER),), links=(),
    images=(Image("a.png", "1" * 16, "image/png"), Image("old.png", "2" * 16, "image/png")),
)  # fmt: skip
AFTER = (Image("a.png", "3" * 16, "image/png"), Image("new.png", "4" * 16, "image/png"))

TOLD: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, {}, []),
    ({"subject": ("Help us",)}, {},
     ["subject: “Help {{ supporter.first_name }}” goes out, “Help us” is in the files"]),
    ({"preheader": ()}, {}, ["preheader: “Now” goes out, “” is in the files"]),
    ({"from_": "b@example.org"}, {}, ["sender: “a@example.org” goes out, “b@example.org” is in the files"]),
    ({"reply_to": "b@example.org"}, {}, ["replies: “” goes out, “b@example.org” is in the files"]),
    ({"list": "rivers"}, {}, ["list: “supporters” goes out, “rivers” is in the files"]),
    ({"language": "fr"}, {}, ["language: “en” goes out, “fr” is in the files"]),
    ({"public_url": "https://m.example.org"}, {},
     ["public address: “https://mail.example.org” goes out, “https://m.example.org” is in the files"]),
    ({"is_urgent": True}, {}, ["urgent: no goes out, yes is in the files"]),
    ({"is_public": True}, {}, ["public: no goes out, yes is in the files"]),
    ({"text": ("One\nThree\n",)}, {}, ["text: “Two” goes out", "text: “Three” is only in the files"]),
    ({"html": ("<p class=x>One</p>",)}, {}, ["the look of the HTML: a template, a style or a picture's place"]),
    ({"images": AFTER}, {},
     ["picture a.png: another one goes out", "picture old.png: goes out, and isn't used any more",
      "picture new.png: is only in the files"]),
    ({}, {"include": ("supporters", "rivers"), "exclude": ("staff",)},
     ["audience: include is supporters in what goes out, and supporters, rivers in the files",
      "audience: exclude is nothing in what goes out, and staff in the files"]),
    ({}, {"segment": 'supporter.country == "GB"', "limit": 5},
     ["audience: segment is nothing in what goes out, and “supporter.country == \"GB\"” in the files",
      "audience: limit is nothing in what goes out, and “5” in the files"]),
]  # fmt: skip


@pytest.mark.parametrize(("message", "audience", "told"), TOLD)
def test_each_difference_is_told_in_words(message: dict[str, Any], audience: dict[str, Any], told: list[str]) -> None:
    found = differences(BEFORE, replace(BEFORE, **message), ASKED, replace(ASKED, **audience))
    assert list(found) == told
