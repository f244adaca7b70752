"""Read all that an approval is bound to from a newsletter's files.

The mail is compared as it was compiled, so a template, a brand colour or a list's words count as far as readers see
them, and an author's notes don't. What isn't in the mail is here beside it: the sign pages and their thanks, the
bytes of pictures, the list's definition, the audience, and when it leaves.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from mailer.audience.selection.spec import Audience
from mailer.audience.selection.spec import to_json as audience_to_json
from mailer.compose import message as messages
from mailer.compose.action_page.parse import ActionPage
from mailer.compose.action_page.versions import read_page_versions
from mailer.compose.message import Message
from mailer.compose.source.images import read_image
from mailer.review.content import NewsletterContent, PlannedTime
from mailer.workspace import THANKS_FILE, Newsletter, Workspace

NOT_SHOWN = ("columns",)  # keys of a list's definition that no reader ever sees: how its imports are read


def read_content(
    newsletter: Newsletter, *, message: Message, audience: Audience, leaves: PlannedTime | None = None
) -> NewsletterContent:
    """The content of a compiled newsletter with what its files say now. Raises `MailerError` when one can't be read."""
    workspace = newsletter.workspace
    slugs = _pages(workspace, message, own=newsletter.slug)
    pages = {name: page for slug in slugs for name, page in _versions(workspace, slug)}
    lists = sorted({message.list, *(page.opt_in.list for page in pages.values() if page.opt_in)})
    parts: dict[str, Any] = {
        "mail": messages.to_json(message),
        "pictures": {image.name: _sha256(read_image(image, newsletter)) for image in message.every_image},
        "pages": {slug: _page(page) for slug, page in pages.items()},
        "thanks": {slug: str(page.thanks_html) for slug, page in pages.items()} | _thanks_mails(workspace, slugs),
        "lists": {name: _shown(asdict(workspace.list_definition(name))) for name in lists},
        "brand": _brand(workspace),
        "audience": audience_to_json(audience),
        "leaves": leaves and leaves.as_json(),
    }
    # As it comes back from the database: one form, so that one comparison holds for both.
    return NewsletterContent(message.slug, json.loads(json.dumps(parts, default=str)))


def _pages(workspace: Workspace, message: Message, *, own: str) -> list[str]:
    """The newsletters whose sign pages the mail leads to, and its own page."""
    stem = f"{message.public_url}/act/"
    led = {re.split(r"[/?#]", link.url[len(stem) :])[0] for link in message.every_link if link.url.startswith(stem)}
    return sorted({own, *led} & set(workspace.action_pages()))


def _versions(workspace: Workspace, slug: str) -> Iterator[tuple[str, ActionPage]]:
    """The page of a newsletter in all its languages, each with what to call it: river, river (fr)."""
    for version, page in read_page_versions(workspace.newsletter(slug))[0].pages.items():
        yield (f"{slug} ({version})" if version else slug), page


def _page(page: ActionPage) -> dict[str, Any]:
    shown = {name: value for name, value in asdict(page).items() if name not in ("thanks_html", "languages")}
    # The order in which a form asks is part of what is shown, and JSON data are compared without one.
    return shown | {"fields": [[name, required] for name, required in page.fields.items()]}


def _thanks_mails(workspace: Workspace, slugs: Iterable[str]) -> dict[str, str]:
    """The mails that thank those who sign these pages, as they are written, each by the name of its file."""
    written = [newsletter for newsletter in map(workspace.newsletter, slugs) if newsletter.has_thanks_mail]
    files = [(one, name) for one in written for name in (THANKS_FILE, *one.translations(THANKS_FILE).values())]
    return {one.place(name): (one.folder / name).read_text("utf-8", "replace") for one, name in files}


def _picture(workspace: Workspace, written: str) -> str:
    path = workspace.root / written
    return _sha256(path.read_bytes()) if written and path.is_file() else written


def _brand(workspace: Workspace) -> dict[str, Any]:
    brand, organisation = workspace.settings.brand, workspace.settings.organisation
    pictures = ("logo", "logo_dark")
    return {
        "colours": {name: value for name, value in asdict(brand).items() if name not in (*pictures, "social")},
        **{name: _picture(workspace, getattr(brand, name)) for name in pictures},
        "social": [[name, address] for name, address in brand.social.items()],
        "organisation": asdict(organisation),
    }


def _shown(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in definition.items() if name not in NOT_SHOWN}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
