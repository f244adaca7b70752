"""What people share stands in a request once; what each gets is what SMTP would have sent them, whatever the values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailer.transports.base import Envelope, Mailing
from mailer.transports.mime.headers import Unmailable
from mailer.transports.mime.message import fill
from mailer.transports.mime.quoted_printable import one_line_break
from mailer.transports.sendgrid.payload import RequestBody
from mailer.transports.sendgrid.shared_values import MARKS, share
from tests.servers.sendgrid_fake import Accepted, check, mails
from tests.transports.samples import MAILING, envelope

HOSTILE = ['"},{"to"', "~0", "0~", "~", MARKS, "&#39;", "<b>", "\\", "%s", "%", "\u2028", "🙂", "From ", "é\n", ""]
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(HOSTILE)
TOKEN = "https://m.example.org/c/AAAAAAAAAAAB"


def requests(mailing: Mailing, people: Sequence[Envelope], **limits: int) -> list[dict[str, Any]]:
    """The requests that these people make, read back; each keeps what is documented."""
    body = RequestBody(mailing, **limits)
    prepared, refused = body.people.make(people)
    assert not refused
    found = [json.loads(body.request(group)) for group in body.groups(prepared)]
    for one in found:
        check(one)
    return found


def got(mailing: Mailing, people: Sequence[Envelope]) -> list[Accepted]:
    return [mail for one in requests(mailing, people) for mail in mails(one, "")]


def with_values(*rows: tuple[str, ...]) -> list[Envelope]:
    return [replace(envelope(n), values=row) for n, row in enumerate(rows, 1)]


@given(st.lists(st.tuples(text, text, text), min_size=1, max_size=8))
@example([("<a", "<b", "x"), ("<a", "<c", "y")])
@example([("&#38;", "", "a"), ("&#39;", "", "a")])
def test_beginnings_and_rests_join_to_the_values(rows: list[tuple[str, ...]]) -> None:
    sharing = share(rows)
    for person, row in enumerate(rows):
        joined = [
            beginning + ("" if column is None else sharing.columns[column][person])
            for beginning, column in zip(sharing.beginnings, sharing.column_of, strict=True)
        ]
        assert tuple(joined) == row
    for beginning, column in zip(sharing.beginnings, sharing.column_of, strict=True):
        assert column is None or not set("<&") & set(beginning), "no tag or entity is torn apart"
    assert sharing.each_bytes() == [
        sharing.key_bytes + sum(len(column[n].encode()) for column in sharing.columns)
        for n in range(len(rows) if sharing.columns else 0)
    ]
    assert sharing.total_bytes == sum(sharing.each_bytes())
    assert all(size <= sharing.most_bytes for size in sharing.each_bytes())


@settings(deadline=None)
@given(st.lists(st.tuples(text, text, text, text), min_size=1, max_size=6))
@example([("", mark, "", f"{mark}0") for mark in MARKS])
@example([("", "~", "~0", "0"), ("", "0", "~", "~1~0")])
def test_everybody_gets_their_own_content(rows: list[tuple[str, ...]]) -> None:
    """Keys are replaced in an order of the stand-in's own, and no value is taken for a key, whatever it says."""
    mailing = replace(MAILING, subject=("Help",))
    people = with_values(*rows)
    for one, mail in zip(people, got(mailing, people), strict=True):
        assert mail.recipient == one.address
        assert mail.text == one_line_break(fill(mailing.text, one.values))
        assert mail.html == one_line_break(fill(mailing.html, one.values))
        assert mail.headers == dict((*mailing.headers, *one.headers))
        assert mail.custom_args == {"c": f"{one.delivery_id:x}.1", "c_campaign": mailing.key}


def test_a_key_is_found_at_its_slots_only() -> None:
    mailing = replace(MAILING, subject=("~ in the subject",), text=tuple(range(150)), html=("-1-", *range(150)))
    people = with_values(*[tuple(f"{person}^{n}" for n in range(150)) for person in (1, 2)])
    (request,) = requests(mailing, people)
    keys = list(request["personalizations"][0]["substitutions"])
    assert len(keys) == 150
    assert len({len(key) for key in keys}) == 1, "so none is a beginning of another"
    (mark,) = {key[0] for key in keys}
    assert mark not in "~^", "neither in a text nor in a value"
    for part in request["content"]:
        assert part["value"].count(mark) == 150
        assert all(part["value"].count(key) == 1 for key in keys)


def test_what_all_have_stands_once() -> None:
    rows = [("", f"Name{n}", f"{TOKEN}{n:08}", f"Name{n}") for n in range(500)]
    (request,) = requests(replace(MAILING, subject=("Help",)), with_values(*rows))
    first = request["personalizations"][0]
    assert list(first["substitutions"].values()) == ["0", "000"], "one key for the name in HTML and text"
    assert f"{TOKEN}00000~" in request["content"][1]["value"]
    assert request["headers"]["Date"] == dict(envelope(1).headers)["Date"]
    assert list(first["headers"]) == ["Message-ID", "List-Unsubscribe"]
    assert request["custom_args"] == {"c_campaign": MAILING.key}


def test_names_that_need_escaping_get_a_key_of_their_own() -> None:
    people = with_values(("", "O'Neill", "t1", "O&#39;Neill"), ("", "Ada", "t2", "Ada"))
    one, two = got(replace(MAILING, subject=("Help",)), people)
    assert ("Dear O'Neill" in one.text, "Dear O&#39;Neill" in one.html) == (True, True)
    assert ("Dear Ada" in two.text, "Dear Ada" in two.html) == (True, True)


@pytest.mark.parametrize("value", ["x" * 10_000, "é" * 5_000])
def test_who_has_more_than_a_person_may_goes_alone_and_whole(value: str) -> None:
    people = with_values(("", "a", "b", "c"), ("", value, "b", "d"), ("", "e", "b", "f"), ("", "g", "b", "h"))
    found = requests(replace(MAILING, subject=("Help",)), people)
    assert [len(one["personalizations"]) for one in found] == [1, 1, 2]
    assert "substitutions" not in found[1]["personalizations"][0]
    assert value in found[1]["content"][0]["value"]


def test_one_person_with_every_sign_costs_the_others_few_requests() -> None:
    rows = [("", f"n{n}", f"t{n}", f"n{n}") for n in range(256)]
    rows[100] = ("", MARKS, "t", "x")
    found = requests(replace(MAILING, subject=("Help",)), with_values(*rows))
    assert sum(len(one["personalizations"]) for one in found) == 256
    assert len(found) <= 10


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [({"most_people": 7}, [7, 7, 6]), ({"most_merged_bytes": 520}, [5, 5, 5, 5]), ({"most_merged_bytes": 0}, [20])],
)
def test_settings_bound_a_request(limits: dict[str, int], sizes: list[int]) -> None:
    rows = [("", f"{n:02}".ljust(100, "x"), "t", "y") for n in range(20)]
    found = requests(replace(MAILING, subject=("Help",)), with_values(*rows), **limits)
    assert [len(one["personalizations"]) for one in found] == sizes


odd = st.sampled_from(["", " Ada", "Ada  Bo", "a;b", "a,b", "|", "é", "a\nb", "\u202e", "\xa0", "\ud800"])
people_of_all_kinds = st.builds(
    lambda number, name, value, unsubscribe: replace(
        envelope(number, name=name), values=("", value, "t", name), headers=(("List-Unsubscribe", unsubscribe),)
    ),
    st.integers(1, 9),
    odd | text,
    odd | text,
    st.sampled_from(["<https://m.example.org/u/x>", "é", "x" * 1100, "a\r\nb"]),
)


@given(st.lists(people_of_all_kinds, max_size=6))
def test_looking_at_all_together_finds_what_looking_at_each_does(envelopes: list[Envelope]) -> None:
    people = RequestBody(replace(MAILING, subject=("Help",))).people
    made, refused = people.make(envelopes)
    for place, one in enumerate(envelopes):
        if place in refused:
            with pytest.raises(Unmailable):
                people.alone(one, place)
        else:
            assert people.alone(one, place) in made
    assert [person.place for person in made] == [n for n in range(len(envelopes)) if n not in refused]


def test_a_mail_with_nothing_in_it_is_refused() -> None:
    body = RequestBody(replace(MAILING, subject=("Help",), text=(0,), html=(1,)))
    with pytest.raises(Unmailable, match="empty"):
        body.people.alone(replace(envelope(1), values=("", "")), 0)
    (request,) = requests(replace(MAILING, subject=("Help",), text=(0,), html=(1,)), with_values(("", "<p>")))
    assert [part["type"] for part in request["content"]] == ["text/html"]


def test_a_message_that_leaves_no_sign_for_a_mark_is_refused() -> None:
    with pytest.raises(Unmailable, match="sign"):
        RequestBody(replace(MAILING, text=(MARKS, 0)))
