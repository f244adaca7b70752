"""While a warm-up plan limits, those who acted last are mailed first; without one, nothing is looked up."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from mailer.audience.selection.spec import Audience
from mailer.delivery.campaigns.freeze import Plan
from mailer.delivery.campaigns.lifecycle import launch_due, launch_now, schedule
from mailer.settings import Pace
from mailer.store.engine.database import Database
from mailer.store.tables.core import consent_sources, consents, deliveries, hits, lists, people
from mailer.store.tables.inbound import signatures, statements
from tests.delivery.world import MESSAGE, NOWHERE, TRANSLATED, add_people, launch

DAY = timedelta(days=1)
WARM = Pace(warm_up=(2, 4, 8))
APPEAL = Plan(MESSAGE, Audience(include=("supporters",)), NOWHERE, transport="outbox", pace=WARM)


def order(database: Database, campaign: int) -> list[int]:
    mine = select(deliveries.c.person_id).where(deliveries.c.campaign_id == campaign).order_by(deliveries.c.id)
    with database.read() as connection:
        return [int(one) for one in connection.execute(mine).scalars() if one]


def acted(database: Database, ids: list[int], now: datetime) -> list[int]:
    """Let them do different things on different days; returns who acted, the latest first."""
    first = launch(database, count=len(ids), now=now - 50 * DAY, slug="earlier")
    clicked, unsure, machine, opened, signed, joined, imported, told, odd, future = ids[:10]
    with database.write() as connection:
        number = connection.execute(select(lists.c.id)).scalar_one()
        of = {row[0]: row[1] for row in connection.execute(select(deliveries.c.person_id, deliveries.c.id))}
        seen = {"campaign_id": first, "method": "GET", "headers": {}, "network": b"", "rules": 1}
        for person, n, days, verdict in (
            (clicked, 1, 3, "human"), (unsure, 1, 9, "unsure"), (machine, 1, 1, "machine"), (opened, 0, 1, "human"),
        ):  # fmt: skip
            row = {**seen, "delivery_id": of[person], "n": n, "at": now - days * DAY, "verdict": verdict}
            connection.execute(insert(hits).values(row))
        statement = connection.execute(insert(statements).values(page="appeal", text="t").returning(statements.c.id))
        connection.execute(
            insert(signatures).values(
                page="appeal", person_id=signed, statement_id=statement.scalar_one(), signed_at=now - 20 * DAY,
                changed_at=now - 5 * DAY,
            )
        )  # fmt: skip
        for how, person, at, given in (
            ("form", joined, now - 7 * DAY, None), ("import", imported, now - DAY, now - 400 * DAY),
        ):  # fmt: skip
            source = insert(consent_sources).values(how=how, source=how, wording="").returning(consent_sources.c.id)
            proof = {"person_id": person, "list_id": number, "status": "subscribed", "at": at, "given_at": given}
            connection.execute(insert(consents).values(**proof, source_id=connection.execute(source).scalar_one()))
        for person, said in (
            (told, (now - 6 * DAY).date().isoformat()), (odd, "never, or so"), (future, "2999-01-01"),
        ):  # fmt: skip
            connection.execute(update(people).where(people.c.id == person).values(attributes={"last_active": said}))
    return [clicked, signed, told, joined, unsure, imported]


def test_those_who_acted_last_come_first_only_while_a_plan_limits(database: Database, now: datetime) -> None:
    ids = add_people(database, 14, now=now - 60 * DAY)
    latest = acted(database, ids, now)
    rest = [one for one in ids if one not in latest]
    assert order(database, launch_now(database, APPEAL, expected=14, now=now)) == [*latest, *rest]
    free = replace(APPEAL, message=replace(MESSAGE, slug="free"), pace=Pace())
    assert order(database, launch_now(database, free, expected=14, now=now)) == ids
    later = replace(APPEAL, message=replace(MESSAGE, slug="later"))
    number = schedule(database, later, due_at=now, zone="UTC", late=DAY, now=now)
    launch_due(database, now=now, pace=WARM)
    assert order(database, number) == [*latest, *rest]
    number = schedule(
        database, replace(later, message=replace(MESSAGE, slug="past")), due_at=now, zone="UTC", late=DAY, now=now
    )
    launch_due(database, now=now)
    assert order(database, number) == ids


def test_each_language_has_its_own_order(database: Database, now: datetime) -> None:
    ids = add_people(database, 12, now=now - 60 * DAY)
    latest = acted(database, ids, now)
    with database.write() as connection:
        connection.execute(update(people).where(people.c.id.in_(ids[::2])).values(language="fr"))
    found = order(database, launch_now(database, replace(APPEAL, message=TRANSLATED), expected=12, now=now))
    assert sorted(found) == ids
    for half in (ids[::2], ids[1::2]):
        mine = [one for one in latest if one in half]
        assert [one for one in found if one in half] == [*mine, *(one for one in half if one not in mine)]
