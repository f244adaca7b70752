"""Rules about what no file can bring about in a newsletter that compiles, looked at in specimens changed by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailer.audience.selection.languages import VersionReach
from mailer.audience.selection.select import Selection
from mailer.checking.evidence.audience_stats import AudienceStats, Trouble, Troubled
from mailer.checking.evidence.link_probe import LinkResponse
from mailer.checking.evidence.spamassassin import SpamTest
from mailer.checking.runner import rules
from mailer.checking.specimen import Specimen
from mailer.compose.html_tree import parse
from mailer.diagnostics import Diagnostic, Place
from tests.checking.desk import Desk


def found(specimen: Specimen, name: str) -> list[Diagnostic]:
    look = rules()[name].look
    assert look is not None
    return list(look(specimen))


@pytest.fixture
def specimen(desk: Desk) -> Specimen:
    return desk.specimen()


def test_a_link_that_leads_some_people_nowhere(specimen: Specimen) -> None:
    nowhere = AudienceStats(people=5, troubled=(Troubled(Trouble.DESTINATION, "Your page", 2, "none", 7),))
    (told,) = found(replace(specimen, audience=nowhere), "audience.destination")
    assert told.message == "the link “Your page” leads 2 people to no web address, such as “none”"
    assert not found(replace(specimen, audience=AudienceStats(people=5)), "audience.destination")


def test_a_picture_without_alt(specimen: Specimen) -> None:
    assert found(replace(specimen, html=parse('<img src="a.png">')), "accessibility.alt")
    assert not found(replace(specimen, html=parse('<img src="a.png" alt="">')), "accessibility.alt")


def test_content_that_only_outlook_draws(specimen: Specimen) -> None:
    assert found(
        replace(specimen, mail="<!--[if mso]><v:rect><v:textbox>x</v:textbox></v:rect><![endif]-->"),
        "accessibility.vml",
    )
    assert not found(specimen, "accessibility.vml")


def test_a_link_that_is_not_answered(specimen: Specimen) -> None:
    url = specimen.message.links[0].url
    for answer in (LinkResponse(404), LinkResponse(0, "it didn't answer in time")):
        assert found(replace(specimen, answers={url: answer}), "links.unreachable")
    assert not found(replace(specimen, answers={url: LinkResponse(200)}), "links.unreachable")
    assert not found(specimen, "links.unreachable")


def test_a_link_that_leads_on(specimen: Specimen) -> None:
    url = specimen.message.links[0].url
    led_on = LinkResponse(200, redirects=("https://act.libraryfriends.ngo/new",))
    (told,) = found(replace(specimen, answers={url: led_on}), "links.redirect")[:1]
    assert told.message.endswith("→ https://act.libraryfriends.ngo/new")
    assert not found(replace(specimen, answers={url: LinkResponse(200)}), "links.redirect")


def test_what_spamassassin_says(specimen: Specimen) -> None:
    tests = (SpamTest(2.7, "DEAR_FRIEND", "BODY: Dear Friend?"), SpamTest(0.1, "HTML_MESSAGE", "HTML"))
    (told,) = found(replace(specimen, spam=tests), "subject.spamassassin")
    assert "2.7 points for DEAR_FRIEND: BODY: Dear Friend?" in told.message
    assert not found(replace(specimen, spam=tests[1:]), "subject.spamassassin")


def test_a_text_that_is_missing_or_has_no_way_out(specimen: Specimen) -> None:
    assert found(replace(specimen, text=" \n"), "text.missing")
    assert not found(specimen, "text.missing")
    assert len(found(replace(specimen, text="Dear Ada,"), "law.text")) == 2
    assert not found(specimen, "law.text")


def test_headers_that_are_missing(specimen: Specimen) -> None:
    without = {name: value for name, value in specimen.headers.items() if not name.startswith("list-")}
    assert [one.part for one in found(replace(specimen, headers=without), "law.headers")] == ["headers"] * 3
    assert not found(specimen, "law.headers")


def test_an_address_that_is_hidden(specimen: Specimen) -> None:
    hidden = parse(f'<p style="display: none">{specimen.settings.organisation.postal_address}</p>')
    assert any("address" in one.message for one in found(replace(specimen, html=hidden), "law.hidden"))
    assert not found(specimen, "law.hidden")


def test_people_whose_language_has_no_version(specimen: Specimen) -> None:
    french = replace(specimen.source, language="fr")
    several = replace(specimen, source=replace(specimen.source, translations=(french,)))
    reach = VersionReach("en", 10, ("", "de", "en-GB"), {"de": 1})
    (told,) = found(replace(several, reach=reach), "audience.language")
    assert told.message == "German: 1 person gets the English mail"
    (told,) = found(replace(specimen, original=french, reach=VersionReach("fr", 0, (), {})), "audience.language")
    assert told.message == "nobody gets the French mail"
    assert not found(replace(specimen, reach=reach), "audience.language"), "in one language there is nothing missing"


def test_too_few_people_for_what_is_tested_on_them(specimen: Specimen) -> None:
    source, people = specimen.source, Selection(5_000, 5_000, {})
    three = replace(specimen, source=replace(source, variants=(source, source)), selection=people)
    down = replace(specimen, source=replace(source, audience={"down_the_list": True}), selection=people)
    many = Selection(70_000, 70_000, {})
    (told,) = found(three, "audience.few")
    assert told.message == "5,000 people are too few to tell 3 versions apart: two find more"
    (told,) = found(down, "audience.few")
    assert "are few for testing down the list" in told.message
    for enough in (replace(three, selection=many), replace(down, selection=many), replace(specimen, selection=people)):
        assert not found(enough, "audience.few")


def test_a_paragraph_that_was_not_translated(specimen: Specimen) -> None:
    """writing.untranslated; `writing.outdated` is told of by the reader: tests/compose/source/test_translations.py."""
    original = specimen.source
    same = "The library in our street is to be closed\nin spring, and nobody was asked.\n\nAda Sample\n"
    original = replace(original, body=f"Hello.\n\n{same}")
    french = replace(original, file="message.fr.md", body=f"Bonjour.\n\n{same}", body_line=9)
    (told,) = found(replace(specimen, source=french, original=original), "writing.untranslated")
    assert told.place == Place("message.fr.md", 11)
    assert told.message.startswith("this paragraph isn't translated: “The library in our street")
    assert not found(replace(specimen, source=original), "writing.untranslated")
    assert "writing.outdated" in rules()
