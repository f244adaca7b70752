"""The sample newsletters as they are mailed, beside files that somebody has looked at.

After a change that is meant: pytest tests/compose/test_golden.py --update-golden, and look at the difference.
"""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mailer.compose.compiler import compile_message
from mailer.compose.merge import MergeProgram
from mailer.compose.source.message_file import read_source
from mailer.workspace import Workspace
from tests.compose.conftest import URLS
from tests.conftest import REPOSITORY

GOLDEN = Path(__file__).parent / "golden"
SAMPLES = ("2026-11-ask-un-experts", "2026-12-year-in-review")
ZOE = {"first_name": "Zoë", "country": "GB", "language": "en", "email": "zoe@example.org"}
NOBODY = {"email": "somebody@example.org"}


def program_of(workspace: Workspace, slug: str) -> MergeProgram:
    shutil.copytree(REPOSITORY / "newsletters" / slug, workspace.newsletters / slug)
    source = read_source(workspace.newsletter(slug))
    definition = workspace.list_definition("supporters")
    compiled = compile_message(source, definition=definition, known_fields=())
    assert compiled.faults == ()
    return MergeProgram(compiled.message)


@pytest.mark.parametrize("slug", SAMPLES)
def test_the_samples_look_as_they_did(workspace: Workspace, slug: str, request: pytest.FixtureRequest) -> None:
    program = program_of(workspace, slug)
    links = "".join(
        f"{link.n} {link.placement} {'action' if link.is_action else '-'} {link.url} ({link.label})\n"
        for link in program.message.links
    )
    # A line for each tag, so that a difference can be read.
    html = re.sub(r"(?<=>)(?=<)", "\n", program.html(ZOE, URLS)) + "\n"
    found = {
        "html": html,
        "txt": f"Subject: {program.subject(ZOE)}\n\n{program.text(ZOE, URLS)}",
        "fallback.txt": f"Subject: {program.subject(NOBODY)}\n\n{program.text(NOBODY, URLS)}",
        "links.txt": links,
    }
    for kind, text in found.items():
        path = GOLDEN / f"{slug}.{kind}"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{path.name} differs"


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("slug", SAMPLES)
@pytest.mark.parametrize("person", [ZOE, NOBODY])
def test_the_samples_are_whole(workspace: Workspace, slug: str, person: dict[str, str]) -> None:
    program = program_of(workspace, slug)
    html, text = program.html(person, URLS), program.text(person, URLS)
    reader = Reader()
    reader.feed(html)
    hrefs = [str(attrs["href"]) for tag, attrs in reader.found if tag == "a"]
    assert all(attrs.get("alt") for tag, attrs in reader.found if tag == "img")
    assert [tag for tag, _ in reader.found].count("h1") == 1
    numbers = [int(href.rpartition("/")[2]) for href in hrefs if href.startswith(URLS.click)]
    assert numbers == [link.n for link in program.message.links]
    assert {href for href in hrefs if not href.startswith(URLS.click)} == {
        URLS.unsubscribe, URLS.view, URLS.preferences,
    }  # fmt: skip
    for link in program.message.links:
        if link.placement not in ("footer", "header", "image"):
            assert f"{URLS.click}/{link.n}" in text
            assert link.label in " ".join(text.split())
    assert any(link.is_action and link.placement == "button" for link in program.message.links)
    for words in ("{{", "{%", "supporter.", "None", "mk"):
        assert words not in re.sub(r"\bmk(?![0-9a-f]{8})", "", text)
    assert ("Dear Zoë" if person is ZOE else "Dear friend") in text
