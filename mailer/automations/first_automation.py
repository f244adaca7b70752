"""Makes an automation of a ready-made one: its file and its messages, filled in for a list and a petition.

They are the folders in `ready_made/`. Words in [[ ]] wait for an author: `mailer check` names each, and nothing is
started with one left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from mailer.compose.source.layouts import layout_names
from mailer.diagnostics import Place
from mailer.editing.files import write_file
from mailer.editing.folders import quoted
from mailer.editing.toml_edit import change_toml
from mailer.errors import MailerError, nearest
from mailer.workspace import AUTOMATION_FILE, SLUG, Newsletter, Workspace

READY_MADE = Path(__file__).parent / "ready_made"
TEMPLATES = ("update", "appeal")  # that the messages are written for
MESSAGE = """\
---
subject: "%title%"
preheader: "[[What inboxes show after the subject: 40 to 100 characters about it.]]"
list: %list%
template: %template%
language: %language%
signature: |
  **The campaigns team**\\
  {{ organisation.name }}
---

Dear {{ supporter.first_name | default("friend") }},

[[Say what this mail is about.]]
"""


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """One of the automations to begin with, in words for those who choose."""

    name: str
    title: str
    about: str
    about_petition: bool = False  # it begins with a petition, or ends when that is signed


CHOICES = (
    ReadyMade(
        "welcome", "Welcome series", "Three mails to somebody who joins: who you are, how you win, and a first step."
    ),
    ReadyMade(
        "thanks-ladder", "After signing",
        "Those who signed are asked to share it, then to give; those who give already, to write.", about_petition=True,
    ),
    ReadyMade(
        "non-signers", "Haven’t signed yet",
        "A reminder and a last call to those who got the appeal. Anyone who signs leaves at once.", about_petition=True,
    ),
    ReadyMade(
        "petition-news", "It was delivered",
        "Those who signed hear how their names were handed over, and what came of it.", about_petition=True,
    ),
    ReadyMade(
        "re-engagement", "Are you still with us?",
        "Half a year without a click: two honest questions, then no more mail until they act.",
    ),
)  # fmt: skip


def make_automation(
    workspace: Workspace, slug: str, kind: str, *, petition: str = "", title: str = "",
    lists: Collection[str] | None = None,
) -> Path:  # fmt: skip
    """Write newsletters/<slug>/ with the ready-made automation `kind`; the path of its file in the workspace.

    `petition` is the newsletter with the sign page that it is about; "" takes the newest there is. `title`: what staff
    call it. `lists`: those that its maker may work with; None for all. Raises `MailerError`, with nothing made.
    """
    chosen = next((one for one in CHOICES if one.name == kind), None)
    if chosen is None:
        raise MailerError(
            f"there is no ready-made automation {kind!r}", remedy=nearest(kind, [c.name for c in CHOICES])
        )
    if not SLUG.fullmatch(slug):
        remedy = "Use small letters, digits and hyphens, up to 80 of them, such as welcome."
        raise MailerError(f"{slug!r} can't be an automation's name", remedy=remedy)
    folder = workspace.newsletters / slug
    if folder.exists():
        raise MailerError(f"there is a folder {slug} already", place=Place(f"newsletters/{slug}/"))
    values = _values(workspace, chosen, petition=petition, lists=lists)
    folder.mkdir(parents=True)
    for path in sorted((READY_MADE / kind).iterdir()):
        text = path.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"%{name}%", value)
        if path.name == AUTOMATION_FILE and title:
            text = change_toml(text, {"title": title})
        write_file(folder / path.name, text.encode(), within=workspace.newsletters)
    return (folder / AUTOMATION_FILE).relative_to(workspace.root)


def first_message(newsletter: Newsletter, to: str, *, title: str) -> str:
    """The first draft of another message of an automation to the list `to`. Raises `MailerError`."""
    workspace = newsletter.workspace
    looks = layout_names(workspace.root)
    template = TEMPLATES[0] if TEMPLATES[0] in looks else looks[0] if looks else ""
    text = MESSAGE.replace("%title%", quoted(title)).replace("%list%", to).replace("%template%", template)
    return text.replace("%language%", workspace.list_definition(to).language)


def _values(workspace: Workspace, chosen: ReadyMade, *, petition: str, lists: Collection[str] | None) -> dict[str, str]:
    known = [name for name in workspace.list_names() if lists is None or name in lists]
    looks, pages = layout_names(workspace.root), workspace.action_pages()
    if not known or not looks:
        what = "template" if known else "list"
        raise MailerError(f"there is no {what} yet", place=Place("templates/" if known else "lists/"))
    if petition and petition not in pages:
        raise MailerError(f"there is no sign page {petition!r}", remedy=nearest(petition, pages))
    if chosen.about_petition and not pages:
        remedy = "Make a newsletter with a sign page first: docs/action-pages.md."
        raise MailerError(f"“{chosen.title}” is about a petition, and there is no sign page yet", remedy=remedy)
    page = petition or max(pages, key=lambda slug: _changed(workspace, slug), default="")
    to = "supporters" if "supporters" in known else known[0]
    act = f"{workspace.settings.public.url}/act/{page}" if page else "https://action.example.org/act/your-petition"
    templates = {name: name if name in looks else looks[0] for name in TEMPLATES}
    language = workspace.list_definition(to).language
    return {"list": to, "petition": page, "act": act, "language": language, **templates}


def _changed(workspace: Workspace, slug: str) -> float:
    return Newsletter(workspace, slug).folder.stat().st_mtime
