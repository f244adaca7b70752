"""What puts people into an automation, each kind: those it holds for come in once, and nobody else."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from mailer.audience.tags import add_tags, remove_tags
from mailer.store.tables.core import campaigns, deliveries, hits, people
from mailer.store.tables.inbound import delivered_petitions
from tests.automations.engine.conftest import Group
from tests.delivery.world import launch

ONE_MAIL = """\
title = "One mail"
list = "supporters"
{more}
[trigger]
{trigger}

[steps.hello]
send = "hello.md"
"""


def one_mail(trigger: str, more: str = "") -> str:
    return ONE_MAIL.format(trigger=trigger, more=more)


def got(group: Group, *names: str) -> list[int]:
    return [len(group.mails(name)) for name in names]


def test_joining_by_an_import_is_no_joining(group: Group) -> None:
    group.start(one_mail('joined = "supporters"'))
    group.join("form")
    group.join("imported", how="import")
    group.join("elsewhere", to="updates")
    group.run()
    assert got(group, "form", "imported", "elsewhere") == [1, 0, 0]


def test_signing_counts_from_the_start_on_and_of_those_who_confirm_later(group: Group) -> None:
    group.join("before")
    group.sign("before")
    group.start(one_mail('signed = "library"'))
    group.join("ada")
    group.sign("ada")
    group.sign("ada")
    group.sign("later")  # presses the link of the list a day later
    group.sign("stranger")
    group.run()
    assert got(group, "before", "ada", "later", "stranger") == [0, 1, 0, 0]
    group.later(days=1)
    group.join("later")
    group.run()
    assert got(group, "before", "ada", "later", "stranger") == [0, 1, 1, 0]


def test_a_newsletter_that_was_mailed_lets_in_whoever_got_it_but_who_signed(group: Group) -> None:
    for name in ("got", "signed", "skipped"):
        group.join(name)
    campaign = launch(group.database, count=3, now=group.now, slug="appeal")
    with group.database.write() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.campaign_id == campaign).values(state="sent", changed_at=group.now)
        )
        skipped = select(people.c.id).where(people.c.address == "skipped@example.org").scalar_subquery()
        connection.execute(update(deliveries).where(deliveries.c.person_id == skipped).values(state="skipped"))
        connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(state="finished"))
    group.sign("signed")
    group.start(one_mail('sent = "appeal"', 'goals = ["library"]'))
    group.run()
    assert (len(group.where("got")), group.where("signed"), group.where("skipped")) == (1, [], [])
    with group.database.write() as connection:  # a late answer: it had arrived
        connection.execute(
            update(deliveries).where(deliveries.c.person_id == skipped).values(state="sent", changed_at=group.now)
        )
    group.later(minutes=11)
    group.run()
    assert [len(group.where(name)) for name in ("got", "signed", "skipped")] == [1, 0, 1]


def test_a_delivered_petition_lets_its_signers_in_once_it_is_noted(group: Group) -> None:
    group.join("ada")
    group.sign("ada")
    group.start(one_mail('delivered = "library"'))
    group.run()
    assert got(group, "ada") == [0]
    with group.database.write() as connection:
        noted = {"page": "library", "day": "2026-11-24", "signatures": 1, "noted_at": group.now}
        connection.execute(insert(delivered_petitions).values(noted))
    group.later(minutes=11)
    group.run()
    group.later(minutes=11)
    group.run()
    assert got(group, "ada") == [1]


def test_a_tag_lets_in_those_who_may_be_mailed_also_when_they_join_later(group: Group) -> None:
    def tag(*names: str) -> None:
        who = select(people.c.id).where(people.c.first_name.in_(names))
        with group.database.write() as connection:
            add_tags(connection, who, ["Volunteer"], source="x", at=group.now)

    group.join("ada")
    group.person("later")
    tag("ada", "later")
    group.start(one_mail('tagged = "volunteer"', 'again_after = "10 days"'))
    group.run()
    assert got(group, "ada", "later") == [1, 0]
    group.join("later")
    group.later(minutes=2)
    group.run()
    assert got(group, "ada", "later") == [1, 1]
    group.pass_days(20, hours=48)
    assert got(group, "ada", "later") == [1, 1]  # still tagged, which is no reason to come in again
    with group.database.write() as connection:
        remove_tags(connection, select(people.c.id).where(people.c.first_name == "ada"), ["volunteer"])
    tag("ada")
    group.later(minutes=2)
    group.run()
    assert got(group, "ada", "later") == [2, 1]


def test_silence_is_of_those_who_were_mailed_and_did_nothing(group: Group) -> None:
    for name in ("silent", "clicks", "signs", "untracked", "unmailed"):
        group.join(name)
    group.leave("unmailed")
    campaign = launch(group.database, count=4, now=group.now, slug="appeal")
    group.join("unmailed")
    group.later(days=20)
    with group.database.write() as connection:
        connection.execute(
            update(deliveries).where(deliveries.c.campaign_id == campaign).values(state="sent", changed_at=group.now)
        )
        connection.execute(update(campaigns).where(campaigns.c.id == campaign).values(state="finished"))
        connection.execute(update(people).where(people.c.first_name == "untracked").values(tracking=False))
        theirs = select(deliveries.c.id).join(people, people.c.id == deliveries.c.person_id)
        mail = connection.execute(theirs.where(people.c.first_name == "clicks")).scalar_one()
        hit = {
            "campaign_id": campaign, "delivery_id": mail, "n": 1, "at": group.now, "method": "GET", "headers": {},
            "network": b"", "verdict": "human", "rules": 1,
        }  # fmt: skip
        connection.execute(insert(hits).values(hit))
    group.sign("signs")
    group.later(days=15)
    group.start(one_mail('silent = "30 days"'))
    group.run()
    names = ("silent", "clicks", "signs", "untracked", "unmailed")
    assert [len(group.where(name)) for name in names] == [1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("trigger", "born", "day"),
    [
        ('date = "birthday"\nyearly = true', "1984-11-27", 3),
        ('date = "birthday"\nyearly = true\ndays = -2', "1984-11-27", 1),
        ('date = "birthday"', "2026-11-27", 3),
        ('date = "birthday"', "1984-11-27", None),
        ('date = "birthday"\nyearly = true', "soon", None),
    ],
)
def test_a_day_in_a_field_comes(group: Group, trigger: str, born: str, day: int | None) -> None:
    person = group.join("ada")
    with group.database.write() as connection:
        connection.execute(update(people).where(people.c.id == person).values(attributes={"birthday": born}))
    group.start(one_mail(trigger))
    counts: list[int] = []
    for _ in range(6):
        group.run()
        counts += got(group, "ada")
        group.later(days=1)
    assert counts == [int(day is not None and number >= day) for number in range(6)]


def test_each_year_once(group: Group) -> None:
    person = group.join("ada")
    with group.database.write() as connection:
        connection.execute(update(people).where(people.c.id == person).values(attributes={"birthday": "1984-02-29"}))
    group.start(one_mail('date = "birthday"\nyearly = true'))
    group.pass_days(366 * 3, hours=24 * 3)
    assert got(group, "ada") == [3]
