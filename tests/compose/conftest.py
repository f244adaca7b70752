"""A small workspace with layouts of its own, so that what is tested here doesn't hang on how the real ones look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailer.compose.compiler import Compiled, compile_message
from mailer.compose.merge import MergeProgram, Urls
from mailer.compose.source.message_file import Source, read_source
from mailer.diagnostics import Diagnostic
from mailer.errors import MailerError
from mailer.workspace import Newsletter, Workspace

LAYOUT = """\
<mjml lang="{{ message.language }}" dir="{{ message.direction }}">
  <mj-head>
    <mj-title>{{ message.title }}</mj-title>
  </mj-head>
  <mj-body>
    <mj-raw><div style="display:none">{{ message.preheader }}</div></mj-raw>
    <mj-section><mj-column><mj-text><h1>{{ message.headline }}</h1></mj-text></mj-column></mj-section>
{% for block in body %}{% include "blocks/" ~ block.kind ~ ".mjml" %}{% endfor %}
    <mj-section><mj-column>
      <mj-text>{{ signature }}{% for note in notes %}<p>{{ note.number }}. {{ note.html }}</p>{% endfor %}</mj-text>
      <mj-text><p>{{ list.description }} {{ organisation.postal_address }}</p>
        <p><a href="{{ unsubscribe_url }}">Leave</a> <a href="{{ view_url }}">View</a>
        <a href="{{ preferences_url }}">Preferences</a></p></mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""

IMAGE = '<mj-image src="{{ %s.src }}" alt="{{ %s.alt }}" />'
BLOCKS = {
    "text": "<mj-section><mj-column><mj-text>{{ block.html }}</mj-text></mj-column></mj-section>\n",
    "ask": '<mj-section><mj-column><mj-button href="{{ block.url }}">{{ block.label }}</mj-button></mj-column>'
    "</mj-section>\n",
    "quote": "<mj-section><mj-column><mj-text><blockquote>{{ block.html }}</blockquote><p>{{ block.by }}</p></mj-text>"
    "</mj-column></mj-section>\n",
    "image": "<mj-section><mj-column>"
    + IMAGE % ("block", "block")
    + "<mj-text>{{ block.caption }}</mj-text></mj-column>"
    "</mj-section>\n",
    "story": "<mj-section><mj-column>{% if block.image %}" + IMAGE % ("block.image", "block.image") + "{% endif %}"
    '<mj-text><h2>{{ block.title }}</h2>{{ block.html }}{% if block.link %}<p><a href="{{ block.link.url }}">'
    "{{ block.link.label }}</a></p>{% endif %}</mj-text></mj-column></mj-section>\n",
    "condition": "<mj-raw>{{ block.marker }}</mj-raw>\n",
}

TEMPLATE = """\
description = "for tests"

[fields.kicker]
type = "text"
label = "Line above"

[fields.intro]
type = "markdown"
label = "Introduction"

[fields.site]
type = "url"
label = "The site"
"""

FRONT = """\
---
subject: {subject}
preheader: "{preheader}"
list: supporters
template: small
action:
  url: {action}
  label: Add your name
{more}---
"""

URLS = Urls(
    "https://mail.example.org/c/TOKEN", "https://mail.example.org/u/TOKEN", "https://mail.example.org/v/TOKEN",
    "https://mail.example.org/p/TOKEN",
)  # fmt: skip
# A PNG of one pixel: signature, IHDR with width 1 and height 1, and enough to be told apart.
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"


@dataclass(slots=True)
class Desk:
    """Where a test writes and compiles a newsletter."""

    workspace: Workspace
    slug: str = "an-appeal"

    @property
    def folder(self) -> Path:
        folder = self.workspace.newsletters / self.slug
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def newsletter(self) -> Newsletter:
        return self.workspace.newsletter(self.folder.name)

    def write(
        self, body: str, *, subject: str = "Help us", preheader: str = "Now", action: str = "https://act.example.org/a",
        more: str = "",
    ) -> None:  # fmt: skip
        front = FRONT.format(subject=subject, preheader=preheader, action=action, more=more)
        (self.folder / "message.md").write_text(front + body, encoding="utf-8")

    def source(self) -> Source:
        return read_source(self.newsletter)

    def compile(self, body: str | None = None, **front: str) -> Compiled:
        if body is not None:
            self.write(body, **front)
        definition = self.workspace.list_definition("supporters")
        return compile_message(self.source(), definition=definition, known_fields={"age"})

    def program(self, body: str, **front: str) -> MergeProgram:
        return MergeProgram(self.compile(body, **front).message)

    def faults(self, body: str | None = None, **front: str) -> list[Diagnostic]:
        with pytest.raises(MailerError) as found:
            self.compile(body, **front)
        return [fault for fault in found.value.diagnostics if fault.stops]


def write_layout(root: Path, name: str = "small", layout: str = LAYOUT) -> None:
    folder = root / "templates" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "layout.mjml").write_text(layout, encoding="utf-8")
    (folder / "template.toml").write_text(TEMPLATE, encoding="utf-8")
    (root / "templates" / "blocks").mkdir(exist_ok=True)
    for kind, text in BLOCKS.items():
        (root / "templates" / "blocks" / f"{kind}.mjml").write_text(text, encoding="utf-8")


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    workspace.templates.unlink()
    write_layout(workspace.root)
    return Desk(workspace)


@pytest.fixture
def picture(desk: Desk) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        path = desk.folder / name
        path.write_bytes(PNG)
        return path

    return make
