"""Jinja's work when a message is compiled: what does not wait for the person is resolved now, in the sandbox.

Templates are found in the workspace's templates/ folder; whatever waits has been exchanged for markers by `deferred`.
Faults name the file and line as the author wrote them, includes as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any, cast

from jinja2 import (
    BaseLoader,
    Environment,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
    pass_context,
)
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import safe_range

from mailer.compose.expressions.ast import Vocabulary
from mailer.compose.expressions.filters import FILTERS, applied
from mailer.compose.templating.budget import LONGEST_TEXT, TooMuch
from mailer.compose.templating.deferred import (
    FILE_STEP,
    LINE_MARK,
    WAITING_NAMES,
    Construct,
    SourceText,
    constructs_of,
    put_markers,
    read_line_mark,
)
from mailer.compose.templating.markers import Literal, Markers
from mailer.compose.templating.sandbox import BoundedEnvironment
from mailer.compose.templating.slips import USUAL, blanked, slips
from mailer.compose.templating.unknown_names import Names, NamesUsed, names_in
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError

# Jinja's own filters that layouts may use as well. Not `safe`: nothing goes into a mail unescaped by a layout's wish.
WRITING_FILTERS = ("first", "last", "length")  # of lists, in what authors write
LAYOUT_FILTERS = ("escape", "e", "first", "join", "last", "length", "list", "replace", "trim", "round", "int", "batch")
CODE_KEPT = 256  # compiled templates
MOST_TAGS = 2_000  # that wait for the person, those that a loop repeats counted each time


@dataclass(frozen=True, slots=True)
class Resolved:
    """Jinja's output and, for each of its lines (from 0), where in which file it was written."""

    text: str
    origins: tuple[Place, ...]

    def place(self, line: int) -> Place:
        """The origin of output line `line`, from 1."""
        return self.origins[max(0, min(line, len(self.origins)) - 1)]


@dataclass(frozen=True, slots=True)
class Task:
    """What every text of one message is resolved with."""

    templates: Path
    markers: Markers
    vocabulary: Vocabulary  # of what waits
    context: Mapping[str, Any]  # of what is resolved now


# Kept from message to message: code by its text, and the prepared text of parts that nothing in a message can change.
_CODE: dict[tuple[bool, str, str], CodeType] = {}
_READY: dict[tuple[bool, str, int, str], str] = {}


_READER = Environment(autoescape=True, keep_trailing_newline=True)  # nothing is ever rendered with it


class _Stopped(MailerError):
    """A file has faults, which are recorded; rendering it would only find them again."""


class _Environment(BoundedEnvironment):
    """The sandbox with our filters."""

    def __init__(
        self, *, layout: bool, loader: BaseLoader | None, finalize: Callable[[Any], Any] | None, language: str
    ) -> None:
        super().__init__(
            autoescape=layout, undefined=StrictUndefined, loader=loader, finalize=finalize, keep_trailing_newline=True,
        )  # fmt: skip
        self.layout = layout
        builtin = dict(self.filters)
        self.filters.clear()
        self.filters.update({name: builtin[name] for name in (LAYOUT_FILTERS if layout else WRITING_FILTERS)})
        self.filters.update({name: _tolerant(name, applied(name, language)) for name in FILTERS})
        self.guard_filters()
        self.globals.clear()
        cast(dict[str, Any], self.globals)["range"] = safe_range


class Resolver(BaseLoader):
    """Resolves the texts of one message. Faults are collected in `faults`; None stands for a text that has some."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.folder = task.templates.resolve()
        self.faults: list[Diagnostic] = []
        self.files: list[str] = []
        self.sources: dict[str, SourceText] = {}
        self.read: dict[str, SourceText] = {}  # of templates/
        language = task.vocabulary.language
        self.layouts = _Environment(layout=True, loader=self, finalize=None, language=language)
        self.writing = _Environment(layout=False, loader=self, finalize=self._finalize, language=language)

    def layout(self, name: str, context: Mapping[str, Any]) -> Resolved | None:
        """The template `name` of templates/, as MJML."""
        return self._render(self.layouts, name, {**self.task.context, **context})

    def mjml(self, text: str, place: Place, context: Mapping[str, Any]) -> Resolved | None:
        """A whole document written by the author."""
        self.sources["message.mjml"] = SourceText(text, place, self._file(place.file))
        return self._render(self.layouts, "message.mjml", {**self.task.context, **context})

    def words(self, text: str, place: Place) -> Resolved | None:
        """Text or Markdown: what is printed becomes a marker, to be escaped for where it ends up."""
        name = f"{place.file}:{place.line}"
        self.sources[name] = SourceText(text, place, self._file(place.file))
        return self._render(self.writing, name, self.task.context)

    def line(self, text: str, place: Place) -> str:
        """One line of text, such as a subject; "" when it has faults."""
        if "{" not in text:
            return text
        found = self.words(text, place)
        return " ".join(found.text.split()) if found else ""

    def get_source(self, environment: Any, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Jinja's loader: a template's text, checked, with markers for what waits."""
        source = self.sources.get(template) or self._file_text(template)
        key = (environment.layout, template, source.file_number, source.text)
        if key in _READY:
            return _READY[key], template, lambda: True
        prepared = self._prepared(environment, source, self.context_now if template == self.main else None)
        if template != self.main and not any(name in source.text for name in WAITING_NAMES):
            _keep(_READY, key, prepared)  # nothing in it depends on the message
        return prepared, template, lambda: True

    def _prepared(self, environment: Any, source: SourceText, known: Mapping[str, Any] | None) -> str:
        """The text with markers and line marks, after all faults that can be seen in it were looked for.

        `known` are the names it may use; None for a part that another template includes, whose loop variables can't
        be seen from here.
        """
        try:
            constructs, named = _read(source.text)
        except TemplateSyntaxError as error:
            self._tell_slips(environment, source, known, error)
            raise _Stopped("syntax") from None
        except RecursionError:
            self.faults.append(Diagnostic("this is nested too deeply", source.place))
            raise _Stopped("syntax") from None
        prepared, faults = put_markers(source, constructs, markers=self.task.markers, vocabulary=self.task.vocabulary)
        self.faults += [*faults, *self._unknown_names(environment, source.place, named, known)]
        return prepared

    def _tell_slips(
        self, environment: Any, source: SourceText, known: Mapping[str, Any] | None, error: TemplateSyntaxError
    ) -> None:
        """Every construct of a text that can't be read, and what Jinja says of the text when there is no other."""
        file, line = source.place.file, source.place.line or 1
        found = list(slips(source.text, environment, fields=self._fields))
        for slip in found:
            at = Place(file, line + source.text.count("\n", 0, slip.start))
            self.faults.append(Diagnostic(f"Jinja syntax: {slip.reason}", at, slip.remedy))
        text = blanked(source.text, found)
        try:
            named = names_in(environment.parse(text))
        except TemplateSyntaxError as other:
            self.faults.append(_syntax_fault(other if found else error, file=file, first_line=line))
            return
        self.faults += self._unknown_names(environment, source.place, named, known)

    def templates_read(self) -> list[tuple[Place, str]]:
        """The templates' own files that were read, each with where it begins."""
        return [(source.place, source.text) for source in self.read.values()]

    def _unknown_names(
        self, environment: Any, place: Place, named: NamesUsed, known: Mapping[str, Any] | None
    ) -> list[Diagnostic]:
        names = Names(environment, file=place.file, first_line=place.line or 1, known=known, fields=self._fields)
        return names.faults_in(named)

    @property
    def _fields(self) -> Collection[str]:
        return self.task.vocabulary.scopes.get("supporter", ())

    def load(self, environment: Any, name: str, globals: Any = None) -> Template:  # noqa: A002 - Jinja's own name for it
        """The compiled template. Code depends on the text alone, so it is kept for the next message that needs it."""
        text, _, uptodate = self.get_source(environment, name)
        key = (environment.layout, name, text)
        code = _CODE.get(key)
        if code is None:
            code = environment.compile(text, name, name)
            _keep(_CODE, key, code)
        return environment.template_class.from_code(environment, code, globals or {}, uptodate)

    def _file_text(self, name: str) -> SourceText:
        path = (self.folder / name).resolve()
        inside = path.is_relative_to(self.folder) and ".." not in Path(name).parts
        if not inside or not path.is_file():
            raise TemplateNotFound(name)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            self.faults.append(Diagnostic("this is not UTF-8 text", Place(f"templates/{name}")))
            raise _Stopped("encoding") from None
        place = Place(f"templates/{name}", 1)
        self.read[name] = SourceText(text, place, self._file(place.file))
        return self.read[name]

    def _file(self, file: str) -> int:
        if file not in self.files:
            self.files.append(file)
        return self.files.index(file)

    def _finalize(self, value: Any) -> Any:
        text = str(value)  # an undefined value says so here
        markers = self.task.markers
        return "".join(markers.add(Literal(p) if isinstance(p, str) else p) for p in markers.pieces(text))

    def _render(self, environment: _Environment, name: str, context: Mapping[str, Any]) -> Resolved | None:
        self.main, self.context_now = name, context
        environment.budget.begin()
        place = self.sources[name].place if name in self.sources else Place(f"templates/{name}", 1)
        before = len(self.faults)
        try:
            text = environment.get_template(name).render(context)
        except _Stopped:
            return None
        except Exception as error:  # noqa: BLE001 - a template can raise anything; it must never be a traceback
            if not any(fault.stops for fault in self.faults[before:]):  # else that is why, and is said
                self.faults.append(self._runtime_fault(error, name, self._traced(error.__traceback__) or place))
            return None
        if sum(found[1] == "v" for found in self.task.markers.pattern.finditer(text)) > MOST_TAGS:
            self.faults.append(
                Diagnostic(f"more than {MOST_TAGS:,} merge tags would be filled in for each person", place)
            )
            return None
        return self._with_origins(text, place)

    def _with_origins(self, text: str, place: Place) -> Resolved:
        origins: list[Place] = []
        here = place
        for line in text.split("\n"):
            marks = LINE_MARK.findall(line)
            if marks:
                file, number = divmod(read_line_mark(marks[0]), FILE_STEP)
                here = Place(self.files[file], number)
            origins.append(here)
            if len(marks) > 1:
                file, number = divmod(read_line_mark(marks[-1]), FILE_STEP)
                here = Place(self.files[file], number)
        return Resolved(LINE_MARK.sub("", text), tuple(origins))

    def _runtime_fault(self, error: Exception, name: str, at: Place) -> Diagnostic:
        match error:
            case TemplateSyntaxError():  # which Jinja sees no sooner than where it makes code of it
                source = self.sources.get(error.name or name)
                begun = source.place if source else Place(f"templates/{error.name}", 1)
                return _syntax_fault(error, file=begun.file, first_line=begun.line or 1)
            case TemplateNotFound():
                return Diagnostic(f"there is no template {error.name!r}", at, "Names count from templates/.")
            case UndefinedError():
                return Diagnostic(
                    f"unknown name: {error.message}", at, "Known: " + ", ".join(sorted(self.context_now)) + "."
                )
            case SecurityError():
                return Diagnostic(f"the sandbox forbids this: {error}", at, "Use fields and filters only.")
            case TooMuch() | MemoryError():
                words = str(error) or f"it needs more memory than {LONGEST_TEXT:,} characters"
                return Diagnostic(f"this template is stopped: {words}", at, "Shorten what it repeats.")
            case RecursionError():
                return Diagnostic("templates include one another without end", at)
            case _:
                return Diagnostic(f"this can't be computed: {error}", at)

    def _traced(self, traceback: TracebackType | None) -> Place | None:
        """The innermost template line of a traceback, which Jinja has rewritten to name templates."""
        found: Place | None = None
        while traceback is not None:
            name, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
            if name in self.sources:
                source = self.sources[name].place
                found = Place(source.file, (source.line or 1) + line - 1)
            elif f"templates/{name}" in self.files:
                found = Place(f"templates/{name}", line)
            traceback = traceback.tb_next
        return found


@lru_cache(maxsize=128)
def _read(text: str) -> tuple[tuple[Construct, ...], NamesUsed]:
    """The constructs of a text with Jinja in it, and what it names. The same for whatever message it is read for."""
    return tuple(constructs_of(_READER.lex(text))), names_in(_READER.parse(text))


def _keep(kept: dict[Any, Any], key: object, value: object) -> None:
    if len(kept) >= CODE_KEPT:
        kept.clear()
    kept[key] = value


def _tolerant(name: str, apply: Callable[..., str]) -> Callable[..., Any]:
    """Our filter for Jinja's use: any value as text, and for `default` also an undefined one."""

    @pass_context  # which keeps Jinja from working it out when it compiles: code is kept for every language
    def filtered(context: Context, value: Any = "", *args: Any) -> Any:
        del context
        if name == "default":
            missing = isinstance(value, Undefined) or value is None or not str(value).strip()
            return (args[0] if args else "") if missing else value
        return apply(str(value), *[str(arg) for arg in args])

    return filtered


def _syntax_fault(error: TemplateSyntaxError, *, file: str, first_line: int) -> Diagnostic:
    return Diagnostic(f"Jinja syntax: {error.message}", Place(file, first_line + error.lineno - 1), USUAL)
