"""What the test of one newsletter comes to, for people and for programs: its versions, its decision, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mailer.counting import counted
from mailer.delivery.experiments.counts import arm_counts, rest_counts
from mailer.delivery.experiments.kept import AT_ITS_TIME, BY_HAND, KeptDecision, KeptTest, find_test
from mailer.delivery.experiments.tried import PREHEADER, SENDER, SUBJECT
from mailer.experiments.deciding import ArmCounts
from mailer.experiments.words import named, so_far, told
from mailer.store.tables.states import DecisionState

WAITS = "It is decided once, at the time that was stated. No version leads before: the first to be ahead often isn’t."


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """One version, in people. What it brought until the decision, which later signatures of the same people don't
    change; before the decision, until now. `expected_per_1000`: its rate as it may be expected from now on, shrunk."""

    arm: str
    subject: str
    preheader: str
    sender: str
    sent: int
    signed: int
    clicked: int
    unsubscribed: int
    complained: int
    expected_per_1000: float | None = None  # None before the decision

    @property
    def name(self) -> str:
        return named(self.arm)


@dataclass(frozen=True, slots=True)
class TestedStory:
    """A test of versions. `rest`: what the version that won brought the others, apart from its test; `sentences`: all
    of it in words."""

    state: DecisionState
    differs: tuple[str, ...]
    share: float
    people: int  # of the audience
    decide_at: datetime
    decided_at: datetime | None
    winner: str
    how: str  # at its time, early, or by hand
    who: str
    by: str  # signatures, clicks or nothing
    chance: float | None  # that what the formula chose is the best
    cost_per_1000: float | None
    formula: int | None
    versions: tuple[VersionFigures, ...]
    rest: ArmCounts | None
    sentences: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As plain data, moments in ISO 8601."""
        moments = {name: value.isoformat() for name in ("decide_at", "decided_at") if (value := getattr(self, name))}
        return {**asdict(self), **moments}

    def rows(self) -> Iterator[tuple[str, str, str, str | int | float | None]]:
        """As rows of a table: section, item, measure, value."""
        for name in ("state", "winner", "how", "by", "chance", "cost_per_1000", "formula"):
            yield "test", "decision", name, getattr(self, name)
        for one in self.versions:
            for name in ("subject", "sent", "signed", "clicked", "unsubscribed", "complained", "expected_per_1000"):
                yield "test", f"version {one.arm}", name, getattr(one, name)
        if self.rest is not None:
            for name in ("sent", "signed", "clicked"):
                yield "test", "everybody else", name, getattr(self.rest, name)
        for sentence in self.sentences:
            yield "test", "in words", "sentence", sentence


def story_of(connection: Connection, campaign_id: int) -> TestedStory | None:
    """What the test of a campaign comes to, as of now; None where nothing is tested."""
    test = find_test(connection, campaign_id)
    if test is None:
        return None
    kept = test.decision
    counts = kept.counts if kept else arm_counts(connection, campaign_id)
    rest = rest_counts(connection, campaign_id) if kept else None
    decision = kept.decision if kept else None
    return TestedStory(
        state=test.state, differs=test.plan.differs, share=test.plan.share, people=test.plan.people,
        decide_at=test.decide_at, decided_at=test.decided_at, winner=test.winner, how=kept.how if kept else "",
        who=kept.who if kept else "", by=decision.by.value if decision else "",
        chance=decision.chance if decision else None, cost_per_1000=decision.cost_per_1000 if decision else None,
        formula=decision.formula if decision else None,
        versions=tuple(
            _version(one, test, expected=decision.rates[one.arm] if decision else None) for one in counts
        ),
        rest=rest, sentences=tuple(_sentences(test, counts, kept, rest)),
    )  # fmt: skip


def _version(one: ArmCounts, test: KeptTest, *, expected: float | None) -> VersionFigures:
    said = test.plan.says.get(one.arm, {})
    return VersionFigures(
        one.arm, said.get(SUBJECT, ""), said.get(PREHEADER, ""), said.get(SENDER, ""), one.sent, one.signed,
        one.clicked, one.unsubscribed, one.complained, None if expected is None else 1000 * expected,
    )  # fmt: skip


def _sentences(
    test: KeptTest, counts: Sequence[ArmCounts], kept: KeptDecision | None, rest: ArmCounts | None
) -> Iterator[str]:
    if kept is None:
        yield so_far(counts)
        yield test.why.partition(". Everybody else")[0].capitalize() + "." if test.why else WAITS
        return
    if test.winner != kept.decision.winner or kept.how == BY_HAND:
        yield f"{kept.who} chose {named(test.winner)} by hand."
    elif kept.how != AT_ITS_TIME:
        yield f"{kept.who} ended it early: {named(test.winner)} was too far ahead for waiting to change it."
    yield from told(counts, kept.decision)
    if rest is not None and rest.sent:
        rate = 1000 * rest.signed / rest.sent
        others = counted(rest.sent, "other person", "others")
        yield f"{others} got {named(test.winner)} since, and {rest.signed:,} signed: {rate:,.1f} per 1,000."
