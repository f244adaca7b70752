"""An automation as it is drawn: one line of steps from top to bottom, which parts where both ways of a question do
something and meets again below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailer.automations.steps import END, Automation, AutomationStep, IfStep, following


@dataclass(frozen=True, slots=True)
class FlowExit:
    """A way that leads off the line at once: the answer that takes it, and the step it leads to, "" the end."""

    answer: str
    to: str


@dataclass(frozen=True, slots=True)
class FlowWay:
    """One of two ways beside each other."""

    answer: str
    flow: Flow


@dataclass(frozen=True, slots=True)
class FlowNode:
    """A step on the line. A question has an exit, or two ways; `goes_on`: the answer by which the line goes on."""

    step: AutomationStep
    exit: FlowExit | None = None
    goes_on: str = ""
    ways: tuple[FlowWay, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """Steps one below the other. `then`: what comes behind the last, if it isn't drawn there: None when the line
    goes on below, "" for the end, else a step that is drawn elsewhere."""

    nodes: tuple[FlowNode, ...]
    then: str | None


def flow_of(automation: Automation) -> Flow:
    """All steps of an automation, each once."""
    if not automation.steps:
        return Flow((), END)
    steps = {step.name: step for step in automation.steps}
    return _line(automation.steps[0].name, None, steps, set())


def _line(name: str, stop: str | None, steps: Mapping[str, AutomationStep], drawn: set[str]) -> Flow:
    nodes: list[FlowNode] = []
    while name not in (END, stop) and name not in drawn:
        step = steps[name]
        drawn.add(name)
        if not isinstance(step, IfStep):
            nodes.append(FlowNode(step))
            (name,) = following(step)
            continue
        short = {END, stop, *drawn}
        if step.then in short or step.otherwise in short:
            yes = step.then in short
            leads, name = (step.then, step.otherwise) if yes else (step.otherwise, step.then)
            nodes.append(FlowNode(step, FlowExit("Yes" if yes else "No", leads), "No" if yes else "Yes"))
            continue
        meets = _meeting(step, steps) or stop
        ways = tuple(
            FlowWay(answer, _line(to, meets, steps, drawn))
            for answer, to in (("Yes", step.then), ("No", step.otherwise))
        )
        nodes.append(FlowNode(step, ways=ways))
        if meets is None or meets == stop:
            return Flow(tuple(nodes), None)  # both ways say where they lead
        name = meets
    return Flow(tuple(nodes), None if name == stop else name)


def _meeting(step: IfStep, steps: Mapping[str, AutomationStep]) -> str | None:
    """The first step that both ways come to."""
    other = set(_reached(step.otherwise, steps))
    return next((one for one in _reached(step.then, steps) if one in other), None)


def _reached(name: str, steps: Mapping[str, AutomationStep]) -> list[str]:
    """A step and all that can come behind it, the nearest first."""
    found = [name] if name != END else []
    for one in found:
        found += [to for to in dict.fromkeys(following(steps[one])) if to != END and to not in found]
    return found
