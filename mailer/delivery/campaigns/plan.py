"""From a newsletter's folder to a plan that can be sent: read, compiled, its audience understood, every fault found."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.audience.fields import known_fields
from mailer.audience.selection.front_matter import read_audience
from mailer.compose.compiler import compile_message
from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.freeze import Plan
from mailer.diagnostics import Diagnostic
from mailer.store.engine.database import Database
from mailer.workspace import Workspace


@dataclass(frozen=True, slots=True)
class PlannedCampaign:
    """A plan, and what is worth saying about it although it stops nothing."""

    plan: Plan
    warnings: tuple[Diagnostic, ...]


def prepare(workspace: Workspace, database: Database, slug: str) -> PlannedCampaign:
    """The newsletter `slug`, ready to be sent. Raises with every fault of its message and audience."""
    folder = workspace.newsletter(slug)
    source = read_source(folder, root=workspace.root)
    definition = workspace.list_definition(source.list)
    definitions = [workspace.list_definition(name) for name in workspace.list_names()]
    with database.read() as connection:
        fields = known_fields(connection, definitions)
        audience = read_audience(connection, source, workspace=workspace, fields=fields)
    compiled = compile_message(source, workspace=workspace, definition=definition, known_fields=fields)
    plan = Plan(
        message=compiled.message,
        audience=audience,
        folder=folder,
        root=workspace.root,
        transport=workspace.settings.transport,
    )
    return PlannedCampaign(plan, compiled.faults)
