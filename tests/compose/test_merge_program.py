"""The merge program by itself: which slots are filled, which branch is taken, and where a link may lead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailer.compose.merge import BadDestination, MergeProgram, Urls
from mailer.compose.message import Choice, Context, Link, Slot
from tests.delivery.world import MESSAGE

URLS = Urls("https://m.example/c/t?a&b", "https://m.example/u/t", "https://m.example/v/t", "https://m.example/p/t")
NAME = "supporter.first_name"


def program(*slots: Slot | Choice, **parts: tuple[str | int, ...]) -> MergeProgram:
    blank: dict[str, tuple[str | int, ...]] = {"subject": (), "preheader": (), "html": (), "text": ()}
    return MergeProgram(replace(MESSAGE, slots=slots, **(blank | parts)))


@pytest.mark.parametrize("part", ["subject", "preheader", "html", "text"])
def test_a_slot_of_any_part_of_the_mail_is_filled(part: str) -> None:
    one = program(Slot(NAME, Context.TEXT), Slot(NAME, Context.TEXT), **{part: ("Dear ", 1)})
    assert one.top_level == {1}
    assert one.values({"first_name": "Ada"}, URLS) == ("", "Ada"), "and no slot that no part mentions"
    assert one.fill(("Dear ", 1), one.values({"first_name": "Ada"}, URLS)) == "Dear Ada"


@pytest.mark.parametrize(
    ("source", "mentioned"),
    [
        ("click_url", {"click_url"}),
        ("unsubscribe_url", {"unsubscribe_url"}),
        ("view_url", {"view_url"}),
        ("preferences_url", {"preferences_url"}),
        (NAME, set()),
    ],
)
def test_the_addresses_that_a_message_needs(source: str, mentioned: set[str]) -> None:
    assert program(Slot(source, Context.TEXT), text=(0,)).addresses == mentioned
    assert program(Choice(((source, ("yes",)),)), text=(0,)).addresses == mentioned, "in a test, too"


def test_addresses_are_escaped_where_html_needs_it() -> None:
    for context, shown in (
        (Context.HTML, "https://m.example/c/t?a&amp;b"),
        (Context.ATTRIBUTE, "https://m.example/c/t?a&amp;b"),
        (Context.TEXT, URLS.click),
        (Context.HEADER, URLS.click),
    ):
        assert program(Slot("click_url", context), text=(0,)).values({}, URLS) == (shown,)


COUNTRY = Choice(
    (
        ('supporter.country == "FR"', ("la France",)),
        ('supporter.country == "GB"', ("Britain, ", 0)),
        ("", (0, "'s country")),
    )
)


@pytest.mark.parametrize(
    ("country", "shown"), [("FR", "la France"), ("GB", "Britain, Ada"), ("DE", "Ada's country"), ("", "Ada's country")]
)
def test_the_first_branch_whose_test_holds_is_taken(country: str, shown: str) -> None:
    one = program(Slot(NAME, Context.TEXT), COUNTRY, text=(1,))
    assert one.text({"first_name": "Ada", "country": country}, URLS) == shown
    assert one.values({"first_name": "Ada", "country": country}, URLS) == ("", shown)


def test_a_condition_without_else_leaves_nothing() -> None:
    one = program(Slot(NAME, Context.TEXT), Choice(COUNTRY.branches[:2]), text=(1,))
    assert one.text({"first_name": "Ada", "country": "DE"}, URLS) == ""


def leads_to(*destination: str | int) -> tuple[MergeProgram, Link]:
    link = Link(4, "written", destination, "Near you", "inline", False)
    return program(Slot("supporter.site", Context.TEXT), Slot("supporter.site", Context.URL)), link


@pytest.mark.parametrize(
    "site",
    [
        "https://example.org/",
        "http://example.org",
        "https://example.org:8443/a?b=c#d",
        "https://xn--mller-kva.example/",
    ],
)
def test_a_web_address_is_a_destination(site: str) -> None:
    one, link = leads_to(0)
    assert one.destination(link, {"site": site}) == site


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "mailto:a@example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:///path",
        "http://",
        "https://?q",
        "https://exa mple.org/",
        "https://example.org/a b",
        "https://example.org/\x7f",
        "https://example.org/\u00a0",
    ],
)
def test_anything_else_is_none(address: str) -> None:
    one, link = leads_to(address)
    with pytest.raises(BadDestination, match="link 4 of appeal leads to no web address"):
        one.destination(link, {})


def test_a_value_inside_an_address_stays_in_its_place() -> None:
    one, link = leads_to("https://example.org/in/", 1, "?x=1")
    assert one.destination(link, {"site": "a/b'c%d&e=f#g"}) == "https://example.org/in/a%2Fb%27c%25d%26e%3Df%23g?x=1"


@pytest.mark.parametrize("context", [Context.URL, Context.TEXT])
def test_a_value_is_encoded_once(context: Context) -> None:
    one = program(Slot(f"{NAME} | urlencode", context), Slot(f"{NAME} | upper", context), text=(0, " ", 1))
    loud = "A%20B" if context is Context.URL else "A B"
    assert one.text({"first_name": "a b"}, URLS) == f"a%20b {loud}"
