"""The preflight of one newsletter: read, compiled, merged for everyone, and looked at by every rule.

What keeps a newsletter from being mailed is an error here; `mailer check` shows it, `test`, `send` and `schedule` stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailer.audience.selection.languages import VersionReach
from mailer.audience.selection.select import Selection
from mailer.checking.collect import Scope, gather
from mailer.checking.evidence.audience_stats import AudienceStats, together
from mailer.checking.runner import judged, of_edited, ruled, run
from mailer.checking.specimen import Specimen
from mailer.compose.source.message_file import Source, read_source
from mailer.delivery.campaigns.edited import Edited, edited_since
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.plan import CompiledNewsletter, compile_newsletter
from mailer.diagnostics import Diagnostic, Place, worst_first
from mailer.errors import MailerError, raise_errors
from mailer.store.engine.database import Database
from mailer.workspace import THANKS_FILE, Newsletter, Workspace

# What may lie in lists/: definitions and the generated sample. Anything else may hold people's addresses.
IN_LISTS = (".toml",)
THANKS = Scope(everyone=False)  # who will sign isn't known
SAMPLE = ("README.md", "sample-supporters.csv")


@dataclass(frozen=True, slots=True)
class Preflight:
    """The result. `plan` is None when there is nothing that could be mailed."""

    slug: str
    remarks: tuple[Diagnostic, ...]
    plan: Plan | None = None
    selection: Selection | None = None  # who gets it, when everyone was looked at
    figures: AudienceStats | None = None
    html_bytes: int = 0  # of the longest mail in any language
    edited: Edited | None = None  # how the files differ from what waits to be mailed
    reached: Sequence[VersionReach] = ()  # who gets each version, when everyone was looked at

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What keeps it from being mailed."""
        return tuple(remark for remark in self.remarks if remark.stops)


def preflight(database: Database, newsletter: Newsletter, *, scope: Scope, now: datetime) -> Preflight:
    """Check a newsletter as its files are. Every fault is among what was found."""
    try:
        found = check_source(database, read_source(newsletter), scope=scope, now=now)
    except MailerError as error:
        found = Preflight(newsletter.slug, tuple(worst_first(map(ruled, error.diagnostics))))
    thanks = [one for one in _thanks_remarks(database, newsletter, now=now) if one not in found.remarks]
    found = replace(found, remarks=tuple(worst_first([*found.remarks, *thanks])))
    edited = edited_since(newsletter.workspace, database, newsletter.slug)
    if edited is None:
        return found
    return replace(found, edited=edited, remarks=tuple(worst_first([*found.remarks, of_edited(edited)])))


def check_issue(database: Database, source: Source, *, now: datetime) -> Preflight:
    """Check an issue of a series as it was made, with everybody who would get it."""
    found = check_source(database, source, scope=Scope(), now=now)
    thanks = _thanks_remarks(database, source.newsletter, now=now)
    return replace(found, remarks=tuple(worst_first([*found.remarks, *thanks])))


def check_source(database: Database, source: Source, *, scope: Scope, now: datetime) -> Preflight:
    """Check a newsletter as it is being written."""
    return check_compiled(database, compile_newsletter(database, source, now=now), scope=scope, now=now)


def check_compiled(database: Database, written: CompiledNewsletter, *, scope: Scope, now: datetime) -> Preflight:
    """Check a newsletter that has just been compiled."""
    source, plan = written.source, written.plan  # with what is known of its petition, its page and its data
    slug = source.newsletter.slug
    faults = [*_page_faults(source.newsletter), *written.diagnostics]
    if plan is None:
        return Preflight(slug, tuple(judged(source, map(ruled, faults))))
    try:
        specimens = gather(database, written, scope=scope, now=now)
    except MailerError as error:  # somebody's mail can't be made
        return Preflight(slug, tuple(judged(source, map(ruled, [*faults, *error.diagnostics]))))
    except MemoryError:
        fault = Diagnostic("there isn't enough memory to merge this", Place(source.file), "Shorten what its tags join.")
        return Preflight(slug, tuple(judged(source, map(ruled, [*faults, fault]))))
    found = [remark for each in specimens for remark in _of_version(each, faults, source)]
    first = specimens[: 1 + len(source.translations)]  # whichever version of a test: the same people
    figures = [one.audience.within(one.message.language) if len(first) > 1 else one.audience
               for one in first if one.audience is not None]  # fmt: skip
    return Preflight(
        slug, tuple(worst_first(dict.fromkeys(found))), plan, specimens[0].selection,
        together(figures) if figures else None, max(len(one.mail.encode()) for one in specimens),
        reached=[one.reach for one in first if one.reach is not None],
    )  # fmt: skip


def _of_version(specimen: Specimen, faults: Iterable[Diagnostic], original: Source) -> Iterator[Diagnostic]:
    """What is found in one version. All that is found in a translation, or in a version of a test, names its file."""
    file = specimen.source.file
    if specimen.source is original:
        others = {one.file for one in original.versions.values()} - {original.file}
        yield from run(specimen, (one for one in faults if one.place is None or one.place.file not in others))
        return
    for one in run(specimen, (one for one in faults if one.place is not None and one.place.file == file)):
        yield one if one.place is not None and one.place.file else replace(one, place=Place(file, part=one.part))


def fit_to_thank(database: Database, source: Source, *, now: datetime) -> Plan:
    """The plan of a thanks.md without errors. Else raises with all of them."""
    found = check_source(database, source, scope=THANKS, now=now)
    raise_errors(f"The mail of thanks of {source.newsletter.slug} has faults:", found.errors)
    assert found.plan is not None, "where there is no plan, something stops it"
    return found.plan


def _thanks_remarks(database: Database, newsletter: Newsletter, *, now: datetime) -> list[Diagnostic]:
    """What there is to say of the thanks.md beside the message, if there is one: those who follow its button get it."""
    if not newsletter.has_thanks_mail:
        return []
    try:
        source = read_source(newsletter, THANKS_FILE)
        return [] if source.is_off else list(check_source(database, source, scope=THANKS, now=now).remarks)
    except MailerError as error:
        return [ruled(fault) for fault in error.diagnostics]


def _page_faults(newsletter: Newsletter) -> list[Diagnostic]:
    """What is wrong with the sign page beside the message, if there is one."""
    if not newsletter.has_action_page:
        return []
    from mailer.compose.action_page.versions import read_page_versions

    try:
        return list(read_page_versions(newsletter)[1])
    except MailerError as error:
        return list(error.diagnostics)


def look_at_lists(workspace: Workspace) -> list[Diagnostic]:
    """What is wrong with the lists, and with files beside them."""
    remarks: list[Diagnostic] = []
    for name in workspace.list_names():
        try:
            workspace.list_definition(name)
        except MailerError as error:
            remarks += [ruled(fault, otherwise="lists.fault") for fault in error.diagnostics]
    return worst_first([*remarks, *_strangers(workspace)])


def _strangers(workspace: Workspace) -> Iterator[Diagnostic]:
    for path in sorted(workspace.lists.rglob("*")) if workspace.lists.is_dir() else ():
        if path.is_file() and path.suffix not in IN_LISTS and path.name not in SAMPLE:
            remedy = "Addresses live in the database: bring them in with `mailer import` and keep the file elsewhere."
            place = Place(path.relative_to(workspace.root).as_posix())
            fault = Diagnostic("this is no list definition and may hold people's addresses", place, remedy)
            yield ruled(fault, otherwise="lists.addresses")
