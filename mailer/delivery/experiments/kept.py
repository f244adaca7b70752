"""The tests of campaigns as the database keeps them: what was drawn, when it is decided, and what was, from what.

Written at the launch (`keep_test`), decided once (`deciding`); a decision holds all that it takes to compute it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from mailer.compose.message import Message
from mailer.delivery.experiments.draw import Draw
from mailer.delivery.experiments.tried import what_differs, what_versions_say
from mailer.experiments.beliefs import Prior
from mailer.experiments.deciding import ArmCounts, DecidedBy, Decision
from mailer.store.tables.core import campaigns
from mailer.store.tables.experiments import campaign_tests
from mailer.store.tables.states import DecisionState

AT_ITS_TIME, EARLY, BY_HAND = "at its time", "early", "by hand"


@dataclass(frozen=True, slots=True)
class DrawnTest:
    """A test as it was launched. `people`: the audience; `each`: how many of them get each version."""

    arms: tuple[str, ...]
    people: int
    each: int
    share: float
    wait_seconds: int
    decides: str
    prior: Prior  # what was known of past mails then, from which it is decided, too
    cuts: tuple[int, ...]
    differs: tuple[str, ...] = ()  # the parts in which versions differ, as `tried` names them
    says: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])  # by version and part

    @property
    def tested(self) -> int:
        """The people who get a version without waiting."""
        return self.each * len(self.arms)

    @property
    def wait(self) -> timedelta:
        return timedelta(seconds=self.wait_seconds)


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """What was decided, from which counts, how, and who decided. `decision` is what the formula says, also where staff
    chose another version by hand."""

    counts: tuple[ArmCounts, ...]
    vetoed: tuple[str, ...]
    decision: Decision
    how: str  # AT_ITS_TIME, EARLY or BY_HAND
    who: str


@dataclass(frozen=True, slots=True)
class KeptTest:
    """The test of one campaign."""

    campaign_id: int
    slug: str
    seed: int
    plan: DrawnTest
    decide_at: datetime
    state: DecisionState
    why: str  # nothing was decided yet, though its time came
    winner: str  # "" until it is decided
    decided_at: datetime | None
    decision: KeptDecision | None

    def arm_of(self, person_id: int) -> str:
        """The version that somebody of the audience got, or "rest": worked out from the seed."""
        return Draw(self.campaign_id, self.seed, self.plan.cuts).arm_of(person_id)


def find_test(connection: Connection, campaign_id: int) -> KeptTest | None:
    """The test of a launched campaign; None when it tries nothing."""
    row = connection.execute(_kept().where(campaign_tests.c.campaign_id == campaign_id)).one_or_none()
    return None if row is None else _test(row)


def all_tests(connection: Connection) -> list[KeptTest]:
    """Every test there was, the newest first."""
    return [_test(row) for row in connection.execute(_kept().order_by(campaigns.c.launched_at.desc(), campaigns.c.id))]


def undecided_tests(connection: Connection) -> dict[int, KeptTest]:
    """Those whose winner isn't known, by the campaign's number."""
    rows = connection.execute(_kept().where(campaign_tests.c.decided_at.is_(None)))
    return {row.campaign_id: _test(row) for row in rows}


def winner_of(connection: Connection, campaign_id: int) -> str:
    """The version that the rest of a campaign's audience gets; "" before that is decided, and without a test."""
    query = select(campaign_tests.c.winner).where(campaign_tests.c.campaign_id == campaign_id)
    return connection.execute(query).scalar() or ""


def keep_test(
    connection: Connection, message: Message, drawn: Draw, *, sizes: tuple[Prior, float, int], people: int,
    now: datetime,
) -> None:  # fmt: skip
    """Keep what was drawn, in the transaction of the launch."""
    assert message.test is not None, "there are versions to draw"
    prior, share, each = sizes
    plan = DrawnTest(
        tuple(message.arms), people, each, share, message.test.wait_seconds, message.test.decides, prior, drawn.cuts,
        differs=what_differs(message), says=what_versions_say(message),
    )  # fmt: skip
    connection.execute(
        insert(campaign_tests).values(
            campaign_id=drawn.campaign_id, seed=drawn.seed, plan=asdict(plan), decide_at=now + plan.wait,
            state=DecisionState.WAITING,
        )
    )  # fmt: skip


def _kept() -> Any:
    return select(campaign_tests, campaigns.c.slug).join(campaigns, campaigns.c.id == campaign_tests.c.campaign_id)


def _test(row: Row[Any]) -> KeptTest:
    return KeptTest(
        row.campaign_id, row.slug, row.seed, _plan(row.plan), row.decide_at, DecisionState(row.state), row.why,
        row.winner, row.decided_at, None if row.decision is None else _decision(row.decision),
    )  # fmt: skip


def _plan(data: Mapping[str, Any]) -> DrawnTest:
    found: dict[str, Any] = {**data, "prior": Prior(**data["prior"])}
    for name in ("arms", "cuts", "differs"):
        found[name] = tuple(found.get(name, ()))
    return DrawnTest(**found)


def _decision(data: Mapping[str, Any]) -> KeptDecision:
    made = dict(data["decision"])
    made |= {"by": DecidedBy(made["by"]), "vetoed": tuple(made["vetoed"])}
    return KeptDecision(
        tuple(ArmCounts(**one) for one in data["counts"]), tuple(data["vetoed"]), Decision(**made), data["how"],
        data["who"],
    )  # fmt: skip
