"""A small world to send in: people on a list, a hand-made message, a campaign; and what the ledger says afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id
from mailer.audience.selection.spec import Audience
from mailer.compose.message import Context, Link, Message, PlannedTest, Slot
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.lifecycle import launch_now
from mailer.delivery.ledger.ledger import NO_BOUNDS, Bounds, Worker
from mailer.delivery.ledger.warm_up import WarmUp
from mailer.settings import Pace, Secrets, Settings
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, people, subscriptions
from mailer.transports.base import Fate, Outcome
from mailer.workspace import Newsletter, Workspace

KEY = b"an-address-key-for-tests-that-is-long-enough"
ACCEPTED = Outcome(Fate.ACCEPTED)

MESSAGE = Message(
    slug="appeal",
    list="supporters",
    language="en",
    direction="ltr",
    from_="Example Campaigns <appeals@example.org>",
    reply_to="",
    public_url="https://mail.example.org",
    subject=("Dear ", 0, ", one minute"),
    preheader=("Add your name",),
    html=("<p>Dear ", 1, '</p><p><a href="', 2, '/1">Add your name</a> <a href="', 3, '">Leave</a></p>'),
    text=("Dear ", 4, "\n\nAdd your name: ", 5, "/1\nLeave: ", 6, "\n"),
    slots=(
        Slot('supporter.first_name | default("friend")', Context.HEADER),
        Slot('supporter.first_name | default("friend")', Context.HTML),
        Slot("click_url", Context.ATTRIBUTE),
        Slot("unsubscribe_url", Context.ATTRIBUTE),
        Slot('supporter.first_name | default("friend")', Context.TEXT),
        Slot("click_url", Context.TEXT),
        Slot("unsubscribe_url", Context.TEXT),
    ),
    links=(
        Link(1, "https://action.example.org/act", ("https://action.example.org/act",), "Add your name", "button", True),
    ),
    constants={"list": {"title": "Supporters", "list_id": "supporters.lists.example.org"}},
)

FRENCH = replace(
    MESSAGE,
    language="fr",
    subject=("Une minute, ", 0),
    html=("<p>Bonjour ", 1, '</p><p><a href="', 2, '/2">Je signe</a> <a href="', 3, '">Partir</a></p>'),
    text=("Bonjour ", 4, "\n\nJe signe: ", 5, "/2\nPartir: ", 6, "\n"),
    links=tuple(replace(link, n=2, label="Je signe") for link in MESSAGE.links),
)
TRANSLATED = replace(MESSAGE, translations=(FRENCH,), otherwise="en")


def other(message: Message, n: int) -> Message:
    """Another version of it, whose link has this number."""
    html = tuple(part.replace(f"/{message.links[0].n}", f"/{n}") if isinstance(part, str) else part
                 for part in message.html)  # fmt: skip
    subject = (f"Version {n}: ", *message.subject)
    return replace(message, subject=subject, html=html, links=tuple(replace(link, n=n) for link in message.links))


TESTED = replace(MESSAGE, test=PlannedTest(share=0.3), variants=(other(MESSAGE, 3),))
# Three versions in two languages.
TESTED_TRANSLATED = replace(
    TRANSLATED,
    test=PlannedTest(share=0.5),
    variants=tuple(replace(other(TRANSLATED, n), translations=(other(FRENCH, n + 1),)) for n in (3, 5)),
)


def newsletter_in(root: Path) -> Newsletter:
    """The appeal of a workspace at `root`, whether or not there is anything."""
    return Newsletter(Workspace(root, Settings(root), Secrets()), "appeal")


NOWHERE = newsletter_in(Path())  # for campaigns without pictures


def add_people(database: Database, count: int, *, now: datetime, first: int = 0) -> list[int]:
    """`count` people at example.org, from person`first` on, subscribed to "supporters"."""
    with database.write() as connection:
        number = list_id(connection, "supporters")
        rows = [
            {
                "address": f"person{n}@example.org",
                "address_hash": address_hash(f"person{n}@example.org", KEY),
                "first_name": f"First{n}",
                "created_at": now,
                "updated_at": now,
            }
            for n in range(first, first + count)
        ]
        connection.execute(insert(people), rows)
        added = select(people.c.id).where(people.c.address.in_([row["address"] for row in rows]))
        ids = list(connection.execute(added.order_by(people.c.id)).scalars())
        standing = {"list_id": number, "status": "subscribed", "changed_at": now}
        connection.execute(insert(subscriptions), [{**standing, "person_id": person} for person in ids])
    return ids


def launch(
    database: Database, *, count: int, now: datetime, transport: str = "outbox", slug: str = "appeal",
    message: Message = MESSAGE,
) -> int:  # fmt: skip
    """A campaign to everybody on the list; its id."""
    plan = Plan(replace(message, slug=slug), Audience(include=("supporters",)), NOWHERE, transport=transport)
    return launch_now(database, plan, expected=count, now=now)


def states(database: Database, slug: str = "appeal") -> dict[str, int]:
    """How many deliveries of a campaign are in each state."""
    of_it = deliveries.c.campaign_id == select(campaigns.c.id).where(campaigns.c.slug == slug).scalar_subquery()
    with database.read() as connection:
        return dict(Counter(connection.execute(select(deliveries.c.state).where(of_it)).scalars()))


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def worker(
    database: Database, campaign_id: int, clock: Callable[[], datetime], pace: Pace | None = None,
    *, bounds: Bounds = NO_BOUNDS,
) -> Worker:  # fmt: skip
    """A worker of its own on the campaign."""
    with database.write() as connection:
        number = list_id(connection, "supporters")
    warm_up = WarmUp(pace or Pace(), transport="outbox")
    return Worker(database, campaign_id=campaign_id, list_ids=[number], clock=clock, warm_up=warm_up, bounds=bounds)
