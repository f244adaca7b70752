"""What is wrong with a newsletter, or could be better, as the studio shows it. The rules are those of `checking`."""

from __future__ import annotations

from datetime import datetime

from mailer.checking.collect import Scope
from mailer.checking.preflight import preflight
from mailer.checking.runner import ruled
from mailer.diagnostics import Diagnostic, worst_first
from mailer.store.engine.database import Database
from mailer.workspace import Workspace


def findings_of(workspace: Workspace, database: Database, slug: str, *, now: datetime) -> tuple[Diagnostic, ...]:
    """Everything found in a newsletter, the worst first. It may take a while: the mail is shown meanwhile."""
    return preflight(workspace, database, slug, scope=Scope(), now=now).remarks


def remarks(faults: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Faults of compiling as remarks, the worst first, else in the order of their places."""
    return tuple(worst_first(map(ruled, faults)))
