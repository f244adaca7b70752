"""The first draft of a newsletter: valid as it is, with its keys and blocks shown and explained.

What it says is templates/<name>/draft.md, or series.md for a newsletter that repeats. %slug%, %title%, %list%,
%template%, %language% and, at the beginning of a line, %fields% (the template's keys) are filled in here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from mailer.compose.source.event import EXAMPLE
from mailer.compose.source.layouts import LayoutField, layout_names, read_layout
from mailer.diagnostics import Place
from mailer.editing.folders import quoted, with_name
from mailer.errors import MailerError, nearest, raise_errors
from mailer.workspace import SLUG, Workspace

DRAFT_FILE, SERIES_FILE = "draft.md", "series.md"
NOTE = re.compile(r"^\{#.*?#\}\n", re.MULTILINE | re.DOTALL)  # on lines of its own, about how a text is written
# For a template that has no draft of its own.
DRAFT = """\
---
subject: "%title%"
# What inboxes show after the subject: 40 to 100 characters that make somebody open the mail.
preheader: "[[One sentence that says what happened, and what the reader can do about it.]]"
list: %list%
template: %template%
language: %language%
# The action link. It is counted wherever the message uses it.
action:
  url: https://action.example.org/act/%slug%
  label: Add your name
signature: |
  **The campaigns team**\\
  {{ organisation.name }}
%fields%---

Dear {{ supporter.first_name | default("friend") }},

[[Say what is wrong and what the reader can do.]]

::: ask
:::
"""


def make_newsletter(
    workspace: Workspace, slug: str, *, template: str, name: str = "", lists: Collection[str] | None = None,
    notes: bool = False, repeats: bool = False,
) -> Path:  # fmt: skip
    """Write newsletters/<slug>/message.md, and return its path relative to the workspace. Nothing is overwritten.

    `name` is what staff call it, and its first subject; "" makes one of the slug. `lists`: those that its maker may
    work with; None for all. `notes`: with what explains the notation, for those who write in the file. `repeats`: as
    a series, of a template that has a draft of one.
    """
    if not SLUG.fullmatch(slug):
        raise MailerError(
            f"{slug!r} can't be a newsletter's name",
            remedy="Use small letters, digits and hyphens, up to 80 of them, such as 2026-12-night-school.",
        )
    folder = workspace.newsletters / slug
    if folder.exists():
        raise MailerError("this newsletter exists already", place=Place(f"newsletters/{slug}/"))
    names = layout_names(workspace.root)
    if template not in names:
        raise MailerError(
            f"there is no template {template!r}", place=Place("templates/"), remedy=nearest(template, names)
        )
    layout, faults = read_layout(workspace.templates, template)
    raise_errors(f"The template {template} has faults:", faults)
    if repeats and not (workspace.templates / template / SERIES_FILE).is_file():
        remedy = "Use the template digest, or add `series:` to another newsletter by hand: docs/series.md."
        raise MailerError(f"the template {template} has no {SERIES_FILE} to begin a series with", remedy=remedy)
    text = draft_text(
        workspace, slug, template=template, fields=list(layout.fields.values()), title=name, only=lists,
        file=SERIES_FILE if repeats else DRAFT_FILE,
    )  # fmt: skip
    if not notes:
        text = NOTE.sub("", text)
    if name:
        text = with_name(text.encode(), name).decode()
    folder.mkdir(parents=True)
    (folder / "message.md").write_text(text, encoding="utf-8")
    return (folder / "message.md").relative_to(workspace.root)


def draft_text(
    workspace: Workspace,
    slug: str,
    *,
    template: str,
    fields: Sequence[LayoutField] = (),
    title: str = "",
    only: Collection[str] | None = None,
    file: str = DRAFT_FILE,
) -> str:
    """What the first draft of a newsletter says, with the template's keys written out. Raises without any list."""
    lists = [name for name in workspace.list_names() if only is None or name in only]
    if not lists and only is not None:
        raise MailerError("your account is limited to lists that aren’t there", remedy="Ask an admin for another.")
    if not lists:
        raise MailerError("no list is defined yet", place=Place("lists/"), remedy="Write lists/supporters.toml first.")
    chosen = "supporters" if "supporters" in lists else lists[0]
    own = workspace.templates / template / file
    text = own.read_text(encoding="utf-8") if own.is_file() else DRAFT
    values = {
        "title": quoted(title) or slug.strip("0123456789-").replace("-", " ").capitalize() or "A newsletter",
        "slug": slug,
        "list": chosen,
        "template": template,
        "language": workspace.list_definition(chosen).language,
        "fields": "".join(_field(field) for field in fields),
    }
    for name, value in values.items():
        text = text.replace(f"%{name}%", value)
    return text


def sample_text(workspace: Workspace, slug: str, *, template: str) -> str:
    """The first draft with what the template needs filled in by examples, to show what it looks like."""
    fields = read_layout(workspace.templates, template)[0].fields.values()
    return draft_text(workspace, slug, template=template, fields=list(fields))


def field_lines(workspace: Workspace, template: str) -> int:
    """How many lines the template's keys add to its draft."""
    fields = read_layout(workspace.templates, template)[0].fields.values()
    return "".join(_field(field) for field in fields).count("\n")


EXAMPLES = {"image": "picture.jpg", "url": "https://example.org/", "time": f'"{EXAMPLE}"'}


def _field(field: LayoutField) -> str:
    """A field of the template: commented out unless the template can't do without it. Then what has to be filled in
    is in brackets, so that checks name it until it is."""
    words = ". ".join(part.rstrip(".") for part in (field.label, field.help) if part)
    example = EXAMPLES.get(field.type, '""')
    if field.required and field.type in ("text", "time"):
        example = f'"[[{example.strip(chr(34)) or field.label}]]"'
    return f"# {words}.\n{'' if field.required else '# '}{field.name}: {example}\n"
