"""The link table: every link counted under its placement, what is not tracked left alone, destinations kept whole."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.compose.merge import BadDestination, MergeProgram
from mailer.compose.message import Link
from tests.compose.conftest import URLS, Desk

CLICK = "https://mail.example.org/c/TOKEN"


def links(desk: Desk, body: str, **front: str) -> tuple[Link, ...]:
    return desk.compile(body, **front).message.links


def test_the_action_is_marked_wherever_it_is_used(desk: Desk) -> None:
    found = links(
        desk,
        "::: ask\n:::\n\nPlease [sign](action) or [the same](https://act.example.org/a) or [other](https://act.example.org/b).\n\n"
        "[By tag]({{ action.url }})\n\n::: quote A\nSee [this](action).\n:::\n\nP.S.[^1]\n\n[^1]: [Sign](action)",
        more='signature: "[Sign](action)"\n',
    )
    assert [(link.n, link.placement, link.label, link.is_action) for link in found] == [
        (1, "button", "Add your name", True),
        (2, "inline", "sign", True),
        (3, "inline", "the same", True),
        (4, "inline", "other", False),
        (5, "inline", "By tag", True),
        (6, "quote", "this", True),
        (7, "signature", "Sign", True),
        (8, "footnote", "Sign", True),
    ]


def test_what_is_not_tracked(desk: Desk) -> None:
    program = desk.program(
        "[m](mailto:a@example.org?subject=Hi%20{{ supporter.first_name }}) [t](tel:+441234) [h](#top) <b@example.org> "
        "[u]({{ unsubscribe_url }}) [v]({{ view_url }}) [p]({{ preferences_url }})"
    )
    assert program.message.links == ()
    html = program.html({"first_name": "Zoë & Co"}, URLS)
    assert 'href="mailto:a@example.org?subject=Hi%20Zo%C3%AB%20%26%20Co"' in html
    assert 'href="tel:+441234"' in html
    assert 'href="#top"' in html
    assert 'href="mailto:b@example.org"' in html
    assert 'href="https://mail.example.org/u/TOKEN"' in html
    text = program.text({}, URLS)
    assert "u: https://mail.example.org/u/TOKEN" in text
    assert "h: #top" not in text or "#top" in text


def test_destinations_that_hold_merge_tags(desk: Desk) -> None:
    program = desk.program(
        "[x](https://e.org/{{ supporter.country | lower }}?e={{ supporter.email }}"
        "&n={{ supporter.first_name | urlencode }}{% if supporter.age > 17 %}&adult={{ supporter.age }}{% endif %}#f)"
    )
    (link,) = program.message.links
    assert link.url == (
        "https://e.org/{{ supporter.country | lower }}?e={{ supporter.email }}&n={{ supporter.first_name | urlencode }}"
        "{% if supporter.age > 17 %}&adult={{ supporter.age }}{% endif %}#f"
    )
    person = {"country": "GB/../x", "email": "a+b@example.org", "first_name": "a&b=c", "age": "20"}
    assert program.destination(link, person) == (
        "https://e.org/gb%2F..%2Fx?e=a%2Bb%40example.org&n=a%26b%3Dc&adult=20#f"
    )
    assert program.destination(link, {}) == "https://e.org/?e=&n=#f"
    assert f'href="{CLICK}/1"' in program.html(person, URLS)
    assert "a+b@example.org" not in program.html(person, URLS)
    assert all(value == "" for n, value in enumerate(program.values(person, URLS)) if n not in program.top_level)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("https://e.org", "https://e.org/?utm_source=mail&utm_medium=e%20mail"),
        ("https://e.org/?a=1", "https://e.org/?a=1&utm_source=mail&utm_medium=e%20mail"),
        ("https://e.org/p?utm_source=own#frag", "https://e.org/p?utm_source=own&utm_medium=e%20mail#frag"),
        ("https://e.org/p#a?b", "https://e.org/p?utm_source=mail&utm_medium=e%20mail#a?b"),
        ("HTTPS://E.org/é?ü=%20", "https://E.org/%C3%A9?%C3%BC=%20&utm_source=mail&utm_medium=e%20mail"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/?utm_source=mail&utm_medium=e%20mail"),
    ],
)
def test_parameters_of_the_workspace_are_added(desk: Desk, written: str, expected: str) -> None:
    chosen = replace(desk.workspace.settings, link_parameters={"utm_source": "mail", "utm_medium": "e mail"})
    desk.workspace = replace(desk.workspace, settings=chosen)
    message = desk.compile(f"[x]({written})").message
    assert MergeProgram(message).destination(message.links[0], {}) == expected


def test_a_frozen_destination_is_judged_again(desk: Desk) -> None:
    program = desk.program("[x](https://e.org/)")
    for bad in ("javascript:alert(1)", "//e.org/", "https:///x", "https://e.org/\r\nSet-Cookie: a"):
        with pytest.raises(BadDestination):
            program.destination(replace(program.message.links[0], destination=(bad,)), {})


def test_a_link_under_a_condition_is_told_of_only_when_its_words_are(desk: Desk) -> None:
    program = desk.program(
        "Go {% if supporter.country %}{% if supporter.age %}x{% else %}[there](https://e.org){% endif %}{% endif %}."
    )
    assert "there: " in program.text({"country": "GB"}, URLS)
    assert "there" not in program.text({"country": "GB", "age": "5"}, URLS)
    assert "there" not in program.text({}, URLS)


def test_bare_addresses_and_angle_brackets_become_links(desk: Desk) -> None:
    found = links(desk, "See https://e.org/a(b), or <https://e.org/c>. `https://e.org/code`")
    assert [link.label for link in found] == ["https://e.org/a(b", "https://e.org/c"]


def test_links_of_the_layout_are_placed_by_the_block_they_stand_in(desk: Desk) -> None:
    blocks = desk.workspace.templates / "blocks"
    (blocks / "footer.mjml").write_text('<p><a href="{{ organisation.website }}">{{ organisation.name }}</a></p>')
    (blocks / "text.mjml").write_text(
        '<mj-section><mj-column><mj-text>{{ block.html }}{% include "blocks/footer.mjml" %}</mj-text></mj-column>'
        "</mj-section>"
    )
    (link,) = links(desk, "Words")
    assert (link.placement, link.label, link.url) == ("footer", "Example Campaigns", "https://example.org/")


PATH = st.text(st.characters(codec="utf-8", exclude_characters="<>()[]\\`*_{}#?&|\x7f!~"), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PATH, st.dictionaries(st.sampled_from("abc"), PATH, max_size=2)), min_size=1, max_size=4))
def test_rewriting_keeps_every_destination(desk: Desk, wanted: list[tuple[str, dict[str, str]]]) -> None:
    addresses = [
        f"https://e.org/{quote(path, safe='')}?" + "&".join(f"{k}={quote(v, safe='')}" for k, v in query.items())
        for path, query in wanted
    ]
    body = "\n\n".join(f"- [link {n}]({address})" for n, address in enumerate(addresses))
    program = desk.program(body)
    html = program.html({}, URLS)
    assert len(program.message.links) == len(addresses)
    for link, (_, query), address in zip(program.message.links, wanted, addresses, strict=True):
        assert f'href="{CLICK}/{link.n}"' in html
        leads_to = urlsplit(program.destination(link, {}))
        assert leads_to.path == urlsplit(address).path
        assert dict(parse_qsl(leads_to.query, keep_blank_values=True)) == query
