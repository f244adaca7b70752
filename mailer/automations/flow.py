"""Whether the steps lead anywhere: each can be come to, each way ends, and nobody goes round in a circle that mails or
never waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mailer.automations.steps import END, AutomationStep, SendStep, WaitStep, following


def misguided(steps: Sequence[AutomationStep]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with the ways through: the step, what it is, and the remedy. Each step that is named exists."""
    ways = {step.name: following(step) for step in steps}
    if not steps:
        return
    reached = _from(steps[0].name, ways) | {steps[0].name}
    ending = {name for name in ways if END in _from(name, ways)}
    for step in steps:
        after = _from(step.name, ways)
        if step.name not in reached:
            remedy = "Have a step before it lead here, or take it out."
            yield step.name, f"nobody ever comes to the step {step.name}", remedy
        elif step.name not in ending:
            yield step.name, f"from the step {step.name} there is no way to the end", 'End a way: next = "end".'
        elif step.name in after and isinstance(step, SendStep):
            message = f"the step {step.name} is come to again in a circle, and would mail the same message again"
            yield step.name, message, "Each person gets a message once: let the circle begin behind it."
    waits = {step.name for step in steps if isinstance(step, WaitStep)}
    hasty = {name: tuple(one for one in after if one not in waits) for name, after in ways.items() if name not in waits}
    for step in steps:
        if step.name in reached and step.name in hasty and step.name in _from(step.name, hasty):
            yield step.name, f"the step {step.name} is in a circle without a wait", 'Put one into it: wait = "1 day".'
            return  # of one circle one of its steps is enough


def _from(name: str, ways: Mapping[str, Sequence[str]]) -> set[str]:
    """All that can come after a step."""
    found: set[str] = set()
    open_ = list(ways.get(name, ()))
    while open_:
        one = open_.pop()
        if one not in found:
            found.add(one)
            open_ += ways.get(one, ())
    return found
