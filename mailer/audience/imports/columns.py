"""What each column of a file means: a field of ours, a status, an attribute to keep under its own name, or nothing.

Decided once, from the header, what was seen below it (`survey`), the kind of export (`meaning.peers`), the list's
[columns] and --map. The rows are judged in `row_check`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailer.audience.imports.headers import (
    ADDRESS_OF_ANY_KIND,
    ALIASES,
    EMAIL,
    FIELDS,
    LAST_BESIDE_FIRST,
    OPTED_IN,
    SPECIAL,
    SPECIAL_ALIASES,
    STATUS_FIELD,
    TEXTS,
    identifier,
    key,
)
from mailer.audience.imports.meaning.peers import SKIP, Peer
from mailer.audience.imports.meaning.statuses import (
    NO_CONSENT,
    STATUS,
    SUBSCRIBED,
    RowStatus,
    Words,
    looks_like_consent,
    words_for,
)
from mailer.audience.imports.report import ABOUT
from mailer.audience.imports.survey import ColumnValues
from mailer.diagnostics import Diagnostic, Level, Place

SHOWN_VALUES = 8


@dataclass(frozen=True, slots=True)
class StatusColumn:
    """A column that says whether its people may be mailed."""

    position: int
    words: Words
    beside: int | None = None  # it counts only where this column holds the row's address


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row each field is. Positions count from 0."""

    width: int
    emails: tuple[int, ...]  # the first that isn't empty holds the address
    fields: Mapping[str, int]  # of TEXTS, those that the file has
    attributes: tuple[tuple[str, int], ...]
    statuses: tuple[StatusColumn, ...] = ()
    everyone: RowStatus | None = None  # what holds for all rows that say nothing worse
    opted_in: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What was said about a file before it was looked at."""

    usual: Mapping[str, str] = field(default_factory=dict[str, str])  # the list's [columns]
    by_hand: Mapping[str, str] = field(default_factory=dict[str, str])  # --map
    words: Mapping[str, RowStatus] = field(default_factory=dict[str, RowStatus])  # --word
    everyone: RowStatus | None = None  # --status

    @property
    def mapping(self) -> Mapping[str, str]:
        given = set(self.by_hand.values()) & set(FIELDS)
        return {**{column: target for column, target in self.usual.items() if target not in given}, **self.by_hand}


@dataclass(frozen=True, slots=True)
class Understood:
    """The meaning of a header, with every fault and warning. `columns` is None when there are faults."""

    columns: Columns | None
    faults: Sequence[Diagnostic]
    targets: Sequence[str]  # of each column: a field, `OPTED_IN`, "-"
    open: Sequence[int]  # columns that look like consent and have to be decided
    statuses: Sequence[StatusColumn]


def understand(
    header: Sequence[str], meaning: Meaning, *, seen: Sequence[ColumnValues], peer: Peer | None, at: Place
) -> Understood:
    """What the columns of a file mean."""
    work = _Understanding(header, meaning, seen, peer, at)
    columns = work.columns()
    targets = [OPTED_IN if i in columns.opted_in else target for i, target in enumerate(work.targets)]
    stops = any(fault.stops for fault in work.faults)
    return Understood(None if stops else columns, work.faults, targets, work.open, [*work.judged.values()])


class _Understanding:
    """One header being understood; `faults` fills meanwhile."""

    def __init__(
        self, header: Sequence[str], meaning: Meaning, seen: Sequence[ColumnValues], peer: Peer | None, at: Place
    ) -> None:
        self.header, self.meaning, self.seen, self.peer, self.at = header, meaning, seen, peer, at
        self.faults: list[Diagnostic] = []
        self.names = [identifier(column) for column in header]
        self.keys = [key(column) for column in header]
        self.bases = [key(re.sub(r" \(\d+\)$", "", column)) for column in header]
        self.targets = [""] * len(header)
        self.by_hand = [False] * len(header)
        self.judged: dict[int, StatusColumn] = {}
        self.emails: tuple[int, ...] = ()
        self.open: list[int] = []
        self.attributes: set[int] = set()  # columns that are attributes whatever they are called

    def columns(self) -> Columns:
        self._map()
        if self.peer:
            self._take_from_peer(self.peer)
        self._find_addresses()
        self._recognise()
        self._find_consent()
        self._name_the_rest()
        found = {target: i for i, target in reversed([*enumerate(self.targets)])}
        opted_in = [
            i
            for name in (self.peer.opted_in if self.peer else ())
            for i, n in enumerate(self.names)
            if n == name and not self.by_hand[i]
        ]
        opted_in += [i for i, target in enumerate(self.targets) if target == OPTED_IN]
        known = {*FIELDS, SKIP, OPTED_IN}
        more = [(f"email_{number}", i) for number, i in enumerate(self.emails[1:], start=2)]
        return Columns(
            width=len(self.header),
            emails=self.emails,
            fields={name: found[name] for name in TEXTS if name in found},
            attributes=(
                *((name, i) for i, name in enumerate(self.targets) if name not in known or i in self.attributes),
                *more,
            ),
            statuses=tuple(self.judged.values()),
            everyone=self.meaning.everyone,
            opted_in=tuple(dict.fromkeys(opted_in)),
        )

    def fault(self, message: str, remedy: str, *, level: Level = Level.ERROR) -> None:
        self.faults.append(Diagnostic(message, place=self.at, remedy=remedy, level=level))

    def _map(self) -> None:
        for about in (ABOUT, ABOUT[1:]):  # the rejected rows of an earlier import, corrected
            if tuple(self.names[: len(about)]) == about:
                self.targets[: len(about)] = [SKIP] * len(about)
        for column, target in self.meaning.mapping.items():
            positions = [i for i, name in enumerate(self.header) if name == column] or [
                i for i, name in enumerate(self.names) if name == identifier(column)
            ]
            if not target or (target != SKIP and identifier(target) != target):
                remedy = f"Use one of {', '.join(FIELDS)}, a name such as postcode, or {SKIP} to leave the column out."
                self.fault(f"{target!r} can't name a field", remedy)
            for i in positions:
                self.targets[i], self.by_hand[i] = target, True
                if target == STATUS_FIELD:
                    self._judge(i, words_for(self.header[i]))
        for target in (EMAIL, *TEXTS):
            columns = [self.header[i] for i, one in enumerate(self.targets) if one == target]
            if len(columns) > 1 and target != EMAIL:
                shown = " and ".join(map(repr, columns))
                self.fault(f"{shown} both mean {target}", f"Leave one out: --map '{columns[-1]}={SKIP}'")

    def _take_from_peer(self, peer: Peer) -> None:
        for i, name in enumerate(self.names):
            if self.by_hand[i]:
                continue
            if name in peer.statuses:
                self.targets[i] = STATUS_FIELD
                about = peer.beside.get(name, "")
                beside = self.names.index(about) if about in self.names else None
                if about and beside is None and not name.startswith("email1"):
                    self.targets[i] = SKIP  # of an address that isn't in the file
                else:
                    self._judge(i, peer.statuses[name], beside)
            elif target := peer.fields.get(name, ""):
                self.targets[i] = target if target == SKIP or target not in self.targets else ""
        missing = [one for one in peer.expected if not set(one.split("|")) & set(self.names)]
        mapped = STATUS_FIELD in (target for target, by_hand in zip(self.targets, self.by_hand, strict=True) if by_hand)
        if missing and not (self.judged and set(missing) < set(peer.expected)) and not mapped:
            if self.meaning.everyone is None:
                again = "" if peer.one_file_each else f"Export it again with {_either(missing[0])}, or say"
                self.fault(
                    f"this is an export of {peer.title}, and nothing in it says who left",
                    f"{again or peer.one_file_each} what everyone in it is: --status subscribed (or unsubscribed, "
                    "bounced, complained, pending, 'no consent').",
                )  # fmt: skip
        elif missing:
            shown = ", ".join(map(_either, missing))
            self.fault(
                f"this export of {peer.title} has no {shown}, so some who must not be mailed may not be told",
                "Export it again with that.", level=Level.WARNING,
            )  # fmt: skip

    def _judge(self, position: int, words: Words, beside: int | None = None) -> None:
        words = replace(words, exact={**words.exact, **self.meaning.words})
        if words.blank is None and words.dates is None:
            says = {_said(words, value) for value in self.seen[position].values}
            if SUBSCRIBED in says:  # then an empty cell isn't the same
                words = replace(words, blank=NO_CONSENT)
        self.judged[position] = StatusColumn(position, words, beside)

    def _find_addresses(self) -> None:
        emails = [i for i, target in enumerate(self.targets) if target == EMAIL] or self._addresses_by_name()
        if not emails and not any("@" in column for column in self.header):
            emails = [i for i, seen in enumerate(self.seen) if not self.targets[i] and seen.holds_addresses]
            if len(emails) == 1:
                note = f"addresses were taken from the column {self.header[emails[0]]!r}"
                self.fault(note, "If that is wrong, name the right one: --map 'COLUMN=email'", level=Level.WARNING)
        if not self.header:
            self.fault("the file has nobody in it", "Check that the program that wrote it found anybody.")
        elif len({self.bases[i] for i in emails}) != 1:
            self._no_addresses(emails)
        else:  # and others of the same name
            emails += [i for i, base in enumerate(self.bases) if base == self.bases[emails[0]] and not self.targets[i]]
        self.emails = tuple(dict.fromkeys(emails))
        for i in self.emails:
            self.targets[i] = EMAIL

    def _addresses_by_name(self) -> list[int]:
        for alias in ALIASES[EMAIL]:
            same = [i for i, base in enumerate(self.bases) if base == alias and not self.targets[i]]
            postal = alias in ADDRESS_OF_ANY_KIND and any(
                self.seen[i].filled and not self.seen[i].addresses for i in same
            )
            if same and not postal:
                return same[:1]
        return []

    def _no_addresses(self, emails: Sequence[int]) -> None:
        shown = ", ".join(repr(column) for column in self.header[:12])
        if emails:
            shown = " and ".join(repr(self.header[i]) for i in emails)
            self.fault(f"{shown} both mean email", f"Say which one is meant: --map '{self.header[emails[0]]}=email'")
        elif any("@" in column for column in self.header):
            self.fault("no column holds addresses", "The first line must name the columns.")
        else:
            remedy = f"The columns are {shown}. Name the one with addresses: --map 'COLUMN=email'"
            self.fault("no column holds addresses", remedy)

    def _recognise(self) -> None:
        """Assign fields to columns with well-known names, the likeliest column first."""
        if self.peer and self.peer.is_ours:
            known: Mapping[str, tuple[str, ...]] = {name: (name,) for name in (*TEXTS, *SPECIAL)}
        else:
            known = ALIASES
        for target, aliases in known.items():
            if target == EMAIL or (target in self.targets and target != STATUS_FIELD):
                continue
            for alias in aliases:
                if alias in self.keys and not self.targets[self.keys.index(alias)]:
                    i = self.keys.index(alias)
                    self.targets[i] = target
                    if target != STATUS_FIELD:
                        break
                    self._judge(i, words_for("opt in") if alias == "optin_status" else STATUS)
        for first, last in LAST_BESIDE_FIRST.items():
            if first in self.keys and last in self.keys and "last_name" not in self.targets:
                self.targets[self.keys.index(last)] = "last_name"
        if "nome" in self.keys and not self.targets[self.keys.index("nome")]:
            target = "first_name" if {"cognome", "sobrenome", "apelido"} & set(self.keys) else "name"
            self.targets[self.keys.index("nome")] = target

    def _find_consent(self) -> None:
        """Stop at every other column that may say who must not be mailed."""
        if self.peer and self.peer.is_ours:
            return
        for i, column in enumerate(self.header):
            if self.targets[i] in ("", *SPECIAL) and not self.by_hand[i]:
                values = self.seen[i].values
                if self.seen[i].is_telling or looks_like_consent(column, values):
                    self._ask(i)

    def _ask(self, position: int) -> None:
        self.open.append(position)
        column, seen, words = self.header[position], self.seen[position], words_for(self.header[position])
        shown = ", ".join(f"{value!r} ({count:,})" for value, count in seen.most_common(SHOWN_VALUES))
        more = " …" if len(seen.values) > SHOWN_VALUES or seen.more else ""
        empty = f"{', ' if shown else ''}empty ({seen.empty:,})" if seen.empty else ""
        read = [f"{value!r} as {said}" for value, _ in seen.most_common(3) if (said := _said(words, value))]
        as_status = f" ({', '.join(read)})" if read else ""
        self.fault(
            f"the column {column!r} looks as if it says who may be mailed: {shown}{more}{empty}",
            f"Say what it is: --map '{column}=status' reads it as that{as_status}; "
            f"--map '{column}={SKIP}' leaves it out; "
            f"--map '{column}={self.names[position] or 'note'}' keeps it as a field.",
        )  # fmt: skip

    def _name_the_rest(self) -> None:
        taken = {target for target in self.targets if target}
        for i, name in enumerate(self.names):
            if self.targets[i] or not name:
                self.targets[i] = self.targets[i] or SKIP
                continue
            if self.peer and self.peer.is_ours:  # an attribute that is called like a column of the export
                exact = re.sub(r" \(2\)$", "", self.header[i])
                self.targets[i] = (exact if exact.isidentifier() else identifier(exact)) or SKIP
                self.attributes |= {i} if self.targets[i] != SKIP else set()
                continue
            target = SPECIAL_ALIASES.get(self.keys[i], name)
            if target in FIELDS or target == OPTED_IN or (target in taken and target != SKIP):
                other, number = f"{target}_2", 2
                while other in taken:
                    number += 1
                    other = f"{target}_{number}"
                if target in FIELDS:
                    note = f"{self.header[i]!r} is kept as {other}, since another column is the {target}"
                else:
                    note = f"another column is called {target!r} too; this one is kept as {other}"
                self.fault(
                    note, f"If it should be the other way round: --map '{self.header[i]}={target}'", level=Level.WARNING
                )
                target = other
            self.targets[i] = target or SKIP
            taken.add(target)


def _said(words: Words, value: str) -> RowStatus | None:
    try:
        return words.status_of(value)
    except KeyError:
        return None


def _either(names: str) -> str:
    return " or ".join(repr(name) for name in names.split("|"))
