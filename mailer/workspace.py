"""The workspace: where its folders are, and the lists it defines. What is inside a message is for `compose`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, nearest, raise_errors
from mailer.settings import SETTINGS_FILE, Secrets, Settings, limits, read_secrets, read_settings
from mailer.toml_file import TomlFile, read_toml

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
ACTION_FILE = "action.md"  # in a newsletter's folder: the page on which people sign
THANKS_FILE = "thanks.md"  # beside it: the mail that thanks each of them
NO_MESSAGES = (ACTION_FILE, THANKS_FILE, "README.md")  # of the texts in an automation's folder
MESSAGES = ("message.md", "message.mjml")  # a newsletter has one of them
VERSION = re.compile(r"message\.[b-d]\.")  # the name of a file with another version of it, for a test
AUTOMATION_FILE = "automation.toml"  # makes the folder an automation: its messages go out step by step
TEXT_KEYS = (
    "title", "list_id", "from", "reply_to", "description", "about", "consent", "opt_in", "language", "colour",
    "afterwards",
)  # fmt: skip
LIST_KEYS = (*TEXT_KEYS, "public_form", "columns", "descriptions", "formerly")
OPT_IN = ("single", "double")
EXAMPLES = {"title": "Campaign news", "list_id": "appeals.lists.example.org"}  # what a list can't be without
LIMITS = {
    "from": limits.sender, "reply_to": limits.sender, "colour": limits.or_empty(limits.COLOUR),
    "afterwards": limits.or_empty(limits.WEB_ADDRESS),
    "list_id": limits.or_empty(
        limits.matching(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", f"{{name}} must look like {EXAMPLES['list_id']}")
    ),
    "opt_in": limits.limit(
        OPT_IN.__contains__, "{name} must be single or double", 'opt_in = "double": they confirm by mail first'
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListDefinition:
    """One list of supporters, as lists/<name>.toml defines it; who is on it is in the database."""

    name: str
    title: str
    list_id: str  # RFC 2919: label.domain, such as appeals.lists.example.org
    from_: str = ""  # "" takes the workspace's sender
    reply_to: str = ""
    description: str = ""  # why a person gets it; shown in the footer
    descriptions: Mapping[str, str] = field(default_factory=dict[str, str])  # the same in other languages, by tag
    about: str = ""  # what it brings and how often; shown where people choose
    consent: str = ""  # the wording people agreed to, kept as proof beside each subscription
    opt_in: str = "single"
    language: str = "en"
    public_form: bool = False  # whether anybody may sign up at /join/<name>
    colour: str = ""  # of the form, from which its others are worked out; "" takes the brand's
    afterwards: str = ""  # where a form on the group's own site leads; "" is our page that says what happens next
    columns: Mapping[str, str] = field(default_factory=dict[str, str])  # an import file's column → our field
    formerly: Sequence[str] = ()  # its UUIDs in listmonk, which sign-up forms made for that still post


@dataclass(frozen=True, slots=True)
class Workspace:
    """A campaign workspace: its folder, settings and secrets."""

    root: Path
    settings: Settings
    secrets: Secrets = field(repr=False)
    templates_at: Path | None = None  # where templates are while others are tried out; None: in the workspace

    @property
    def newsletters(self) -> Path:
        return self.root / "newsletters"

    @property
    def templates(self) -> Path:
        return self.templates_at or self.root / "templates"

    @property
    def lists(self) -> Path:
        return self.root / "lists"

    def newsletter(self, slug: str) -> Newsletter:
        """The newsletter or automation `slug`; raises with the nearest names when there is none."""
        if self.has_folder(slug):
            return Newsletter(self, slug)
        raise MailerError(
            f"there is no newsletter {slug!r}", place=Place("newsletters/"), remedy=nearest(slug, self.folders())
        )

    def has_folder(self, slug: str) -> bool:
        """Whether there is a newsletter or an automation of this name, which may be anything that somebody typed."""
        return bool(SLUG.fullmatch(slug)) and (self.newsletters / slug).is_dir()

    def slugs(self) -> list[str]:
        """The slugs of all newsletters, sorted. Automations are none: nobody sends one as a whole."""
        return [slug for slug in self.folders() if not Newsletter(self, slug).is_automation]

    def automations(self) -> list[str]:
        """The slugs of all automations, sorted."""
        return [slug for slug in self.folders() if Newsletter(self, slug).is_automation]

    def folders(self) -> list[str]:
        if not self.newsletters.is_dir():
            return []
        with os.scandir(self.newsletters) as entries:  # which tells files from folders without asking for each
            return sorted(entry.name for entry in entries if SLUG.fullmatch(entry.name) and entry.is_dir())

    def action_pages(self) -> list[str]:
        """The slugs of the newsletters with a page of their own to sign on, sorted."""
        return [slug for slug in self.slugs() if Newsletter(self, slug).has_action_page]

    def list_names(self) -> list[str]:
        """The names of all defined lists, sorted."""
        return sorted(path.stem for path in self.lists.glob("*.toml")) if self.lists.is_dir() else []

    def list_definition(self, name: str) -> ListDefinition:
        """The list `name`; raises when it isn't defined or its definition has faults."""
        path = self.lists / f"{name}.toml"
        if not SLUG.fullmatch(name) or not path.is_file():
            raise MailerError(
                f"there is no list {name!r}", place=Place("lists/"), remedy=nearest(name, self.list_names())
            )
        return read_list(path)

    def sound_lists(self) -> list[ListDefinition]:
        """The lists that can be read; what is wrong with others is no fault of what doesn't use them."""
        sound: list[ListDefinition] = []
        for name in self.list_names():
            with suppress(MailerError):
                sound.append(self.list_definition(name))
        return sound


@dataclass(frozen=True, slots=True)
class Newsletter:
    """What staff write, as a folder of its workspace: a newsletter, or an automation. Made by `Workspace.newsletter`,
    the folder is there; everything below takes this value, so a name that was typed is looked up once."""

    workspace: Workspace
    slug: str

    @property
    def folder(self) -> Path:
        return self.workspace.newsletters / self.slug

    @property
    def has_action_page(self) -> bool:
        return (self.folder / ACTION_FILE).is_file()

    @property
    def has_thanks_mail(self) -> bool:
        return (self.folder / THANKS_FILE).is_file()

    @property
    def is_automation(self) -> bool:
        return bool(SLUG.fullmatch(self.slug)) and (self.folder / AUTOMATION_FILE).is_file()

    def messages(self) -> list[str]:
        """The files of an automation's messages, without their translations, sorted."""
        found = (path.name for ending in ("md", "mjml") for path in self.folder.glob(f"*.{ending}"))
        return sorted(name for name in found if name.count(".") == 1 and name not in NO_MESSAGES)

    def translations(self, name: str) -> dict[str, str]:
        """The files beside `name` that hold it in other languages, by what their names say: "fr" → message.fr.md."""
        beside = self._beside(name)
        return {said: one for said, one in beside.items() if not VERSION.match(one)} if name in MESSAGES else beside

    def variants(self, name: str) -> dict[str, str]:
        """The files beside `name` that are versions of its test, by letter: "b" → message.b.md."""
        found = self._beside(name) if name in MESSAGES else {}
        return {letter: one for letter, one in found.items() if len(letter) == 1 and VERSION.match(one)}

    def _beside(self, name: str) -> dict[str, str]:
        stem, _, ending = name.rpartition(".")
        found = sorted(path.name for path in self.folder.glob(f"{stem}.*.{ending}") if path.is_file())
        return {one[len(stem) + 1 : -len(ending) - 1]: one for one in found}

    def place(self, name: str = "") -> str:
        """One of its files as faults name it: newsletters/<slug>/<name>."""
        return f"newsletters/{self.slug}/{name}"


def find_workspace(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> Workspace:
    """The workspace of MAILER_WORKSPACE, or the nearest folder upwards from `start` that holds mailer.toml."""
    folder = find_root(start, environ)
    return Workspace(folder, read_settings(folder, environ), read_secrets(folder, environ))


def find_root(start: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of that workspace, with nothing in it read yet."""
    named = environ.get("MAILER_WORKSPACE")
    here = Path(named) if named else (start or Path.cwd())
    here = here.resolve()
    above: tuple[Path, ...] = () if named else tuple(here.parents)
    for folder in (here, *above):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    raise MailerError(
        f"there is no {SETTINGS_FILE} in {here}" + ("" if named else " or a folder above it"),
        remedy="Go into a workspace, or make one: mailer init DIR",
    )


def read_list(path: Path) -> ListDefinition:
    """The list defined by a TOML file. Raises `MailerError` with all its faults."""
    return list_of(read_toml(path, f"lists/{path.name}"), path.stem)


def list_of(found: TomlFile, name: str) -> ListDefinition:
    """The list `name` as a file says it. Raises `MailerError` with all its faults."""
    data, faults = found.data, list[Diagnostic]()

    def fault(key: str, message: str, remedy: str = "") -> None:
        faults.append(Diagnostic(message, place=found.key(key), remedy=remedy))

    for key in data:
        if key not in LIST_KEYS:
            fault(key, f"unknown key {key!r}", nearest(key, LIST_KEYS))
        elif key in TEXT_KEYS and not isinstance(data[key], str):
            fault(key, f"{key} must be text", f'Put it in quotes: {key} = "…"')
    if not isinstance(data.get("public_form", False), bool):
        fault("public_form", "public_form must be true or false", "Without quotes: public_form = true")
    elif data.get("public_form") and not data.get("consent"):
        remedy = 'Say what people agree to, such as consent = "Yes, email me about campaigns."'
        fault("public_form", "public_form needs a consent wording", remedy)
    for key, example in EXAMPLES.items():
        if not data.get(key):
            fault(key, f"{key} is missing", f'For example: {key} = "{example}"')
    for key, limit in LIMITS.items():
        if isinstance(value := data.get(key), str):
            faults += (replace(one, place=found.key(key)) for one in limit(key, value))
    for key, fits, message, remedy in SHAPES:
        if key in data and not fits(data[key]):
            fault(key, message, remedy)
    raise_errors(f"The list {name} has faults:", faults)
    values = {("from_" if key == "from" else key): value for key, value in data.items()}
    values["formerly"] = tuple(number.lower() for number in cast(list[str], data.get("formerly", [])))
    return ListDefinition(name=name, **values)


def _holds_texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in cast(dict[str, Any], value).values())


def _are_uuids(value: object) -> bool:
    try:
        return isinstance(value, list) and all(str(UUID(one)) == one.lower() for one in cast(list[Any], value))
    except (ValueError, TypeError, AttributeError):
        return False


SHAPES: tuple[tuple[str, Callable[[object], bool], str, str], ...] = (
    ("columns", _holds_texts, "[columns] must hold texts", '"First name" = "first_name"'),
    ("descriptions", _holds_texts, "[descriptions] must hold texts", 'fr = "Vous recevez ce message parce que …"'),
    ("formerly", _are_uuids, "formerly must be a list of UUIDs", "listmonk shows a list's UUID on its page."),
)
