"""The `mailer` command that is killed at one step of a mail of thanks or of a test of versions:
`python -m tests.chaos.dying STEP run`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from mailer.cli import main
from mailer.delivery.campaigns import freeze, lifecycle
from mailer.delivery.experiments import deciding
from mailer.delivery.sending.run import Runner
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
    "the versions are drawn": (freeze, "keep_test", AFTER),
    "everybody has a row": (lifecycle, "note_decision", BEFORE),
}
DECIDING: dict[str, tuple[Any, str, str]] = {
    "the numbers are counted": (deciding, "decide", BEFORE),
    "the decision is written and not committed": (deciding, "_change", AFTER),
    "the gate is open and nothing is committed": (deciding, "_open", AFTER),
    "it is decided and nobody was mailed since": (Runner, "_sending", BEFORE),
}


def dies(real: Callable[..., object], side: str) -> Callable[..., object]:
    def call(*given: Any, **named: Any) -> object:
        if side == AFTER:
            real(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("it is dead")

    return call


if __name__ == "__main__":
    place, name, side = {**STEPS, **DRAWING, **DECIDING}[sys.argv.pop(1)]
    setattr(place, name, dies(getattr(place, name), side))
    main()
