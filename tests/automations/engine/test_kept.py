"""What is kept of somebody in an automation: their copy has it, forgetting takes their name out, "inactive" is theirs
to take back; and newsletters are counted without it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mailer.audience.consent.confirmations import Kept
from mailer.audience.consent.eligibility import no_obstacle, unwelcome
from mailer.audience.consent.recheck import may_be_mailed, obstacles
from mailer.audience.consent.still_inside import leaving_rules, reasons_out, still_inside
from mailer.audience.consent.subscribe import Asking, JoinOutcome, ask_to_join, confirm_join
from mailer.audience.people.data_export import everything
from mailer.audience.people.preferences import choices, come_back
from mailer.delivery.campaigns.status import campaign_statuses
from mailer.store.tables.automations import automation_entries
from mailer.store.tables.core import deliveries, people, subscriptions, suppressions
from mailer.store.tables.states import RequestKind
from tests.automations.conftest import WELCOME
from tests.automations.engine.conftest import Group
from tests.delivery.world import KEY


def test_a_copy_of_ones_data_has_the_automations_one_was_in(group: Group) -> None:
    group.start(WELCOME)
    group.join("ada")
    group.run()
    with group.database.read() as connection:
        kept = everything(connection, "ada@example.org", address_key=KEY)
    (told,) = kept["automations"]
    assert (told["automation"], told["number"], told["step"], told["state"]) == ("welcome", 1, "three-days", "inside")


@pytest.mark.parametrize("mailed", [True, False])
def test_forgetting_leaves_a_figure_and_no_person(group: Group, mailed: bool) -> None:
    group.start(WELCOME)
    group.join("ada")
    group.run(sends=mailed)
    group.forget("ada")
    group.pass_days(5)
    with group.database.read() as connection:
        (entry,) = connection.execute(select(automation_entries)).all()
        mails = connection.execute(select(deliveries.c.person_id, deliveries.c.state)).all()
    assert (entry.person_id, entry.state, entry.reason, entry.due_at) == (None, "left", "forgotten", None)
    assert [tuple(mail) for mail in mails] == [(None, "sent" if mailed else "skipped")]


@pytest.mark.parametrize("how", ["form", "preferences"])
def test_who_is_inactive_may_come_back_by_themselves(group: Group, how: str) -> None:
    group.start(WELCOME.replace('send = "second.md"', 'end = "inactive"'))
    person = group.join("ada")
    group.pass_days(5)
    with group.database.read() as connection:
        ada = connection.execute(select(people).where(people.c.id == person)).one()
        (stop,) = connection.execute(select(suppressions)).all()
        free = select(people.c.id).join(subscriptions, subscriptions.c.person_id == people.c.id).where(no_obstacle())
        assert (stop.reason, connection.execute(free).all()) == ("inactive", [])
        assert not connection.execute(select(unwelcome(ada.address_hash))).scalar(), "they are thanked for what they do"
    with group.database.write() as connection:
        if how == "preferences":
            now = choices(connection, person)
            assert now is not None
            assert come_back(connection, now, now.left, wordings={}, source="preferences", at=group.now) == [
                "supporters"
            ]
        else:
            asking = Asking("ada@example.org", ("supporters",), source="form", wording="Yes")
            result = ask_to_join(connection, asking, confirmed=(), address_key=KEY, at=group.now)
            assert result.answer is JoinOutcome.CONFIRM, "anybody may type their address"
            link = Kept(
                1, RequestKind.JOIN, "ada@example.org", None, {}, ("supporters",), "form", "Yes", group.now, None
            )
            confirm_join(connection, link, address_key=KEY, at=group.now)
        assert connection.execute(select(suppressions)).all() == []
        assert connection.execute(free).all() == [(person,)]


def test_the_condition_at_the_hand_over_and_its_reasons_agree(group: Group) -> None:
    group.start(WELCOME.replace('list = "supporters"', 'list = "supporters"\ngoals = ["library"]', 1))
    names = ("stays", "leave", "sign", "reply", "forget", "comes-back")
    for name in names:
        group.join(name)
    group.run()
    group.later(days=3, hours=1)
    group.run(sends=False)
    for name in names[1:5]:
        getattr(group, name)(name)
    group.leave("comes-back")
    group.later(minutes=1)
    group.join("comes-back")
    with group.database.write() as connection:
        rows = connection.execute(
            select(deliveries.c.id, deliveries.c.campaign_id).where(deliveries.c.state == "queued")
        )
        queued = {row.id: row.campaign_id for row in rows}
        (campaign_id,) = set(queued.values())
        rules = leaving_rules(connection, campaign_id)
        assert rules is not None
        allowed = may_be_mailed([rules.list_id]) & still_inside(rules)
        free = set(connection.execute(select(deliveries.c.id).where(deliveries.c.id.in_(queued), allowed)).scalars())
        barred = obstacles(connection, delivery_ids=queued, list_ids=[rules.list_id])
        barred |= reasons_out(connection, queued, rules)
    assert free | set(barred) == set(queued)
    assert not free & set(barred)
    assert len(free) == 1


def test_newsletters_are_counted_without_an_automations_steps(group: Group) -> None:
    group.start(WELCOME)
    group.join("ada")
    group.run()
    with group.database.read() as connection:
        assert campaign_statuses(connection) == []
        (step,) = campaign_statuses(connection, slug="welcome.1.hello")
    assert dict(step.people) == {"sent": 1}
