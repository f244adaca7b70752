"""Reads newsletters/<slug>/action.md, the page on which people sign: front matter and Markdown → an `ActionPage`.

Pure: text in, value out; every fault is found at once, each with its line and a remedy. What can be asked for is in
`petition_fields`. Showing the page and taking signatures is for `web.public.petition` and `audience.petition`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from markupsafe import Markup

from mailer.compose.action_page.html import TAG, page_html, page_words
from mailer.compose.action_page.mail_says import NOTHING_SAID, MailSays, mail_says
from mailer.compose.action_page.own_fields import read_own_field
from mailer.compose.action_page.poster import KEYS as POSTER_KEYS
from mailer.compose.action_page.poster import PLAIN, NextAsk, PagePoster, read_next, read_poster
from mailer.compose.action_page.translated import page_with_original
from mailer.compose.expressions.tagged import LONGEST_TAG, sound_tag, tag_key
from mailer.compose.source.front_keys import BREAK
from mailer.compose.source.frontmatter import FrontMatter, split_front_matter
from mailer.compose.source.text_file import merge_conflicts, read_text
from mailer.compose.source.written import LANGUAGE
from mailer.compose.visible import is_visible
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError, nearest, raise_errors
from mailer.petition_fields.own import MOST_QUESTIONS, OwnField
from mailer.petition_fields.table import ALWAYS, ASKABLE
from mailer.workspace import ACTION_FILE, ListDefinition, Newsletter

TEXTS = ("headline", "statement", "thanks", "share", "language", "button")
ONE_LINE = ("headline", "share", "language", "button", "to", "picture", "alt", "thanks_picture", "thanks_alt", "card")
KEYS = (*TEXTS, *POSTER_KEYS, "fields", "opt_in", "target", "next", "show_names", "show_comments", "notes", "tags")
LARGEST_TARGET = 1_000_000_000
LONGEST_SHARE = 200  # characters: with the address it fits into the smallest of the networks' posts, 280
DESCRIPTION = 200  # characters that previews show


class CommentsShown(StrEnum):
    """Whether the page shows what people wrote, of those who agreed to be shown."""

    NEVER = "false"
    HELD = "held"  # each once staff let it through
    AT_ONCE = "true"  # until staff hide it


@dataclass(frozen=True, slots=True)
class OptIn:
    """The box for news: which list it joins, and the words that are agreed to."""

    list: str
    wording: str


@dataclass(frozen=True, slots=True)
class ActionPage:
    """A page to sign on. HTML is safe to show; "" is not given."""

    slug: str
    headline: str
    statement: str  # what people put their names to, as written: kept word for word with each signature
    language: str
    text_html: Markup
    statement_html: Markup
    thanks_html: Markup
    description: str  # the beginning of the text, in plain words
    fields: Mapping[str, bool]  # of `petition_fields.table.ASKABLE`, in its order → whether it is required
    opt_in: OptIn | None
    target: int | None  # signatures
    next: NextAsk | None
    share: str
    show_names: bool  # the last first names, of those who agreed
    button: str  # the mail's words where the page has none; "" where neither has
    poster: PagePoster = PLAIN
    own: tuple[OwnField, ...] = ()  # the page's own questions, as they are declared
    show_comments: CommentsShown = CommentsShown.NEVER
    tags: tuple[str, ...] = ()  # put on everybody who signs
    languages: tuple[str, ...] = ()  # of all its versions, its own among them; () when it is the only one

    @property
    def asks_to_show_comments(self) -> bool:
        """Whether those who sign may agree to have their comment shown."""
        return self.show_comments is not CommentsShown.NEVER and "comment" in self.fields

    @property
    def path(self) -> str:
        """What names it below /act/: a translation asks for itself, the original lets who reads it choose."""
        chosen = self.languages and self.language != self.languages[0]
        return f"{self.slug}?lang={self.language}" if chosen else self.slug


def read_action_page(newsletter: Newsletter) -> tuple[ActionPage, tuple[Diagnostic, ...]]:
    """The sign page of a newsletter, and warnings. Raises `MailerError` with all faults, or when there is none."""
    slug, workspace, file = newsletter.slug, newsletter.workspace, newsletter.place(ACTION_FILE)
    if not newsletter.has_action_page:
        raise MailerError(f"{slug} has no sign page", place=Place(file), remedy="See docs/action-pages.md.")
    text, faults = read_text(newsletter.folder / ACTION_FILE, file=file)
    lists = {name: workspace.list_definition(name) for name in workspace.list_names()}
    page, more = None, list[Diagnostic]()
    if text is not None:
        folder, mail = newsletter.folder, mail_says(newsletter)
        page, more = parse_action_page(text, slug=slug, file=file, lists=lists, folder=folder, mail=mail)
    faults += more
    raise_errors(f"The sign page of {slug} has faults:", faults)
    assert page is not None, "a missing part is always a fault"
    return page, tuple(faults)


def parse_action_page(
    text: str,
    *,
    slug: str,
    file: str,
    lists: Mapping[str, ListDefinition],
    folder: Path | None = None,
    mail: MailSays = NOTHING_SAID,
    original: FrontMatter | None = None,
    language: str = "",
) -> tuple[ActionPage | None, list[Diagnostic]]:
    """The page that `text` writes, and its faults; when any is an error it is None or not fit to be shown. `folder`:
    where its pictures are; `mail`: what its mail says, for what the page leaves open.

    With an `original` it is its translation into `language`.
    """
    front, faults = split_front_matter(text, file=file)
    if front is None:
        return None, faults
    if original is not None:
        front, told = page_with_original(front, original, language, file=file)
        faults = [*faults, *told]
    reader = _Reader(front, file=file, lists=lists)
    return reader.page(slug, folder, mail), [*faults, *reader.faults]


class _Reader:
    """Reads the front matter key by key."""

    def __init__(self, front: FrontMatter, *, file: str, lists: Mapping[str, ListDefinition]) -> None:
        self.front = front
        self.file = file
        self.lists = lists
        self.faults: list[Diagnostic] = []

    @property
    def data(self) -> Mapping[str, Any]:
        return self.front.data

    def told(self, faults: Sequence[Diagnostic]) -> None:
        self.faults += faults

    def place(self, key: str) -> Place:
        while key and key not in self.front.lines:
            key = key.rpartition(".")[0]
        return Place(self.file, self.front.lines.get(key, 1))

    def fault(self, message: str, key: str, remedy: str = "", *, level: Level = Level.ERROR) -> None:
        self.faults.append(Diagnostic(message, self.place(key), remedy, level=level))

    def html(self, text: str, place: Place) -> Markup:
        html, faults = page_html(text, place)
        self.faults += faults
        return html

    def page(self, slug: str, folder: Path | None, mail: MailSays) -> ActionPage:
        for key in self.front.data:
            if key not in KEYS:
                self.fault(f"unknown key {key!r}", key, nearest(key, KEYS))
        texts = {key: self.text(key) for key in TEXTS}
        for key, example in (
            ("headline", 'headline: "Ask the council to keep the library open"'),
            ("statement", "Below `statement: |` write, indented, what people put their names to."),
        ):
            if not is_visible(texts[key]) and isinstance(self.front.data.get(key), str | None):
                self.fault(f"{key} is missing", key, example)
        body = self.front.body
        if not body.strip():
            remedy = "Below the second line --- say what is wrong and what a signature can do."
            self.faults.append(Diagnostic("the page has no text", Place(self.file, self.front.body_line), remedy))
        self.faults += merge_conflicts(body, file=self.file, first_line=self.front.body_line)
        if len(texts["share"]) > LONGEST_SHARE:
            self.fault(f"share has {len(texts['share'])} characters", "share",
                       f"Networks take short posts: at most {LONGEST_SHARE}, since the address is added.")  # fmt: skip
        language = texts["language"]
        if language and not LANGUAGE.fullmatch(language):
            self.fault(f"{language!r} is not a language", "language", "Write a code such as en, fr or pt-BR.")
        opt_in, (fields, own) = self.opt_in(), self.fields()
        return ActionPage(
            slug=slug, headline=texts["headline"], statement=texts["statement"],
            language=language or (self.lists[opt_in.list].language if opt_in else "en"),
            text_html=self.html(body, Place(self.file, self.front.body_line)),
            statement_html=self.html(texts["statement"], self.place("statement")),
            thanks_html=self.html(texts["thanks"], self.place("thanks")),
            description=_cut(page_words(body)), fields=fields, opt_in=opt_in, target=self.target(),
            next=read_next(self), share=texts["share"] or texts["headline"],
            show_names=self.truth("show_names", default=True), button=texts["button"] or mail.label, own=own,
            show_comments=self.comments(), tags=self.tags(),
            poster=read_poster(self, folder, (mail.picture, mail.picture_alt)),
        )  # fmt: skip

    def text(self, key: str, *, within: Mapping[Any, Any] | None = None, path: str = "") -> str:
        data, path = (self.front.data, key) if within is None else (within, path)
        value = data.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.fault(f"{path} must be text", path, f'Put it in quotes: {key}: "…"')
            return ""
        value = value.strip()
        if (key in ONE_LINE or within is not None) and BREAK.search(value):
            self.fault(f"{path} must be on one line", path)
        if (key in ONE_LINE or within is not None) and TAG.search(value):
            self.fault("merge tags can't be used on a page", path, "A page is the same for everybody.")
        return value

    def fields(self) -> tuple[Mapping[str, bool], tuple[OwnField, ...]]:
        """What is asked of the table, each with whether it is required, and the page's own questions."""
        found: dict[str, bool] = {}
        own: list[OwnField] = []
        for key, value in self.mapping("fields", "Such as `country: required` and, below it, `comment: optional`."):
            path = f"fields.{key}"
            if key in ("name", *ALWAYS):
                self.fault(f"{key} is asked for on every page", path, "Take the line out.")
            elif isinstance(value, dict) and key not in ASKABLE:
                question = read_own_field(key, cast(dict[Any, Any], value), self.fault)
                own += [question] if question else []
            elif key not in ASKABLE:
                own_words = "A question of your own has `label: …` on an indented line below it."
                self.fault(f"unknown field {key!r}", path, f"{nearest(key, ASKABLE)} {own_words}")
            elif value not in ("required", "optional"):
                self.fault(f"{path} must be required or optional", path, f"Such as `{key}: optional`.")
            else:
                found[key] = value == "required"
        if len(own) > MOST_QUESTIONS:
            self.fault(f"there are {len(own)} questions of your own", "fields", f"Ask at most {MOST_QUESTIONS}.")
        return {key: found[key] for key in ASKABLE if key in found}, tuple(own)

    def comments(self) -> CommentsShown:
        value = self.front.data.get("show_comments", False)
        shown = next((one for one in CommentsShown if one == str(value).lower()), None)
        if shown is None:
            self.fault("show_comments must be true, held or false", "show_comments",
                       "held: each comment waits until you let it through. See docs/action-pages.md.")  # fmt: skip
        return shown or CommentsShown.NEVER

    def tags(self) -> tuple[str, ...]:
        """The tags that signing gives, each once: one with commas between, or a list."""
        value = self.front.data.get("tags")
        listed = cast(list[object], value) if isinstance(value, list) else str(value or "").split(",")
        found: dict[str, str] = {}
        for one in listed:
            name = one.strip() if isinstance(one, str) else str(one)
            if isinstance(one, str | int) and sound_tag(name):
                found.setdefault(tag_key(name), sound_tag(name))
            elif name:
                self.fault(f"{name[:40]!r} can't be a tag", "tags", f"At most {LONGEST_TAG} characters, no , ; or |.")
        return tuple(found.values())

    def opt_in(self) -> OptIn | None:
        if self.front.data.get("opt_in") is None:
            return None
        remedy = "Below `opt_in:` write an indented line `list: supporters`."
        data = dict(self.mapping("opt_in", remedy))
        self.known_keys(data, "opt_in", ("list", "wording"))
        name = self.text("list", within=data, path="opt_in.list")
        wording = self.text("wording", within=data, path="opt_in.wording")
        if name not in self.lists:
            message = f"there is no list {name!r}" if name else "opt_in names no list"
            self.fault(message, "opt_in.list", nearest(name, list(self.lists)) if name else remedy)
            return None
        wording = wording or self.lists[name].consent
        if not wording:
            self.fault("opt_in has no wording", "opt_in",
                       f"Write what people agree to: wording: …, or consent = … in lists/{name}.toml.")  # fmt: skip
        return OptIn(name, wording)

    def target(self) -> int | None:
        value = self.front.data.get("target")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_TARGET:
            self.fault("target must be a whole number of signatures", "target", "target: 5000")
            return None
        return value

    def truth(self, key: str, *, default: bool) -> bool:
        value = self.front.data.get(key, default)
        if not isinstance(value, bool):
            self.fault(f"{key} must be true or false", key)
            return default
        return value

    def mapping(self, key: str, remedy: str) -> list[tuple[str, Any]]:
        value = self.front.data.get(key)
        if value is None:
            return []
        if not isinstance(value, dict):
            self.fault(f"{key} must hold keys", key, remedy)
            return []
        return [(str(name), item) for name, item in cast(dict[Any, Any], value).items()]

    def known_keys(self, data: Mapping[str, Any], key: str, known: tuple[str, ...]) -> None:
        for name in data:
            if name not in known:
                self.fault(f"unknown key {key}.{name}", f"{key}.{name}", nearest(name, known))


def _cut(words: str) -> str:
    if len(words) <= DESCRIPTION:
        return words
    return words[:DESCRIPTION].rpartition(" ")[0].rstrip(",;:–") + " …"
