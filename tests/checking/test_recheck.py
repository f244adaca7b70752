"""The second look at a scheduled newsletter: what holds it when it is due, and what doesn't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mailer.audience.selection.spec import Audience
from mailer.checking.recheck import why_hold
from mailer.compose.message import Link, Message, Slot
from mailer.delivery.campaigns import lifecycle as steps
from mailer.delivery.campaigns.freeze import Plan
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, people, subscriptions
from mailer.store.tables.states import CampaignState
from mailer.workspace import Workspace
from tests.delivery.world import MESSAGE, NOWHERE, add_people

EVERYBODY = Audience(include=("supporters",))
BARE = replace(
    MESSAGE,
    slots=tuple(
        replace(slot, source=slot.source.partition(" |")[0]) for slot in MESSAGE.slots if isinstance(slot, Slot)
    ),
)
OURS = "https://mail.example.org/act/appeal"

Held = Callable[[Message], str]


@pytest.fixture
def held(workspace: Workspace, database: Database, now: datetime) -> Held:
    """Why a message to the three people on the list is held."""
    add_people(database, 3, now=now)
    return lambda message: why_hold(workspace, database, message, EVERYBODY, now=now)


def change(database: Database, **values: object) -> None:
    with database.write() as connection:
        connection.execute(update(people).where(people.c.address == "person1@example.org").values(values))


def test_what_is_as_it_was_goes_out(held: Held) -> None:
    assert held(BARE) == ""


def test_somebody_who_joined_without_a_name_holds_a_greeting_that_needs_one(held: Held, database: Database) -> None:
    change(database, first_name="")
    assert held(MESSAGE) == "", "it says friend"
    assert held(BARE) == "1 person would get nothing in place of {{ supporter.first_name }}"
    assert held(replace(BARE, waived={"audience.greeting": "they are few"})) == ""


def test_a_list_that_nobody_is_on_any_more_holds(held: Held, database: Database) -> None:
    with database.write() as connection:
        connection.execute(update(subscriptions).values(status="unsubscribed"))
    assert held(MESSAGE) == "nobody would get it any more"


def test_another_public_address_holds(held: Held) -> None:
    moved = replace(MESSAGE, public_url="https://old.example.org")
    assert held(moved) == (
        "its links, the one for leaving too, lead to https://old.example.org, and the public address is"
        " https://mail.example.org now"
    )


def test_an_action_page_that_is_gone_holds(held: Held, workspace: Workspace) -> None:
    message = replace(MESSAGE, links=(Link(1, OURS, (OURS,), "Add your name", "button", True),))
    assert held(message) == "it leads to the sign page of appeal, and that is gone"
    folder = workspace.newsletters / "appeal"
    folder.mkdir()
    (folder / "message.md").touch()
    (folder / "action.md").touch()
    assert held(message) == ""


def test_a_held_campaign_is_not_launched_and_can_be_scheduled_again(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    add_people(database, 3, now=now)
    plan = Plan(MESSAGE, EVERYBODY, NOWHERE, transport="outbox")
    due = now + timedelta(hours=1)

    def schedule() -> None:
        steps.schedule(database, plan, due_at=due, zone="UTC", late=timedelta(hours=2), now=now)

    schedule()
    assert steps.launch_due(database, now=now, why_hold=lambda *_: "the moon is full") == []
    (held,) = steps.launch_due(database, now=due, why_hold=lambda *_: "the moon is full")
    assert (held.state, held.launched_at) == (CampaignState.OVERDUE, None)
    assert held.why == "the moon is full. Fix that, then send it (mailer send appeal) or schedule it again"
    assert steps.launch_due(database, now=due) == [], "nobody launches it by itself"
    with database.read() as connection:
        assert connection.execute(select(deliveries.c.id)).all() == []
    schedule()
    assert [row.state for row in steps.launch_due(database, now=due)] == [CampaignState.SENDING]
    with database.read() as connection:
        assert len(connection.execute(select(deliveries.c.id)).all()) == 3
        assert connection.execute(select(campaigns.c.why)).scalars().all() == [""]
