"""What tests of Results, Following and Today send: a newsletter that left by the outbox, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from mailer.delivery.campaigns.lifecycle import launch_now
from mailer.delivery.campaigns.plan import read_draft
from mailer.delivery.sending.run import Runner, RunReport
from mailer.delivery.sending.run_control import Stop
from mailer.staff.actor import Actor
from mailer.store.tables.core import campaigns, deliveries, hits, links, people
from mailer.store.tables.inbound import signatures, statements
from mailer.store.tables.states import DeliveryState, Verdict
from mailer.tracking.bot_rules import RULES
from mailer.web.studio.core.context import Studio
from tests.reports.builders import HEADERS
from tests.web.studio.conftest import SLUG


def launch(studio: Studio, *, slug: str = SLUG, by: Actor | None = None, now: datetime | None = None) -> int:
    """Freeze the newsletter and everybody of its list; nobody is mailed yet. Returns the campaign's number."""
    workspace, database = studio.reader.read(), studio.database
    plan = read_draft(workspace, database, slug).plan
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
    mine = (deliveries.c.campaign_id == campaign_id, deliveries.c.person_id.in_(persons))
    with studio.database.write() as connection:
        connection.execute(update(deliveries).where(*mine).values(state=state, changed_at=studio.clock(), **values))


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
