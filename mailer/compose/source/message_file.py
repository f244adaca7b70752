"""Reads a newsletter's folder: message.md, message.mjml or thanks.md and their translations, key by key.

Everything found wrong is raised at once, each with its line and a remedy. What the texts mean (merge tags, Markdown,
links, pictures) is for `compose.compiler`; its `audience` is for `audience.selection`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

from mailer.compose.languages import SpokenLanguages
from mailer.compose.source.event import EXAMPLE, moment
from mailer.compose.source.frontmatter import FrontMatter, split_front_matter
from mailer.compose.source.layouts import LayoutField, TemplateDefinition, layout_names, read_layout
from mailer.compose.source.signed import is_thanks
from mailer.compose.source.text_file import CONTROL, cleaned, read_text
from mailer.compose.source.translations import ORIGINAL_KEY, is_taken, named_faults, outdated, with_original
from mailer.compose.source.wording import mark_of, message_words
from mailer.compose.source.written import LANGUAGE, Action, Source
from mailer.compose.visible import is_visible
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, nearest
from mailer.senders import sender_fault
from mailer.workspace import ACTION_FILE, Newsletter

MARKDOWN_FILE = "message.md"
MJML_FILE = "message.mjml"
TEXT_KEYS = (
    "name",
    "subject",
    "preheader",
    "headline",
    "from",
    "reply_to",
    "list",
    "template",
    "language",
    "signature",
    "petition",
    "notes",
)
SWITCHES = ("urgent", "archive")  # true or false
THANKS_KEYS = (*TEXT_KEYS[:-2], "notes", "action", "waive", "send")  # it goes to those who sign: no audience
KEYS = (*TEXT_KEYS, *SWITCHES, "action", "audience", "waive")
ACTION_KEYS = ("url", "page", "label")
UNREAD_ACTION = "https://example.org"  # for one that can't be read, so that no link to it is a fault as well
ONE_LINE = ("name", "subject", "preheader", "headline", "from", "reply_to", "list", "template", "language", "petition")
SAID = "The newsletter {} has faults:"
NOTHING: Mapping[str, str] = MappingProxyType({})
BREAK = re.compile("[\n\r]")


def read_source(newsletter: Newsletter, name: str = "") -> Source:
    """The newsletter as its file has it, or its file `name`, with what is wrong with its form in `faults`: compiling it
    finds the rest, and raises them together. Raises `MailerError` when its front matter can't be read."""
    name = name or _message_file(newsletter)
    file = newsletter.place(name)
    text, faults = read_text(newsletter.folder / name, file=file)
    if text is None:
        raise MailerError(SAID.format(newsletter.slug), diagnostics=faults)
    return _with_translations(_source(text, newsletter, file=file, faults=faults), name)


def source_of(text: str, newsletter: Newsletter, *, changed: Mapping[str, str] = NOTHING, name: str = "") -> Source:
    """What `read_source` would find if the newsletter's file held `text`, for a look at what is being written.

    `changed` has texts of the front matter, by dotted key, that were edited in a form meanwhile; "" takes one out.
    In the result's `lines` those that the file doesn't have are at negative ones.
    """
    is_mjml = (newsletter.folder / MJML_FILE).is_file()
    file = newsletter.place(name or (MJML_FILE if is_mjml else MARKDOWN_FILE))
    text, faults = cleaned(text, file=file)
    return _source(text, newsletter, file=file, faults=faults, changed=changed)


def translation_of(source: Source, language: str, text: str, *, changed: Mapping[str, str] = NOTHING) -> Source:
    """What the translation of `source` into `language` would be if its file held `text`, as `source_of`."""
    name, _, ending = source.file.rpartition("/")[2].partition(".")
    file = source.newsletter.place(f"{name}.{language}.{ending}")
    text, faults = cleaned(text, file=file)
    return _source(text, source.newsletter, file=file, faults=faults, changed=changed, original=(source, language))


def _with_translations(source: Source, name: str) -> Source:
    """The source with what is beside it in other languages; one that can't be read is among the faults."""
    newsletter = source.newsletter
    files = newsletter.translations(name)
    unfit = named_faults(newsletter, files, spoken_in(source).original) if files else {}
    found: list[Source] = []
    faults = [*source.faults, *unfit.values()]
    for language, file in files.items():
        text, told = read_text(newsletter.folder / file, file=newsletter.place(file))
        faults += told
        if text is not None and language not in unfit:
            try:
                found.append(translation_of(source, language, text))
            except MailerError as error:
                faults += error.diagnostics
    return replace(source, translations=tuple(found), faults=tuple(faults))


def spoken_in(source: Source) -> SpokenLanguages:
    """The languages that a newsletter is written in; the original's is that of its list unless it says otherwise."""
    of_list = ""
    with suppress(MailerError):  # which is told elsewhere
        of_list = source.newsletter.workspace.list_definition(source.list).language
    translations = tuple(one.language for one in source.translations)
    return SpokenLanguages(source.language or of_list, translations, of_list)


def _source(
    text: str, newsletter: Newsletter, *, file: str, faults: list[Diagnostic], changed: Mapping[str, str] = NOTHING,
    original: tuple[Source, str] | None = None,
) -> Source:  # fmt: skip
    front, unread = split_front_matter(text, file=file)
    if front is None:
        raise MailerError(SAID.format(newsletter.slug), diagnostics=[*faults, *unread])
    if changed:
        # What isn't in the file has a line of its own below all that are, so that a fault of it can be told apart.
        added = {key: -number for number, key in enumerate(sorted(set(changed) - set(front.lines)), 1)}
        front = replace(front, data=_with(front.data, changed), lines={**front.lines, **added})
    faults, translates = [*faults, *unread], str(front.data.get(ORIGINAL_KEY) or "")
    if original is not None:
        front, more = with_original(front, *original, file=file)
        faults += more
    source = _Checker(front, file=file, newsletter=newsletter, faults=faults).source(is_mjml=file.endswith(".mjml"))
    if original is None:
        return source
    said = {one.message for one in original[0].faults}  # what it takes from there, and is wrong, is told there
    told = [one for one in source.faults if not is_taken(one, said)]
    if translates and translates != mark_of(message_words(original[0])):
        told.append(outdated(Place(file, front.lines.get(ORIGINAL_KEY, 1))))
    return replace(source, faults=tuple(told), translates=translates)


def _with(data: Mapping[str, Any], changed: Mapping[str, str]) -> dict[str, Any]:
    """The front matter's data with other texts."""
    found = dict(data)
    for key, value in changed.items():
        outer, _, inner = key.partition(".")
        if inner:
            within = found.get(outer)
            found[outer] = _with(cast(dict[str, Any], within) if isinstance(within, dict) else {}, {inner: value})
        elif value:
            found[outer] = value
        else:
            found.pop(outer, None)
    return found


def _message_file(newsletter: Newsletter) -> str:
    found = [name for name in (MARKDOWN_FILE, MJML_FILE) if (newsletter.folder / name).is_file()]
    place = Place(newsletter.place())
    if newsletter.is_automation:
        remedy = f"Start it: mailer automations start {newsletter.slug}"
        fault = Diagnostic(f"{newsletter.slug} is an automation, which mails people by itself", place, remedy)
        raise MailerError(SAID.format(newsletter.slug), diagnostics=[fault])
    if len(found) == 1:
        return found[0]
    if found:
        fault = Diagnostic("message.md and message.mjml are both there", place, "Keep one of them.")
    else:
        remedy = f"Write {MARKDOWN_FILE}, or make a new one: mailer new NEWSLETTER"
        fault = Diagnostic(f"there is no {MARKDOWN_FILE}", place, remedy)
    raise MailerError(SAID.format(newsletter.slug), diagnostics=[fault])


class _Checker:
    """Reads the front matter key by key."""

    def __init__(self, front: FrontMatter, *, file: str, newsletter: Newsletter, faults: list[Diagnostic]) -> None:
        self.front = front
        self.file = file
        self.newsletter = newsletter
        self.faults = faults

    def fault(self, message: str, key: str, remedy: str = "") -> None:
        while key and key not in self.front.lines:
            key = key.rpartition(".")[0]
        self.faults.append(Diagnostic(message, Place(self.file, self.front.lines.get(key, 1)), remedy))

    def source(self, *, is_mjml: bool) -> Source:
        texts = {key: self.text(key) for key in TEXT_KEYS if key not in ("name", "notes")}
        for key in ("name", "notes"):  # for the authors themselves: checked for form, and they go nowhere
            self.text(key)
        urgent, archive = (self.switch(key) for key in SWITCHES)
        layout = self.layout(texts["template"], is_mjml=is_mjml)
        fields = {name: self.field(layout.fields[name]) for name in layout.fields}
        known = [*(THANKS_KEYS if is_thanks(self.file) else KEYS), *layout.fields]
        for key in self.front.data if layout.known else ():
            if key not in known:
                self.fault(f"unknown key {key!r}", key, nearest(key, known))
        self.needed(texts, is_mjml=is_mjml)
        if not self.front.body.strip():
            self.faults.append(Diagnostic("the message has no text", Place(self.file, self.front.body_line)))
        return Source(
            newsletter=self.newsletter, file=self.file, is_mjml=is_mjml,
            subject=texts["subject"], preheader=texts["preheader"], headline=texts["headline"],
            from_=texts["from"], reply_to=texts["reply_to"], list=texts["list"], template=layout.name,
            language=texts["language"], signature=texts["signature"], action=self.action(), audience=self.audience(),
            fields=fields, layout=layout, lines=self.front.lines, body=self.front.body,
            body_line=self.front.body_line, is_urgent=urgent, is_public=archive, waived=self.waived(),
            is_off=not self.switch("send", default=True), petition=texts["petition"],
            faults=tuple(self.faults),  # the last, when all else was looked at
        )  # fmt: skip

    def text(self, key: str) -> str:
        """The text of `key`, on one line where more would let it reach into other headers (RFC 5322 §2.2)."""
        value = self.front.data.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.fault(f"{key} must be text, not {_kind(value)}", key, f'Put it in quotes: {key}: "…"')
            return ""
        value = value.strip()
        if key in ONE_LINE and (BREAK.search(value) or CONTROL.search(value)):
            self.fault(f"{key} must be on one line, without control characters", key, "A line break could add headers.")
            return ""
        if value and not is_visible(value):
            self.fault(f"{key} shows nothing: it holds only characters that can't be seen", key, f"{key}: the words")
            return ""
        if key in ("from", "reply_to"):
            self.address(key, value)
        return CONTROL.sub("", value)

    def is_missing(self, key: str) -> bool:
        """Whether nothing is given: no such key, no value, or blanks. What is wrong otherwise has been said."""
        value = self.front.data.get(key)
        return value is None or (isinstance(value, str) and not value.strip())

    def switch(self, key: str, *, default: bool = False) -> bool:
        value = self.front.data.get(key, default)
        if not isinstance(value, bool):
            self.fault(f"{key} must be true or false, not {_kind(value)}", key, f"{key}: true")
        return value is True

    def address(self, key: str, value: str) -> None:
        if value and ("{{" in value or "{%" in value):
            self.fault(f"{key} can't hold merge tags", key)
        elif value and (wrong := sender_fault(key, value)):
            self.fault(wrong.message, key, wrong.remedy)

    def needed(self, texts: dict[str, str], *, is_mjml: bool) -> None:
        for key in ("subject", "list") if is_mjml else ("subject", "list", "template"):
            if self.is_missing(key):
                self.fault(f"{key} is missing", key, f"Fill it in. In the file it is a line above the text: {key}: …")
        known = self.newsletter.workspace.list_names()
        if texts["list"] and texts["list"] not in known:
            self.fault(f"unknown list {texts['list']!r}", "list", nearest(texts["list"], known))
        if texts["language"] and not LANGUAGE.fullmatch(texts["language"]):
            self.fault(f"{texts['language']!r} is not a language", "language", "Write a code such as en, fr or pt-BR.")
            texts["language"] = ""

    def layout(self, name: str, *, is_mjml: bool) -> TemplateDefinition:
        if is_mjml and name:
            self.fault("message.mjml is its own layout, so it names no template", "template", "Take the line out.")
        root = self.newsletter.workspace.root
        known = layout_names(root)
        if is_mjml or name not in known:
            if name and not is_mjml:
                self.fault(f"unknown template {name!r}", "template", nearest(name, known))
            return TemplateDefinition(name, known=not name)
        layout, faults = read_layout(root, name)
        self.faults += faults
        return layout

    def field(self, wanted: LayoutField) -> str:
        value = self.text(wanted.name)
        if wanted.required and self.is_missing(wanted.name):
            self.fault(f"{wanted.name} is missing: the template needs it", wanted.name, wanted.help)
        if wanted.type != "markdown" and BREAK.search(value):
            self.fault(f"{wanted.name} must be on one line", wanted.name)
        if wanted.type == "time" and value and moment(value) is None:
            self.fault(f"{wanted.name} must be a day and a time", wanted.name, f'{wanted.name}: "{EXAMPLE}"')
        return value

    def action(self) -> Action | None:
        data = self.front.data.get("action")
        if data is None:
            return None
        remedy = (
            "Below `action:` write two indented lines, `url: https://…` or `page: true`, and `label: Add your name`."
        )
        if not isinstance(data, dict):
            self.fault("action must have a url and a label", "action", remedy)
            return Action(UNREAD_ACTION, "")
        values, before = cast(dict[Any, Any], data), len(self.faults)
        for key in values:
            if key not in ACTION_KEYS:
                self.fault(f"unknown key action.{key}", f"action.{key}", nearest(str(key), ACTION_KEYS))
        page = self.own_page(values)
        for key in ("label",) if page else ("url", "label"):
            value = values.get(key)
            if key not in values:
                if not set(values) - set(ACTION_KEYS):  # else it is misspelt, and that is said
                    self.fault(f"action.{key} is missing", f"action.{key}", remedy)
            elif not isinstance(value, str) or not is_visible(value) or BREAK.search(value.strip()):
                self.fault(f"action.{key} must be a text on one line", f"action.{key}", remedy)
        url = str(values.get("url") or "").strip()
        if len(self.faults) > before and (not isinstance(values.get("url"), str) or not url or BREAK.search(url)):
            url = UNREAD_ACTION
        return Action(url, str(values.get("label") or "").strip(), page)

    def own_page(self, values: Mapping[Any, Any]) -> bool:
        """Whether the action is the page beside the message."""
        page = values.get("page", False)
        if not isinstance(page, bool):
            self.fault("action.page must be true or false", "action.page")
        elif page and "url" in values:
            self.fault("action has a page and a url", "action.url", "The button leads to one of them: keep that.")
        elif page and not self.newsletter.has_action_page:
            remedy = "How to write one: docs/action-pages.md."
            self.fault(f"there is no {ACTION_FILE} beside the message", "action.page", remedy)
        return page is True

    def audience(self) -> Mapping[str, Any]:
        data = self.front.data.get("audience", {})
        if isinstance(data, dict):
            return {str(key): value for key, value in cast(dict[Any, Any], data).items()}
        self.fault(
            "audience must hold keys", "audience", "Below `audience:` write indented lines such as `include: [x]`."
        )
        return {}

    def waived(self) -> Mapping[str, str]:
        """Rule → reason. Which rules there are is known to `checking`."""
        data = self.front.data.get("waive")
        remedy = 'Below `waive:` write indented lines such as `contrast.low: "the colours of the coalition"`.'
        if data is None:
            return {}
        if not isinstance(data, dict):
            self.fault("waive must name rules, each with a reason", "waive", remedy)
            return {}
        found: dict[str, str] = {}
        for key, value in cast(dict[Any, Any], data).items():
            if isinstance(value, str) and value.strip():
                found[str(key)] = " ".join(value.split())
            else:
                self.fault(f"waive.{key} must give the reason", f"waive.{key}", remedy)
        return found


def _kind(value: object) -> str:
    names: dict[type, str] = {str: "text", bool: "true or false", list: "a list", dict: "keys and values"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "a date")
