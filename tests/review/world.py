"""A workspace with an appeal that has everything an approval covers, and edits of each part of it."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.approved import content_of
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.plan import prepare
from mailer.review.content import NewsletterContent, PlannedTime
from mailer.staff.actor import Actor
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from mailer.workspace import Workspace, find_workspace
from tests.conftest import REPOSITORY

SLUG = "clean-river"
SAVED = "lists/segments/in-ireland.toml"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MESSAGE = """\
---
subject: Eleven children were ill
preheader: The company has not paid a pound for it.
list: supporters
template: appeal
language: en
notes: Ask Tom for the source.
action:
  page: true
  label: Sign for a clean river
audience:
  segment: supporter.country != "FR" and not segment("in-ireland")
---

Dear {{ supporter.first_name | default("friend") }},

Last summer children swam in the river. Eleven of them were ill.

On most of the days it spilled, it was dry.

![A pipe](pipe.png)

::: ask
:::
"""
PAGE = """\
---
headline: Make them pay
statement: We ask the minister to fine the company.
thanks: Thank you. Now tell a friend.
notes: Checked by Tom.
---

The river is ours.
"""
AMINA = Actor("Amina", RIGHTS[Role.APPROVER], account_id=1, via="studio")
TOM = Actor("Tom", RIGHTS[Role.ADMIN], account_id=2, via="studio")
RHIANNON = Actor("Rhiannon", RIGHTS[Role.SENDER], account_id=3, via="studio")


def write_appeal(root: Path, slug: str = SLUG) -> Path:
    """The appeal in the workspace at `root`, with the templates; returns its folder."""
    if (root / "templates").is_symlink():
        (root / "templates").unlink()  # the repository's own, which no test edits
    if not (root / "templates").exists():
        shutil.copytree(REPOSITORY / "templates", root / "templates")
    folder = root / "newsletters" / slug
    folder.mkdir(parents=True)
    (folder / "message.md").write_text(MESSAGE, encoding="utf-8")
    (folder / "action.md").write_text(PAGE, encoding="utf-8")
    (folder / "pipe.png").write_bytes(PIXEL)
    (root / "lists" / "segments").mkdir(exist_ok=True)
    (root / SAVED).write_text('title = "In Ireland"\nexpression = \'supporter.country == "IE"\'\n', encoding="utf-8")
    return folder


def plan_of(workspace: Workspace, database: Database) -> Plan:
    """The appeal, ready to be sent as its files are now."""
    fresh = find_workspace(workspace.root, {})
    return prepare(database, read_source(fresh.newsletter(SLUG))).plan


def content(workspace: Workspace, database: Database, leaves: PlannedTime | None = None) -> NewsletterContent:
    """The appeal as its files are now."""
    return content_of(plan_of(workspace, database), leaves=leaves)


@dataclass(frozen=True)
class Edit:
    """One change of one file of the workspace."""

    file: str
    old: str
    new: str

    def __call__(self, root: Path) -> None:
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        assert self.old in text, f"{self.old!r} is not in {self.file}"
        path.write_text(text.replace(self.old, self.new, 1), encoding="utf-8")

    def __str__(self) -> str:
        return f"{self.file}: {self.old.strip()[:24]}"


def another_picture(root: Path) -> None:
    path = root / "newsletters" / SLUG / "pipe.png"
    path.write_bytes(path.read_bytes() + b"\0")


MAIL, ACTION = f"newsletters/{SLUG}/message.md", f"newsletters/{SLUG}/action.md"
TELLING: dict[str, Callable[[Path], None]] = {  # by the beginning of what a difference says
    "Subject": Edit(MAIL, "Eleven children", "Twelve children"),
    "Line below the subject": Edit(MAIL, "a pound", "a penny"),
    "Sender": Edit(MAIL, "language: en", "language: en\nfrom: Kim <kim@example.org>"),
    "Mail, paragraph": Edit(MAIL, "On most of the days it spilled, it was dry.", "On nineteen days it was."),
    "Picture": another_picture,
    "Sign page, paragraph": Edit(ACTION, "The river is ours.", "The river is everybody’s."),
    "Sign page: statement": Edit(ACTION, "the minister", "the government"),
    "Thanks, paragraph": Edit(ACTION, "tell a friend", "tell two friends"),
    "List supporters: consent": Edit("lists/supporters.toml", "about campaigns", "about our campaigns"),
    "Brand: primary": Edit("mailer.toml", "[sender]", '[brand]\nprimary = "#0b5a2a"\n\n[sender]'),
    "Look": Edit("templates/blocks/text.mjml", "<mj-text", '<mj-text padding-top="3px"'),
    "Audience: only for": Edit(MAIL, '!= "FR"', '!= "IE"'),
    "Audience: only for: “(supporter": Edit(SAVED, '"IE"', '"IM"'),
}
SILENT: dict[str, Callable[[Path], None]] = {  # what nobody is mailed or shown
    "an author's note": Edit(MAIL, "Ask Tom", "Tom was asked"),
    "a note on the page": Edit(ACTION, "Checked by Tom.", "Checked twice."),
    "the order of keys": Edit(MAIL, "list: supporters\ntemplate: appeal\n", "template: appeal\nlist: supporters\n"),
    "a comment in the settings": Edit("mailer.toml", "[sender]", "# who mails\n[sender]"),
    "an import's columns": Edit("lists/supporters.toml", "consent =", "public_form = false\nconsent ="),
    "the title of a saved segment": Edit(SAVED, "In Ireland", "Ireland"),
    "another newsletter": lambda root: write_appeal(root, "another") and None,
}
