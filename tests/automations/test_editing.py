"""Steps that are put in, taken out and moved: everything else in the file stays, to the byte."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.automations.step_edit import moved, with_step, without_step
from mailer.editing.toml_edit import CannotChangeToml
from mailer.errors import MailerError
from tests.automations.conftest import WELCOME

NOTED = """\
# What new people get.
title = "Welcome"   # as colleagues call it
list = "supporters"

[trigger]
joined = "supporters"

# First of all.
[steps.hello]
send = "hello.md"

[steps.pause]
wait = "3 days"
next = "ask"  # straight on


# The ask.
[steps.ask]
send = "ask.md"
"""


def order(text: str) -> list[str]:
    return list(tomllib.loads(text)["steps"])


def test_a_step_moves_with_its_comments() -> None:
    found = moved(NOTED, "ask", by=-1)
    assert order(found) == ["hello", "ask", "pause"]
    assert '\n# The ask.\n[steps.ask]\nsend = "ask.md"\n\n\n[steps.pause]\n' in found
    assert moved(found, "ask", by=1) == NOTED
    assert moved(NOTED, "hello", by=-1) == NOTED


def test_a_step_is_put_in_and_taken_out_again() -> None:
    found = with_step(NOTED, "mark", {"tag": ["new", 'a "b"'], "next": "ask"}, after="hello")
    assert order(found) == ["hello", "mark", "pause", "ask"]
    assert tomllib.loads(found)["steps"]["mark"] == {"tag": ["new", 'a "b"'], "next": "ask"}
    assert without_step(found, "mark", instead="pause") == NOTED
    last = with_step(NOTED, "over", {"end": True}, after="ask")
    assert last == NOTED + "\n[steps.over]\nend = true\n"
    assert without_step(last, "over", instead="") == NOTED
    assert order(with_step(NOTED, "over", {"end": True}, after="")) == ["over", "hello", "pause", "ask"]


def test_what_led_to_a_step_leads_on() -> None:
    found = without_step(NOTED, "ask", instead="")
    assert tomllib.loads(found)["steps"]["pause"]["next"] == "end"
    assert 'next = "end"  # straight on' in found


@given(st.lists(st.tuples(st.sampled_from(["hello", "pause", "ask"]), st.sampled_from([-1, 1])), max_size=6),
       st.booleans())  # fmt: skip
def test_moving_keeps_every_line_and_value(moves: list[tuple[str, int]], windows: bool) -> None:
    text = NOTED.replace("\n", "\r\n") if windows else NOTED
    found = text
    for name, by in moves:
        found = moved(found, name, by=by)
    assert sorted(found.splitlines(keepends=True)) == sorted(text.splitlines(keepends=True))
    assert tomllib.loads(found) == tomllib.loads(text)


def test_what_is_written_otherwise_is_left_alone() -> None:
    with pytest.raises(CannotChangeToml):
        moved('steps.hello = {send = "hello.md"}\n', "hello", by=1)
    with pytest.raises(MailerError, match="already"):
        with_step(WELCOME, "hello", {"wait": "1 day"}, after="hello")
    with pytest.raises(MailerError, match="there is no step"):
        without_step(WELCOME, "gone", instead="")
