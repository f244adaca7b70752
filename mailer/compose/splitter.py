"""The last step of compiling: finds the markers in finished HTML and text, and cuts both into parts and slots.

It decides from a marker's place how its value will be escaped, refuses places where no escaping is safe, and makes
sure that the HTML stays whole whatever a condition takes out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from markupsafe import escape

from mailer.compose.message import Choice, Context, Parts, Slot
from mailer.compose.mjml.tokenizer import VOID
from mailer.compose.source.text_file import CONTROL
from mailer.compose.templating.deferred import PERSONAL_ADDRESSES
from mailer.compose.templating.link_table import PendingLink
from mailer.compose.templating.markers import Control, LinkMark, Literal, Mark, Markers, Value
from mailer.diagnostics import Diagnostic, Place

TAG = re.compile(r"<!--.*?-->|<(/?)([a-zA-Z][^\s/>]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>|<![^>]*>", re.DOTALL)
ATTRIBUTE = re.compile(r"([^\s/<>\"'=]+)\s*=\s*(\"[^\"]*\"|'[^']*')")
URL_ATTRIBUTES = ("href", "src", "background", "action")
CLICK_URL = "click_url"

Home = tuple[str, int]  # what holds a marker: an element, an attribute, a comment


@dataclass(frozen=True, slots=True)
class MarkContext:
    """A mark and its place. `starts`: nothing is before it in its attribute."""

    mark: Mark
    context: Context
    home: Home
    starts: bool = False


Item = str | MarkContext


class MergeSlots:
    """The slots of one message, each once, and the numbers of its links in order of appearance."""

    def __init__(self, *, first_link: int = 1) -> None:
        self.slots: list[Slot | Choice] = []
        self._numbers: dict[Slot | Choice, int] = {}
        self.links: dict[int, int] = {}  # index in the pending table → number in the mail, from `first_link`
        self._first_link = first_link

    def number(self, slot: Slot | Choice) -> int:
        number = self._numbers.setdefault(slot, len(self.slots))
        if number == len(self.slots):
            self.slots.append(slot)
        return number

    def link(self, mark: LinkMark) -> int:
        return self.links.setdefault(mark.index, self._first_link + len(self.links))


class Splitter:
    """Cuts the finished texts of one message."""

    def __init__(self, *, markers: Markers, slots: MergeSlots) -> None:
        self.markers = markers
        self.slots = slots
        self.faults: list[Diagnostic] = []

    def html(self, html: str) -> Parts:
        """Finished HTML as parts."""
        walk = _HtmlWalk(html, self.markers)
        parts = self._parts(walk.items())
        self.faults += walk.faults
        return parts

    def plain(self, text: str, context: Context) -> Parts:
        """Plain text or a header as parts."""
        items: list[Item] = [
            piece if isinstance(piece, str) else MarkContext(piece, context, ("text", 0))
            for piece in self.markers.pieces(text)
        ]
        return self._parts(items)

    def destination(self, link: PendingLink) -> Parts:
        """A link's destination as parts."""
        return self.plain(link.destination, Context.URL)

    def _parts(self, items: Sequence[Item]) -> Parts:
        return self._run(items, 0, None)[0]

    def _run(self, items: Sequence[Item], at: int, group: MarkContext | None) -> tuple[Parts, int]:
        """Parts from `at` up to the next marker of the open `group`, and the index of that."""
        parts: list[str | int] = []
        while at < len(items):
            item = items[at]
            if isinstance(item, str):
                parts.append(item)
            elif isinstance(item.mark, Control):
                if item.mark.branch != 0:
                    if group is None or not isinstance(group.mark, Control) or item.mark.group != group.mark.group:
                        self._unbalanced(item)
                        return _joined(parts), len(items)
                    return _joined(parts), at
                choice, at = self._choice(items, at)
                parts.append(self.slots.number(choice))
                continue
            else:
                parts += self._one(item)
            at += 1
        if group is not None:
            self._unbalanced(group)
        return _joined(parts), at

    def _choice(self, items: Sequence[Item], at: int) -> tuple[Choice, int]:
        """The choice that begins at `at`, and the index behind its end."""
        first = items[at]
        branches: list[tuple[str, Parts]] = []
        assert isinstance(first, MarkContext)
        while at < len(items):
            item = items[at]
            assert isinstance(item, MarkContext)
            assert isinstance(item.mark, Control)
            if item.home != first.home:
                self._unbalanced(first)
            if item.mark.is_end:
                return Choice(tuple(branches)), at + 1
            parts, at = self._run(items, at + 1, first)
            branches.append((item.mark.test, parts))
        return Choice(tuple(branches)), at

    def _one(self, item: MarkContext) -> list[str | int]:
        match item.mark:
            case Value(source):
                return [self.slots.number(Slot(source, item.context))]
            case Literal(text):
                return [_escaped(text, item)]
            case LinkMark():
                context = Context.ATTRIBUTE if item.context is Context.URL else item.context
                return [self.slots.number(Slot(CLICK_URL, context)), f"/{self.slots.link(item.mark)}"]
            case Control():
                raise AssertionError("conditions are for _choice")

    def _unbalanced(self, item: Item) -> None:
        mark = item.mark if isinstance(item, MarkContext) else None
        place = mark.place if isinstance(mark, Control) else None
        fault = Diagnostic(
            "this condition begins in one place and ends in another, such as inside bold text, a list or a block",
            place,
            "Put {% if %}, {% else %} and {% endif %} side by side: all in one sentence, or each on a line of its own.",
        )
        if fault not in self.faults:
            self.faults.append(fault)


class _HtmlWalk:
    """Goes through finished HTML, keeping track of open elements, and says where each marker is."""

    def __init__(self, html: str, markers: Markers) -> None:
        self.text = html
        self.markers = markers
        self.faults: list[Diagnostic] = []
        self.stack: list[tuple[str, int]] = [("", 0)]
        self.count = 0

    def items(self) -> list[Item]:
        found: list[Item] = []
        at, marker = 0, self._marker(0)
        for tag in TAG.finditer(self.text):
            self.count += 1
            if marker < tag.end():
                self._put(self.text[at : tag.start()], found)
                at, marker = tag.end(), self._marker(tag.end())
                if self.markers.prefix not in tag[0]:
                    found.append(tag[0])
                elif tag[2] is None:
                    found += self._plain(tag[0], ("comment", self.count))
                else:
                    self._attributes(tag, found)
            if tag[2] is not None:
                self._step(tag)
        self._put(self.text[at:], found)
        return found

    def _marker(self, start: int) -> int:
        """Where the next marker begins; what comes before it is cut no further."""
        at = self.text.find(self.markers.prefix, start)
        return at if at >= 0 else len(self.text)

    def _step(self, tag: re.Match[str]) -> None:
        name = tag[2].lower()
        if tag[1]:
            for depth in range(len(self.stack) - 1, 0, -1):
                if self.stack[depth][0] == name:
                    del self.stack[depth:]
                    break
        elif name not in VOID and not tag[3].endswith("/"):
            self.stack.append((name, self.count))

    def _put(self, text: str, found: list[Item]) -> None:
        name, number = self.stack[-1]
        if self.markers.prefix not in text:
            if text:
                found.append(text)
        elif name in ("style", "script"):
            self._refuse(text, "a style sheet")
        else:
            found += self._plain(text, ("element", number))

    def _plain(self, text: str, home: Home) -> list[Item]:
        context = Context.HTML if home[0] == "element" else Context.ATTRIBUTE
        return [
            piece if isinstance(piece, str) else MarkContext(piece, context, home)
            for piece in self.markers.pieces(text)
        ]

    def _attributes(self, tag: re.Match[str], found: list[Item]) -> None:
        at = tag.start()
        for attribute in ATTRIBUTE.finditer(self.text, tag.start(3), tag.end(3)):
            name, value = attribute[1].lower(), attribute[2]
            if self.markers.prefix not in value:
                continue
            start, end = attribute.start(2) + 1, attribute.end(2) - 1
            self._constant(self.text[at:start], found)
            found += self._value(name, self.text[start:end])
            at = end
        self._constant(self.text[at : tag.end()], found)

    def _constant(self, text: str, found: list[Item]) -> None:
        if self.markers.prefix in text:
            self._refuse(text, "the inside of an HTML tag")
        found.append(text)

    def _value(self, name: str, value: str) -> list[Item]:
        if name == "style" or name.startswith("on"):
            self._refuse(value, f"a {name} attribute")
            return []
        self.count += 1
        home = ("attribute", self.count)
        pieces = self.markers.pieces(value)
        first = pieces[0]
        personal = isinstance(first, Value) and first.source in PERSONAL_ADDRESSES
        if name in URL_ATTRIBUTES and not personal and isinstance(first, Value | Control):
            self._refuse(value, f"the beginning of a {name} address")
            return []
        found: list[Item] = []
        for index, piece in enumerate(pieces):
            if isinstance(piece, str):
                found.append(piece)
                continue
            url = name in URL_ATTRIBUTES and not (personal and index == 0)
            context = Context.URL if url else Context.ATTRIBUTE
            found.append(MarkContext(piece, context, home, starts=index == 0))
        return found

    def _refuse(self, text: str, where: str) -> None:
        for piece in self.markers.pieces(text):
            place: Place | None = piece.place if isinstance(piece, Value | Control) else None
            if not isinstance(piece, str):
                self.faults.append(Diagnostic(f"a merge tag can't be used in {where}", place, "Put it into the text."))


def _escaped(text: str, item: MarkContext) -> str:
    match item.context:
        case Context.HTML | Context.ATTRIBUTE:
            return str(escape(text))
        case Context.URL:
            return str(escape(text)) if item.starts else quote(text, safe="")
        case Context.TEXT:
            return text
        case Context.HEADER:
            return " ".join(CONTROL.sub(" ", text).split())


def _joined(parts: Sequence[str | int]) -> Parts:
    """Parts with neighbouring texts joined and empty ones left out."""
    joined: list[str | int] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)
