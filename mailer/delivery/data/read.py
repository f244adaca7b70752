"""Reads what a newsletter's front matter names below `data:`, and freezes what the message shows of it.

What is read is kept for some minutes, and for as long as the newsletter is in review: what was checked and approved is
what is mailed (decision 77). A file is read each time, since changing it is an edit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from mailer.compose.data.entries import EntryWindow, newest_first
from mailer.compose.data.frozen import LARGEST, FrozenData, TooMuchData, size_of
from mailer.compose.data.sources import DATA, LAST_ISSUE, DataSource
from mailer.compose.source.written import Source
from mailer.counting import counted
from mailer.delivery.data.kept import KeptReading, RawData, UnreadableSource, keep_reading, kept_readings
from mailer.delivery.data.own import our_own
from mailer.delivery.data.parse import parsed
from mailer.delivery.data.tables import PRIVATE
from mailer.diagnostics import Diagnostic, Level, Place
from mailer.errors import MailerError
from mailer.review.waiting import open_reviews
from mailer.store.engine.database import Database

if TYPE_CHECKING:
    from mailer.delivery.data.fetch import FetchRules

AT_ONCE = 4  # sites
LARGEST_FILE = 5_000_000  # bytes
UNREADABLE, NOTHING_THERE, WHEN_READ = "data.unreadable", "data.nothing", "data.when"


@dataclass(frozen=True, slots=True)
class DataReading:
    """The values, what there is to say of them, and when each source was read (files: now)."""

    data: FrozenData
    diagnostics: tuple[Diagnostic, ...] = ()
    read_at: Mapping[str, datetime] = field(default_factory=dict[str, datetime])

    @property
    def is_whole(self) -> bool:
        """Whether every source could be read."""
        return not any(one.stops for one in self.diagnostics)


def read_data(
    database: Database, source: Source, *, now: datetime, since: datetime | None = None, seen: Collection[str] = (),
    again: bool = False, apart: bool = False, rules: FetchRules | None = None,
) -> DataReading:  # fmt: skip
    """The data of a newsletter. Never raises for what a source holds or for a site that doesn't answer: those are among
    the diagnostics, as errors, each with the line that names the source.

    `since`: when the last issue was made, for sources that say `since: last issue`; `seen`: its `FrozenData.seen`.
    `again`: ask every site now, whatever was read before. `apart`: that too, and leave alone what is kept for those
    who look at the newsletter.
    """
    readings = _readings(database, source, now=now, again=again or apart, keeps=not apart, rules=rules)
    zone = source.newsletter.workspace.settings.zone
    values: dict[str, Any] = {}
    diagnostics: list[Diagnostic] = []
    asks_for_new = any(one.since == LAST_ISSUE for one in source.data_sources)
    new, known = 0, list[str]()
    for one in source.data_sources:
        reading = readings[one.name]
        try:
            if reading.fault:
                raise UnreadableSource(reading.fault, remedy=reading.remedy)
            window = EntryWindow(
                now, one.begins(since=since, now=now, zone=zone), seen if one.since == LAST_ISSUE else ()
            )
            shown = _shown(reading.raw, one, window, zone)
        except UnreadableSource as error:
            values[one.name] = []
            message = f"“{one.name}” can’t be read: {error.message}"
            diagnostics.append(Diagnostic(message, _place(source, one), error.remedy, rule=UNREADABLE))
            continue
        values[one.name] = shown.value
        diagnostics += _told(source, one, shown, reading, now=now)
        if one.since == LAST_ISSUE:
            new += shown.new
            known += shown.known
    if size_of(values) > LARGEST:
        remedy = "Show fewer: write `limit: 5` below the source that is the largest."
        what = f"the data of this message has more than {LARGEST:,} characters"
        diagnostics.append(Diagnostic(what, source.place(DATA), remedy, rule=UNREADABLE))
        values = {name: [] for name in values}
    data = FrozenData(values, new if asks_for_new else None, tuple(dict.fromkeys(known)), _asked(source))
    return DataReading(data, tuple(diagnostics), {name: one.read_at for name, one in readings.items()})


def as_frozen(source: Source, frozen: Mapping[str, Any]) -> Source:
    """The source with the data that an earlier message of it was made with, `Message.data`; so what differs is what was
    edited. Without it, where the files ask for other data by now."""
    if not frozen or not source.data_sources:
        return source
    data = FrozenData.from_json(frozen)
    return replace(source, data=data) if data.asked == _asked(source) else source


def _asked(source: Source) -> str:
    return hashlib.sha256(repr(source.data_sources).encode()).hexdigest()[:16]


def _place(source: Source, one: DataSource) -> Place:
    return source.place(f"{DATA}.{one.name}")


# Reading


def _readings(
    database: Database, source: Source, *, now: datetime, again: bool, keeps: bool, rules: FetchRules | None
) -> Mapping[str, KeptReading]:
    newsletter, settings = source.newsletter, source.newsletter.workspace.settings
    found = {one.name: _of_file(source, one, now) for one in source.data_sources if one.is_file}
    others = [one for one in source.data_sources if not one.is_file]
    if not others:
        return found
    with database.read() as connection:
        kept = kept_readings(connection, newsletter.slug)
        held = bool(settings.studio.approvals and open_reviews(connection, settings.studio, newsletter.slug))
        due = [
            one for one in others
            if again or one.key not in kept or not (kept[one.key].is_fresh(now) or (held and not kept[one.key].fault))
        ]  # fmt: skip
        found |= {one.name: kept[one.key] for one in others if one not in due}
        language = source.language
        made = {
            one.name: _reading(now, lambda one=one: our_own(connection, one, newsletter.workspace, language=language))
            for one in due if not one.is_address
        }  # fmt: skip
    sites = [one for one in due if one.is_address]
    if sites:
        from mailer.delivery.data.fetch import RULES, fetch  # few sources are on the web

        def ask(one: DataSource) -> KeptReading:
            return _reading(now, lambda: fetch(one.where, rules=rules or RULES))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            read = pool.map(ask, sites)
            made |= dict(zip((one.name for one in sites), read, strict=True))
    if due and keeps:
        with database.write() as connection:
            for one in due:
                keep_reading(connection, newsletter.slug, one, made[one.name])
    return found | made


def _reading(now: datetime, read: Callable[[], RawData]) -> KeptReading:
    try:
        return KeptReading(now, read())
    except MailerError as error:
        return KeptReading(now, RawData(b""), error.message, error.remedy)


def _of_file(source: Source, one: DataSource, now: datetime) -> KeptReading:
    newsletter = source.newsletter
    folders = (newsletter.folder, newsletter.workspace.root / DATA)

    def read() -> RawData:
        path = next((path for folder in folders if (path := folder / one.where).is_file()), None)
        if path is None or not any(path.resolve().is_relative_to(folder.resolve()) for folder in folders):
            remedy = f"Put it beside the message, or into the workspace’s {DATA}/ folder."
            raise UnreadableSource(f"there is no file {one.where}", remedy=remedy)
        if path.resolve().is_relative_to((newsletter.workspace.root / DATA / PRIVATE).resolve()):
            remedy = "Everybody would read it. For each person’s own row, use lookup(…): docs/data.md."
            raise UnreadableSource(f"{one.where} names people", remedy=remedy)
        try:
            size = path.stat().st_size
            body = path.read_bytes() if size <= LARGEST_FILE else b""
        except OSError as error:
            raise UnreadableSource(f"the file can’t be read: {error.strerror}", remedy="May you read it?") from None
        if size > LARGEST_FILE:
            raise UnreadableSource(f"the file has more than {LARGEST_FILE:,} bytes", remedy="Keep what is shown.")
        return RawData(body)

    return _reading(now, read)


# Choosing


@dataclass(frozen=True, slots=True)
class _Shown:
    value: Any
    new: int = 0  # entries that the window lets through, those beyond the limit as well
    known: tuple[str, ...] = ()  # keys of all entries that have come


def _shown(raw: RawData, one: DataSource, window: EntryWindow, zone: str) -> _Shown:
    try:
        found = parsed(raw, one)
    except TooMuchData as error:
        raise UnreadableSource(str(error), remedy="Name the list in it: items: results") from None
    if found.entries is not None:
        entries = newest_first(found.entries)
        chosen = [entry for entry in entries if window.lets(entry)]
        known = tuple(entry.key for entry in entries if entry.date is None or entry.date <= window.now)
        return _Shown([entry.as_values(zone) for entry in chosen[: one.limit]], len(chosen), known)
    if one.since:
        raise UnreadableSource("it is no feed, so nobody can tell what is new", remedy="Take `since` out.")
    return _Shown(cast("list[Any]", found.value)[: one.limit] if isinstance(found.value, list) else found.value)


def _told(source: Source, one: DataSource, shown: _Shown, reading: KeptReading, *, now: datetime) -> list[Diagnostic]:
    place, name = _place(source, one), f"{DATA}.{one.name}"
    found: list[Diagnostic] = []
    if shown.value in ([], {}):
        why = f" since {'the last issue' if one.since == LAST_ISSUE else one.since}" if one.since else ""
        remedy = "See that the text reads well without, as with {% if " + name + " %} … {% endif %}."
        found.append(Diagnostic(f"“{one.name}” has nothing to show{why}", place, remedy, Level.WARNING, NOTHING_THERE))
    if one.is_address:
        minutes = max(0, int((now - reading.read_at).total_seconds() // 60))
        when = f"{counted(minutes, 'minute')} ago" if minutes else "now"
        many = len(cast("list[Any]", shown.value)) if isinstance(shown.value, list) else 1
        count = f"{counted(many, 'entry', 'entries')}, "
        found.append(Diagnostic(f"{name}: {count}read {when}", place, level=Level.NOTE, rule=WHEN_READ))
    return found
