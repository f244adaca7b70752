"""The `mailer` command that is killed at one step of a thank-you mail, a test of versions, an issue or an automation:
`python -m tests.chaos.dying STEP run`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from mailer.automations.engine import feeds, moving, running
from mailer.automations.engine.running import AutomationRunner
from mailer.cli import main
from mailer.delivery.campaigns import lifecycle
from mailer.delivery.experiments import cohorts, deciding, down_the_list, kept
from mailer.delivery.ledger.ledger import Worker
from mailer.delivery.sending.run import Runner
from mailer.delivery.series import making
from mailer.delivery.series.making import IssueMaker
from mailer.delivery.thanks import sender
from mailer.delivery.thanks.sender import ThanksCourier

BEFORE, AFTER = "before", "after"
# In the order in which they are reached: what is called there, and on which side of the call the process dies.
STEPS: dict[str, tuple[Any, str, str]] = {
    "it is claimed": (sender, "read_thanks", BEFORE),
    "the words are found": (ThanksCourier, "_intend", BEFORE),
    "the intent is written and not committed": (sender, "moved", AFTER),
    "the intent is committed": (ThanksCourier, "_intend", AFTER),
    "the connection is open": (ThanksCourier, "_connection", AFTER),
    "it is handed over": (ThanksCourier, "_record", BEFORE),
    "the end is written and not committed": (ThanksCourier, "_tell", AFTER),
    "the end is committed": (ThanksCourier, "_record", AFTER),
}
# Of a test of versions: its launch, and its decision.
DRAWING: dict[str, tuple[Any, str, str]] = {
    "the versions are drawn": (kept, "keep_test", AFTER),
    "everybody has a row": (lifecycle, "note_decision", BEFORE),
}
DECIDING: dict[str, tuple[Any, str, str]] = {
    "the numbers are counted": (deciding, "decide", BEFORE),
    "the decision is written and not committed": (deciding, "_change", AFTER),
    "the gate is open and nothing is committed": (deciding, "_open", AFTER),
    "it is decided and nobody was mailed since": (Runner, "_sending", BEFORE),
}
# Of going down a list: its launch, and the opening of a gate.
GROUPING: dict[str, tuple[Any, str, str]] = {"the groups are kept": (cohorts, "keep_cohorts", AFTER)}
OPENING: dict[str, tuple[Any, str, str]] = {
    "the sample is counted": (down_the_list, "_sampled", AFTER),
    "the gate is down and nothing is committed": (down_the_list, "_open", AFTER),
    "it is open and nobody was mailed since": (Runner, "_sending", BEFORE),
}
# Of an issue of a series: as it is made, and as it is launched.
MAKING: dict[str, tuple[Any, str, str]] = {
    "the issue is checked": (IssueMaker, "_made", AFTER),
    "its moment is claimed and nothing is committed": (IssueMaker, "_claim", AFTER),
    "the next issue is planned and nothing is committed": (making, "plan_next", AFTER),
    "its campaign is written and nothing is committed": (IssueMaker, "_keep_content", AFTER),
    "it is made": (IssueMaker, "_keep", AFTER),
    "its audience is frozen and nothing is committed": (lifecycle, "freeze_audience", AFTER),
    "it is launched": (lifecycle, "_launch_scheduled", AFTER),
}

# The same of an automation, of somebody who comes in and is mailed.
AUTOMATED: dict[str, tuple[Any, str, str]] = {
    "somebody is to come in": (feeds, "enter", BEFORE),
    "they are in and it is not committed": (feeds, "enter", AFTER),
    "it has looked and it is not committed": (feeds, "set_mark", AFTER),
    "it has looked": (AutomationRunner, "_look", AFTER),
    "their mail is to be queued": (moving, "mail", BEFORE),
    "it is queued and they are not moved on": (moving, "mail", AFTER),
    "they are moved on and it is not committed": (running, "move", AFTER),
    "all is committed and nothing left": (AutomationRunner, "run", AFTER),
    "a worker has claimed it": (Worker, "claim", AFTER),
    "the intent of it is committed": (Worker, "exchange", AFTER),
}


def dies(real: Callable[..., object], side: str) -> Callable[..., object]:
    def call(*given: Any, **named: Any) -> object:
        if side == AFTER:
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("it is dead")

    return call


if __name__ == "__main__":
    steps = {**STEPS, **DRAWING, **DECIDING, **GROUPING, **OPENING, **MAKING, **AUTOMATED}
    place, name, side = steps[sys.argv.pop(1)]
    setattr(place, name, dies(getattr(place, name), side))
    main()
