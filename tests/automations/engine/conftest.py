"""A small group with an automation: its clock, its people and what they do, its runs, and what arrived."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from textwrap import dedent

import pytest
from sqlalchemy import select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import forget, leave, list_id, subscribe
from mailer.audience.consent.subscribe import lift
from mailer.automations.control import orders
from mailer.automations.control.planned import plan_automation
from mailer.automations.engine.due import run_due
from mailer.delivery.sending.run import Runner, RunReport
from mailer.delivery.sending.run_control import Stop
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.store.engine.dialects import insert_for
from mailer.store.tables.automations import automation_entries, automations
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.inbound import replies, signatures, statements
from mailer.workspace import Workspace
from tests.automations.conftest import Write
from tests.delivery.world import KEY

PETITION = """\
---
title: Keep the library open
headline: Keep the library open
statement: I ask the council to keep the library open.
button: Sign
---

Sign here.
"""


class Group:
    """What happens in a group that has one automation. Days and hours go by when `later` says so."""

    def __init__(self, workspace: Workspace, database: Database, write: Write, now: datetime) -> None:
        self.workspace, self.database, self.write, self.now = workspace, database, write, now
        self.actor = terminal()

    def clock(self) -> datetime:
        return self.now

    def later(self, **length: float) -> None:
        self.now += timedelta(**length)

    # The automation

    def start(self, text: str, slug: str = "welcome") -> int:
        newsletter = self.write(dedent(text), slug=slug)
        planned = plan_automation(self.database, newsletter, now=self.now, everyone=False)
        settings = self.workspace.settings.studio
        return orders.start(self.database, planned, self.actor, settings=settings, now=self.now)

    def run(self, *, moves: bool = True, sends: bool = True) -> RunReport | None:
        """One `mailer run`."""
        if moves:
            run_due(self.database, clock=self.clock, zone="Europe/London", due=lambda: "")
        if not sends:
            return None
        return Runner(self.workspace, self.database, clock=self.clock, stop=Stop()).run()

    def pass_days(self, days: int, *, hours: int = 24) -> None:
        """A run every so many hours."""
        for _ in range(days * 24 // hours):
            self.later(hours=hours)
            self.run()

    # People

    def person(self, name: str) -> int:
        address = f"{name}@example.org"
        with self.database.write() as connection:
            row = {
                "address": address, "address_hash": address_hash(address, KEY), "first_name": name,
                "created_at": self.now, "updated_at": self.now,
            }  # fmt: skip
            connection.execute(insert_for(connection, people).values(row).on_conflict_do_nothing())
            return connection.execute(select(people.c.id).where(people.c.address == address)).scalar_one()

    def join(self, name: str, *, how: str = "form", to: str = "supporters") -> int:
        person = self.person(name)
        with self.database.write() as connection:
            subscribe(
                connection, person_id=person, list_id=list_id(connection, to), how=how, source="x", wording="Yes",
                at=self.now,
            )  # fmt: skip
            lift(connection, address_hash=address_hash(f"{name}@example.org", KEY), list_id=list_id(connection, to))
        return person

    def leave(self, name: str) -> None:
        with self.database.write() as connection:
            number = list_id(connection, "supporters")
            person = connection.execute(select(people.c.id).where(people.c.address == f"{name}@example.org")).scalar()
            leave(connection, person_id=person or -1, list_ids=[number], how="link", source="x", at=self.now)

    def forget(self, name: str) -> None:
        with self.database.write() as connection:
            forget(connection, address=f"{name}@example.org")

    def sign(self, name: str, page: str = "library") -> None:
        person = self.person(name)
        with self.database.write() as connection:
            words = {"page": page, "text": "Keep it open"}
            connection.execute(insert_for(connection, statements).values(words).on_conflict_do_nothing())
            number = connection.execute(select(statements.c.id).where(statements.c.page == page)).scalar_one()
            row = {
                "page": page, "person_id": person, "statement_id": number, "signed_at": self.now,
                "changed_at": self.now,
            }  # fmt: skip
            connection.execute(insert_for(connection, signatures).values(row).on_conflict_do_nothing())

    def reply(self, name: str, *, kind: str = "human") -> None:
        """To the last mail they got."""
        with self.database.write() as connection:
            theirs = (
                select(deliveries.c.id, deliveries.c.campaign_id)
                .join(people, people.c.id == deliveries.c.person_id)
                .where(people.c.address == f"{name}@example.org")
                .order_by(deliveries.c.changed_at.desc())
            )
            mail = connection.execute(theirs).first()
            if mail is not None:
                row = {
                    "key": f"{name} {self.now}", "at": self.now, "kind": kind, "state": "new",
                    "campaign_id": mail.campaign_id, "delivery_id": mail.id, "changed_at": self.now,
                }  # fmt: skip
                connection.execute(insert_for(connection, replies).values(row).on_conflict_do_nothing())

    # What came of it

    def mails(self, name: str) -> list[str]:
        """The steps whose mail left for somebody, in order."""
        query = (
            select(campaigns.c.slug)
            .join(deliveries, deliveries.c.campaign_id == campaigns.c.id)
            .join(people, people.c.id == deliveries.c.person_id)
            .where(people.c.address == f"{name}@example.org", deliveries.c.state == "sent")
            .order_by(deliveries.c.changed_at, deliveries.c.id)
        )
        with self.database.read() as connection:
            return [slug.rpartition(".")[2] for slug in connection.execute(query).scalars()]

    def where(self, name: str) -> list[tuple[str, str, str]]:
        """Their entries: state, reason, step."""
        entry = automation_entries.c
        query = (
            select(entry.state, entry.reason, entry.step)
            .join(people, people.c.id == entry.person_id)
            .where(people.c.address == f"{name}@example.org")
            .order_by(entry.id)
        )
        with self.database.read() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def states(self) -> Counter[str]:
        with self.database.read() as connection:
            return Counter(connection.execute(select(deliveries.c.state)).scalars())

    def state(self, slug: str = "welcome") -> str:
        with self.database.read() as connection:
            return connection.execute(select(automations.c.state).where(automations.c.slug == slug)).scalar_one()


@pytest.fixture
def group(workspace: Workspace, database: Database, write: Write, now: datetime) -> Group:
    folder = workspace.newsletters / "library"
    folder.mkdir()
    (folder / "action.md").write_text(PETITION, encoding="utf-8")
    return Group(workspace, database, write, now)
