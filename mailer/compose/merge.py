"""Message + person → one mail's texts: a program, built once, that fills the slots and escapes each for its place.

No Jinja runs here: expressions are closures. Building a MIME message of the result is for `transports`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote, urlsplit

from markupsafe import escape

from mailer.compose.data.tables import LOOKUP, Cells, LookupTable, no_cells
from mailer.compose.expressions.ast import ANYTHING, Expression, Filter, Vocabulary, fields_of
from mailer.compose.expressions.evaluator import NO_CALLS, Subject, TextOf, text_of, truth_of
from mailer.compose.expressions.parser import parse_expression
from mailer.compose.expressions.tagged import TAGGED
from mailer.compose.message import Choice, Context, Link, Message, Parts, Slot
from mailer.compose.open_pixel import PICTURE
from mailer.compose.templating.deferred import PERSONAL_ADDRESSES
from mailer.compose.visible import UNFIT
from mailer.errors import MailerError

BREAKS = re.compile(r"[\t\n\r]+")
NEEDS_ESCAPE = re.compile("[&<>\"']").search
NAMES = ("click_url", *PERSONAL_ADDRESSES)
ANY_NAMES: Mapping[str, str] = dict.fromkeys(NAMES, "")
Render = Callable[[Subject], str]
QUOTES = ("'", '"')
NO_BRANCH = -1  # no test of a condition holds, and it has no {% else %}
PARAGRAPH = 100  # characters of a branch; shorter ones aren't worth telling people apart by


@dataclass(frozen=True, slots=True)
class Urls:
    """The person's own addresses. A link's number is added to `click`: PUBLIC_URL/c/<token> becomes …/3."""

    click: str
    unsubscribe: str
    view: str
    preferences: str

    @property
    def names(self) -> dict[str, str]:
        """By the names that messages use."""
        return {
            "click_url": self.click,
            "unsubscribe_url": self.unsubscribe,
            "view_url": self.view,
            "preferences_url": self.preferences,
        }


NO_URLS = Urls("", "", "", "")


class BadDestination(MailerError):
    """A link, filled in for a person, is no web address."""


@dataclass(slots=True)
class MergeProgram:
    """Fills a message in. Slots that only branches of conditions use are computed when their branch is taken.

    `watch` is told of each slot that a mail has: its number, and its text before escaping or the branch that is taken.
    """

    message: Message
    watch: Callable[[int, str | int], None] | None = None
    cells: Cells = no_cells  # of `message.tables`
    top_level: frozenset[int] = field(init=False)  # slots that the mail's texts mention themselves
    addresses: frozenset[str] = field(init=False)  # which of NAMES the message mentions anywhere
    _renders: list[Render] = field(init=False)
    _plan: list[Render] = field(init=False)
    _large: dict[tuple[str, ...], Callable[[Subject], int]] = field(init=False)  # conditions, by their tests
    _asked: tuple[str, ...] = field(init=False)  # the fields that those ask for
    _known: Callable[[tuple[object, ...]], tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        message = self.message
        texts = (message.subject, message.preheader, message.html, message.text)
        self.top_level = frozenset(part for parts in texts for part in parts if isinstance(part, int))
        self._renders = []
        self._large = {}
        for n, slot in enumerate(message.slots):  # a choice comes after the slots of its branches
            self._renders.append(self._choice(n, slot) if isinstance(slot, Choice) else self._slot(n, slot))
        self._plan = [render if n in self.top_level else _nothing for n, render in enumerate(self._renders)]
        tests = [parsed(test, message) for tests in self._large for test in tests if test]
        self._asked = tuple(dict.fromkeys(name for test in tests for name in fields_of(test)))
        self._known = lru_cache(maxsize=1024)(self._branches)
        # A text search, so perhaps one too many: a needless address does no harm, a missing one would.
        sources = " ".join(source for slot in message.slots for source in _sources(slot))
        self.addresses = frozenset(name for name in NAMES if name in sources)

    def values(self, supporter: Mapping[str, object], urls: Urls) -> tuple[str, ...]:
        """A text for each slot, escaped for where it is; "" for slots that no text of the mail mentions itself."""
        return self.values_of(_person(supporter, urls, self.cells))

    def values_of(self, person: Subject) -> tuple[str, ...]:
        """The same of a person whose `names` holds at least `addresses`, and `names_in_html` the same escaped."""
        return tuple([render(person) for render in self._plan])

    def branches(self, supporter: Mapping[str, object]) -> tuple[int, ...]:
        """Which branch of each large condition a person gets; the same for people whose mails share paragraphs."""
        return self._known(tuple([supporter.get(name) for name in self._asked]))

    def _branches(self, values: tuple[object, ...]) -> tuple[int, ...]:
        supporter = dict(zip(self._asked, values, strict=True))
        person = Subject(supporter, ANY_NAMES, NO_CALLS, ANY_NAMES, self.cells)
        return tuple([taken(person) for taken in self._large.values()])

    @staticmethod
    def fill(parts: Parts, values: Sequence[str]) -> str:
        """The text of `parts` with `values` in its slots."""
        return "".join([part if isinstance(part, str) else values[part] for part in parts])

    def subject(self, supporter: Mapping[str, object], urls: Urls = NO_URLS) -> str:
        """The subject, without line breaks or control characters."""
        return self._text(self.message.subject, supporter, urls)

    def preheader(self, supporter: Mapping[str, object], urls: Urls = NO_URLS) -> str:
        """What inboxes show after the subject; it is in the HTML as well."""
        return self._text(self.message.preheader, supporter, urls)

    def html(self, supporter: Mapping[str, object], urls: Urls) -> str:
        """The HTML part, which is also the page behind view_url."""
        return self._text(self.message.html, supporter, urls)

    def text(self, supporter: Mapping[str, object], urls: Urls) -> str:
        """The plain-text part."""
        return self._text(self.message.text, supporter, urls)

    def destination(self, link: Link, supporter: Mapping[str, object]) -> str:
        """Where `link` leads this person. Raises `BadDestination` when that is no web address."""
        url = self.written_destination(link, supporter)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\x00-\x20\x7f]", url):
            raise BadDestination(f"link {link.n} of {self.message.slug} leads to no web address")
        return url

    def written_destination(self, link: Link, supporter: Mapping[str, object]) -> str:
        """The same, whatever it is."""
        return self._text(link.destination, supporter, NO_URLS)

    def _text(self, parts: Parts, supporter: Mapping[str, object], urls: Urls) -> str:
        person = _person(supporter, urls, self.cells)
        return "".join([part if isinstance(part, str) else self._renders[part](person) for part in parts])

    def _slot(self, n: int, slot: Slot) -> Render:
        if slot.source == PICTURE:  # HTML as a whole, made by the envelope builder; pages have none
            return lambda person: person.names_in_html.get(PICTURE, "")
        if slot.source in NAMES:
            return _own_address(slot.source, slot.context)
        expression = parsed(slot.source, self.message)
        if slot.context is Context.URL and isinstance(expression, Filter) and expression.name == "urlencode":
            expression = expression.operand  # encoded once, by its place
        text = text_of(expression, self.message.constants)
        return _escaped(_watched(text, n, self.watch) if self.watch else text, slot.context)

    def _choice(self, n: int, choice: Choice) -> Render:
        watch = self.watch
        sources = tuple(test for test, _ in choice.branches)
        tests = [truth_of(parsed(test, self.message), self.message.constants) if test else None for test in sources]
        branches = [_branch(parts, self._renders) for _, parts in choice.branches]

        def taken(person: Subject) -> int:
            for number, test in enumerate(tests):
                if test is None or test(person):
                    return number
            return NO_BRANCH

        def render(person: Subject) -> str:
            number = taken(person)
            if watch:
                watch(n, number)
            return "" if number == NO_BRANCH else branches[number](person)

        if n in self.top_level and any(_constant_length(parts) >= PARAGRAPH for _, parts in choice.branches):
            self._large[sources] = taken
        return render


def _watched(text: TextOf, n: int, watch: Callable[[int, str | int], None]) -> TextOf:
    def seen(person: Subject) -> str:
        value = text(person)
        watch(n, value)
        return value

    return seen


def _person(supporter: Mapping[str, object], urls: Urls, cells: Cells) -> Subject:
    names = urls.names
    return Subject(supporter, names, NO_CALLS, {name: for_html(address) for name, address in names.items()}, cells)


def _branch(parts: Parts, renders: list[Render]) -> Render:
    if all(isinstance(part, str) for part in parts):
        text = "".join(map(str, parts))
        return lambda person: text
    pieces = [part if isinstance(part, str) else renders[part] for part in parts]
    return lambda person: "".join([piece if isinstance(piece, str) else piece(person) for piece in pieces])


def _constant_length(parts: Parts) -> int:
    return sum(len(part) for part in parts if isinstance(part, str))


def with_tables(message: Message, tables: Mapping[str, LookupTable]) -> Message:
    """The message with those of the tables that its merge tags look into."""
    asking = [source for slot in message.slots for source in _sources(slot) if LOOKUP in source]
    used = [name for name in tables if any(sign + name + sign in one for one in asking for sign in QUOTES)]
    return replace(message, tables=tuple(tables[name] for name in used)) if used else message


def expressions_of(message: Message) -> Iterator[Expression]:
    """Every expression that waits for the person, each once."""
    sources = dict.fromkeys(source for slot in message.slots for source in _sources(slot))
    return (parsed(source, message) for source in sources if source and source not in (*NAMES, PICTURE))


def _sources(slot: Slot | Choice) -> list[str]:
    return [slot.source] if isinstance(slot, Slot) else [test for test, _ in slot.branches]


def parsed(source: str, message: Message) -> Expression:
    """The expression of one of the message's slots or tests, which was checked when the message was made."""
    scopes = {"supporter": ANYTHING, **dict.fromkeys(message.constants, ANYTHING)}
    tables = {table.name: table for table in message.tables}
    vocabulary = Vocabulary(scopes=scopes, names=NAMES, calls=(TAGGED,), language=message.language, tables=tables)
    return parse_expression(source, vocabulary=vocabulary)


def _own_address(name: str, context: Context) -> Render:
    if context in (Context.HTML, Context.ATTRIBUTE):
        return lambda person: person.names_in_html[name]
    return lambda person: person.names[name]


def _escaped(text: TextOf, context: Context) -> Render:
    match context:
        case Context.HTML | Context.ATTRIBUTE:
            return lambda person: for_html(_fit(text(person)))
        case Context.URL:
            return lambda person: quote(_fit(text(person)), safe="")
        case Context.TEXT | Context.HEADER:
            return lambda person: _fit(text(person))


def _nothing(person: Subject) -> str:
    return ""


def for_html(value: str) -> str:
    """`value` escaped for text between tags and for quoted attributes; the very same text when nothing needs it."""
    return str(escape(value)) if NEEDS_ESCAPE(value) else value


def _fit(value: str) -> str:
    """`value` on one line and without what has no place in it."""
    return value if value.isprintable() else UNFIT.sub("", BREAKS.sub(" ", value))
