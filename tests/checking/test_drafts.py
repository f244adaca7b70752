"""Rules about what no file can bring about in a newsletter that compiles, looked at in drafts changed by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailer.checking.document import parse
from mailer.checking.draft import Answer, Draft, SpamTest
from mailer.checking.figures import Figures, Trouble, Troubled
from mailer.checking.rules import Found
from mailer.checking.running import rules
from tests.checking.desk import Desk


def found(draft: Draft, name: str) -> list[Found]:
    look = rules()[name].look
    assert look is not None
    return list(look(draft))


@pytest.fixture
def draft(desk: Desk) -> Draft:
    return desk.draft()


def test_a_link_that_leads_some_people_nowhere(draft: Draft) -> None:
    nowhere = Figures(people=5, troubled=(Troubled(Trouble.DESTINATION, "Your page", 2, "none", 7),))
    (told,) = found(replace(draft, audience=nowhere), "audience.destination")
    assert told.message == "the link “Your page” leads 2 people to no web address, such as “none”"
    assert not found(replace(draft, audience=Figures(people=5)), "audience.destination")


def test_a_picture_without_alt(draft: Draft) -> None:
    assert found(replace(draft, html=parse('<img src="a.png">')), "accessibility.alt")
    assert not found(replace(draft, html=parse('<img src="a.png" alt="">')), "accessibility.alt")


def test_content_that_only_outlook_draws(draft: Draft) -> None:
    assert found(
        replace(draft, mail="<!--[if mso]><v:rect><v:textbox>x</v:textbox></v:rect><![endif]-->"), "accessibility.vml"
    )
    assert not found(draft, "accessibility.vml")


def test_a_link_that_is_not_answered(draft: Draft) -> None:
    url = draft.message.links[0].url
    for answer in (Answer(404), Answer(0, "it didn't answer in time")):
        assert found(replace(draft, answers={url: answer}), "links.unreachable")
    assert not found(replace(draft, answers={url: Answer(200)}), "links.unreachable")
    assert not found(draft, "links.unreachable")


def test_a_link_that_leads_on(draft: Draft) -> None:
    url = draft.message.links[0].url
    led_on = Answer(200, redirects=("https://act.libraryfriends.ngo/new",))
    (told,) = found(replace(draft, answers={url: led_on}), "links.redirect")[:1]
    assert told.message.endswith("→ https://act.libraryfriends.ngo/new")
    assert not found(replace(draft, answers={url: Answer(200)}), "links.redirect")


def test_what_spamassassin_says(draft: Draft) -> None:
    tests = (SpamTest(2.7, "DEAR_FRIEND", "BODY: Dear Friend?"), SpamTest(0.1, "HTML_MESSAGE", "HTML"))
    (told,) = found(replace(draft, spam=tests), "subject.spamassassin")
    assert "2.7 points for DEAR_FRIEND: BODY: Dear Friend?" in told.message
    assert not found(replace(draft, spam=tests[1:]), "subject.spamassassin")


def test_a_text_that_is_missing_or_has_no_way_out(draft: Draft) -> None:
    assert found(replace(draft, text=" \n"), "text.missing")
    assert not found(draft, "text.missing")
    assert len(found(replace(draft, text="Dear Ada,"), "law.text")) == 2
    assert not found(draft, "law.text")


def test_headers_that_are_missing(draft: Draft) -> None:
    without = {name: value for name, value in draft.headers.items() if not name.startswith("list-")}
    assert [one.part for one in found(replace(draft, headers=without), "law.headers")] == ["headers"] * 3
    assert not found(draft, "law.headers")


def test_an_address_that_is_hidden(draft: Draft) -> None:
    hidden = parse(f'<p style="display: none">{draft.settings.organisation.postal_address}</p>')
    assert any("address" in one.message for one in found(replace(draft, html=hidden), "law.hidden"))
    assert not found(draft, "law.hidden")
