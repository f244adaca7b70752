"""A workspace in which a test writes one newsletter and sees what the preflight says of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailer.audience.selection.spec import Audience
from mailer.checking.collect import Scope, gather
from mailer.checking.preflight import Preflight, preflight
from mailer.checking.specimen import Specimen
from mailer.compose.compiler import compile_message
from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.plan import CompiledNewsletter
from mailer.diagnostics import Diagnostic
from mailer.store.engine.database import Database, open_database
from mailer.workspace import find_workspace
from tests.conftest import LIST, NOW, REPOSITORY, SECRETS

SLUG = "save-the-library"
SETTINGS = """\
transport = "smtp"

[organisation]
name = "Library Friends"
postal_address = "12 Mill RateLimit, Leeds LS1 4AB, United Kingdom"
website = "https://libraryfriends.ngo"

[sender]
from = "Library Friends <appeals@libraryfriends.ngo>"

[public]
url = "https://mail.libraryfriends.ngo"
unsubscribe_mailto = "unsubscribe@libraryfriends.ngo"
"""
FRONT = {
    "subject": "Keep the library open",
    "preheader": '"The council decides in three weeks, and has heard from nobody yet but its treasurer."',
    "list": "supporters",
    "template": "appeal",
    "language": "en",
    "action": "\n  url: https://act.libraryfriends.ngo/library\n  label: Add your name",
}
BODY = """\
Dear {{ supporter.first_name | default("friend") }},

::: ask
:::

The library in our street is to be closed in spring. It is the one warm room where children do their homework, where
people who have no printer print what the office asks of them, and where forty of us learned to read a second language.
The council decides in three weeks, and it has heard from nobody yet but its treasurer. Please let it hear from you.[^1]

{% if supporter.country == "GB" %}
You can come to the meeting yourself.
{% endif %}

::: ask Sign the letter
:::

[^1]: [Minutes of the council](https://council.gov/minutes)
"""


@dataclass(frozen=True)
class Try:
    """A change of a newsletter that is sound. Replacements are (old, new), and the old must be there."""

    body: str = ""  # put before the sound body
    front: Mapping[str, str] = field(default_factory=dict)  # keys with their new values; "" takes a key out
    instead: tuple[tuple[str, str], ...] = ()  # in the body
    settings: tuple[tuple[str, str], ...] = ()
    templates: tuple[tuple[str, str, str], ...] = ()  # file, old, new
    mjml: str = ""  # a message.mjml instead
    files: Mapping[str, bytes] = field(default_factory=dict)  # beside the message


class Desk:
    """One workspace; each look writes everything anew."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "newsletters" / SLUG
        (root / "lists").mkdir(parents=True)
        (root / "lists" / "supporters.toml").write_text(
            LIST.replace("example.org", "libraryfriends.ngo"), encoding="utf-8"
        )
        secrets = root / "secrets.toml"
        secrets.touch(mode=0o600)
        secrets.write_text(SECRETS, encoding="utf-8")
        self.database: Database = open_database(f"sqlite:///{root / 'mailer.db'}")

    def write(self, attempt: Try) -> None:
        """The workspace with the newsletter as `attempt` has it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.root / "templates", ignore_errors=True)
        shutil.copytree(REPOSITORY / "templates", self.root / "templates")
        self.folder.mkdir(parents=True)
        settings, body = SETTINGS, attempt.body + BODY
        for old, new in attempt.settings:
            assert old in settings
            settings = settings.replace(old, new)
        for old, new in attempt.instead:
            assert old in body, old
            body = body.replace(old, new)
        for name, old, new in attempt.templates:
            path = self.root / "templates" / name
            text = path.read_text(encoding="utf-8")
            assert old in text, old
            path.write_text(text.replace(old, new), encoding="utf-8")
        (self.root / "mailer.toml").write_text(settings, encoding="utf-8")
        front = {**FRONT, **attempt.front, **({"template": ""} if attempt.mjml else {})}
        lines = "".join(f"{key}: {value}\n" for key, value in front.items() if value)
        name = "message.mjml" if attempt.mjml else "message.md"
        (self.folder / name).write_text(f"---\n{lines}---\n{attempt.mjml or body}", encoding="utf-8")
        for name, data in attempt.files.items():
            (self.folder / name).write_bytes(data)

    def preflight(self, attempt: Try) -> Preflight:
        self.write(attempt)
        workspace = find_workspace(self.root, environ={})
        return preflight(self.database, workspace.newsletter(SLUG), scope=Scope(everyone=False), now=NOW)

    def look(self, attempt: Try) -> list[Diagnostic]:
        """Every remark about the newsletter."""
        return list(self.preflight(attempt).remarks)

    def specimen(self, attempt: Try = Try()) -> Specimen:
        """The specimen that rules look at, for what no file can bring about."""
        self.write(attempt)
        workspace = find_workspace(self.root, environ={})
        source = read_source(workspace.newsletter(SLUG))
        definition = workspace.list_definition("supporters")
        compiled = compile_message(source, definition=definition, known_fields=())
        plan = Plan(compiled.message, Audience(("supporters",)), source.newsletter, transport="smtp")
        written = CompiledNewsletter(source, definition, frozenset(), plan, ())
        (found,) = gather(self.database, written, scope=Scope(everyone=False), now=NOW)
        return found
