"""What waits for the person comes through Markdown, MJML and CSS inlining unchanged, and lines keep their numbers."""

from __future__ import annotations

from html import unescape

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.compose.templating.deferred import line_mark, read_line_mark
from mailer.compose.templating.markers import Markers
from tests.compose.conftest import URLS, Desk

PERSON = {"first_name": "Zoë <&> \"'", "country": "GB", "age": "41"}
# A piece of Markdown, and the words a reader sees.
PIECES = st.sampled_from(
    [
        ("{{ supporter.first_name }}", PERSON["first_name"]),
        ("{{supporter.country|lower}}", "gb"),
        ("**{{ supporter.age }}**", "41"),
        ("*a*", "a"),
        ("{% if supporter.country == 'GB' %}yes{% else %}no{% endif %}", "yes"),
        ("{% if supporter.age < 5 %}young{% elif supporter.age > 40 %}**old**{% endif %}", "old"),
        ("{% if not supporter.country %}x{% endif %}", ""),
        ("{{ list.title }}", "Supporters"),
        ("[{{ supporter.age }} links](https://e.org/)", "41 links"),
        ("{{ 'a < b && \"c\"' }}", 'a < b && "c"'),
        ("{% if supporter.age %}{{ supporter.first_name }}{% if supporter.country %}!{% endif %}{% endif %}",
         PERSON["first_name"] + "!"),
        ("`code {{ supporter.age }}`", "code 41"),
        ("word", "word"),
    ]
)  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, min_size=1, max_size=9))
def test_tags_come_through_in_order(desk: Desk, pieces: list[tuple[str, str]]) -> None:
    program = desk.program("Begin " + " ".join(markdown for markdown, _ in pieces) + " end")
    html = program.html(PERSON, URLS)
    paragraph = html[html.index("<p>Begin") : html.index("</p>", html.index("<p>Begin"))]
    seen = unescape("".join(part.partition(">")[2] for part in paragraph.split("<")))
    expected = " ".join(["Begin", *(words for _, words in pieces), "end"])
    assert seen.split() == expected.split()
    text = program.text(PERSON, URLS)
    told = text[text.index("Begin") : text.index(" end" if " end" in text else "\nend")]
    assert told.split() == expected.split()[:-1]


@given(st.integers(1, 2**40))
def test_line_marks_say_their_number_and_are_blanks(number: int) -> None:
    assert read_line_mark(line_mark(number)) == number
    assert not line_mark(number).strip()


def test_lines_keep_their_numbers_whatever_jinja_takes_out(desk: Desk) -> None:
    body = (
        "{# a note\nover two lines #}\n{%- if list.name == 'x' %}\nnot\nthere\n{% endif -%}\n\n"
        "{{ supporter.first_name |\n default('x') }}\n{% for n in [1, 2, 3] %}\nline {{ n }}\n\n{% endfor %}\n"
        "{%- if supporter.country %}\n\nwords\n{%- endif %}\n\n![](missing.png)\n"
    )
    faults = desk.faults(body)
    lines = (desk.folder / "message.md").read_text().split("\n")
    wanted = lines.index("![](missing.png)") + 1
    assert {fault.place.line for fault in faults if fault.place} == {wanted}


def test_a_filter_that_changes_a_marker_is_noticed(desk: Desk) -> None:
    blocks = desk.workspace.templates / "blocks"
    blocks.joinpath("text.mjml").write_text(
        "<mj-section><mj-column><mj-text>{{ message.headline | upper }}</mj-text></mj-column></mj-section>"
    )
    faults = desk.faults("x", more="headline: 'Hi {{ supporter.first_name }}'\n")
    assert any("changes text that waits" in fault.message for fault in faults)


def test_what_looks_like_a_marker_is_words_wherever_an_author_writes_it(desk: Desk) -> None:
    word = Markers("").prefix
    looks = f"{word}v0z {word.upper()}l0z {word}c9z"
    program = desk.program(
        f"{looks} {{{{ supporter.first_name }}}}", subject=looks, preheader=looks, more=f'headline: "{looks} on top"\n'
    )
    assert program.subject(PERSON) == program.preheader(PERSON) == looks
    text = program.text(PERSON, URLS)
    assert f"{looks} on top" in text
    assert f"{looks} {PERSON['first_name']}" in text
