"""A message file becomes HTML, text, subject and a link table; what waits for the person comes through as slots."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mailer.compose.compiler import compile_message
from mailer.compose.merge import MergeProgram
from mailer.compose.message import Choice, Context, Slot, from_json, to_json
from mailer.compose.source.images import read_image
from mailer.diagnostics import Place
from mailer.errors import MailerError
from mailer.workspace import find_workspace
from tests.compose.conftest import PNG, URLS, Desk

GB = {"first_name": "Zoë", "country": "GB", "email": "zoe@example.org"}
US = {"first_name": "", "country": "US", "email": "ann@example.org"}


def test_the_two_moments(desk: Desk) -> None:
    program = desk.program(
        "Dear {{ supporter.first_name | default('friend') }}, this is {{ list.title }} of {{ organisation.name }}.",
        subject="'{{ supporter.first_name | default(\"You\") }}, read {{ list.title }}'",
    )
    assert program.subject(GB) == "Zoë, read Supporters"
    assert program.subject(US) == "You, read Supporters"
    assert "<p>Dear Zoë, this is Supporters of Example Campaigns.</p>" in program.html(GB, URLS)
    assert "Dear friend, this is Supporters of Example Campaigns.\n" in program.text(US, URLS)
    assert Slot("supporter.first_name | default('friend')", Context.HTML) in program.message.slots


def test_what_is_known_is_escaped_and_never_read_as_markdown(desk: Desk) -> None:
    toml = desk.workspace.lists / "supporters.toml"
    toml.write_text('title = "A_b_ *c* <i> & [x](y)"\nlist_id = "a.example.org"\n')
    program = desk.program("From {{ list.title }}", subject='"{{ list.title }}"')
    assert "From A_b_ *c* &lt;i&gt; &amp; [x](y)</p>" in program.html(GB, URLS)
    assert "From A_b_ *c* <i> & [x](y)\n" in program.text(GB, URLS)
    assert program.subject(GB) == "A_b_ *c* <i> & [x](y)"


@pytest.mark.parametrize(
    ("language", "said"), [("en", "for tests"), ("fr", "pour essayer"), ("fr-CA", "pour essayer"), ("de", "for tests")]
)
def test_why_people_get_it_is_said_in_the_language_of_the_mail(desk: Desk, language: str, said: str) -> None:
    told = 'title = "A"\nlist_id = "a.example.org"\ndescription = "for tests"\n[descriptions]\nfr = "pour essayer"\n'
    (desk.workspace.lists / "supporters.toml").write_text(told, encoding="utf-8")
    program = desk.program("Hello", more=f"language: {language}\n")
    assert said in program.html(GB, URLS)


def test_conditions_around_words_paragraphs_and_blocks(desk: Desk) -> None:
    program = desk.program(
        "You {% if supporter.country == 'GB' %}in **Britain**{% elif supporter.country %}in {{ supporter.country }}"
        "{% else %}anywhere{% endif %} can help.\n\n"
        "{% if supporter.country == 'GB' %}\nA paragraph for Britain.\n\n- and a list\n{% else %}\n"
        "A paragraph for others.\n"
        "{% endif %}\n\n"
        "{% if supporter.country == 'GB' %}\n\n::: ask Sign in Britain\n:::\n\n{% endif %}\n\nThe end.\n"
    )
    british, american, nobody = (program.html(person, URLS) for person in (GB, US, {}))
    assert "<p>You in <strong>Britain</strong> can help.</p>" in british
    assert "<p>You in US can help.</p>" in american
    assert "<p>You anywhere can help.</p>" in nobody
    assert "<p>A paragraph for Britain.</p>" in british
    assert "<p>A paragraph for others.</p>" in american
    assert "Sign in Britain" in british
    assert "Sign in Britain" not in american
    assert british.count("<div") == british.count("</div")
    assert american.count("<div") == american.count("</div")
    assert american.count("<table") == american.count("</table")
    assert "Sign in Britain: https://mail.example.org/c/TOKEN/1" in program.text(GB, URLS)
    assert "Sign" not in program.text(US, URLS)
    assert "You in US can help.\n\nA paragraph for others.\n\nThe end." in program.text(US, URLS)


def test_conditions_that_do_not_wait_are_settled_now(desk: Desk) -> None:
    compiled = desk.compile(
        "{% if list.name == 'supporters' %}Yes{% else %}{{ nothing_of_the_kind | default('') }}No{% endif %}\n\n"
        "{% for word in ['a', 'b'] %}{{ word }}{{ supporter.first_name }} {% endfor %}"
    )
    html = MergeProgram(compiled.message).html({"first_name": "Z"}, URLS)
    assert "<p>Yes</p>" in html
    assert "<p>aZ bZ</p>" in html


def test_nested_conditions_and_conditions_beside_emphasis(desk: Desk) -> None:
    program = desk.program(
        '{% if supporter.country %}**"A"**{% if supporter.first_name %}*b*{% else %}c{% endif %}{% endif %}d'
    )
    outer = [slot for slot in program.message.slots if isinstance(slot, Choice)]
    assert len(outer) == 4  # two in the HTML, two in the text
    assert '<strong>"A"</strong><em>b</em>d' in program.html(GB, URLS)
    assert '<strong>"A"</strong>cd' in program.html(US, URLS)
    assert "<p>d</p>" in program.html({}, URLS)


@pytest.mark.parametrize(
    "body",
    [
        "a **b {% if supporter.country %}c** d{% endif %}",
        "{% if supporter.country %}a *b{% endif %} c*",
        "- a {% if supporter.country %}\n- b{% endif %}",
        "## a {% if supporter.country %}\n\nb {% endif %}",
        "{% if supporter.country %}\n\n::: quote x\na\n\n{% endif %}\n\nb\n:::\n",
    ],
)
def test_conditions_that_cut_through_markup(desk: Desk, body: str) -> None:
    faults = desk.faults(body)
    assert any("ends in another" in fault.message for fault in faults), faults
    assert faults[0].place is not None
    assert faults[0].place.file.endswith("message.md")


def test_blocks(desk: Desk, picture: Callable[[str], Path]) -> None:
    picture("seal.png")
    program = desk.program(
        "# First\n\n## Second\n\n#### Deep\n\n::: ask\n:::\n\n::: ask Do *it*\n:::\n\n"
        "::: quote Ann & Ben\nSo **true**.\n:::\n\n"
        '![A seal](seal.png "On the ice")\n\n'
        "::: story\n![A seal](seal.png)\n\n### News of {{ supporter.first_name }}\n\n"
        "Text here.\n\n[Read it](https://e.org/s)\n:::\n"
    )
    html, text = program.html(GB, URLS), program.text(GB, URLS)
    assert '<h2 id="first">First</h2>' in html
    assert '<h2 id="second">Second</h2>' in html
    assert '<h3 id="deep">Deep</h3>' in html
    assert "Ann &amp; Ben" in html
    assert "<h2>News of Zoë</h2>" in html
    image = program.message.images[0]
    assert (image.name, image.content_type) == ("seal.png", "image/png")
    assert html.count(f'src="https://mail.example.org/i/{image.digest}/seal.png"') == 2
    assert "On the ice" in html
    assert [link.placement for link in program.message.links] == ["button", "button", "story"]
    assert "> So true.\n> — Ann & Ben\n" in text
    assert "[A seal]\nOn the ice\n" in text
    assert "News of Zoë\n" in text
    assert "Read it: https://mail.example.org/c/TOKEN/3\n" in text


def test_footnotes(desk: Desk) -> None:
    program = desk.program(
        "One.[^b] Two.[^a] Again.[^b]\n\n[^a]: About [A](https://a.example.org/)\n[^b]: *Bee*\n\n    and more"
    )
    html = program.html(GB, URLS)
    assert "One.<sup>1</sup> Two.<sup>2</sup> Again.<sup>1</sup>" in html
    assert "<p>1. <em>Bee</em><br />and more</p>" in html.replace("<br>", "<br />")
    assert '2. About <a href="https://mail.example.org/c/TOKEN/1">A</a>' in html
    assert "One.[1] Two.[2] Again.[1]" in program.text(GB, URLS)
    assert "[2] About A\n    A: https://mail.example.org/c/TOKEN/1\n" in program.text(GB, URLS)
    assert program.message.links[0].placement == "footnote"


def test_the_layouts_own_fields(desk: Desk) -> None:
    desk.workspace.templates.joinpath("blocks", "text.mjml").write_text(
        '<mj-section><mj-column><mj-text>{{ fields.kicker }}|{{ fields.intro }}|<a href="{{ fields.site }}">go</a>'
        "{{ block.html }}</mj-text></mj-column></mj-section>"
    )
    program = desk.program(
        "Body",
        more="kicker: 'Dear <{{ supporter.first_name }}>'\nintro: 'Some **{{ list.title }}**'\nsite: https://e.org/\n",
    )
    html = program.html(GB, URLS)
    assert "Dear &lt;Zoë&gt;|<p>Some <strong>Supporters</strong></p>" in html
    assert program.message.links[0].label == "The site"


def test_right_to_left(desk: Desk) -> None:
    message = desk.compile("نص", more="language: ar\n").message
    assert (message.direction, message.language) == ("rtl", "ar")
    html = MergeProgram(message).html({}, URLS)
    assert 'lang="ar"' in html
    assert 'dir="rtl"' in html


def test_the_headline_is_the_subject_without_tags(desk: Desk) -> None:
    html = desk.program("x", subject="'{{ supporter.first_name }}, read this'").html(GB, URLS)
    assert "<h1>read this</h1>" in html
    assert "<title>Zoë, read this</title>" in html.replace("\n", "").replace("  ", "")


def test_message_mjml(desk: Desk, picture: Callable[[str], Path]) -> None:
    picture("a.png")
    (desk.folder / "message.mjml").write_text(
        "---\nsubject: Hello\npreheader: Now\nlist: supporters\naction:\n"
        "  url: https://act.example.org/\n  label: Sign\n---\n"
        '<mjml lang="en" dir="ltr"><mj-head><mj-title>{{ message.title }}</mj-title></mj-head><mj-body>\n'
        '<mj-section><mj-column><mj-image src="a.png" alt="A thing" href="https://e.org/?p={{ supporter.email }}" />\n'
        "<mj-text><h1>Hi {{ supporter.first_name }}</h1><p>{% if supporter.country == 'GB' %}In Britain{% endif %} "
        '<a href="https://e.org/b?x=1&amp;y=2">Read on</a></p></mj-text>\n'
        '<mj-button href="{{ action.url }}">{{ action.label }}</mj-button>\n'
        '<mj-text><p>{{ organisation.postal_address }} <a href="{{ unsubscribe_url }}">Leave</a></p></mj-text>\n'
        "</mj-column></mj-section></mj-body></mjml>\n"
    )
    program = MergeProgram(desk.compile().message)
    html, text = program.html(GB, URLS), program.text(GB, URLS)
    assert "<h1>Hi Zoë</h1>" in html
    assert [(link.placement, link.label, link.is_action) for link in program.message.links] == [
        ("image", "A thing", False),
        ("inline", "Read on", False),
        ("button", "Sign", True),
    ]
    assert program.destination(program.message.links[0], GB) == "https://e.org/?p=zoe%40example.org"
    assert program.message.links[1].url == "https://e.org/b?x=1&y=2"
    assert "Hi Zoë\n=========\n\nIn Britain Read on\nRead on: https://mail.example.org/c/TOKEN/2\n\nSign: " in text
    assert "Leave: https://mail.example.org/u/TOKEN" in text
    assert "In Britain" not in program.text(US, URLS)


def test_faults_of_mjml_stand_where_the_author_wrote_them(desk: Desk) -> None:
    (desk.folder / "message.mjml").write_text(
        "---\nsubject: Hello\nlist: supporters\n---\n<mjml>\n{% if list.name == 'x' %}\na\nb\n{% endif %}\n<mj-body>\n"
        "<mj-section><mj-column>\n<mj-txt>Hello</mj-txt>\n</mj-column></mj-section></mj-body></mjml>\n"
    )
    faults = desk.faults()
    assert any(fault.place and fault.place.line == 12 and "mj-txt" in fault.message for fault in faults), faults


def test_what_only_the_compiler_finds_has_its_line_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str) -> str:
        raise MailerError("it gave up", place=Place("template", source[: source.index("<h1>")].count("\n") + 1))

    monkeypatch.setattr("mailer.compose.compiler.mjml_to_html", refuse)
    (fault,) = desk.faults("Words")
    assert (fault.message, str(fault.place)) == ("it gave up", "templates/small/layout.mjml:7")


def test_a_message_says_who_it_is_from(desk: Desk) -> None:
    toml = desk.workspace.root / "mailer.toml"
    toml.write_text(re.sub(r"(?m)^from = .*$", "", toml.read_text(encoding="utf-8")), encoding="utf-8")
    desk.workspace = find_workspace(desk.workspace.root, environ={})
    (fault,) = desk.faults("Words")
    assert fault.message == "there is no sender"
    assert 'from = "' in (fault.remedy or "")


def test_a_mail_without_a_way_out_or_an_address_is_refused(desk: Desk) -> None:
    layout = desk.workspace.templates / "small" / "layout.mjml"
    text = layout.read_text()
    layout.write_text(text.replace("{{ unsubscribe_url }}", "https://e.org"))
    assert any("no link for leaving" in fault.message for fault in desk.faults("x"))
    layout.write_text(text.replace("{{ organisation.postal_address }}", ""))
    assert any("no postal address" in fault.message for fault in desk.faults("x"))


def test_json_and_digest(desk: Desk) -> None:
    message = desk.compile("Hi {% if supporter.country %}[x](https://e.org/{{ supporter.age }}){% endif %}").message
    assert from_json(json.loads(json.dumps(to_json(message)))) == message
    assert from_json(to_json(message)).digest == message.digest
    other = desk.compile("Hi {% if supporter.country %}[y](https://e.org/{{ supporter.age }}){% endif %}").message
    assert other.digest != message.digest


SAME = """
import sys
from pathlib import Path
from mailer.compose.compiler import compile_message
from mailer.compose.source.message_file import read_source
from mailer.workspace import find_workspace
workspace = find_workspace(Path(sys.argv[1]), environ={})
source = read_source(workspace.newsletter("an-appeal"))
definition = workspace.list_definition("supporters")
print(compile_message(source, definition=definition, known_fields={"age"}).message.digest)
"""


def test_same_input_same_bytes_in_every_process(desk: Desk, picture: Callable[[str], Path]) -> None:
    picture("a.png")
    picture("b.png")
    desk.write(
        "Hi {{ supporter.first_name }}, {% if supporter.age > 5 %}a{% else %}b{% endif %} "
        "[x](https://e.org) [y](action)\n\n"
        "![One](b.png)\n\n![Two](a.png)\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", SAME, str(desk.workspace.root)], env={"PYTHONHASHSEED": seed}, check=True,
            capture_output=True, text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert digests == {desk.compile().message.digest}


def test_a_templates_constants_speak_each_messages_language(desk: Desk) -> None:
    blocks = desk.workspace.templates / "blocks"
    blocks.joinpath("text.mjml").write_text(
        "<mj-section><mj-column><mj-text>{{ '1234.5' | number }}</mj-text></mj-column></mj-section>"
    )
    said = {lang: desk.program("x", more=f"language: {lang}\n").html({}, URLS) for lang in ("en", "de")}
    assert "1,234.5" in said["en"]
    assert "1.234,5" in said["de"]


def test_compiling_again_in_one_process_changes_nothing(desk: Desk) -> None:
    """Compiled templates are kept from message to message; a changed file must still be seen."""
    first = desk.compile("Hello").message
    assert desk.compile("Hello").message == first
    block = desk.workspace.templates / "blocks" / "text.mjml"
    block.write_text(block.read_text().replace("<mj-text>", "<mj-text>New "))
    assert "New <p>Hello" in MergeProgram(desk.compile("Hello").message).html({}, URLS)


def test_known_fields_are_the_callers(desk: Desk) -> None:
    desk.write("{{ supporter.town }}")
    source, definition = desk.source(), desk.workspace.list_definition("supporters")
    assert "supporter.town" in desk.faults()[0].message
    compile_message(source, definition=definition, known_fields={"town"})


MSO = re.compile(r"<!--\[if mso[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)


@pytest.mark.parametrize("country", ["GB", "US", ""])
def test_conditions_around_mjml_leave_every_table_whole(desk: Desk, country: str) -> None:
    """Also the tables that only classic Outlook sees."""
    when = "{% if supporter.country == 'GB' %}", "{% else %}", "{% endif %}"
    section = "<mj-section><mj-column><mj-text>A</mj-text></mj-column></mj-section>"
    column = "<mj-column><mj-text>B</mj-text></mj-column>"
    words = "<mj-text>C</mj-text>"
    (desk.folder / "message.mjml").write_text(
        "---\nsubject: Hello\npreheader: Now\nlist: supporters\n---\n<mjml><mj-body>\n"
        f"{when[0]}{section}{when[1]}\n{section}{section}{when[2]}\n"
        f"<mj-section>{when[0]}{column}{when[2]}{column}{when[0]}{column}{when[1]}{column}{when[2]}</mj-section>\n"
        f"<mj-section><mj-column>{when[0]}{words}{when[1]}{words}{words}{when[2]}{words}\n"
        '<mj-text>{{ organisation.postal_address }} <a href="{{ unsubscribe_url }}">Leave</a></mj-text>\n'
        "</mj-column></mj-section></mj-body></mjml>\n"
    )
    html = MergeProgram(desk.compile().message).html({"country": country}, URLS)
    for_outlook = "".join(MSO.findall(html))
    for name in ("table", "tr", "td", "div", "tbody"):
        seen = MSO.sub("", html)
        assert len(re.findall(rf"<{name}\b", seen)) == seen.count(f"</{name}>")
        assert len(re.findall(rf"<{name}\b", for_outlook)) == for_outlook.count(f"</{name}>")
    shown = {"A": 1 if country == "GB" else 2, "B": 3 if country == "GB" else 2, "C": 2 if country == "GB" else 3}
    assert {word: len(re.findall(rf">{word}<", html)) for word in shown} == shown


def test_a_condition_in_a_wrapper_is_refused(desk: Desk) -> None:
    section = "<mj-section><mj-column><mj-text>A</mj-text></mj-column></mj-section>"
    (desk.folder / "message.mjml").write_text(
        "---\nsubject: Hello\nlist: supporters\n---\n<mjml><mj-body>\n<mj-wrapper>"
        f"{section}{{% if supporter.age %}}{section}{{% endif %}}</mj-wrapper></mj-body></mjml>\n"
    )
    assert desk.faults()[0].place == Place("newsletters/an-appeal/message.mjml", 6)


def test_an_address_with_an_apostrophe_is_found(desk: Desk) -> None:
    organisation = replace(desk.workspace.settings.organisation, postal_address="1 St. John's & Co,\nLondon <N1>")
    desk.workspace = replace(desk.workspace, settings=replace(desk.workspace.settings, organisation=organisation))
    assert "1 St. John's &amp; Co," in desk.program("x").html({}, URLS).replace("&#39;", "'")


def test_a_name_over_two_lines_cannot_reach_a_header(desk: Desk) -> None:
    organisation = replace(desk.workspace.settings.organisation, name="Ours\r\nBcc: x@example.org")
    desk.workspace = replace(desk.workspace, settings=replace(desk.workspace.settings, organisation=organisation))
    assert desk.program("x", subject="'From {{ organisation.name }}'").subject({}) == "From Ours Bcc: x@example.org"


def test_pictures_of_one_name_are_kept_apart(desk: Desk, picture: Callable[[str], Path]) -> None:
    picture("logo.png")
    (desk.workspace.root / "logo.png").write_bytes(PNG + b"other")
    layout = desk.workspace.templates / "small" / "layout.mjml"
    text = '<mj-section><mj-column><mj-image src="{{ brand.logo }}" alt="We" /></mj-column></mj-section>{% for block'
    layout.write_text(layout.read_text().replace("{% for block", text, 1))
    brand = replace(desk.workspace.settings.brand, logo="logo.png")
    desk.workspace = replace(desk.workspace, settings=replace(desk.workspace.settings, brand=brand))
    message = desk.compile("![A](logo.png)").message
    assert [image.name for image in message.images] == ["logo.png", "logo.png"]
    found = {read_image(image, desk.newsletter) for image in message.images}
    assert found == {PNG, PNG + b"other"}
    (desk.folder / "logo.png").write_bytes(b"changed")
    with pytest.raises(MailerError, match="changed"):
        [read_image(image, desk.newsletter) for image in message.images]
