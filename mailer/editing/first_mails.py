"""The first draft of the mails that go to those who signed: the thanks.md beside a page, and that it was delivered.

Both have the page's list, language and headline. Words in [[ ]] wait for an author: neither is mailed with one left.
"""

from __future__ import annotations

from pathlib import Path

from mailer.compose.action_page.parse import ActionPage, read_action_page
from mailer.compose.source.layouts import layout_names
from mailer.diagnostics import Place
from mailer.editing.files import write_file
from mailer.editing.folders import quoted, with_name
from mailer.errors import MailerError
from mailer.workspace import SLUG, THANKS_FILE, Newsletter, Workspace

THANKS = """\
---
subject: "Thank you for signing"
preheader: "[[What your name does now, and the one thing that would make it count twice.]]"
headline: 'Thank you{% if supporter.first_name %}, {{ supporter.first_name }}{% endif %}'
list: %list%
template: %template%
language: %language%
%ask%signature: |
  **The campaigns team**\\
  {{ organisation.name }}
---

Your name is on it: **{{ petition.headline }}**

[[Say what their name has done, and what happens with it now, and when.]]

::: share {{ petition.url }}
[[One sentence that somebody would say to a friend.]]
:::
"""
ASK = """\
action:
  url: %url%
  label: "%label%"
"""
BUTTON = """
## One more thing you can do

[[Say why it helps, in two sentences.]]

::: ask
:::
"""
DELIVERED = """\
---
subject: "Delivered: {{ petition.signatures }} names, and yours is one"
preheader: "[[What happened when we handed them over, and what comes next.]]"
headline: "We delivered your names"
# Of those on the list, the people who signed. Nobody is mailed who didn't agree to get mail.
list: %list%
audience:
  segment: signed("%slug%")
# What {{ petition.… }} is about: its headline, url, signatures, and the day it was delivered.
petition: %slug%
template: %template%
language: %language%
signature: |
  **The campaigns team**\\
  {{ organisation.name }}
---

Dear {{ supporter.first_name | default("friend") }},

On {{ petition.delivered }} we handed over {{ petition.signatures }} names, and yours is one of them:
[{{ petition.headline }}]({{ petition.url }}).

[[Say who took them and what was said. A picture of the moment says more than a paragraph.]]

[[Say what happens next, and when they will hear from you.]]
"""


def make_thanks(newsletter: Newsletter) -> Path:
    """Write thanks.md beside the newsletter's sign page; its path in the workspace. Raises when there is one, or no
    page that can be read."""
    page = read_action_page(newsletter)[0]
    path = newsletter.folder / THANKS_FILE
    if path.exists():
        raise MailerError("this page has its mail of thanks already", place=Place(newsletter.place(THANKS_FILE)))
    write_file(path, thanks_text(newsletter, page).encode(), within=newsletter.workspace.newsletters)
    return path.relative_to(newsletter.workspace.root)


def thanks_text(newsletter: Newsletter, page: ActionPage) -> str:
    """What the first thanks.md of a page says."""
    workspace, ask = newsletter.workspace, ""
    if page.next:
        ask = ASK.replace("%url%", page.next.url).replace("%label%", quoted(page.next.label))
    return _filled(THANKS + (BUTTON if ask else ""), workspace, page, template="thanks").replace("%ask%", ask)


def make_delivered(workspace: Workspace, slug: str, *, petition: str, name: str = "") -> Path:
    """Write newsletters/<slug>/message.md, to those who signed the page of `petition`; its path in the workspace.
    Raises when there is one, or no such page. `name`: what staff call it."""
    if not SLUG.fullmatch(slug):
        remedy = "Use small letters, digits and hyphens, up to 80 of them, such as 2027-01-library-delivered."
        raise MailerError(f"{slug!r} can't be a newsletter's name", remedy=remedy)
    page = read_action_page(workspace.newsletter(petition))[0]
    folder = workspace.newsletters / slug
    if folder.exists():
        raise MailerError("this newsletter exists already", place=Place(f"newsletters/{slug}/"))
    text = _filled(DELIVERED, workspace, page, template="update")
    folder.mkdir(parents=True)
    path = folder / "message.md"
    path.write_bytes(with_name(text.encode(), name) if name else text.encode())
    return path.relative_to(workspace.root)


def _filled(text: str, workspace: Workspace, page: ActionPage, *, template: str) -> str:
    lists, looks = workspace.list_names(), layout_names(workspace.root)
    if not lists or not looks:
        what = "template" if lists else "list"
        raise MailerError(f"there is no {what} yet", place=Place("templates/" if lists else "lists/"))
    joined = page.opt_in.list if page.opt_in else "supporters"
    values = {
        "list": joined if joined in lists else lists[0],
        "template": template if template in looks else looks[0],
        "language": page.language,
        "slug": page.slug,
    }
    for name, value in values.items():
        text = text.replace(f"%{name}%", value)
    return text
