"""Starting, editing, closing and stopping; pauses, hours and lateness; what is asked again at the hand-over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from mailer.audience.consent.changes import suppress
from mailer.audience.tags import tagged_with
from mailer.automations.control import orders
from mailer.automations.control.figures import automation_figures, way_of
from mailer.automations.control.planned import plan_automation
from mailer.automations.control.stuck import stuck_mails
from mailer.automations.engine.due import due_automations
from mailer.delivery.campaigns import lifecycle
from mailer.delivery.campaigns import orders as campaign_orders
from mailer.delivery.ledger.outcomes import MOST_ATTEMPTS, is_given_up
from mailer.delivery.subscriptions.unsubscribe import leave_campaign
from mailer.errors import MailerError
from mailer.reports.figures import figures
from mailer.review.approvals import NotApproved, approve
from mailer.review.changes import changes
from mailer.review.content import NewsletterContent
from mailer.settings import StudioSettings
from mailer.store.tables.core import campaigns, deliveries, people, suppressions
from mailer.store.tables.states import SuppressionReason
from mailer.transports.base import Fate, Outcome
from tests.automations.conftest import WELCOME
from tests.automations.engine.conftest import Group

GOAL = WELCOME.replace('list = "supporters"', 'list = "supporters"\ngoals = ["library"]', 1)
ALL_DAY = '\n[window]\nfrom = "08:00"\nuntil = "20:00"\n'


def stop(group: Group, name: str) -> None:
    orders.stop(group.database, "welcome", group.actor, now=group.now)


def take_out(group: Group, name: str) -> None:
    orders.take_out(group.database, "welcome", group.person(name), group.actor, now=group.now)


def bounce(group: Group, name: str) -> None:
    with group.database.write() as connection:
        hashed = connection.execute(select(people.c.address_hash).where(people.c.first_name == name)).scalar_one()
        suppress(connection, address_hash=hashed, reason=SuppressionReason.BOUNCED, at=group.now)


def leave_and_return(group: Group, name: str) -> None:
    group.leave(name)
    group.later(minutes=1)
    group.join(name)


ACTS: dict[str, Callable[[Group, str], None]] = {
    "leaves": Group.leave,
    "leaves and comes back": leave_and_return,
    "is forgotten": Group.forget,
    "signs": Group.sign,
    "replies": Group.reply,
    "is suppressed": bounce,
    "is taken out": take_out,
    "is stopped": stop,
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("when", ["waiting", "queued"])
def test_who_leaves_gets_nothing_more_though_the_mail_is_queued(group: Group, act: str, when: str) -> None:
    group.start(GOAL)
    group.join("ada")
    group.run()
    group.later(days=3, hours=1)
    if when == "queued":
        group.run(sends=False)
    ACTS[act](group, "ada")
    group.later(minutes=1)
    group.run(moves=when == "waiting")
    group.run()
    states = group.states()
    assert states.pop("sent") == 1
    assert set(states) <= {"skipped", "cancelled"}, states
    assert sum(states.values()) == int(when == "queued"), "what was queued has an end with a reason"


def test_an_automatic_answer_is_no_reply(group: Group) -> None:
    group.start(GOAL)
    group.join("ada")
    group.run()
    group.reply("ada", kind="automatic")
    group.pass_days(4)
    assert group.mails("ada") == ["hello", "second"]


def test_who_is_inside_stays_in_their_version(group: Group) -> None:
    group.start(WELCOME)
    group.join("old")
    group.run()
    with pytest.raises(MailerError, match="active already"):
        group.start(WELCOME)
    assert group.start(WELCOME.replace("3 days", "1 day")) == 2
    group.join("new")
    group.run()
    group.pass_days(2)
    assert (group.mails("old"), group.mails("new")) == (["hello"], ["hello", "second"])
    group.pass_days(2)
    assert group.mails("old") == ["hello", "second"]
    group.run()
    with group.database.read() as connection:
        found = automation_figures(connection, "welcome")
        assert found is not None
        assert [(one.number, one.is_open, one.inside, one.ended) for one in found.versions] == [
            (2, True, 0, 1), (1, False, 0, 1),
        ]  # fmt: skip
        states = dict(connection.execute(select(campaigns.c.slug, campaigns.c.state)).all())
    assert states["welcome.1.hello"] == states["welcome.1.second"] == "finished"
    assert states["welcome.2.hello"] == states["welcome.2.second"] == "sending"


def test_a_closing_one_lets_nobody_in_and_ends_when_everybody_is_through(group: Group) -> None:
    group.start(WELCOME)
    group.join("inside")
    group.run()
    orders.close(group.database, "welcome", group.actor, now=group.now)
    group.join("late")
    group.pass_days(2)
    assert group.state() == "closing"
    group.pass_days(3)
    assert (group.mails("inside"), group.mails("late"), group.state()) == (["hello", "second"], [], "stopped")
    assert due_automations(group.database, now=group.now) == []
    group.start(WELCOME)
    group.join("again")
    group.run()
    assert (group.mails("late"), group.mails("again")) == ([], ["hello"])


def test_once_or_again_after_some_days(group: Group) -> None:
    group.start(WELCOME)
    group.start(
        WELCOME.replace('"Welcome"', '"Again"').replace("[trigger]", 'again_after = "10 days"\n[trigger]'), "again"
    )
    group.join("ada")
    group.pass_days(5)
    for _ in range(2):  # leaves and joins: too soon, and later not
        group.leave("ada")
        group.later(minutes=1)
        group.join("ada")
        group.pass_days(6)
    assert len(group.where("ada")) == 1 + 2
    assert group.mails("ada").count("hello") == 1 + 2


def test_people_wait_before_a_step_whose_mail_is_paused(group: Group) -> None:
    group.start(WELCOME)
    with group.database.read() as connection:
        number = connection.execute(select(campaigns.c.id).where(campaigns.c.slug == "welcome.1.hello")).scalar_one()
    lifecycle.pause(group.database, number, "look", now=group.now)
    group.join("ada")
    group.run()
    assert (group.states(), group.where("ada")) == ({}, [("inside", "", "hello")])
    lifecycle.resume(group.database, number, now=group.now)
    group.later(minutes=1)
    group.run()
    assert group.mails("ada") == ["hello"]
    assert lifecycle.finish_if_done(group.database, number, now=group.now) is False


def test_mail_leaves_in_the_hours_of_each_persons_zone(group: Group) -> None:
    group.start(WELCOME.replace("\n[trigger]", f"{ALL_DAY}\n[trigger]", 1))
    for name, zone in (("london", ""), ("auckland", "Pacific/Auckland"), ("kolkata", "Asia/Kolkata")):
        person = group.join(name)
        with group.database.write() as connection:
            connection.execute(update(people).where(people.c.id == person).values(timezone=zone))
    left: dict[str, int] = {}
    for hour in range(24):  # from 9:00 in London
        group.run()
        for name in ("london", "auckland", "kolkata"):
            if group.mails(name):
                left.setdefault(name, hour)
        group.later(hours=1)
    assert left == {"london": 0, "kolkata": 0, "auckland": 10}  # 8:00 there is 19:00 UTC


def test_a_mail_that_is_too_late_is_passed_over_and_said_so(group: Group) -> None:
    group.start(WELCOME.replace('send = "second.md"', 'send = "second.md"\nnot_after = "1 day"'))
    group.join("ada")
    group.run()
    group.later(days=5)
    group.run()
    assert group.mails("ada") == ["hello"]
    with group.database.read() as connection:
        (told,) = way_of(connection, "welcome", group.person("ada"))
    assert [(step, state) for step, state, _ in told.mails] == [("hello", "sent"), ("second", "skipped")]
    assert (told.state, told.reason) == ("ended", "")


def test_after_an_outage_a_person_does_not_get_all_mails_at_once(group: Group) -> None:
    group.start(WELCOME)
    group.join("ada")
    group.run(sends=False)
    group.later(days=10)
    group.run()
    assert group.mails("ada") == ["hello"]  # which waited for ten days, and "second" for it
    group.join("bob")
    group.later(days=10)
    group.run()
    assert group.mails("bob") == ["hello"]  # the wait begins with the mail
    group.pass_days(4)
    assert group.mails("bob") == ["hello", "second"]


def test_ways_part_and_tags_are_put_on(group: Group) -> None:
    group.start(
        """\
        title = "Parts"
        list = "supporters"
        [trigger]
        joined = "supporters"
        [steps.asks]
        if = 'supporter.country == "FR"'
        then = "mark"
        else = "hello"
        [steps.mark]
        tag = "french"
        next = "end"
        [steps.hello]
        send = "hello.md"
        """
    )
    french = group.person("fleur")
    with group.database.write() as connection:
        connection.execute(update(people).where(people.c.id == french).values(country="FR"))
    group.join("fleur")
    group.join("ada")
    group.run()
    assert (group.mails("fleur"), group.mails("ada")) == ([], ["hello"])
    with group.database.read() as connection:
        assert list(connection.execute(tagged_with("french")).scalars()) == [french]


def test_inactive_is_lifted_as_soon_as_they_act(group: Group) -> None:
    group.start(
        """\
        title = "Still there"
        list = "supporters"
        [trigger]
        joined = "supporters"
        [steps.hello]
        send = "hello.md"
        [steps.over]
        end = "inactive"
        """
    )
    group.join("ada")
    group.run()
    group.later(minutes=1)
    group.run()

    def stopped() -> int:
        with group.database.read() as connection:
            return len(connection.execute(select(suppressions)).all())

    assert (group.mails("ada"), stopped()) == (["hello"], 1)
    orders.stop(group.database, "welcome", group.actor, now=group.now)
    group.later(hours=1)
    group.run()
    assert stopped() == 1
    group.sign("ada")
    group.later(hours=1)
    group.run()
    assert stopped() == 0


def test_it_starts_only_as_it_was_approved(group: Group) -> None:
    studio = StudioSettings(approvals=1, approver_may_be_writer=True)
    group.workspace = replace(group.workspace, settings=replace(group.workspace.settings, studio=studio))
    with pytest.raises(NotApproved):
        group.start(WELCOME)

    def content() -> NewsletterContent:
        newsletter = group.workspace.newsletter("welcome")
        return plan_automation(group.database, newsletter, now=group.now, everyone=False).content

    approved = content()
    with group.database.write() as connection:
        approve(connection, group.actor, approved, seen=approved.digest, settings=studio, at=group.now)
    second = group.workspace.newsletters / "welcome" / "second.md"
    second.write_text(second.read_text("utf-8").replace("good to have you", "great to have you"), "utf-8")
    (change,) = changes(approved, content())
    assert change.part == "second: Mail, paragraph 2"
    with pytest.raises(NotApproved, match="changed since"):
        orders.start(
            group.database, plan_automation(group.database, group.workspace.newsletter("welcome"), now=group.now),
            group.actor, settings=studio, now=group.now,
        )  # fmt: skip
    assert group.start(WELCOME) == 1


def test_a_mail_of_an_open_campaign_is_given_up_by_its_attempts() -> None:
    put_off, now = Outcome(Fate.DEFERRED, "450", "later"), datetime(2026, 11, 24, tzinfo=UTC)
    assert not is_given_up(put_off, attempt=MOST_ATTEMPTS - 1, now=now, since=None)
    assert is_given_up(put_off, attempt=MOST_ATTEMPTS, now=now, since=None)


def test_everybody_is_in_the_ledger_with_their_entry(group: Group) -> None:
    group.start(WELCOME)
    for n in range(5):
        group.join(f"p{n}")
    group.run()
    with group.database.read() as connection:
        rows = connection.execute(select(deliveries.c.id, deliveries.c.entry, deliveries.c.person_id)).all()
    assert len({row.entry for row in rows}) == len({row.id for row in rows}) == 5


@pytest.mark.parametrize(
    ("until", "zone", "comes"),  # from Tuesday 24 November 2026, 9:00 UTC
    [
        ('"Tuesday 09:30"', "", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ('"Tuesday 09:00"', "", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ('"Tuesday 09:00"', "Pacific/Kiritimati", datetime(2026, 11, 30, 19, tzinfo=UTC)),
        ('"09:00"', "Asia/Kolkata", datetime(2026, 11, 25, 3, 30, tzinfo=UTC)),
        ('"09:00"', "Nowhere/Atlantis", datetime(2026, 11, 25, 9, tzinfo=UTC)),
        ('"Monday 09:00"\nnot_after = "2 days"', "", datetime(2026, 11, 26, 9, tzinfo=UTC)),
    ],
)
def test_people_wait_until_an_hour_of_their_own_clock(group: Group, until: str, zone: str, comes: datetime) -> None:
    group.start(WELCOME.replace('wait = "3 days"', f"until = {until}"))
    person = group.join("ada")
    with group.database.write() as connection:
        connection.execute(update(people).where(people.c.id == person).values(timezone=zone))
    group.run()
    group.now = comes - timedelta(minutes=1)
    group.run()
    assert group.mails("ada") == ["hello"]
    group.now = comes
    group.run()
    assert group.mails("ada") == ["hello", "second"]


def test_the_mail_of_a_step_is_reported_and_left_like_a_newsletters(group: Group) -> None:
    group.start(WELCOME)
    group.join("ada")
    group.run()
    with group.database.read() as connection:
        (mail,) = connection.execute(select(deliveries.c.id)).scalars()
        told = figures(connection, "welcome.1.hello")
    assert (told.delivered.sent, told.audience) == (1, 1)
    group.later(minutes=1)
    with group.database.write() as connection:
        leave_campaign(connection, delivery_id=mail, how="link", at=group.now)
    group.pass_days(5)
    assert group.mails("ada") == ["hello"]
    assert group.where("ada") == [("left", "left the list", "three-days")]


@pytest.mark.parametrize("resend", [True, False])
@pytest.mark.parametrize("leaves", [True, False])
def test_staff_decide_about_a_steps_uncertain_mail(group: Group, resend: bool, leaves: bool) -> None:
    """They go on meanwhile; a mail that is sent again asks once more whether they are still inside."""
    group.start(WELCOME)
    group.join("ada")
    group.run()
    with group.database.write() as connection:
        connection.execute(update(deliveries).values(state="uncertain"))
    group.pass_days(1)
    assert group.where("ada") == [("inside", "", "three-days")]
    with group.database.read() as connection:
        (stuck,) = stuck_mails(connection)
    assert (stuck.campaign, stuck.uncertain, stuck.is_paused) == ("welcome.1.hello", 1, False)
    if leaves:
        group.leave("ada")
    campaign_orders.resolve(group.database, "welcome.1.hello", group.actor, resend=resend, now=group.now)
    group.later(minutes=1)
    group.run()
    assert group.states() == {"skipped" if resend and leaves else "sent": 1}
    with group.database.read() as connection:
        assert stuck_mails(connection) == []
