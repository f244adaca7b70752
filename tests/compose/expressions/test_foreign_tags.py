"""Merge tags of other programs and half-typed ones: each is a fault with its line and the right tag; prose is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.expressions.foreign_tags import foreign_tags
from tests.compose.conftest import Desk
from tests.compose.test_faults import FIRST_LINE

FIELDS = ("email", "first_name", "last_name", "name", "country", "language", "town")
FIRST = '{{ supporter.first_name | default("friend") }}'
BRACES = "two braces on each side"
TAGS = [
    ("{first_name}", FIRST),
    ("{supporter.first_name}", FIRST),
    ("{contact.first_name}", FIRST),
    ("{vorname}", FIRST),
    ("{contactfield=firstname|friend}", FIRST),
    ('{first_name, "reader"}', 'default("reader")'),
    ("{$name}", "supporter.name"),
    ("{!Contact.FirstName}", FIRST),
    ("{user_data~First Name}", FIRST),
    ("{lead.First Name:default=friend}", FIRST),
    ("{town}", "{{ supporter.town }}"),
    ("{contact.some_field}", "supporter. you can write"),
    ("{unsubscribe}", "unsubscribe_url"),
    ("${first_name}", FIRST),
    ("#{name}", "supporter.name"),
    ("%recipient.first%", FIRST),
    ("%FIRSTNAME%", FIRST),
    ("%first_name%", FIRST),
    ("%%First Name%%", FIRST),
    ("%recipient.email%", "{{ supporter.email }}"),
    ("%UNSUBSCRIBELINK%", "unsubscribe_url"),
    ("<%= name %>", "supporter.name"),
    ("<% if x %>", "supporter. you can write"),
    ("<?= $first_name ?>", FIRST),
    ("-first_name-", FIRST),
    ("*|FNAME|*", FIRST),
    ("*|TITLE:FNAME|*", FIRST),
    ("*|LIST:COMPANY|*", "organisation.name"),
    ("*|ARCHIVE|*", "view_url"),
    ("[FIRSTNAME]", FIRST),
    ("[firstname,fallback=you]", 'default("you")'),
    ("[subscriber:firstname | default:reader]", 'default("reader")'),
    ('[[data:first_name:"there"]]', 'default("there")'),
    ("[UNSUBSCRIBEURL]", "unsubscribe_url"),
    ("«Prénom»", FIRST),
    ("<<First Name>>", FIRST),
    ("##first_name##", FIRST),
    ("@@fname@@", FIRST),
    ("$first_name", FIRST),
    ("{{ supporter.first_name }}}", BRACES),
    ("{{{ supporter.first_name }}}", BRACES),
    ("{{ supporter.first_name }} }", BRACES),
    ("{ { supporter.first_name } }", FIRST),
    ("{ {supporter.first_name}}", FIRST),
    ("{ supporter.first_name }}", FIRST),
    ("{{ supporter.first_name } }", FIRST),
    ("words }}", BRACES),
    ("words %}", BRACES),
]
PROSE = [
    "{sic} {friend} {a, b} {see p. 4} {10:30} {1} {} {note: this} {e.g.}",
    "50% of people and 20% more",
    "100%sure 5%-10%",
    "[name](https://e.org) and [email][x] and [^1] and [x] and [the first name](https://e.org)",
    "$5 and $10, US$first",
    "https://e.org/%C3%A9t%C3%A9/%20a%20b?q=%E2%82%AC%25",
    "«Bonjour» « nom » A << B >> C || D",
    "a-name-b well-first-name-tag",
    r"\{first_name\}",
    "{{ supporter.first_name }}, {{ a }}{{ b }} {% if x %}a{% endif %} {# {first_name} #}",
    "#SaveOurLibrary ## Heading @@ a ~ b * | *",
    "a | b | c",
    "<3 <- ->",
]


@pytest.mark.parametrize(("tag", "remedy"), TAGS)
def test_each_is_found_where_it_is_and_its_right_form_is_named(tag: str, remedy: str) -> None:
    (found,) = foreign_tags(f"Dear\n\n{tag}, help", fields=FIELDS)
    assert found.line == 2
    assert remedy in found.remedy


@pytest.mark.parametrize("words", PROSE)
def test_what_people_write_is_none(words: str) -> None:
    assert list(foreign_tags(words, fields=FIELDS)) == []


@given(st.text(alphabet="ab{}%[]<>*|$#-_ \n«»=.", max_size=60))
def test_any_text_is_looked_at_and_lines_are_its_own(text: str) -> None:
    for found in foreign_tags(text, fields=FIELDS):
        assert 0 <= found.line <= text.count("\n")


@pytest.mark.parametrize("key", ["subject", "preheader", "headline", "kicker", "signature"])
def test_texts_of_the_front_matter_are_looked_at(desk: Desk, key: str) -> None:
    front = {"subject": "Help", "preheader": "Now"} | {key: "%recipient.first%"}
    more = "" if key in ("subject", "preheader") else f'{key}: "%recipient.first%"\n'
    (fault,) = desk.faults("Words", subject=f'"{front["subject"]}"', preheader=front["preheader"], more=more)
    assert fault.rule == "writing.foreign-tag"
    assert FIRST in (fault.remedy or "")


def test_the_action_and_the_templates_are_looked_at(desk: Desk) -> None:
    (fault,) = desk.faults("Words", action="https://act.example.org/?e=%recipient.email%")
    assert "{{ supporter.email }}" in (fault.remedy or "")
    block = desk.workspace.templates / "blocks" / "text.mjml"
    block.write_text(
        "<mj-section><mj-column><mj-text>\nDear {first_name} {{ block.html }}</mj-text></mj-column></mj-section>"
    )
    (fault,) = desk.faults("Words")
    assert str(fault.place) == "templates/blocks/text.mjml:2"


def test_styles_of_mjml_are_no_tags(desk: Desk) -> None:
    front = "---\nsubject: Help\nlist: supporters\n---\n"
    (desk.folder / "message.mjml").write_text(
        f"{front}<mjml><mj-head><mj-style>p {{color_x:red}} a{{}}}}</mj-style></mj-head><mj-body><mj-section>"
        "<mj-column>"
        "<mj-text>{first_name} {{ organisation.postal_address }} <a href='{{ unsubscribe_url }}'>Leave</a></mj-text>"
        "</mj-column></mj-section></mj-body></mjml>"
    )
    assert [fault.message.split()[0] for fault in desk.faults()] == ["{first_name}"]


# What Jinja can't read, or doesn't know, and what the fault says to write.
SLIPS = [
    ("{{ first_name }}", FIRST),
    ("{{ firstname }}", FIRST),
    ("{{ FNAME }}", FIRST),
    ("{{ contact.FIRSTNAME }}", FIRST),
    ("{{ user.first_name }}", FIRST),
    ("{{ subscriber.email }}", "{{ supporter.email }}"),
    ("{{ unsubscribe }}", "unsubscribe_url"),
    ("{{ first_name | default: 'you' }}", "default('you')"),
    ("{{ .Subscriber.FirstName }}", FIRST),
    ("{{ unsubscribe_link }}", "unsubscribe_url"),
    ('{{var:firstname:"reader"}}', 'default("reader")'),
    ("{{lead.First Name}}", FIRST),
    ('{{name, "there"}}', "supporter.name"),
    ("{{ supporter.FIRSTNAME }}", "supporter.first_name"),
    ("{{ supporter.vorname }}", "supporter.first_name"),
    ('{{ supporter.first_name | default: "friend" }}', f"{FIRST}"),
    ("{{ supporter.first_name|default 'friend' }}", "default('friend')"),
    ('{{ supporter.first_name | default="friend" }}', FIRST),
    ("{{ supporter.first_name | default(“friend”) }}", f"straight quotes: {FIRST}"),
    ("{{ supporter.first_name | default(„friend“) }}", f"straight quotes: {FIRST}"),
    ("{{ supporter.first_name | default(‘friend’) }}", "default('friend')"),
    ("{{ supporter.first_name | default(«friend») }}", f"straight quotes: {FIRST}"),
    ("{{ supporter.first_name | default(&quot;friend&quot;) }}", FIRST),
    ("{{ supporter.first_name | fallback('x') }}", "default"),
    ("{{ supporter.first_name | capitalize }}", "title"),
    ("{% if supporter.country == “GB” %}a{% endif %}", '{% if supporter.country == "GB" %}'),
    ('{% if supporter.country = "GB" %}a{% endif %}', '{% if supporter.country == "GB" %}'),
    ("{% if supporter.country && supporter.age %}a{% endif %}", "{% if supporter.country and supporter.age %}"),
    ("{% if supporter.age %}a{% elseif supporter.country %}b{% endif %}", "{% elif supporter.country %}"),
    ("{% if supporter.age %}a{% else if supporter.country %}b{% endif %}", "{% elif supporter.country %}"),
    ("{% if supporter.age %}a{% end if %}", "{% endif %}"),
]


@pytest.mark.parametrize(("tag", "remedy"), SLIPS)
def test_slips_inside_of_tags_lead_to_the_right_one(desk: Desk, tag: str, remedy: str) -> None:
    faults = desk.faults(f"Dear\n\n{tag}, help")
    assert {fault.place.line for fault in faults if fault.place} == {FIRST_LINE + 2}
    assert any(remedy in (fault.remedy or "") for fault in faults), faults


def test_slips_are_told_all_at_once(desk: Desk) -> None:
    body = "{{ a b }}\n{{ organisation.nmae }}\n{{ supporter.first_name | default: 'x' }}\n{first_name}\n"
    body += "{% if = %}{% endif %}"
    lines = [fault.place.line for fault in desk.faults(body) if fault.place]
    assert lines == [FIRST_LINE + n for n in range(5)]
