"""Bad messages: a clear fault with file, line and remedy for each, all at once, and never a traceback."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailer.compose.message import Choice
from mailer.errors import MailerError
from tests.compose.conftest import FRONT, URLS, Desk

FIRST_LINE = FRONT.format(subject="x", preheader="x", action="x", more="").count("\n") + 1


@pytest.mark.parametrize(
    ("body", "line", "message", "remedy"),
    [
        ("a\n\n{{ supporter.frist_name }}", 3, "unknown field supporter.frist_name", "first_name"),
        ("{{ supporter.first_name | uper }}", 1, "unknown filter 'uper'", "upper"),
        ("{{ list.titel }}", 1, "unknown field list.titel", "title"),
        ("{{ organistion.name }}", 1, "unknown name 'organistion'", "organisation"),
        ("{{ list.title | uper }}", 1, "unknown filter 'uper'", "upper"),
        ("{{ list['titel'] }}", 1, "unknown name", None),
        ("a\n{{ list.title", 2, "Jinja syntax", "{{ … }}"),
        ("a\n\n{% if supporter.country %}\nb", 3, "Jinja syntax", None),
        ("{% endif %}", 1, "Jinja syntax", None),
        ("{% unknown %}", 1, "Jinja syntax", None),
        ("a\n{{ supporter.age > 5 }}", 2, "can't be printed", "{% if %}"),
        ("{% for x in supporter.first_name %}{{ x }}{% endfor %}", 1, "{% for %} can't wait", "{% if %}"),
        ("{% set x = supporter.first_name %}", 1, "{% set %} can't wait", None),
        ("{% include supporter.first_name %}", 1, "{% include %} can't wait", None),
        ("{{ supporter.first_name.upper() }}", 1, "can't be called", None),
        ("{{ supporter }}", 1, "group of fields", None),
        ("{{ supporter['__class__'] }}", 1, "unknown field", None),
        ("{{ list.__class__ }}", 1, "sandbox forbids", None),
        ("{{ ''.__class__.__mro__ }}", 1, "sandbox forbids", None),
        ("{{ ('a' | replace('a', 'b')) }}", 1, "unknown filter 'replace'", "Known: date, default, first, last"),
        ("{{ supporter.first_name | default(fallback='x') }}", 1, "takes plain arguments only", 'default("friend")'),
        ("{% if (supporter.age > 1) in ['GB'] %}a{% endif %}", 1, "left side of `in` must be a field", None),
        ("{{ 'a' ~ (supporter.age > 5) }}", 1, "can't be used where a text is needed", None),
        (f"{{{{ {'(' * 3000}1{')' * 3000} }}}}", 1, "nested too deeply", None),
        ("{{ 'a'.replace(1, 2) }}", 1, "can't be computed", None),
        ("{% block a %}{% endblock %}{% block a %}{% endblock %}", 1, "block 'a' defined twice", None),
        ("{% if supporter.country %}a[^1]\n\n[^1]: note {% else %} b {% endif %}", 1, "begins in one place", None),
        ("{{ range(100000000) }}", 1, "can't be computed", None),
        ("{{ 1 / 0 }}", 1, "can't be computed", None),
        ("{% include 'nothing.mjml' %}", 1, "there is no template 'nothing.mjml'", None),
        ("{% include '../mailer.toml' %}", 1, "there is no template", None),
        ("{{ '{0.__class__}'.format(list) }}", 1, "sandbox forbids", None),
        ("{% if list.title is nonsense %}{% endif %}", 1, "No test named", None),
        ("{{ 'x' * 4000000000 }}", 1, "sandbox forbids", None),
        ("{{ '%999999999d' % 1 }}", 1, "sandbox forbids", None),
        ("{{ 9 ** 9 ** 9 }}", 1, "sandbox forbids", None),
        ("Dear {first_name},", 1, "{first_name} is no merge tag", "supporter.first_name"),
        ("Dear *|FNAME|*,", 1, "is no merge tag", None),
        ("a\n\n[x](javascript:alert%281%29)", 3, "is not a web address", "https://"),
        ("[x](data:text/html,x)", 1, "is not a web address", None),
        ("[x](www.example.org/a)", 1, "is not a web address", "https://www.example.org/a"),
        ("[x](../page.html)", 1, "is not a web address", None),
        ("[x]()", 1, "is not a web address", None),
        ("[x](https://)", 1, "names no site", None),
        ("[x](https://a@b.example.org/)", 1, "names no site", None),
        ("[x](https://e.org:99999/)", 1, "names no site", None),
        ("[x](https://act..e.org/)", 1, "names no site", None),
        ("[x](https://-act.e.org/)", 1, "names no site", None),
        ("[x](https://act-.e.org:80/)", 1, "names no site", None),
        (f"[x](https://{'ü' * 70}.org:80/)", 1, "names no site", None),
        (f"[x](https://e.org/{'a' * 2000})", 1, "longer than 2000 characters", None),
        ("[x](<https://e.org/a b>)", 1, "can't have", "%20"),
        ("[x]({{ supporter.email }})", 1, "is not a web address", None),
        ("[x](https://{{ supporter.country }}.example.org/)", 1, "can't wait for the person", None),
        ("[x](https://e.org{% if supporter.country %}.uk{% endif %}/)", 1, "can't wait for the person", None),
        ("a\n\n[](https://e.org)", 3, "no words", None),
        ("a\n\n::: aks\n:::\n", 3, "unknown block 'aks'", "ask"),
        ("a\n\n::: quote x\nwords\n", 3, "never closed", ":::"),
        ("::: ask\nWords\n:::\n", 1, "holds nothing but its button", None),
        ("::: story\nno title\n:::\n", 1, "no title", "### Title"),
        ("::: story\n### A\n\nb\n\n::: ask\n:::\n:::\n", 6, "::: ask is inside", "Close"),
        ("- a\n\n  ::: ask\n  :::\n", 3, "::: ask is inside", None),
        ("::: quote a\n![A](a.png)\n:::\n", 2, "paragraph of its own", None),
        ("a[^1]\n\n[^1]: ![A](a.png)", 3, "paragraph of its own", None),
        ("a[^1]", 1, "there is no note '1'", "[^1]:"),
        ("a\n\n![](a.png)", 3, "no description", "![What it shows]"),
        ("![A](missing.png)", 1, "there is no picture 'missing.png'", "a.png"),
        ("![A](../../mailer.toml)", 1, "is not a picture of this message", None),
        ("![A](notes.txt)", 1, "not a PNG, JPEG or GIF", None),
        ("words ![A](a.png) words", 1, "paragraph of its own", None),
        ("{% if supporter.first_name %}{{ list.nope }}{% endif %}", 1, "unknown field list.nope", None),
    ],
)  # fmt: skip
def test_bad_bodies(
    desk: Desk, picture: Callable[[str], Path], body: str, line: int, message: str | None, remedy: str | None
) -> None:
    picture("a.png")
    (desk.folder / "notes.txt").write_text("words")
    faults = desk.faults(body)
    hit = [fault for fault in faults if message is None or message in fault.message]
    assert hit, faults
    place = hit[0].place
    assert place is not None
    assert place.file == "newsletters/an-appeal/message.md"
    assert place.line == FIRST_LINE + line - 1
    if remedy:
        assert remedy in (hit[0].remedy or "")


@pytest.mark.parametrize(
    ("front", "line", "message"),
    [
        ({"subject": "'{{ supporter.nmae }}'"}, 2, "unknown field supporter.nmae"),
        ({"subject": "'{% for x in supporter.name %}{% endfor %}'"}, 2, "can't wait"),
        ({"preheader": "{{ list.nope }}"}, 3, "unknown field list.nope"),
        ({"action": "ftp://x.org"}, 7, "is not a web address"),
        ({"action": "'https://x.org/{{ supporter.nope }}'"}, 7, "unknown field supporter.nope"),
        ({"more": "signature: '{{ supporter.nope }}'\n"}, 9, "unknown field supporter.nope"),
        ({"more": "signature: |\n  a\n  {{ supporter.nope }}\n"}, 11, "unknown field supporter.nope"),
        ({"more": "signature: 'x ![x](a.png)'\n"}, 9, "only words and links"),
        ({"more": "signature: 'a^[b]'\n"}, 9, "footnotes can't be used here"),
        ({"more": "site: nowhere\n"}, 9, "is not a web address"),
        ({"more": "kicker: '{{ nope }}'\n"}, 9, "unknown name 'nope'"),
    ],
)
def test_bad_front_matter(desk: Desk, front: dict[str, str], line: int, message: str) -> None:
    faults = desk.faults("Words", **front)
    hit = [fault for fault in faults if message in fault.message]
    assert hit, faults
    assert hit[0].place is not None
    assert hit[0].place.line == line


def test_faults_of_every_part_come_together(desk: Desk) -> None:
    faults = desk.faults(
        "{{ supporter.a }}\n\n{{ list.b }}\n\n{{ c }}", subject="'{{ supporter.d }}'", more="signature: '{{ e }}'\n"
    )
    assert {fault.message for fault in faults} == {
        "unknown field supporter.a",
        "unknown field list.b",
        "unknown name 'c'",
        "unknown field supporter.d",
        "unknown name 'e'",
    }
    both = desk.faults("[a](x:y)\n\n[b](www.e.org)\n\n![](a.png)\n\n::: aks\n:::\n")
    assert len(both) >= 4


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("{{ supporter.nope }}", 1, "unknown field supporter.nope"),
        ("a\n{{ nope }}", 2, "unknown name"),
        ("a\n{{ block.nope }}", 2, "unknown name"),
        ("{{ message | attr('x') }}", 1, "unknown filter"),
        ("{{ block.html | safe }}", 1, "unknown filter 'safe'"),
        ("\n\n{% if %}", 3, "Jinja syntax"),
        ("{{ block.__init__ }}", 1, "sandbox forbids"),
        ("{{ block.html.__class__ }}", 1, "sandbox forbids"),
        ("{{ body.append(1) }}", 1, "sandbox forbids"),
        ("{% include 'blocks/text.mjml' %}", 1, None),
        ("\n{% block a %}{% endblock %}{% block a %}{% endblock %}", 2, "block 'a' defined twice"),
        (f"{{{{ {'(' * 3000}1{')' * 3000} }}}}", 1, "nested too deeply"),
        ("{{ block.html | upper }}{{ supporter.first_name }}", 1, None),
    ],
)
def test_bad_templates(desk: Desk, template: str, line: int, message: str | None) -> None:
    desk.workspace.templates.joinpath("blocks", "text.mjml").write_text(template)
    faults = desk.faults("Words for {{ supporter.first_name }}")
    if message is None:
        assert faults
        return
    hit = [fault for fault in faults if message in fault.message]
    assert hit, faults
    assert str(hit[0].place) == f"templates/blocks/text.mjml:{line}"


def test_a_template_that_is_no_text_is_refused(desk: Desk) -> None:
    desk.workspace.templates.joinpath("blocks", "text.mjml").write_bytes(b"\xe4")
    (fault,) = desk.faults("Words")
    assert (fault.message, str(fault.place)) == ("this is not UTF-8 text", "templates/blocks/text.mjml")


def test_what_a_template_imports_is_known_by_its_new_name(desk: Desk) -> None:
    desk.workspace.templates.joinpath("blocks", "words.mjml").write_text("{% macro hello() %}Hello{% endmacro %}")
    begin = "{% from 'blocks/words.mjml' import hello as hi %}"
    assert "Hello there" in desk.program(begin + "{{ hi() }} there").text({}, URLS)
    (fault,) = desk.faults(begin + "{{ hello() }}")
    assert fault.message == "unknown name 'hello'"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ('<mj-section><mj-column><mj-text><p style="color:{{ supporter.country }}">x</p></mj-text></mj-column>'
         "</mj-section>", "style"),
        ('<mj-section><mj-column><mj-image src="{{ supporter.country }}" alt="x" /></mj-column></mj-section>', "src"),
        ('<mj-raw><div {{ supporter.country }}="x"></div></mj-raw>', None),
        ('<mj-raw><style>a { color: {{ supporter.country }}; }</style></mj-raw>', "style"),
    ],
)  # fmt: skip
def test_places_where_no_escaping_is_safe(desk: Desk, template: str, message: str | None) -> None:
    desk.workspace.templates.joinpath("blocks", "text.mjml").write_text(template)
    faults = desk.faults("Words")
    assert any(message is None or message in fault.message for fault in faults), faults


def test_warnings_stop_nothing(desk: Desk, picture: Callable[[str], Path]) -> None:
    picture("big.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 1_100_000)
    compiled = desk.compile(
        "# One\n\n<b>x</b> https://e.org/here\n\n![A](big.png)\n\n![B](https://other.example.com/x.png)\n\n"
        "[^x]: unused",
        subject="a" * 90,
    )
    told = " | ".join(fault.message for fault in compiled.faults)
    for words in ("first-level heading", "HTML is shown", "shows an address", "1,100,008 bytes", "another site",
                  "'X' is mentioned nowhere", "90 characters"):  # fmt: skip
        assert words.lower() in told.lower()
    assert all(not fault.stops and fault.place for fault in compiled.faults)


@pytest.mark.parametrize(
    ("body", "holes"),
    [
        ("Dear {{ supporter.first_name }},", 1),
        ("Dear {{ supporter.name | title }},", 1),
        ("Dear {{ supporter.first_name | default('friend') }},", 0),
        ("Dear {{ supporter.first_name or supporter.last_name }},", 0),
        ("Dear{% if supporter.first_name %} {{ supporter.first_name }}{% endif %},", 0),
        ("{% if supporter.country %}{{ supporter.first_name }}{% endif %}", 1),
        ("{% if supporter.first_name %}a{% endif %}{{ supporter.first_name }}", 1),
        ("{{ supporter.email }}", 0),
    ],
)
def test_a_name_without_a_stand_in_is_told_of(desk: Desk, body: str, holes: int) -> None:
    compiled = desk.compile(body)
    assert sum("get a hole" in fault.message for fault in compiled.faults) == holes


TAGS = st.sampled_from(
    ["{{ supporter.first_name }}", "{% if supporter.country %}", "{% else %}", "{% endif %}", "{{ list.title }}", "**",
     "*", "[a](https://e.org/)", "\n\n", "\n", "- x", "> ", "::: quote a\n", ":::\n", "`", "## ", "[^1]",
     "![a](b)", "&", "<b>", '"', "{{", "}}", "{%", "%}", "{#", "\\", "    ", "é\u202e", "::: ask\n:::\n",
     "{% if list.name %}", "word "]
)  # fmt: skip
LEFT_OVER = re.compile(r"mk[0-9a-f]{8}|[\x1c-\x1f\u2e31]")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TAGS, max_size=14).map("".join))
@example("{% if supporter.country %}::: quote a\n## {% endif %}")
def test_any_body_compiles_or_is_refused(desk: Desk, body: str) -> None:
    """And what compiles holds no marker and no Jinja of the tags that wait."""
    try:
        message = desk.compile("x\n" + body).message
    except MailerError as found:
        assert all(fault.place for fault in found.diagnostics)
    else:
        texts = (message.html, message.text, message.subject, message.preheader)
        texts += tuple(parts for slot in message.slots if isinstance(slot, Choice) for _, parts in slot.branches)
        constant = "".join(part for parts in texts for part in parts if isinstance(part, str))
        assert not LEFT_OVER.search(constant)
        assert "supporter." not in constant


SUBJECTS_FOR_NOBODY = [
    "'{{ list.description[:0] }}'",
    "'{% if false %}x{% endif %}'",
    "'{{ supporter.first_name }}'",
    "'{{ supporter.first_name | title }}'",
    "'{{ supporter.first_name | default(\"\") }}'",
    "'{{ supporter.first_name | default(\"\u200b\") }}'",
    "'{{ supporter.first_name or supporter.last_name }}'",
    "'{% if supporter.country == \"GB\" %}Vote{% endif %}'",
    "'{% if supporter.country == \"GB\" %}Vote{% else %} {% endif %}'",
    "'{% if supporter.country %}Vote{% elif supporter.age %}Sign{% endif %}'",
    "'{% if supporter.country %}Vote{% else %}{{ supporter.first_name }}{% endif %}'",
    '\'{{ "Vote" if supporter.country else "" }}\'',
    "'{{ supporter.first_name and \"Vote\" }}'",
]


@pytest.mark.parametrize("subject", SUBJECTS_FOR_NOBODY)
def test_a_subject_that_somebody_would_not_have(desk: Desk, subject: str) -> None:
    (fault,) = desk.faults("Words", subject=subject, more='waive:\n  subject.missing: "because"\n')
    assert fault.rule == "subject.missing"
    assert fault.place is not None
    assert fault.place.line == 2


@pytest.mark.parametrize(
    "subject",
    [
        "'{{ supporter.first_name }}, help'",
        "'{{ supporter.first_name | default(\"Friend\") | upper }}'",
        "'{{ supporter.first_name or supporter.last_name or \"Friend\" }}'",
        "'{{ supporter.first_name ~ \"!\" }}'",
        "'{{ list.title }}'",
        "'{{ supporter.first_name | default(list.title) }}'",
        "'{% if supporter.country == \"GB\" %}Vote{% else %}Sign{% endif %}'",
        '\'{{ "Vote" if supporter.country else "Sign" }}\'',
        "'{% if supporter.country %}{% if supporter.age %}a{% else %}b{% endif %}{% else %}c{% endif %}'",
    ],
)
def test_a_subject_that_everybody_has(desk: Desk, subject: str) -> None:
    program = desk.program("Words", subject=subject)
    assert program.subject({}, URLS).strip()
