"""What an automation does, in numbers: who is where, what was mailed, what became of those who are out; and the way of
one person through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from mailer.automations.engine.entering import ARRIVED
from mailer.automations.engine.versions import AutomationVersion, paused_steps, version_of
from mailer.delivery.campaigns.status import count_states
from mailer.store.tables.automations import INSIDE, OUT, automation_entries, automation_versions, automations
from mailer.store.tables.core import campaigns, deliveries
from mailer.store.tables.states import AutomationState, DeliveryState, EntryState


@dataclass(frozen=True, slots=True)
class StepFigures:
    """One step in numbers: people who are there now and, of one that mails, its mails by state."""

    step: str
    inside: int
    mails: Mapping[DeliveryState, int] = field(default_factory=dict[DeliveryState, int])
    campaign: str = ""  # the slug of its mail, for `mailer report`, `pause` and `resume`
    is_paused: bool = False
    why: str = ""  # it is paused


@dataclass(frozen=True, slots=True)
class VersionInNumbers:
    """One version in numbers. `left`: people by `WhyLeft`."""

    number: int
    since: datetime
    is_open: bool  # new people come into it
    steps: Sequence[StepFigures]
    inside: int
    ended: int
    left: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class AutomationFigures:
    """An automation in numbers, its versions the newest first."""

    slug: str
    state: AutomationState
    started_at: datetime
    versions: Sequence[VersionInNumbers]

    @property
    def inside(self) -> int:
        return sum(one.inside for one in self.versions)

    @property
    def ended(self) -> int:
        return sum(one.ended for one in self.versions)

    @property
    def left(self) -> Counter[str]:
        return sum((Counter(dict(one.left)) for one in self.versions), Counter[str]())

    @property
    def mailed(self) -> int:
        """Mails that were taken."""
        return sum(step.mails.get(DeliveryState.SENT, 0) for one in self.versions for step in one.steps)


@dataclass(frozen=True, slots=True)
class EntryTold:
    """One time that somebody was in an automation. `mails`: what became of each, by step."""

    version: int
    number: int
    state: EntryState
    reason: str
    step: str
    due_at: datetime | None
    entered_at: datetime
    changed_at: datetime
    mails: Sequence[tuple[str, DeliveryState, datetime]]


def automation_states(connection: Connection) -> dict[str, AutomationState]:
    """The state of each automation that was ever started, by slug."""
    rows = connection.execute(select(automations.c.slug, automations.c.state))
    return {row.slug: AutomationState(row.state) for row in rows}


def automation_figures(connection: Connection, slug: str) -> AutomationFigures | None:
    """An automation in numbers; None when it was never started. Counts by indexes: a million inside take a tenth of a
    second."""
    row = connection.execute(select(automations).where(automations.c.slug == slug)).one_or_none()
    if row is None or row.version_id is None:
        return None
    mine = select(automation_versions.c.id).where(automation_versions.c.automation_id == row.id)
    numbers = connection.execute(mine.order_by(automation_versions.c.number.desc())).scalars().all()
    open_ = row.version_id if row.state == AutomationState.ACTIVE else None
    of_it = automation_versions.c.automation_id == row.id
    rows = connection.execute(select(automation_versions.c.id, automation_versions.c.created_at).where(of_it))
    since = {one.id: one.created_at for one in rows}
    versions = [
        _version(connection, version_of(connection, number), since=since[number], is_open=number == open_)
        for number in numbers
    ]
    return AutomationFigures(slug, AutomationState(row.state), row.started_at, versions)


def _version(connection: Connection, version: AutomationVersion, *, since: datetime, is_open: bool) -> VersionInNumbers:
    entry = automation_entries.c
    mine = entry.version_id == version.id
    here = select(entry.step, func.count()).where(INSIDE, mine).group_by(entry.step)
    inside: dict[str, int] = {step: number for step, number in connection.execute(here)}  # noqa: C416 - rows
    gone = select(entry.state, entry.reason, func.count()).where(OUT, mine).group_by(entry.state, entry.reason)
    ended, left = 0, dict[str, int]()
    for state, reason, number in connection.execute(gone):
        if state == EntryState.ENDED:
            ended += number
        else:
            left[reason] = number
    first = version.automation.steps[0].name
    inside[first] = inside.get(first, 0) + inside.pop(ARRIVED, 0)
    paused = paused_steps(connection, version)
    steps = [
        _step(connection, version, step.name, inside.get(step.name, 0), is_paused=step.name in paused)
        for step in version.automation.steps
    ]
    return VersionInNumbers(version.number, since, is_open, steps, sum(inside.values()), ended, left)


def _step(
    connection: Connection, version: AutomationVersion, name: str, inside: int, *, is_paused: bool
) -> StepFigures:
    campaign_id = version.sends.get(name)
    if campaign_id is None:
        return StepFigures(name, inside)
    one = select(campaigns.c.slug, campaigns.c.why, campaigns.c.counts).where(campaigns.c.id == campaign_id)
    row = connection.execute(one).one()
    mails = dict(count_states(connection, campaign_id).get(campaign_id, {}))
    if sent := row.counts.get("chosen", 0) - sum(mails.values()):
        mails[DeliveryState.SENT] = sent
    return StepFigures(name, inside, mails, row.slug, is_paused, row.why if is_paused else "")


def way_of(connection: Connection, slug: str, person_id: int) -> list[EntryTold]:
    """Each time that somebody was in an automation, the first one first."""
    entry = automation_entries.c
    query = (
        select(automation_entries, automation_versions.c.number.label("version"))
        .join(automation_versions, automation_versions.c.id == entry.version_id)
        .join(automations, automations.c.id == entry.automation_id)
        .where(automations.c.slug == slug, entry.person_id == person_id)
        .order_by(entry.id)
    )
    return [
        EntryTold(
            row.version, row.number, EntryState(row.state), row.reason, row.step, row.due_at, row.entered_at,
            row.changed_at, _mails(connection, person_id, row.id),
        )
        for row in connection.execute(query).all()
    ]  # fmt: skip


def _mails(connection: Connection, person_id: int, entry_id: int) -> list[tuple[str, DeliveryState, datetime]]:
    query = (
        select(campaigns.c.slug, deliveries.c.state, func.coalesce(deliveries.c.changed_at, deliveries.c.not_before))
        .join(campaigns, campaigns.c.id == deliveries.c.campaign_id)
        .where(deliveries.c.person_id == person_id, deliveries.c.entry == entry_id)
        .order_by(deliveries.c.id)
    )
    rows = sorted(connection.execute(query).all(), key=lambda row: row[2])
    return [(slug.rpartition(".")[2], DeliveryState(state), at) for slug, state, at in rows]
