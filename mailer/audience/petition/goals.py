"""The goal that a page shows: the one its writers set, and beyond it the next round number."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = (1, 2.5, 5)  # times a power of ten: 1,000, 2,500, 5,000, 10,000


@dataclass(frozen=True, slots=True)
class Goal:
    """How many signatures are aimed at, and how many of them there are. `made` is the last goal that was reached."""

    number: int
    signed: int
    made: int | None = None

    @property
    def left(self) -> int:
        """Signatures that are still missing."""
        return self.number - self.signed

    @property
    def percent(self) -> float:
        """How much of a bar is drawn: at least 2 % from the first name on, so that it is seen."""
        return max(100 * self.signed / self.number, 2.0) if self.signed else 0.0


def goal_of(target: int | None, signed: int) -> Goal | None:
    """The goal for a page with this target; None without one. Once a goal is reached the next is aimed at."""
    if target is None:
        return None
    goal, made = target, None
    while goal <= signed:
        goal, made = _next_round(goal), goal
    return Goal(goal, signed, made)


def _next_round(number: int) -> int:
    """The first round number above `number`."""
    power = 1
    while True:
        for step in STEPS:
            if (found := int(step * power)) > number and found == step * power:
                return found
        power *= 10
