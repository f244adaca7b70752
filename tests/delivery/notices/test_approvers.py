"""Who is mailed when approval is asked for: everybody who may give it, once, with a link that approves nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from mailer.delivery.notices.approvers import ask_for_approval
from mailer.review.approvals import WROTE, approve, steps_of
from mailer.review.content import NewsletterContent
from mailer.settings import StudioSettings
from mailer.staff import audit
from mailer.staff.accounts import Account, add_account, disable_account
from mailer.staff.actor import Actor, terminal
from mailer.staff.rights import Role
from mailer.store.engine.database import Database
from mailer.store.tables.states import ReviewStep
from mailer.workspace import Workspace
from tests.delivery.notices.test_notices import World

SLUG = "2026-11-ask-un-experts"
URL = "https://studio.example.org"


@pytest.fixture
def world(workspace: Workspace, database: Database, now: datetime) -> World:
    settings = replace(workspace.settings, studio=StudioSettings(url=URL, approvals=2))
    return World(replace(workspace, settings=settings), database, now)


@pytest.fixture
def content() -> NewsletterContent:
    return NewsletterContent(SLUG, {"mail": {"list": "supporters"}})


def add(world: World, name: str, role: Role = Role.APPROVER, lists: list[str] | None = None) -> Account:
    with world.database.write() as connection:
        address = f"{name.lower()}@example.org"
        return add_account(connection, terminal(), address, role, at=world.now, name=name, lists=lists)


def ask(world: World, content: NewsletterContent, by: Actor, name: str = "Ask them") -> list[str]:
    with world.database.write() as connection:
        settings = world.workspace.settings
        return list(ask_for_approval(connection, by, content, settings=settings, name=name, at=world.now))


def mailed(world: World) -> list[str]:
    return sorted(envelope.address for _, envelope in world.run().given)


def test_everybody_who_may_approve_is_mailed_once(world: World, content: NewsletterContent) -> None:
    rhiannon = add(world, "Rhiannon", Role.ADMIN).actor("studio")
    for name, role, lists in (
        ("Amina", Role.APPROVER, None), ("Bo", Role.APPROVER, ["supporters"]), ("Eve", Role.APPROVER, ["partners"]),
        ("Vera", Role.VIEWER, None), ("Wil", Role.WRITER, None),
    ):  # fmt: skip
        add(world, name, role, lists)
    gone, gave, wrote = (add(world, name) for name in ("Gone", "Gave", "Wrote"))
    with world.database.write() as connection:
        disable_account(connection, terminal(), gone, at=world.now)
        audit.record(connection, wrote.actor("studio"), WROTE[0], at=world.now, subject=audit.newsletter_subject(SLUG))
        approve(
            connection, gave.actor("studio"), content, seen=content.digest, settings=world.workspace.settings.studio,
            at=world.now,
        )  # fmt: skip
    assert ask(world, content, rhiannon) == ["Amina", "Bo"]
    assert ask(world, content, rhiannon) == [], "it is asked for exactly as it is"
    assert mailed(world) == ["amina@example.org", "bo@example.org"]
    with world.database.read() as connection:
        assert [one.step for one in steps_of(connection, SLUG)] == [ReviewStep.APPROVED, ReviewStep.ASKED]
    changed = replace(content, parts={"mail": {"list": "supporters", "subject": "Another"}})
    assert ask(world, changed, rhiannon) == ["Amina", "Bo", "Gave"]


def test_the_mail_says_who_asks_and_leads_to_the_review(world: World, content: NewsletterContent) -> None:
    add(world, "Amina")
    ask(world, content, terminal(), name="Ask <them>\n\n-> now")
    ((mailing, envelope),) = world.run().given
    subject, text, html = (str(part[0]) for part in (mailing.subject, mailing.text, mailing.html))
    assert envelope.address == "amina@example.org"
    assert "asks you to approve “Ask <them> -> now”" in subject
    assert f"\nRead it:\n{URL}/newsletters/{SLUG}/review\n" in text
    assert f'href="{URL}/newsletters/{SLUG}/review"' in html
    assert "This mail approves nothing" in " ".join(text.split())
    assert "Ask &lt;them&gt;" in html


def test_without_an_address_of_the_studio_nobody_is_mailed(world: World, content: NewsletterContent) -> None:
    add(world, "Amina")
    studio = replace(world.workspace.settings.studio, url="")
    world.workspace = replace(world.workspace, settings=replace(world.workspace.settings, studio=studio))
    assert ask(world, content, terminal()) == []
    assert mailed(world) == []
    with world.database.read() as connection:
        assert [one.step for one in steps_of(connection, SLUG)] == [ReviewStep.ASKED]
