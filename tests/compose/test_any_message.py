"""Whatever somebody writes compiles, or is refused with a place; nothing ends the process or escapes as a traceback.

A few hundred messages each time; before a release: pytest tests/compose/test_any_message.py --messages 10000
"""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailer.compose.compiler import compile_message
from mailer.compose.merge import MergeProgram
from mailer.compose.source.message_file import read_source
from mailer.errors import MailerError
from mailer.workspace import Workspace
from tests.compose.conftest import URLS
from tests.compose.mails import PICTURE, TEMPLATES

# What people write, paste and mistype: every block, Markdown, Jinja, HTML, MJML, and signs that parsers trip over.
PIECES = st.sampled_from(
    [
        "::: ask\n", "::: ask Sign\n:::\n", "::: quote Ana\n", "::: picture\n", "::: story\n", "::: numbers\n",
        "::: numbers\n- **12** a\n- **{{ supporter.country }}** b\n:::\n", "::: progress\n", "::: progress ../x\n:::\n",
        "::: share\n:::\n", "::: share https://e.org/\n", "::: ps\n", "::: ps\nLast\n:::\n", "::: nothing\n", ":::\n",
        ":::: ask\n", ":::", "### Title\n", "# One\n", "## Two\n", "- x\n", "- **1** y\n", "1. z\n", "> q\n",
        "    code\n",
        "```\n", "***\n", "**", "*", "_", "`", "\\\n", "\n", "\n\n", " ", "[a](action)", "[a](https://e.org/?x=1&y=2)",
        "[a](javascript:alert(1))", "[](https://e.org)", "<https://e.org/_>", "https://e.org/a_b_", "![p](letters.png)",
        "![](letters.png)", "![x](gone.png 'c')", "[![a](letters.png)](https://e.org)", "[^1]",
        "\n\n[^1]: note\n", "^[in]",
        "{{ supporter.first_name }}", "{{ supporter.first_name | default('x') }}", "{{ supporter.nope }}", "{{ nope }}",
        "{{ list.title }}", "{{ view_url }}", "{% if supporter.country == 'GB' %}", "{% elif supporter.email %}",
        "{% else %}", "{% endif %}", "\n{% if supporter.country %}\n", "\n{% endif %}\n", "{% for i in range(3) %}",
        "{% endfor %}", "{% set x = 1 %}", "{# note #}", "{{", "}}", "{%", "%}", "{#", "<b>", "</mj-text>",
        "<mj-section>",
        "<!--[if mso]>", "<![endif]-->", "<![CDATA[", "&nbsp;", "&", "<", ">", '"', "'", "&#x202f;", "&#0;", "\u202f",
        "\u00a0", "\u200d", "\ufe0f", "👩‍👩‍👧", "ا\u0651", "क्ष", "\u202e", "\ufeff", "\u2028", "\ufdd0", "\u2e31",
        "\x0b", "\x00", "\t", "\r", "---\n", "mk0a1b2c3dv0z", "TODO", "word ", "é",
    ]
)  # fmt: skip
BODIES = st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join)
LINES = st.lists(PIECES | st.text(max_size=6), min_size=1, max_size=5).map("".join)
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
LEFT_OVER = re.compile(r"mk(?!0a1b2c3d)[0-9a-f]{8}[vtcl]\d|[\x1c-\x1f]")


@st.composite
def messages(draw: st.DrawFn) -> str:
    """A message file: front matter that YAML can read, mostly, and a body."""
    template = draw(st.sampled_from(TEMPLATES))
    words = st.just("Plain words") | LINES
    front: dict[str, object] = {
        "subject": draw(words), "list": "supporters", "template": template,
        "action": {"url": "https://act.example.org/a", "label": "Sign"},
    }  # fmt: skip
    keys = ["preheader", "headline", "signature", "deadline" if template == "urgent" else "kicker"]
    for key in draw(st.sets(st.sampled_from(keys))):
        front[key] = draw(words)
    odd = draw(st.integers(0, 15))
    if odd < 4:
        front["language"] = ("ar", "hi", "xx", "not a language")[odd]
    elif odd == 4:
        del front["action"]
    elif odd == 5:
        front["picture"] = draw(st.sampled_from(["letters.png", "gone.png", "../x", "https://e.org/x.png"]))
    written = yaml.safe_dump(front, allow_unicode=True, width=10_000)
    return f"---\n{written}---\n{draw(BODIES)}"


class Tags(HTMLParser):
    """Reads any HTML; only that it comes to an end matters."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "how_many" in metafunc.fixturenames:
        metafunc.parametrize("how_many", [int(str(metafunc.config.getoption("--messages")))])


def test_any_message_compiles_or_is_refused_with_a_place(workspace: Workspace, how_many: int) -> None:
    folder = workspace.newsletters / "any"
    folder.mkdir()
    shutil.copyfile(PICTURE, folder / "letters.png")
    definition = workspace.list_definition("supporters")
    ends = {"compiled": 0, "refused": 0}

    @settings(max_examples=how_many, deadline=None, database=None, suppress_health_check=QUIET)
    @given(messages())
    @example("---\nsubject: Plain words\nlist: supporters\ntemplate: letter\n---\n>::: quote\n>")
    def look(text: str) -> None:
        (folder / "message.md").write_text(text, encoding="utf-8", errors="replace")
        try:
            source = read_source(workspace.newsletter(folder.name))
            made = compile_message(source, definition=definition, known_fields=())
        except MailerError as found:
            ends["refused"] += 1
            assert all(fault.place and fault.message for fault in found.diagnostics)
            return
        ends["compiled"] += 1
        program = MergeProgram(made.message)
        for person in ({"email": "a@example.org"}, {"email": "b@example.org", "country": "GB", "first_name": "<b>"}):
            html, plain = program.html(person, URLS), program.text(person, URLS)
            Tags().feed(html)
            assert not LEFT_OVER.search(html + plain + program.subject(person))
            assert "\n" not in program.subject(person)

    look()
    print(ends)  # noqa: T201 - for whoever runs it with -s
    assert ends["compiled"] > how_many // 20, ends  # a law about nothing would hold as well
    assert ends["refused"] > how_many // 20, ends
