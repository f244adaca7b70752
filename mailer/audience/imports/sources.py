"""The files of an import: looked over once, and then taken for what their columns, their kind and what was asked say.

Looking reads every row; what it saw is small and may be kept, so that another choice for a column costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailer.audience.imports.columns import Columns, Meaning, StatusColumn, understand
from mailer.audience.imports.files.reader import Table, open_table
from mailer.audience.imports.files.zipped import SourceFile
from mailer.audience.imports.headers import identifier, missing_columns, names_columns
from mailer.audience.imports.meaning.peers import BY_NAME, Peer, peer_of
from mailer.audience.imports.meaning.statuses import RowStatus, status_by_name, word
from mailer.audience.imports.survey import Survey, survey
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError, nearest
from mailer.workspace import ListDefinition

NO_PEER = "none"  # --from: the files are no known program's export


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import."""

    mapping: Mapping[str, str] = field(default_factory=dict[str, str])  # column → field; "-" leaves it out
    words: Mapping[str, str] = field(default_factory=dict[str, str])  # a value of a status column → RowStatus
    status: str = ""  # RowStatus of everyone in the files
    by_file: Mapping[str, str] = field(default_factory=dict[str, str])  # the same of one file, by its name
    kind: str = ""  # a peer's name, or "none"; "" finds it
    delimiter: str = ""
    agreed: str = ""  # where and how people agreed, in words: part of the proof of their consent
    # What they agreed to, word for word; "" where nobody knows any more. None: the list's own words, and none for
    # people who come from another program.
    wording: str | None = None


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file that was read once: its header, and what is below it."""

    table: Table
    survey: Survey
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class UnderstoodFile:
    """A file that was understood."""

    table: Table
    survey: Survey
    columns: Columns
    peer: Peer | None
    warnings: Sequence[Diagnostic]


@dataclass(frozen=True, slots=True)
class Explained:
    """What a file was taken for. `columns` is None while something has to be said first; `faults` tell what."""

    seen: SeenFile
    peer: Peer | None
    columns: Columns | None
    faults: Sequence[Diagnostic]
    targets: Sequence[str]  # of each column: a field, "-", or "" where nothing is decided
    open: Sequence[int]  # columns that look like consent and have to be decided
    statuses: Sequence[StatusColumn]  # those that say who may be mailed


def look(
    files: Sequence[SourceFile], definition: ListDefinition, asked: ImportOptions,
    heard: Callable[[int], None] = lambda _rows: None,
) -> tuple[list[SeenFile], list[MailerError]]:  # fmt: skip
    """Read every file once: those that could be read, and why the others could not. `heard` is told now and then how
    many rows of a file were looked at."""
    mapping, names = Meaning(definition.columns, asked.mapping).mapping, set[str]()
    seen, errors = list[SeenFile](), list[MailerError]()
    for file in files:
        try:
            table = open_table(
                file.path, place=_once(file.name, names), delimiter=asked.delimiter,
                is_header=lambda cells: names_columns(cells, mapping),
            )  # fmt: skip
            seen.append(SeenFile(table, survey(table, heard), (*file.warnings, *table.warnings)))
        except MailerError as error:
            errors.append(error)
    return seen, errors


def explain(seen: SeenFile, definition: ListDefinition, asked: ImportOptions) -> Explained:
    """What a file is taken for. Raises `MailerError` for options that mean nothing."""
    table, forced = seen.table, _forced_peer(asked)
    peer = forced or (None if asked.kind == NO_PEER else peer_of([*map(identifier, table.columns)]))
    at = Place(table.place, table.line)
    meaning, fault = _of_this_file(_meaning(definition, asked, at.file), peer, at)
    understood = understand(table.columns, meaning, seen=seen.survey.columns, peer=peer, at=at)
    columns, found = understood.columns, understood.faults
    if fault and columns and not columns.statuses:
        found, columns = [*found, fault], None
    return Explained(seen, peer, columns, found, understood.targets, understood.open, understood.statuses)


def understood(files: Sequence[SourceFile], definition: ListDefinition, asked: ImportOptions) -> list[UnderstoodFile]:
    """Each file with what its columns mean. Raises with all the faults of all of them."""
    seen, errors = look(files, definition, asked)
    explained = [explain(one, definition, asked) for one in seen]
    faults = [fault for error in errors for fault in error.diagnostics]
    faults += [fault for one in explained for fault in one.faults if fault.stops]
    unknown = [set(missing_columns(one.table.columns, asked.mapping)) for one in seen]
    faults += [
        Diagnostic(f"there is no column {column!r}", remedy="--map names a column that no file has.")
        for column in asked.mapping
        if not errors and all(column in missing for missing in unknown)
    ]
    if len(errors) == len(faults) == 1:
        raise errors[0]
    if faults:
        raise MailerError("Nothing was imported:", diagnostics=faults)
    return [
        UnderstoodFile(one.seen.table, one.seen.survey, one.columns, one.peer, (*one.seen.warnings, *one.faults))
        for one in explained
        if one.columns
    ]


def _once(name: str, names: set[str]) -> str:
    """A file's name that no other file of this import has."""
    shown, number = name, 1
    while shown in names:
        number += 1
        shown = f"{name} ({number})"
    names.add(shown)
    return shown


def _meaning(definition: ListDefinition, asked: ImportOptions, file: str) -> Meaning:
    words = {word(value): _status(status) for value, status in asked.words.items()}
    said = asked.by_file.get(file, asked.status)
    everyone = _status(said) if said else None
    return Meaning(definition.columns, asked.mapping, words, everyone)


def _status(text: str) -> RowStatus:
    try:
        return RowStatus(word(text))
    except ValueError:
        known = ", ".join(f"'{one}'" if " " in one else one for one in RowStatus)
        raise MailerError(f"{text!r} is not a status", remedy=f"Use one of {known}.") from None


def _forced_peer(asked: ImportOptions) -> Peer | None:
    if asked.kind in ("", NO_PEER):
        return None
    if asked.kind not in BY_NAME:
        raise MailerError(
            f"{asked.kind!r} is not a program whose exports are known", remedy=nearest(asked.kind, {*BY_NAME, NO_PEER})
        )
    return BY_NAME[asked.kind]


def _of_this_file(meaning: Meaning, peer: Peer | None, at: Place) -> tuple[Meaning, Diagnostic | None]:
    """What holds for one file by its name, unless --status says it; the fault if that must be asked."""
    named = status_by_name(Path(at.file).name)
    if meaning.everyone or named is None or (peer and peer.is_ours):
        return meaning, None
    if peer and peer.tells_by_name:
        return Meaning(meaning.usual, meaning.by_hand, meaning.words, named), None
    return meaning, Diagnostic(
        f"by its name this file may hold people who must not be mailed ({named}), and no column says so",
        place=at,
        remedy=f"Say what everyone in it is: --status '{named}', or --status subscribed if they may be mailed.",
    )
