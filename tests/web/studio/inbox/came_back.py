"""What came back of a newsletter that left: a scanner's unsubscribes, and more."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select

from mailer.delivery.subscriptions.presses import Presser, note_press
from mailer.delivery.subscriptions.unsubscribe import leave_campaign
from mailer.store.tables.core import deliveries, subscriptions
from tests.web.studio.conftest import House
from tests.web.studio.sendings import launch, more_people, send

PEOPLE = 12
SCANNED = range(1, 7)


def leave(house: House) -> int:
    """The newsletter goes to twelve people; the number of its campaign."""
    more_people(house.studio, range(4, PEOPLE + 1))
    campaign = launch(house.studio)
    send(house.studio)
    return campaign


def numbers_of(house: House, campaign: int) -> dict[int, int]:
    """The delivery of each person."""
    query = select(deliveries.c.person_id, deliveries.c.id).where(deliveries.c.campaign_id == campaign)
    with house.studio.database.read() as connection:
        return {row.person_id: row.id for row in connection.execute(query)}


def scan(house: House, campaign: int) -> None:
    """A scanner presses for half of them, within seconds."""
    numbers, now = numbers_of(house, campaign), house.studio.clock()
    with house.studio.database.write() as connection:
        for person in SCANNED:
            at = now + timedelta(seconds=person)
            leave_campaign(connection, delivery_id=numbers[person], how="link", at=at)
            note_press(connection, numbers[person], Presser("Scanner/1.0", b"network!"), how="link", at=at)


def on_the_list(house: House) -> set[int]:
    """Who is subscribed now."""
    query = select(subscriptions.c.person_id).where(subscriptions.c.status == "subscribed")
    with house.studio.database.read() as connection:
        return set(connection.execute(query).scalars())


def words(text: str) -> str:
    """What the page says, without its tags."""
    main = text.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())
