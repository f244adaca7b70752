"""The form with which people join a list: on our page, or as HTML to be pasted into another site.

A form of another site posts to ours: there is no cookie and no state, so nobody can be made to do anything by one that
a stranger put up, except to get a mail that asks.
"""

from __future__ import annotations

import hashlib
from typing import Any

from mailer.diagnostics import Place
from mailer.errors import MailerError
from mailer.locale.language import choose
from mailer.settings import Settings
from mailer.web.pages.templates import Pages
from mailer.workspace import ListDefinition

TRAP = "website"  # a field that people don't see; programs fill in whatever they find
EMBEDDED = "embedded"  # a field that says that a form is on another site
TYPED = ("email", "first_name")


def mark(wording: str) -> str:
    """A digest of the words beside the form's box, so that the proof holds what was really shown."""
    return hashlib.sha256(wording.encode()).hexdigest()[:12]


def blank_form(definition: ListDefinition, *, query: str = "") -> dict[str, Any]:
    """What join_form.html takes for a form that nobody has filled in. `query` is kept on the way."""
    return {
        "list": definition, "agreed": mark(definition.consent), "typed": dict.fromkeys(TYPED, ""), "ticked": False,
        "wrong": "", "fault": "", "trap": TRAP, "query": query, "brief": False,
    }  # fmt: skip


def embedded(settings: Settings, definition: ListDefinition, *, styled: bool = False) -> str:
    """The form as HTML, to be pasted into another site: plain, or with `styled` in the list's colours.

    Raises `MailerError` for a list that isn't open to all.
    """
    name = definition.name
    if not definition.public_form:
        raise MailerError(
            f"the list {name} has no public form", place=Place(f"lists/{name}.toml"), remedy="Write: public_form = true"
        )
    values = {"list": definition, "agreed": mark(definition.consent), "trap": TRAP, "embedded": EMBEDDED}
    pages = Pages(settings).in_colour(definition.colour)
    return pages.text("embed.html", choose(definition.language), styled=styled, **values)
