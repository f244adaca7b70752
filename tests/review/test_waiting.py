"""What is in review, and whose approval it waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailer.review import approvals
from mailer.review.content import NewsletterContent
from mailer.review.waiting import open_reviews, waiting_for
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.actor import Actor
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.review.world import AMINA, MAIL, RHIANNON, SLUG, TOM, Edit, content

ONE, TWO = StudioSettings(approvals=1), StudioSettings(approvals=2)
HOUR = timedelta(hours=1)
EVERYBODY = (AMINA, TOM, RHIANNON)


def waits(database: Database, settings: StudioSettings, who: tuple[Actor, ...] = EVERYBODY) -> list[str]:
    """Whom it waits for."""
    with database.read() as connection:
        found = {one.name: waiting_for(connection, one, settings) for one in who}
    assert all(one.slug == SLUG for several in found.values() for one in several)
    return [name for name, several in found.items() if several]


def ask(database: Database, found: NewsletterContent, at: datetime) -> None:
    with database.write() as connection:
        approvals.ask(connection, RHIANNON, found, at=at)


def approve(database: Database, found: NewsletterContent, who: Actor, settings: StudioSettings, at: datetime) -> None:
    with database.write() as connection:
        approvals.approve(connection, who, found, seen=found.digest, settings=settings, at=at)


def test_it_waits_for_each_approver_until_enough_approved(appeal: Workspace, database: Database, now: datetime) -> None:
    found = content(appeal, database)
    assert waits(database, TWO) == []
    ask(database, found, now)
    assert waits(database, TWO) == ["Amina", "Tom"], "a sender may not approve"
    approve(database, found, AMINA, TWO, now)
    assert waits(database, TWO) == ["Tom"]
    assert waits(database, ONE) == []
    approve(database, found, TOM, TWO, now)
    assert waits(database, TWO) == []


def test_a_withdrawn_approval_and_another_version_wait_again(
    appeal: Workspace, database: Database, now: datetime
) -> None:
    first = content(appeal, database)
    ask(database, first, now)
    approve(database, first, AMINA, ONE, now)
    with database.write() as connection:
        approvals.withdraw(connection, AMINA, first, at=now + HOUR)
    assert waits(database, ONE) == ["Amina", "Tom"]
    approve(database, first, AMINA, ONE, now + 2 * HOUR)
    Edit(MAIL, "Eleven children", "Twelve children")(appeal.root)
    second = content(appeal, database)
    ask(database, second, now + 3 * HOUR)
    assert waits(database, ONE) == ["Amina", "Tom"]
    with database.read() as connection:
        (open_one,) = open_reviews(connection, ONE)
        assert [one.slug for one in open_reviews(connection, ONE, SLUG)] == [SLUG]
        assert open_reviews(connection, ONE, "another") == []
    assert open_one.asked is not None
    assert (open_one.asked.at, open_one.asked.digest) == (now + 3 * HOUR, second.digest)
    Edit(MAIL, "Twelve children", "Thirteen children")(appeal.root)
    approve(database, content(appeal, database), TOM, ONE, now + 4 * HOUR)  # changed and approved without asking
    assert waits(database, ONE) == []


def test_it_does_not_wait_for_its_writer_or_another_lists_approver(
    appeal: Workspace, database: Database, now: datetime
) -> None:
    ask(database, content(appeal, database), now)
    with database.write() as connection:
        audit.record(connection, AMINA, approvals.WROTE[0], at=now, subject=audit.newsletter_subject(SLUG))
    assert waits(database, ONE) == ["Tom"]
    assert waits(database, replace(ONE, approver_may_be_writer=True)) == ["Amina", "Tom"]
    elsewhere = replace(TOM, lists=frozenset({"another"}))
    assert waits(database, ONE, (elsewhere,)) == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.WRITER, Role.SENDER])
def test_it_never_waits_for_who_may_not_approve(
    appeal: Workspace, database: Database, now: datetime, role: Role
) -> None:
    ask(database, content(appeal, database), now)
    assert waits(database, StudioSettings(), (replace(TOM, rights=RIGHTS[role]),)) == []
    assert waits(database, StudioSettings(), (TOM,)) == ["Tom"], "asked for, although the settings need none"
