"""What is wrong with a newsletter, or could be better, as the studio shows it. Which rules there are is not for here.

`findings_of` is the one place where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailer.delivery.preparing import prepare
from mailer.errors import Fault, FaultsFound, MailerError, Place
from mailer.store.database import Database
from mailer.workspace import Workspace


class Weight(StrEnum):
    """How much a remark matters."""

    FAULT = "fault"  # it can't be mailed like this
    WARNING = "warning"  # it can, and somebody will be sorry
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing worth saying: what, where, why it matters and what to do ("" where nothing is said)."""

    weight: Weight
    message: str
    place: Place | None = None
    remedy: str = ""
    rule: str = ""
    why: str = ""


def findings_of(workspace: Workspace, database: Database, slug: str) -> tuple[Remark, ...]:
    """Everything found in a newsletter, the worst first. It may take its time: the mail is shown meanwhile."""
    try:
        faults = prepare(workspace, database, slug).warnings
    except MailerError as error:
        faults = faults_in(error)
    return remarks(faults)


def remarks(faults: tuple[Fault, ...]) -> tuple[Remark, ...]:
    """Faults of compiling as remarks, the worst first, else in the order of their places."""
    found = [
        Remark(Weight.WARNING if fault.warning else Weight.FAULT, fault.message, fault.place, fault.hint or "")
        for fault in faults
    ]
    return tuple(sorted(found, key=lambda remark: list(Weight).index(remark.weight)))


def faults_in(error: MailerError) -> tuple[Fault, ...]:
    """Each fault that an error tells of."""
    return error.faults if isinstance(error, FaultsFound) else (error.fault,)
