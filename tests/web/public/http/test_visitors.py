"""Who a visit is by, and whether they are on a list, as both engines tell it."""

from __future__ import annotations

from datetime import timedelta

from mailer.store.engine.database import Database
from mailer.tracking.tokens import LinkVisit, Named
from mailer.web.public.http.visitors import is_on, visitor
from tests.conftest import NOW
from tests.reports.builders import add_campaign, add_deliveries, add_people, delivery_id, make_message

FRESH = timedelta(days=2)


def test_a_visit_is_by_the_person_its_mail_went_to(database: Database) -> None:
    with database.write() as connection:
        add_people(connection, 3, now=NOW)
        add_campaign(connection, make_message(), now=NOW)
        add_deliveries(connection, (1, 2), now=NOW)
    visit, unknown = (LinkVisit(Named(delivery_id(number)), 2, NOW) for number in (2, 9))
    with database.read() as connection:
        who = visitor(connection, visit, now=NOW, fresh=FRESH)
        assert who is not None
        assert who.person_id == 2
        assert who.campaign_id is not None
        assert visitor(connection, unknown, now=NOW, fresh=FRESH) is None
        assert visitor(connection, visit, now=NOW + timedelta(days=3), fresh=FRESH) is None
        assert not is_on(connection, 2, "no such list")
