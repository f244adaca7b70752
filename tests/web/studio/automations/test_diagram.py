"""An automation as it is drawn: each step that anybody comes to, once; and no way is lost."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given

from mailer.automations.flow import misguided
from mailer.automations.steps import Automation, AutomationStep, AutomationTrigger, IfStep, TriggerKind, following
from mailer.web.studio.automations.diagram import Flow, FlowNode, flow_of
from tests.automations.test_definition import steps


def nodes(flow: Flow) -> Iterator[FlowNode]:
    for node in flow.nodes:
        yield node
        for way in node.ways:
            yield from nodes(way.flow)


def ways(flow: Flow, below: str | None) -> Iterator[tuple[str, str]]:
    """Each way as it is drawn: from a step to the next, "" the end. `below`: what the line goes on to."""
    for at, node in enumerate(flow.nodes):
        after = flow.nodes[at + 1].step.name if at + 1 < len(flow.nodes) else below if flow.then is None else flow.then
        if node.exit is not None:
            yield node.step.name, node.exit.to
        for way in node.ways:
            first = way.flow.nodes[0].step.name if way.flow.nodes else way.flow.then
            yield node.step.name, after or "" if first is None else first
            yield from ways(way.flow, after)
        if not node.ways:
            yield node.step.name, after or ""


@given(steps())
def test_what_is_drawn_is_the_automation(made: tuple[AutomationStep, ...]) -> None:
    if list(misguided(made)):
        return
    automation = Automation("a", "A", "l", AutomationTrigger(TriggerKind.JOINED, "l"), None, (), None, made)
    flow = flow_of(automation)
    assert sorted(node.step.name for node in nodes(flow)) == sorted(step.name for step in made)
    meant = {(step.name, to) for step in made for to in following(step)}
    assert set(ways(flow, None)) == meant
    for node in nodes(flow):
        if node.exit is not None:
            assert isinstance(node.step, IfStep)
            assert node.exit.to == (node.step.then if node.exit.answer == "Yes" else node.step.otherwise)
