"""At most so many mails to a person: an automation's step gives way like a newsletter, and counts like one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from mailer.audience.consent.eligibility import Reason
from mailer.audience.selection.select import select_audience
from mailer.audience.selection.spec import Audience
from mailer.automations.control.figures import way_of
from mailer.settings import Caps
from mailer.store.tables.core import deliveries
from tests.automations.conftest import WELCOME, Write
from tests.automations.engine.conftest import Group


@pytest.fixture
def capped(group: Group, write: Write) -> Group:
    """A group whose people get one mail in seven days."""
    settings = replace(group.workspace.settings, caps=Caps(newsletters=1, days=7))
    workspace = replace(group.workspace, settings=settings)
    return Group(workspace, group.database, write, group.now)


def ways(group: Group) -> list[tuple[str, str]]:
    with group.database.read() as connection:
        (told,) = way_of(connection, "welcome", group.person("ada"))
    return [(step, state.value) for step, state, _ in told.mails]


def codes(group: Group) -> list[str]:
    with group.database.read() as connection:
        found = select(deliveries.c.code).where(deliveries.c.state == "skipped")
        return list(connection.execute(found).scalars())


def test_a_steps_mail_gives_way_and_the_person_goes_on(capped: Group) -> None:
    capped.start(WELCOME + '\n[steps.week]\nwait = "8 days"\n\n[steps.third]\nsend = "second.md"\n')
    capped.join("ada")
    capped.pass_days(5)
    assert ways(capped) == [("hello", "sent"), ("second", "skipped")]
    assert codes(capped) == [Reason.CAPPED]
    assert capped.where("ada") == [("inside", "", "week")]
    capped.pass_days(8)
    assert ways(capped) == [("hello", "sent"), ("second", "skipped"), ("third", "sent")]
    assert [state for state, _, _ in capped.where("ada")] == ["ended"]


def test_a_step_that_somebody_comes_to_again_counts_its_own_mail(capped: Group) -> None:
    """There is no other campaign whose mails could count."""
    text = WELCOME.partition("[steps.three-days]")[0]
    capped.start(text.replace("[trigger]", 'again_after = "2 days"\n\n[trigger]'))
    capped.join("ada")
    capped.run()
    capped.later(days=3)
    capped.leave("ada")
    capped.later(minutes=1)
    capped.join("ada")
    capped.pass_days(1)
    assert (capped.mails("ada"), codes(capped)) == (["hello"], [Reason.CAPPED])
    assert len(capped.where("ada")) == 2


def test_what_a_step_mailed_counts_for_newsletters(capped: Group) -> None:
    capped.start(WELCOME)
    capped.join("ada")
    everybody = Audience(include=("supporters",), cap=capped.workspace.settings.caps)

    def left_out() -> dict[Reason, int]:
        with capped.database.read() as connection:
            return dict(select_audience(connection, everybody, now=capped.now).excluded)

    assert left_out() == {}
    capped.run(moves=True, sends=False)
    assert left_out() == {Reason.CAPPED: 1}, "it waits to leave"
    capped.run()
    assert left_out() == {Reason.CAPPED: 1}, "it left"
    capped.later(days=8)
    assert left_out() == {}
