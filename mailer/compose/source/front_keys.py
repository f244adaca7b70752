"""Reads the front matter of a message key by key: what each may hold, and every fault with its line and a remedy.

Which files a message has is for `message_file`; what the texts mean, for the compiler.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from mailer.compose.data.sources import DATA, read_sources
from mailer.compose.source.event import EXAMPLE, moment
from mailer.compose.source.frontmatter import FrontMatter
from mailer.compose.source.layouts import LayoutField, TemplateDefinition, layout_names, read_layout
from mailer.compose.source.tested import TEST_KEY, read_test
from mailer.compose.source.text_file import CONTROL
from mailer.compose.source.written import LANGUAGE, Action, Source, is_thanks
from mailer.compose.visible import is_visible
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import nearest
from mailer.senders import sender_fault
from mailer.workspace import ACTION_FILE, Newsletter

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
KEYS = (*TEXT_KEYS, *SWITCHES, "action", "audience", "waive", "series", DATA, TEST_KEY)
ACTION_KEYS = ("url", "page", "label")
UNREAD_ACTION = "https://example.org"  # for one that can't be read, so that no link to it is a fault as well
ONE_LINE = ("name", "subject", "preheader", "headline", "from", "reply_to", "list", "template", "language", "petition")
BREAK = re.compile("[\n\r]")


class KeyReader:
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
        test, tried = read_test(self.front, self.fault) if TEST_KEY in self.front.data else (None, {})
        if not self.front.body.strip():
            self.faults.append(Diagnostic("the message has no text", Place(self.file, self.front.body_line)))
        return Source(
            newsletter=self.newsletter, file=self.file, is_mjml=is_mjml,
            subject=texts["subject"], preheader=texts["preheader"], headline=texts["headline"],
            from_=texts["from"], reply_to=texts["reply_to"], list=texts["list"], template=layout.name,
            language=texts["language"], signature=texts["signature"], action=self.action(),
            audience=self.mapping("audience", "include: [x]") or {}, series=self.mapping("series", "every: monday"),
            fields=fields, layout=layout, lines=self.front.lines, body=self.front.body,
            body_line=self.front.body_line, is_urgent=urgent, is_public=archive, waived=self.waived(),
            is_off=not self.switch("send", default=True), petition=texts["petition"], test=test, tried=tried,
            data_sources=read_sources(self.front.data.get(DATA), self.fault),
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
        layout, faults = read_layout(self.newsletter.workspace.templates, name)
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

    def mapping(self, key: str, example: str) -> Mapping[str, Any] | None:
        """The keys below `key`; None where there is nothing of the kind."""
        data = self.front.data.get(key)
        if isinstance(data, dict):
            return {str(name): value for name, value in cast(dict[Any, Any], data).items()}
        if key in self.front.data:
            self.fault(f"{key} must hold keys", key, f"Below `{key}:` write indented lines such as `{example}`.")
        return None

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
