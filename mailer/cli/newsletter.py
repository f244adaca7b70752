"""The first draft of a newsletter: valid as it stands, with every key and block shown and explained."""

from __future__ import annotations

from pathlib import Path

from mailer.compose.layouts import LayoutField, layout_names, read_layout
from mailer.compose.parsing import nearest
from mailer.errors import Fault, MailerError, Place, raise_faults
from mailer.workspace import SLUG, Workspace

FRONT_MATTER = """\
---
# Lines that begin with # are notes to you; delete them when you like.
# The subject: the first 33 characters are what a phone shows. Merge tags work here too.
subject: "{title}"
# What inboxes show after the subject: 40 to 100 characters that make somebody open the mail.
preheader: "One sentence that says what happened, and what the reader can do about it."
# The headline inside the mail. Left out, it is the subject.
headline: "{title}"
# Whom it is for: a file in lists/. Who gets it and who doesn't: mailer audience {slug}
list: {list}
# How it looks: a folder in templates/.
template: {template}
language: {language}
# The sign-up link. It is counted wherever the message uses it. With `page: true` in place of the url it leads to a page
# of your own to sign on, written in action.md beside this file: docs/action-pages.md.
action:
  url: https://action.example.org/act/{slug}
  label: Add your name
# Who signs, in Markdown. A backslash at the end of a line begins a new one.
signature: |
  **The campaigns team**\\
  {{{{ organisation.name }}}}
{fields}---
"""

APPEAL = """\

Dear {{ supporter.first_name | default("friend") }},

{# Notes like this one are not mailed. The line above greets people by first name, and as "friend" who gave none. #}
Begin with what is wrong and what the reader can do, in two sentences. **Bold** and *italic* are written so.

{# The button. It leads to the action's url; other words on it: `::: ask Sign today`. #}
::: ask
:::

Say why it matters now, and where you know it from.[^1] Links in the text are counted too:
[add your name](action), or [read more](https://example.org/background).

{# Only for some people. Conditions may stand around words, paragraphs or whole blocks. #}
{% if supporter.country == "GB" %}
You live in the United Kingdom, so this is about your own government.
{% endif %}

## A heading

- One fact in a line
- And another

::: quote Name of the source
A sentence from somebody who was there.
:::

{# A picture beside this file. The words in [ ] are read to people who can't see it.
![What the picture shows](picture.jpg "A caption, if it needs one")
#}
Ask once more before you close.

::: ask
:::

In solidarity,\\
all of us at {{ organisation.name }}

[^1]: [The title of the source](https://example.org/source)
"""

UPDATE = """\

Dear {{ supporter.first_name | default("friend") }},

{# Notes like this one are not mailed. The line above greets people by first name, and as "friend" who gave none. #}
Say in two sentences what this mail tells.

{# A story: a picture if there is one, a title, a few lines, and a link on the last line.
The picture stands beside this file: ![What the picture shows](picture.jpg) #}
::: story
### The title of the first story

What happened, in three or four lines.

[Read the whole story](https://example.org/first)
:::

::: story
### The title of the second story

What happened, in three or four lines.

[Read the whole story](https://example.org/second)
:::

{# The button. It leads to the action's url. #}
::: ask
:::

Thank you.
"""


def make_newsletter(workspace: Workspace, slug: str, *, template: str) -> Path:
    """Write newsletters/<slug>/message.md, and return its path relative to the workspace. Nothing is overwritten."""
    if not SLUG.fullmatch(slug):
        raise MailerError(
            f"{slug!r} can't be a newsletter's name",
            hint="Take small letters, digits and hyphens, up to 80 of them, such as 2026-12-night-school.",
        )
    folder = workspace.newsletters / slug
    if folder.exists():
        raise MailerError("this newsletter is there already", place=Place(f"newsletters/{slug}/"))
    names = layout_names(workspace.root)
    if template not in names:
        raise MailerError(
            f"there is no template {template!r}", place=Place("templates/"), hint=nearest(template, names)
        )
    faults: list[Fault] = []
    layout = read_layout(workspace.root, template, faults=faults)
    raise_faults(f"The template {template} has faults:", faults)
    text = _draft(workspace, slug, template=template, fields=list(layout.fields.values()))
    folder.mkdir(parents=True)
    (folder / "message.md").write_text(text, encoding="utf-8")
    return (folder / "message.md").relative_to(workspace.root)


def _draft(workspace: Workspace, slug: str, *, template: str, fields: list[LayoutField]) -> str:
    lists = workspace.list_names()
    if not lists:
        raise MailerError("no list is defined yet", place=Place("lists/"), hint="Write lists/supporters.toml first.")
    chosen = "supporters" if "supporters" in lists else lists[0]
    title = slug.strip("0123456789-").replace("-", " ").capitalize() or "A newsletter"
    front = FRONT_MATTER.format(
        title=title,
        slug=slug,
        list=chosen,
        template=template,
        language=workspace.list_definition(chosen).language,
        fields="".join(_field(field) for field in fields),
    )
    return front + (UPDATE if template == "update" else APPEAL)


def _field(field: LayoutField) -> str:
    """A field of the template: commented out unless the template can't do without it."""
    words = ". ".join(part.rstrip(".") for part in (field.label, field.help) if part)
    example = {"image": "picture.jpg", "url": "https://example.org/"}.get(field.type, '""')
    return f"# {words}.\n{'' if field.required else '# '}{field.name}: {example}\n"
