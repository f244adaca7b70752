"""What was recognised in a file, for the page that asks about its columns, and what was chosen there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mailer.audience.imports.columns import OPTED_IN, StatusColumn
from mailer.audience.imports.files.reader import Table
from mailer.audience.imports.files.uploads import SEEN, Upload, Uploads
from mailer.audience.imports.headers import EMAIL, STATUS_FIELD, identifier
from mailer.audience.imports.meaning.peers import SKIP
from mailer.audience.imports.meaning.statuses import DATE, RowStatus, word
from mailer.audience.imports.sources import Explained, ImportOptions, SeenFile, explain
from mailer.audience.imports.survey import restored
from mailer.counting import counted
from mailer.workspace import ListDefinition

LABELS = {
    EMAIL: "Address", "first_name": "First name", "last_name": "Last name", "name": "Whole name", "country": "Country",
    "language": "Language", "tags": "Tags", "timezone": "Time zone", STATUS_FIELD: "Who may be mailed",
    OPTED_IN: "Consent: when",
}  # fmt: skip
LEFT_OUT = "Leave out"
MEANS = {
    RowStatus.SUBSCRIBED: "may be mailed", RowStatus.PENDING: "asked to join, not confirmed",
    RowStatus.NO_CONSENT: "never agreed", RowStatus.UNSUBSCRIBED: "unsubscribed",
    RowStatus.LEFT: "unsubscribed everywhere", RowStatus.BOUNCED: "address died",
    RowStatus.COMPLAINED: "reported spam", RowStatus.STAFF: "stopped by staff",
}  # fmt: skip
EXAMPLES, SHOWN_WORDS = 3, 30
LONGEST_EXAMPLE = 34  # characters


@dataclass(frozen=True, slots=True)
class Word:
    """A value of a column that says who may be mailed."""

    value: str  # "" for an empty cell
    rows: int
    means: str  # a RowStatus, "" says nothing
    known: bool

    @property
    def key(self) -> str:
        """As forms call it."""
        return word(self.value)


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One column, over all files that have it."""

    name: str
    examples: str
    chosen: str  # its target; "" where somebody has to decide
    choices: Sequence[tuple[str, str]]
    note: str
    look: bool  # somebody should look at it
    words: Sequence[Word] = ()


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of several: whose export it is, who is in it, and what was said that everyone in it is."""

    name: str
    rows: int
    program: str
    says: str  # in words, what its people are there
    asks: bool  # nothing in it says so
    chosen: str  # a RowStatus, or ""


@dataclass(frozen=True, slots=True)
class Recognised:
    """All that was recognised in an upload."""

    files: Sequence[Explained]
    rows: Sequence[ColumnRow]
    problems: Sequence[str]
    warnings: Sequence[str]
    asks_status: bool  # it has to be said what everyone in it is
    parts: Sequence[FilePart] = ()  # each file, in their order

    @property
    def people(self) -> int:
        return sum(one.seen.survey.rows for one in self.files)

    @property
    def program(self) -> str:
        """Whose export it is, "" of no known program's."""
        return next((one.peer.title for one in self.files if one.peer), "")


def recognise(uploads: Uploads, upload: Upload, definition: ListDefinition, asked: ImportOptions) -> Recognised:
    """What the files are taken for with these options. Raises `OSError` when nothing was seen yet."""
    told = json.loads(uploads.beside(upload, SEEN).read_text(encoding="utf-8"))
    tables = [Table(one["place"], one["columns"], lambda: iter(()), (), one["line"], one["layout"]) for one in told]
    seen = [SeenFile(table, restored(one["survey"])) for table, one in zip(tables, told, strict=True)]
    files = [explain(one, definition, asked) for one in seen]
    faults = [(fault, one) for one in files for fault in one.faults]
    stops = [(fault, one) for fault, one in faults if fault.stops and "looks as if it says" not in fault.message]
    several = len(files) > 1
    problems = [
        (f"{one.seen.table.place}: " if several else "") + fault.message[:1].upper() + fault.message[1:]
        for fault, one in stops
    ]
    warnings = [words for one in told for words in one["warnings"]]
    warnings += [fault.message[:1].upper() + fault.message[1:] for fault, _ in faults if not fault.stops]
    asks_status = bool(asked.status) or any("--status" in fault.remedy for fault, _ in faults)
    parts = [_part(one, asked, asks=any("--status" in fault.remedy for fault in one.faults)) for one in files]
    rows = [_row(name, [one for one in files if name in one.seen.table.columns]) for name in names_of(files)]
    if sum(row.chosen == OPTED_IN for row in rows) > 1:
        first = "The first of these with a date counts"
        rows = [replace(row, note=first, look=False) if row.chosen == OPTED_IN else row for row in rows]
    return Recognised(files, rows, problems, warnings, asks_status and not several, parts)


def _part(one: Explained, asked: ImportOptions, *, asks: bool) -> FilePart:
    place = one.seen.table.place
    counts: Counter[str] = Counter()
    for column in one.statuses[:1]:
        for found in _words(column, one):
            counts[found.means or ("" if found.known else "?")] += found.rows
    counts.pop("", None)
    means: dict[str, str] = {**MEANS, "?": "not known"}
    said = [f"{number:,} {means[status]}" for status, number in counts.most_common()]
    named = one.columns.everyone if one.columns else None
    everyone = f"everybody: {MEANS[named or RowStatus.SUBSCRIBED]}" if named or not (one.statuses or asks) else ""
    chosen = asked.by_file.get(place, "")
    program = one.peer.title if one.peer else ""
    return FilePart(place, one.seen.survey.rows, program, everyone or ", ".join(said), asks or bool(chosen), chosen)


def names_of(files: Sequence[Explained]) -> list[str]:
    """The names of all columns, each once."""
    return list(dict.fromkeys(name for one in files for name in one.seen.table.columns))


def chosen(
    uploads: Uploads, upload: Upload, definition: ListDefinition, asked: ImportOptions, form: Mapping[str, str]
) -> ImportOptions:
    """The options with what the form says: only what differs from what is recognised by itself is kept."""
    files = recognise(uploads, upload, definition, asked).parts
    by_file = {part.name: said for number, part in enumerate(files) if (said := form.get(f"s-{number}", ""))}
    free = replace(asked, mapping={}, words={}, status=form.get("everyone", ""), by_file=by_file)
    usual = recognise(uploads, upload, definition, free)
    mapping = {
        row.name: target
        for number, row in enumerate(usual.rows)
        if (target := form.get(f"c-{number}", row.chosen)) and target != row.chosen
    }
    now = recognise(uploads, upload, definition, replace(free, mapping=mapping))
    for number, row in enumerate(now.rows):  # a choice by hand may have changed what another is taken for
        if (target := form.get(f"c-{number}", "")) and target != row.chosen:
            mapping[row.name] = target
    now = recognise(uploads, upload, definition, replace(free, mapping=mapping))
    unknown = [one.value for one in unknown_words(recognise(uploads, upload, definition, replace(asked, words={})))]
    unknown += [one.value for one in unknown_words(now) if one.value not in unknown]
    told = {value: form.get(f"w-{word(value)}", "") for value in unknown}
    return replace(free, mapping=mapping, words={value: status for value, status in told.items() if status})


def unknown_words(found: Recognised) -> Iterator[Word]:
    """The values that nobody knows the meaning of."""
    return (one for row in found.rows for one in row.words if not one.known)


def _row(name: str, files: Sequence[Explained]) -> ColumnRow:
    places = [(one, one.seen.table.columns.index(name)) for one in files]
    values, empty, filled = Counter[str](), 0, 0
    for one, i in places:
        seen = one.seen.survey.columns[i]
        values.update(seen.values)
        empty, filled = empty + seen.empty, filled + seen.filled
    is_open = any(i in one.open for one, i in places)
    targets = [one.targets[i] for one, i in places]
    target = "" if is_open else next((one for one in targets if one != SKIP), SKIP)
    examples = ", ".join(value[:LONGEST_EXAMPLE] for value in [*values][:EXAMPLES])
    own = identifier(name) or "note"
    choices = [*LABELS.items(), (SKIP, LEFT_OUT)]
    if target and target not in LABELS and target != SKIP:
        own = target
    choices.insert(-1, (own, f"A field: {own}")) if own not in LABELS else None
    words = [one for file, i in places for column in file.statuses if column.position == i
             for one in _words(column, file)]  # fmt: skip
    more = any(one.seen.survey.columns[i].more for one, i in places)
    note, look = _note(target, values, empty, filled, more=more, is_open=is_open)
    look = look or any(not one.known for one in words)
    return ColumnRow(name, examples, target, choices, note, look, _together(words))


def _note(target: str, values: Counter[str], empty: int, filled: int, *, more: bool, is_open: bool) -> tuple[str, bool]:
    different = "" if more else f"{len(values):,} different" if len(values) > 1 else ""
    if is_open:
        return "It looks as if it says who may be mailed. Say what it is", True
    if target == EMAIL:
        return (f"{counted(empty, 'row')} without one" if empty else ""), bool(empty)
    if target == OPTED_IN:
        return (f"{counted(empty, 'row')} without a date" if empty else ""), bool(empty)
    if target in ("country", "language", "timezone", "tags"):
        return different, False
    return ("Nobody has one" if not filled else f"{filled:,} have one" if empty else ""), False


def _words(column: StatusColumn, file: Explained) -> Iterator[Word]:
    seen = file.seen.survey.columns[column.position]
    for value, rows in [*seen.most_common(SHOWN_WORDS), *([("", seen.empty)] if seen.empty else [])]:
        try:
            said = column.words.status_of(value) or ""
            yield Word("a date" if DATE.fullmatch(value) else value, rows, said, known=True)
        except KeyError:
            yield Word(value, rows, "", known=False)


def _together(words: Sequence[Word]) -> list[Word]:
    """Each value once, over several files."""
    found: dict[str, Word] = {}
    for one in words:
        before = found.get(one.value)
        found[one.value] = replace(one, rows=one.rows + (before.rows if before else 0))
    return list(found.values())
