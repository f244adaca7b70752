"""The merge program: one person's texts, escaped so that no value can break out of the place it stands in."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.message import Choice, Context, Message, Slot
from tests.compose.conftest import URLS, Desk

BODY = """\
Dear {{ supporter.first_name }},
[write to {{ supporter.first_name }}](mailto:a@e.org?subject={{ supporter.first_name }}).

{% if supporter.first_name %}
Inside {{ supporter.first_name | upper }} and [x](https://e.org/?n={{ supporter.first_name }}).
{% endif %}

![What {{ supporter.first_name }} sees](a.png)

::: quote {{ supporter.first_name }}
Words
:::

::: ask Sign, {{ supporter.first_name }}
:::
"""
NASTY = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.text(st.sampled_from("<>&\"'`=/ \n\r\t\x00\x0b\x85\u2028\u202e\ud800%{}-!ab;#"), max_size=30),
    st.sampled_from(
        ['"><script>alert(1)</script>', "--><b>", "</p></td>", "' onclick='x", "&lt;", "a" * 2000, "שָׁלוֹם", "नमस्ते"]
    ),
)


@pytest.fixture
def program(desk: Desk) -> MergeProgram:
    (desk.folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return desk.program(BODY, subject='"{{ supporter.first_name }}: help"', preheader="For {{ supporter.first_name }}")


class Shape(HTMLParser):
    """The tags and the names of attributes, with the values that a person's data may stand in apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[object] = []
        self.values: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for name, value in attrs if name in ("alt", "href", "aria-label", "content")]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.tags.append(data)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def shape(html: str) -> Shape:
    reader = Shape()
    reader.feed(html)
    reader.close()
    return reader


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NASTY)
def test_no_value_breaks_out_of_its_place(program: MergeProgram, value: str) -> None:
    plain, nasty = shape(program.html({"first_name": "Plain"}, URLS)), shape(program.html({"first_name": value}, URLS))
    if value:
        assert nasty.tags == plain.tags
        mailto = next(v for v in nasty.values if v.startswith("mailto:"))
        cleaned = parse_qs(urlsplit(mailto).query, keep_blank_values=True)["subject"][0]
        assert f"Dear {cleaned},\n" in "".join(nasty.words).replace("\r\n", "\n")
        assert f"What {cleaned} sees" in nasty.values
    assert len(program.subject({"first_name": value}).splitlines()) == 1
    program.html({"first_name": value}, URLS).encode("utf-8")
    program.text({"first_name": value}, URLS).encode("utf-8")
    assert program.text({"first_name": value}, URLS).count("\n") in (
        program.text({"first_name": name}, URLS).count("\n") for name in ("Plain", "")
    )


@given(NASTY)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_link_leads_where_it_was_written_whoever_follows(program: MergeProgram, value: str) -> None:
    assume(value)
    (link,) = [link for link in program.message.links if link.placement == "inline"]
    leads_to = urlsplit(program.destination(link, {"first_name": value}))
    assert (leads_to.scheme, leads_to.netloc, leads_to.path, leads_to.fragment) == ("https", "e.org", "/", "")
    assert set(parse_qs(leads_to.query)) <= {"n"}


def test_each_context(program: MergeProgram) -> None:
    person = {"first_name": "O'Neil \"<&>\u202e\x00"}
    html = program.html(person, URLS)
    assert "Dear O&#39;Neil &#34;&lt;&amp;&gt;,\n" in html
    assert 'alt="What O&#39;Neil &#34;&lt;&amp;&gt; sees"' in html
    assert 'subject=O%27Neil%20%22%3C%26%3E"' in html
    assert program.subject(person) == "O'Neil \"<&>: help"
    assert program.preheader(person) == "For O'Neil \"<&>"
    assert "Dear O'Neil \"<&>, write" in program.text(person, URLS)
    assert {slot.context for slot in program.message.slots if isinstance(slot, Slot)} == set(Context)


def test_values_and_fill_give_the_same_as_the_conveniences(program: MergeProgram) -> None:
    message, person = program.message, {"first_name": "Zoë"}
    values = program.values(person, URLS)
    assert len(values) == len(message.slots)
    assert program.fill(message.html, values) == program.html(person, URLS)
    assert program.fill(message.text, values) == program.text(person, URLS)
    assert program.fill(message.subject, values) == program.subject(person)
    assert program.fill(message.preheader, values) == program.preheader(person)
    inner = set(range(len(message.slots))) - program.top_level
    assert inner
    assert all(values[number] == "" for number in inner)


def test_slots_of_a_branch_that_is_not_taken_are_not_computed() -> None:
    message = _message((Slot("supporter.boom", Context.TEXT), Choice((("supporter.country", (0,)), ("", ("none",))))))

    class Explosive(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            assert key != "boom"
            return super().get(key, default)

    assert MergeProgram(message).text(Explosive(), URLS) == "none"
    with pytest.raises(AssertionError):
        MergeProgram(message).text(Explosive(country="GB"), URLS)


def test_addresses_of_the_person_are_escaped_for_html_only(desk: Desk) -> None:
    urls = Urls("https://m/c?a=1&b=2", "https://m/u?a=1&b=2", "https://m/v", "https://m/p")
    program = desk.program("[x](https://e.org)")
    assert 'href="https://m/u?a=1&amp;b=2"' in program.html({}, urls)
    assert 'href="https://m/c?a=1&amp;b=2/1"' in program.html({}, urls)
    assert "Unsubscribe: https://m/u?a=1&b=2\n" in program.text({}, urls)


@pytest.mark.parametrize(("value", "shown"), [(None, "friend"), (5, "5"), ("", "friend"), (True, "True")])
def test_values_that_are_no_text(desk: Desk, value: object, shown: str) -> None:
    program = desk.program("Dear {{ supporter.age | default('friend') }}")
    assert f"Dear {shown}\n" in program.text({"age": value}, URLS)


def test_the_same_tag_is_one_slot(desk: Desk) -> None:
    message = desk.compile("{{ supporter.first_name }} {{ supporter.first_name }} {{supporter.first_name}}").message
    assert len(message.slots) == len(set(message.slots))
    assert message.slots.count(Slot("supporter.first_name", Context.HTML)) == 1


def _message(slots: tuple[Slot | Choice, ...]) -> Message:
    return Message(
        slug="s", list="l", language="en", direction="ltr", from_="", reply_to="", public_url="https://m", subject=(),
        preheader=(), html=(), text=(len(slots) - 1,), slots=slots, links=(),
    )  # fmt: skip
