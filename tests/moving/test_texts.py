"""listmonk's texts as drafts: what converts does, what doesn't is a gap, and nothing of it runs here."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.plan import compile_newsletter
from mailer.moving.listmonk.texts import converted, make_drafts
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.conftest import NOW

CASES = [
    ("<p>Hi {{ .Subscriber.FirstName }}!</p>", 'Hi {{ supporter.first_name | default("friend") }}!', 0),
    ("<p>{{.Subscriber.Attribs.city}}</p>", '{{ supporter.city | default("") }}', 0),
    ('<p>{{ index .Subscriber.Attribs "City" }}</p>', '{{ supporter.city | default("") }}', 0),
    ('<a href="{{ UnsubscribeURL }}">Leave</a>', "[Leave]({{ unsubscribe_url }})", 0),
    ('<a href="{{ TrackLink "https://a.example/x" . }}">Go</a>', "[Go](https://a.example/x)", 0),
    ('<a href="https://a.example/y@TrackLink">Go</a>', "[Go](https://a.example/y)", 0),
    ("<p>A{{ TrackView }}</p>", "A", 0),
    ("<p>{{ if .x }}B{{ end }}</p>", "[[listmonk had if .x here]]B[[listmonk had end here]]", 2),
    ("<h1>Big</h1><ul><li>One</li></ul>", "## Big\n\n- One", 0),
    ("<style>p{}</style><p>C</p><!-- {{ x }} --><script>1</script>", "C", 0),
    ("<p>{% set x = 1 %}{# c #}</p>", "set x = 1 c", 0),
]


@pytest.mark.parametrize(("body", "expected", "gaps"), CASES)
def test_what_becomes_of_a_body(body: str, expected: str, gaps: int) -> None:
    found = converted(body)
    assert (found.text.strip(), len(found.left)) == (expected, gaps)


def test_markdown_stays_as_it_is() -> None:
    found = converted("# A\n\n*b* {{ .Subscriber.Name }}\n", kind="markdown")
    assert found.text == '# A\n\n*b* {{ supporter.name | default("friend") }}\n'


@given(st.text(alphabet="{}%#<>/ap\"' .|\n", max_size=60), st.sampled_from(["html", "markdown"]))
def test_nothing_of_theirs_is_a_tag_of_ours(body: str, kind: str) -> None:
    """Whatever is in a body, what our templating would run is what we wrote ourselves: here, nothing."""
    text = converted(body, kind=kind).text
    assert "{%" not in text
    assert "{{" not in text
    assert "{#" not in text


def text_of(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"No {number}",
        "subject": "Hi",
        "content_type": "richtext",
        "body": "<p>Hi</p>",
        **more,
    }


def test_drafts_are_made_once_and_gaps_stop_the_check(workspace: Workspace, database: Database) -> None:
    texts = [
        text_of(1, subject='A "quoted": {{ .Subscriber.FirstName }}', name="../../etc/passwd"),
        text_of(2, body="<p>Dear {{ .Subscriber.FirstName }}, {{ if .x }}river{{ end }}</p>"),
        {"id": 3, "name": "Default", "type": "campaign", "body": '<div>{{ template "content" . }}</div>'},
    ]
    for _ in ("once", "again"):
        with database.write() as connection:
            made = make_drafts(workspace, connection, terminal(), texts, list_name="supporters", at=NOW)
        assert [one.slug for one in made] == [
            "listmonk-campaign-1-etc-passwd", "listmonk-campaign-2-no-2", "listmonk-template-3-default",
        ]  # fmt: skip
        path = workspace.newsletters / made[0].slug / "message.md"
        path.write_text(path.read_text(encoding="utf-8") + "\nMine.\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8").count("Mine.") == 2, "what staff wrote since stays"
    assert workspace.slugs() == sorted(one.slug for one in made)
    first, second = (workspace.newsletters / one.slug / "message.md" for one in made[:2])
    front = yaml.safe_load(first.read_text(encoding="utf-8").split("---")[1])
    assert front["subject"] == 'A "quoted": {{ supporter.first_name | default("friend") }}'
    assert "[[listmonk had if .x here]]river" in second.read_text(encoding="utf-8")
    assert made[1].left == ["{{ if .x }}", "{{ end }}"]
    assert compile_newsletter(database, read_source(workspace.newsletter(made[0].slug))).source.newsletter.slug
