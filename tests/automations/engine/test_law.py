"""The law of automations: whatever people, staff and the machine do, in whatever order, nobody gets a step twice for
one entry, nobody gets anything after they left, and in the end nobody is left waiting."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile, copytree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from mailer.automations.control import orders
from mailer.automations.engine import mailing
from mailer.errors import MailerError
from mailer.store.engine.database import open_database
from mailer.store.tables.automations import automation_entries
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.store.tables.inbound import signatures
from mailer.workspace import Newsletter, Workspace, find_workspace
from tests.automations.conftest import WELCOME
from tests.automations.engine.conftest import PETITION, Group

TEXT = WELCOME.replace('list = "supporters"', 'list = "supporters"\ngoals = ["library"]\nagain_after = "5 days"', 1)
NAMES = ("ada", "bob")
EVENTS = st.one_of(
    st.tuples(st.sampled_from(["join", "leave", "sign", "reply", "forget", "take_out"]), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["run", "moves", "sends", "edit", "start", "stop", "close", "killed"]), st.just("")),
    st.tuples(st.just("later"), st.sampled_from(["1", "30", "80"])),
)


class Killed(Exception):
    """The process was killed here."""


class Story(Group):
    """A group in which anything may happen, and what is known of it from outside."""

    def __init__(self, workspace: Workspace, write: Callable[..., Newsletter], now: datetime) -> None:
        super().__init__(workspace, open_database(workspace.settings.database_url), write, now)
        self.edits = 0
        self.out: dict[str, datetime] = {}  # who left for good, and when

    def happen(self, what: str, who: str) -> None:
        self.later(minutes=1)
        match what:
            case "later":
                self.later(hours=int(who))
            case "run" | "moves" | "sends":
                self.run(moves=what != "sends", sends=what != "moves")
            case "edit":
                self.edits += 1
            case "start" | "stop" | "close":
                self.order(what)
            case "take_out":
                person = self.person(who)
                with suppress(MailerError):
                    if orders.take_out(self.database, "welcome", person, self.actor, now=self.now):
                        self.out[who] = self.now
            case "killed":
                self.killed()
            case _:
                getattr(self, what)(who)
        if what in ("leave", "sign"):
            self.out[who] = self.now
        if what == "join" and not self.has_signed(who):
            self.out.pop(who, None)
        if what == "forget":
            self.out.pop(who, None)

    def has_signed(self, who: str) -> bool:
        with self.database.read() as connection:
            theirs = select(signatures.c.id).join(people, people.c.id == signatures.c.person_id)
            return connection.execute(theirs.where(people.c.first_name == who)).first() is not None

    def order(self, what: str) -> None:
        if what == "start":
            self.quietly(lambda: self.start(TEXT.replace("3 days", f"{3 + self.edits % 2} days")))
        else:
            order = orders.stop if what == "stop" else orders.close
            self.quietly(lambda: order(self.database, "welcome", self.actor, now=self.now))
            if what == "stop":
                self.out |= dict.fromkeys(NAMES, self.now)

    def quietly(self, what: Callable[[], object]) -> None:
        with suppress(MailerError):  # as things are it can't be done, and nothing was
            what()

    def killed(self) -> None:
        """A run dies as a mail is in the ledger and its person isn't moved on."""
        original = mailing.mail

        def dying(*args: object, **options: object) -> object:
            original(*args, **options)  # type: ignore[arg-type]
            raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("mailer.automations.engine.moving.mail", dying)
            with suppress(Killed):
                self.run(sends=False)

    def check(self) -> None:
        entry = automation_entries.c
        mail = deliveries.c
        with self.database.read() as connection:
            twice = select(mail.campaign_id, mail.person_id, mail.entry).where(mail.person_id.is_not(None))
            twice = twice.group_by(mail.campaign_id, mail.person_id, mail.entry).having(func.count() > 1)
            assert connection.execute(twice).all() == []
            after = (
                select(people.c.first_name, campaigns.c.slug, mail.changed_at)
                .select_from(
                    deliveries.join(people, people.c.id == mail.person_id).join(
                        campaigns, campaigns.c.id == mail.campaign_id
                    )
                )
                .where(mail.state == "sent")
            )
            for name, slug, at in connection.execute(after):
                assert name not in self.out or at <= self.out[name], f"{slug} went to {name} after they had left"
            inside = select(entry.person_id).where(entry.due_at.is_not(None)).group_by(entry.person_id)
            assert connection.execute(inside.having(func.count() > 1)).all() == []
            odd = select(entry.id).where((entry.due_at.is_not(None)) != (entry.state == "inside"))
            assert connection.execute(odd).all() == []
            assert set(connection.execute(select(mail.state).distinct()).scalars()) <= {
                "sent", "queued", "skipped", "cancelled",
            }  # fmt: skip

    def finish(self) -> None:
        """Days go by; in the end nobody is inside who isn't waiting for something, and no mail waits."""
        for _ in range(12):
            self.later(hours=20)
            self.run()
        with self.database.read() as connection:
            waiting = select(func.count()).where(automation_entries.c.due_at.is_not(None))
            assert connection.execute(waiting).scalar() == 0
            queued = select(func.count()).where(deliveries.c.state == "queued")
            assert connection.execute(queued).scalar() == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, max_size=14))
def test_nobody_gets_a_step_twice_and_nobody_after_leaving(
    workspace: Workspace, write: Callable[..., Newsletter], events: list[tuple[str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        copytree(
            workspace.root, root, symlinks=True, ignore=lambda _, names: [n for n in names if n.startswith("mailer.db")]
        )
        copyfile(workspace.root / "mailer.db", root / "mailer.db")
        mine = find_workspace(root, environ={})

        def write_mine(text: str, *_: object, slug: str = "welcome") -> Newsletter:
            made = write(text, slug=slug)
            copytree(made.folder, mine.newsletters / slug, dirs_exist_ok=True)
            return Newsletter(mine, slug)

        page = mine.newsletters / "library"
        page.mkdir()
        (page / "action.md").write_text(PETITION, encoding="utf-8")
        story = Story(mine, write_mine, datetime(2026, 11, 24, 9, tzinfo=UTC))
        try:
            story.start(TEXT)
            for what, who in events:
                story.happen(what, who)
                story.check()
            story.finish()
            story.check()
        finally:
            story.database.close()
