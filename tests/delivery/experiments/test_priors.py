"""What past campaigns say of the next: those that asked, that ended, and that went to more than a few."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from mailer.delivery.experiments.priors import past_prior
from mailer.experiments.beliefs import Prior
from mailer.store.engine.database import Database
from mailer.store.tables.inbound import signatures, statements
from mailer.store.tables.states import CampaignState, DeliveryState
from tests.reports.builders import add_campaign, add_deliveries, add_people, make_message


def test_without_a_past_it_is_what_others_have_seen(database: Database) -> None:
    with database.read() as connection:
        found, fallback = past_prior(connection), Prior.fallback()
    assert (found.mean, found.spread) == (fallback.mean, pytest.approx(fallback.spread, rel=0.02))


def test_the_mean_is_the_median_of_the_last_campaigns_that_asked(database: Database, now: datetime) -> None:
    told = [  # people chosen, of those not sent, signatures
        (1000, 0, 10), (1000, 500, 15), (1000, 0, 90), (50, 0, 50),
    ]  # fmt: skip
    with database.write() as connection:
        connection.execute(insert(statements).values(id=1, page="rivers", text="I ask."))
        add_people(connection, 500, now=now)
        for number, (people, unsent, signed) in enumerate(told, 1):
            message = replace(make_message(), slug=f"m{number}")
            add_campaign(
                connection, message, now=now, campaign_id=number, counts={"chosen": people},
                launched_at=now - timedelta(days=number),
            )  # fmt: skip
            add_deliveries(connection, range(1, unsent + 1), now=now, campaign_id=number, state=DeliveryState.FAILED)
            for one in range(signed):
                connection.execute(
                    insert(signatures).values(
                        page=f"m{number}", person_id=one + 1, statement_id=1, signed_at=now, changed_at=now,
                        campaign_id=number,
                    )
                )  # fmt: skip
        for number, (state, links) in enumerate([(CampaignState.SENDING, None), (CampaignState.FINISHED, ())], 5):
            message = replace(make_message(links=links), slug=f"m{number}")
            add_campaign(connection, message, now=now, campaign_id=number, state=state, counts={"chosen": 1000},
                         launched_at=now)  # fmt: skip
    with database.read() as connection:
        assert past_prior(connection).mean == pytest.approx(0.03)
