"""The dry run says where people would be, and the engine puts them there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from sqlalchemy import select, update

from mailer.automations.control.figures import automation_figures
from mailer.automations.control.rehearsal import DryRun, dry_run
from mailer.automations.definition import automation_from
from mailer.automations.engine import moving, running
from mailer.automations.names import sound_automation
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.workspace import Newsletter
from tests.automations.conftest import WELCOME
from tests.automations.engine.conftest import Group
from tests.delivery.world import launch

PARTS = """\
title = "Parts"
list = "supporters"
goals = ["library"]
[trigger]
{trigger}
[steps.two-days]
wait = "2 days"
[steps.hello]
send = "hello.md"
[steps.british]
if = 'supporter.country == "GB"'
then = "five-days"
else = "end"
[steps.five-days]
wait = "5 days"
[steps.second]
send = "second.md"
"""


def tried(group: Group, text: str) -> DryRun:
    newsletter: Newsletter = group.write(text)
    assert automation_from(text, newsletter)
    with group.database.read() as connection:
        automation = sound_automation(connection, newsletter)
        return dry_run(connection, automation, now=group.now, zone="Europe/London")


def mailed(group: Group, names: Iterable[str]) -> None:
    """They got the appeal, now."""
    campaign = launch(group.database, count=len(list(names)), now=group.now, slug="appeal")
    with group.database.write() as connection:
        sent = {"state": "sent", "changed_at": group.now}
        connection.execute(update(deliveries).where(deliveries.c.campaign_id == campaign).values(sent))
        connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(state="finished"))


def test_it_says_where_people_would_be_today(group: Group) -> None:
    names = ("british", "other", "signed", "left")
    for name in names:
        person = group.join(name)
        with group.database.write() as connection:
            connection.execute(
                update(people).where(people.c.id == person).values(country="GB" if name == "british" else "FR")
            )
    mailed(group, names)
    group.sign("signed")
    group.leave("left")
    text = PARTS.format(trigger='sent = "appeal"')
    group.later(days=1)
    assert tried(group, text).waiting == Counter({"two-days": 2})
    group.later(days=2)
    found = tried(group, text)
    assert (found.people, found.comes_in, found.ended) == (4, 2, 1)
    assert found.waiting == Counter({"five-days": 1})
    assert found.mailed == Counter({"hello": 2})
    assert found.kept_out == Counter({"signed already": 1, "unsubscribed": 1})
    with group.database.read() as connection:
        assert len(connection.execute(select(deliveries.c.id)).all()) == 4, "nobody was mailed"
    group.start(text)
    group.run()
    with group.database.read() as connection:
        does = automation_figures(connection, "welcome")
    assert does is not None
    assert (does.inside, does.ended, does.mailed) == (1, 1, 2)


def test_of_those_who_join_nobody_comes_in_before_they_do(group: Group) -> None:
    group.join("ada")
    group.later(days=1)
    found = tried(group, WELCOME)
    assert (found.people, found.comes_in, found.waiting) == (1, 0, Counter({"three-days": 1}))


def test_a_run_does_a_bounded_amount_and_says_that_there_is_more(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PIECES", 4)
    monkeypatch.setattr(moving, "PEOPLE_AT_ONCE", 2)
    monkeypatch.setattr(moving.move, "__kwdefaults__", {"most": 2})
    group.start(WELCOME)
    for n in range(12):
        group.join(f"p{n}")
    counts: list[int] = []
    for _ in range(4):
        group.run()
        counts.append(group.states().get("sent", 0))
    assert counts[0] < 12
    assert counts[-1] == 12
