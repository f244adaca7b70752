"""listmonk's campaigns and templates as drafts of newsletters: HTML becomes Markdown, Go's template tags become ours.

What can't be said here (a condition, a loop, a function) is left in the text as a gap to fill, [[like this]], which
`mailer check` stops at; nothing is guessed. Tags: listmonk.app/docs/templating/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mailer.compose.source.layouts import layout_names
from mailer.editing.files import one_at_a_time, write_file
from mailer.editing.first_draft import draft_text
from mailer.editing.folders import plain_name, with_name
from mailer.editing.splice import splice
from mailer.errors import MailerError
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import Right
from mailer.workspace import Workspace

ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
TRACKED = re.compile(r"@TrackLink\b")
UNSEEN = re.compile(r"<!--.*?-->|<(style|script|title|head)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
OURS = re.compile(r"\{[{%#]|[}%#]\}")  # what our own templating would take for its own
FIELD = re.compile(r'\.Subscriber\.Attribs\.(\w+)|\(?index \.Subscriber\.Attribs "(\w+)"\)?')
QUOTED = re.compile(r'(?:TrackLink|Safe)\s+[`"]([^`"]*)[`"](?:\s+\.)?')
TAGS: Mapping[str, str] = {
    ".Subscriber.FirstName": '{{ supporter.first_name | default("friend") }}',
    ".Subscriber.LastName": '{{ supporter.last_name | default("") }}',
    ".Subscriber.Name": '{{ supporter.name | default("friend") }}',
    ".Subscriber.Email": "{{ supporter.email }}",
    "UnsubscribeURL": "{{ unsubscribe_url }}", "ManageURL": "{{ preferences_url }}", "MessageURL": "{{ view_url }}",
    "TrackView": "", "RootURL": "{{ organisation.website }}",
    'template "content" .': "[[Your text]]",
}  # fmt: skip
PLAIN = ("markdown", "plain")
LONGEST = 60  # characters of a tag that are quoted


@dataclass(frozen=True, slots=True)
class Converted:
    """A text in our notation; `left` are the tags that nothing here does."""

    text: str
    left: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that was made: its folder, what it is called, and what was left to fill in."""

    slug: str
    name: str
    left: Sequence[str]


def converted(body: str, *, kind: str = "html") -> Converted:
    """A body of listmonk's as Markdown with our merge tags. `kind` is its content_type."""
    left: list[str] = []
    tags: list[str] = []

    def put_aside(found: re.Match[str]) -> str:
        ours = _tag(" ".join(found[1].split()))
        if ours is None:
            shown = " ".join(found[0].split())[:LONGEST]
            left.append(shown)
            ours = f"[[listmonk had {OURS.sub(' ', shown).strip()} here]]"
        tags.append(ours)
        return f"xqtag{len(tags) - 1}xq" if ours else ""

    text = ACTION.sub(put_aside, TRACKED.sub("", UNSEEN.sub("", body) if kind not in PLAIN else body))
    text = OURS.sub(" ", text)
    text = text if kind in PLAIN else _markdown(text)
    text = re.sub(r"xqtag(\d+)xq", lambda found: tags[int(found[1])], text)
    return Converted(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", left)


def _tag(inside: str) -> str | None:
    """What does here what a tag of listmonk's does; "" where nothing needs to, None where nothing can."""
    if inside in TAGS:
        return TAGS[inside]
    if inside.startswith("/*"):
        return ""
    if found := FIELD.fullmatch(inside):
        return f'{{{{ supporter.{(found[1] or found[2]).lower()} | default("") }}}}'
    if found := QUOTED.fullmatch(inside):
        return found[1]
    return None


def _markdown(html: str) -> str:
    from markdownify import markdownify

    text: str = markdownify(html, heading_style="ATX", bullets="-", strip=["img"], escape_misc=False)
    lines = (line.rstrip() if not line.endswith("  ") else line for line in text.splitlines())
    return re.sub(r"^#(?=\s)", "##", "\n".join(lines), flags=re.MULTILINE)  # a mail's own heading is its headline


def make_drafts(
    workspace: Workspace, connection: Connection, actor: Actor, texts: Sequence[Mapping[str, Any]], *, list_name: str,
    at: datetime,
) -> list[Draft]:  # fmt: skip
    """Write campaigns and templates as newsletters that nobody has sent. One that was made before stays as it is, so a
    second try makes none twice. Without a template of ours nothing is made."""
    actor.require(Right.WRITE, list_name)
    one_at_a_time(connection)
    names = layout_names(workspace.root)
    template = next((one for one in ("update", "appeal", *names) if one in names), "")
    made: list[Draft] = []
    for text in texts if template else ():
        kind = "campaign" if "subject" in text and "content_type" in text else "template"
        name = str(text.get("name") or text.get("subject") or kind)
        slug = f"listmonk-{kind}-{int(text['id'])}-{plain_name(name)}"[:70].strip("-")
        done = converted(str(text["body"]), kind=str(text.get("content_type") or "html"))
        path = workspace.newsletters / slug / "message.md"
        if not path.parent.exists():
            try:
                content = _file(workspace, slug, name, text, done, template=template, list_name=list_name)
            except MailerError:
                continue
            path.parent.mkdir(parents=True)
            write_file(path, content, within=workspace.newsletters)
            subject = audit.newsletter_subject(slug)
            audit.record(connection, actor, "newsletter begun", at=at, subject=subject, detail="from listmonk")
        made.append(Draft(slug, name, done.left))
    return made


def _file(
    workspace: Workspace, slug: str, name: str, text: Mapping[str, Any], done: Converted, *, template: str,
    list_name: str,
) -> bytes:  # fmt: skip
    """The file of a draft: the front matter that our template begins with, and their text."""
    whole = draft_text(workspace, slug, template=template, only=[list_name])
    front = whole.split("\n---\n", 1)[0]
    content = with_name(f"{front}\n---\n\n{done.text}".encode("utf-8", "replace"), name)
    if subject := converted(str(text.get("subject") or ""), kind="plain").text.strip():
        return splice(content.decode("utf-8"), {"subject": subject}).encode("utf-8")
    return content
