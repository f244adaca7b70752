"""From a newsletter's folder to a plan that can be sent: read, compiled, its audience understood, every fault found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailer.audience.fields import known_fields
from mailer.audience.selection.front_matter import read_audience
from mailer.audience.selection.spec import Audience
from mailer.compose.compiler import Compiled, compile_message
from mailer.compose.data.sources import DATA
from mailer.compose.data.tables import Cells, no_cells
from mailer.compose.message import Message
from mailer.compose.source.message_file import Source
from mailer.compose.source.written import Signed
from mailer.compose.thank_you import FIELDS
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.petition import PETITION, address_of_page, in_each_language, telling
from mailer.diagnostics import Diagnostic, in_order
from mailer.errors import MailerError, raise_errors
from mailer.locale.language import Language, choose
from mailer.store.engine.database import Database
from mailer.workspace import ListDefinition, Workspace

if TYPE_CHECKING:
    from mailer.delivery.schedule.recurring import SeriesRule


@dataclass(frozen=True, slots=True)
class CompiledNewsletter:
    """What the files of a newsletter come to, and all that was found in them. `plan` is None when some of it stops."""

    source: Source
    definition: ListDefinition
    fields: frozenset[str]  # what merge tags may name of a supporter
    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class PlannedCampaign:
    """A plan, and what is worth saying about it although it stops nothing."""

    plan: Plan
    warnings: tuple[Diagnostic, ...]


def prepare(database: Database, source: Source, *, now: datetime | None = None) -> PlannedCampaign:
    """The newsletter, ready to be sent. Raises with every fault of its message and audience."""
    found = compile_newsletter(database, source, now=now)
    raise_errors(f"The newsletter {source.newsletter.slug} has faults:", found.diagnostics)
    assert found.plan is not None, "where there is no plan, something stops it"
    return PlannedCampaign(found.plan, found.diagnostics)


def compile_newsletter(database: Database, source: Source, *, now: datetime | None = None) -> CompiledNewsletter:
    """The newsletter, as far as it can be made; with the data of this moment (`now`), unless `source` brings some.

    What is wrong with its form, its audience and its words is found together: none hides the others.
    """
    workspace, now = source.newsletter.workspace, now or datetime.now(UTC)
    found: list[Diagnostic] = []
    definition = ListDefinition(source.list, title="", list_id="")
    if source.list in workspace.list_names():  # else that is among what is wrong with the form
        try:
            definition = workspace.list_definition(source.list)
        except MailerError as error:
            found += error.diagnostics
    series: SeriesRule | None = None
    if source.series is not None:
        from mailer.delivery.schedule.series_keys import read_series  # few newsletters repeat

        series, faults = read_series(source, zone=workspace.settings.zone)
        found += faults
    audience: Audience | None = None
    compiled: Compiled | None = None
    if source.is_thanks:
        source = in_each_language(source, lambda one: _thanking(one, definition))
    source, unread = _with_data(database, source, now=now)
    found += unread
    with database.read() as connection:
        if source.petition:
            source = in_each_language(source, lambda one: telling(connection, one, _language(one, definition)))
        fields = known_fields(connection, workspace.sound_lists()) | frozenset(FIELDS if source.is_thanks else ())
        if definition.title:
            try:
                audience = read_audience(connection, source, fields=fields)
            except MailerError as error:
                found += error.diagnostics
    try:
        compiled = compile_message(source, definition=definition, known_fields=fields)
        found += compiled.faults
    except MailerError as error:
        found += error.diagnostics
    plan = None
    if audience is not None and compiled is not None:
        cells, wrong = _cells(database, compiled.message, workspace, now=now)
        found += wrong
        settings = workspace.settings
        plan = Plan(compiled.message, audience, source.newsletter, settings.transport, settings.pace, cells, series)
    return CompiledNewsletter(source, definition, fields, plan, in_order(found))


def _with_data(database: Database, source: Source, *, now: datetime) -> tuple[Source, Sequence[Diagnostic]]:
    """The source with the data that it asks for, unless it brings some, and the tables that `lookup` may name."""
    found: Sequence[Diagnostic] = ()
    if source.data_sources:
        data = source.data
        if data is None:
            from mailer.delivery.data.read import read_data  # few newsletters ask for any

            reading = read_data(database, source, now=now)
            data, found = reading.data, reading.diagnostics
        source = in_each_language(source, lambda one: replace(one, data=data))
    workspace = source.newsletter.workspace
    if not source.is_thanks and (workspace.root / DATA).is_dir():
        from mailer.delivery.data.tables import TableFiles  # few workspaces have any

        files = TableFiles(workspace)
        source = in_each_language(source, lambda one: replace(one, tables=files))
    return source, found


def _cells(
    database: Database, message: Message, workspace: Workspace, *, now: datetime
) -> tuple[Cells, Sequence[Diagnostic]]:
    """What merging the message looks up in tables, and what is wrong with those."""
    if not any(one.tables for one in message.mails.values()):
        return no_cells, ()
    from mailer.delivery.data.keeping import with_rows  # few messages look anything up

    return with_rows(database, message, workspace, now=now)


def as_mailed(source: Source, frozen: Mapping[str, Any]) -> Source:
    """The source with the data of a message that was made of it before, `Message.data`: what differs is what was
    edited."""
    if not frozen:
        return source
    from mailer.delivery.data.read import as_frozen  # few newsletters have any

    return as_frozen(source, frozen)


def _thanking(source: Source, definition: ListDefinition) -> Source:
    """A thanks.md, with the page it is about: as that page is now, or by its name alone where it can't be read."""
    from mailer.compose.action_page.versions import read_page_versions  # few newsletters have a page

    newsletter, language = source.newsletter, _language(source, definition)
    root, headline, joins = newsletter.workspace.settings.public.url, newsletter.slug, ""
    with suppress(MailerError):  # what is wrong with the page is said of the page
        page = read_page_versions(newsletter)[0].best([source.language])
        headline = page.headline
        joins = newsletter.workspace.list_definition(page.opt_in.list).title if page.opt_in else ""
    told = {PETITION: {"headline": headline, "url": address_of_page(newsletter)}}
    return replace(source, signed=Signed(headline, f"{root}/confirm/", language, joins), told=told)


def _language(source: Source, definition: ListDefinition) -> Language:
    return choose(source.language or definition.language)
