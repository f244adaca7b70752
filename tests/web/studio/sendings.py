"""What tests of Results, Following and Today send: a newsletter that left by the outbox, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from http.client import HTTPConnection
from queue import Queue
from socket import SHUT_RDWR

from sqlalchemy import insert, select, update

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id
from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.lifecycle import launch_now
from mailer.delivery.campaigns.plan import compile_newsletter
from mailer.delivery.sending.run import Runner, RunReport
from mailer.delivery.sending.run_control import Stop
from mailer.staff.actor import Actor
from mailer.store.tables.core import campaigns, deliveries, hits, links, people, subscriptions
from mailer.store.tables.inbound import signatures, statements
from mailer.store.tables.states import DeliveryState, Membership, Verdict
from mailer.tracking.bot_rules import RULES
from mailer.web.studio.core.context import Studio
from tests.patience import HANG_SECONDS
from tests.reports.builders import ADDRESS_KEY, HEADERS
from tests.web.client import BROWSER
from tests.web.studio.conftest import SLUG, House


def launch(studio: Studio, *, slug: str = SLUG, by: Actor | None = None, now: datetime | None = None) -> int:
    """Freeze the newsletter and everybody of its list; nobody is mailed yet. Returns the campaign's number."""
    workspace, database = studio.reader.read(), studio.database
    plan = compile_newsletter(database, read_source(workspace.newsletter(slug))).plan
    assert plan is not None
    with database.read() as connection:
        expected = len(connection.execute(select(people.c.id)).all())
    return launch_now(database, plan, expected=expected, now=now or studio.clock(), by=by)


def send(studio: Studio) -> RunReport:
    """What cron does: everything that is due leaves, into the outbox."""
    return Runner(studio.reader.read(), studio.database, clock=studio.clock, stop=Stop()).run()


def set_state(
    studio: Studio, campaign_id: int, persons: tuple[int, ...], state: DeliveryState, **values: object
) -> None:
    """Put the deliveries of these people into a state."""
    values = {"state": state, "changed_at": studio.clock(), **values}
    mine = (deliveries.c.campaign_id == campaign_id, deliveries.c.person_id.in_(persons))
    with studio.database.write() as connection:
        connection.execute(update(deliveries).where(*mine).values(values))


def sign(studio: Studio, campaign_id: int, person: int, *, n: int, after: timedelta = timedelta(minutes=5)) -> None:
    """Somebody follows the link `n` of their mail and signs."""
    at = studio.clock() + after
    with studio.database.write() as connection:
        mine = (deliveries.c.campaign_id == campaign_id, deliveries.c.person_id == person)
        delivery = connection.execute(select(deliveries.c.id).where(*mine)).scalar_one()
        slug = connection.execute(select(campaigns.c.slug).where(campaigns.c.id == campaign_id)).scalar_one()
        if connection.execute(select(statements.c.id)).first() is None:
            connection.execute(insert(statements).values(id=1, page=slug, text="I ask."))
        connection.execute(
            insert(hits).values(
                campaign_id=campaign_id, delivery_id=delivery, n=n, at=at, method="GET",
                headers=HEADERS[Verdict.HUMAN], network=b"", verdict=Verdict.HUMAN, rules=RULES,
            )
        )  # fmt: skip
        connection.execute(
            insert(signatures).values(
                page=slug, person_id=person, statement_id=1, signed_at=at, changed_at=at, campaign_id=campaign_id,
                delivery_id=delivery, n=n,
            )
        )  # fmt: skip


def ask_links(studio: Studio, campaign_id: int) -> list[int]:
    """The numbers of the links that lead to signing."""
    with studio.database.read() as connection:
        found = select(links.c.n).where(links.c.campaign_id == campaign_id, links.c.is_action).order_by(links.c.n)
        return list(connection.execute(found).scalars())


def more_people(studio: Studio, numbers: range) -> None:
    """More people on the list, so that a send takes a while."""
    now = studio.clock()
    with studio.database.write() as connection:
        on = list_id(connection, "supporters")
        rows = [(n, f"mary{n}@example.org") for n in numbers]
        connection.execute(insert(people), [
            {"id": n, "address": address, "address_hash": address_hash(address, ADDRESS_KEY), "created_at": now,
             "updated_at": now} for n, address in rows
        ])  # fmt: skip
        connection.execute(insert(subscriptions), [
            {"list_id": on, "person_id": n, "status": Membership.SUBSCRIBED, "changed_at": now} for n, _ in rows
        ])  # fmt: skip


@contextmanager
def hearing(house: House, path: str, *, cookie: str | None = None) -> Generator[Queue[str]]:
    """The server-sent events of an address, as they come; "" at their end."""
    heard: Queue[str] = Queue()
    connection = HTTPConnection("127.0.0.1", house.port, timeout=HANG_SECONDS)
    connection.request("GET", path, headers={**BROWSER, "Cookie": house.cookie if cookie is None else cookie})
    answer = connection.getresponse()
    assert answer.status == 200

    def listen() -> None:
        with suppress(OSError, ValueError, AttributeError):  # we hung up
            for line in answer:
                if line.startswith(b"data: "):
                    heard.put(line.removeprefix(b"data: ").decode().rstrip("\n"))
        heard.put("")

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield heard
    finally:
        assert connection.sock is None or not connection.sock.shutdown(SHUT_RDWR)
        thread.join()
        answer.close()
        connection.close()


def heard_until(heard: Queue[str], holds: Callable[[str], bool]) -> str:
    """The first event that fits."""
    while event := heard.get(timeout=HANG_SECONDS):
        if holds(event):
            return event
    raise AssertionError("the events ended")
