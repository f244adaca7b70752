"""What came of the mails: arrivals, bounces, complaints, signatures and their course, each counted from rows."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from sqlalchemy import Connection, insert, update

from mailer.reports.after_sending import MOST_STEPS, STEPS, Course, TimeStep
from mailer.reports.export import as_csv, as_json
from mailer.reports.figures import CampaignFigures, figures
from mailer.reports.svg import plot
from mailer.reports.terminal import show
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, events, people
from mailer.store.tables.inbound import signatures, statements
from mailer.store.tables.states import Feedback, Verdict
from tests.reports.builders import (
    CAMPAIGN,
    SLUG,
    add_campaign,
    add_deliveries,
    add_event,
    add_hit,
    add_people,
    delivery_id,
    make_message,
)


def of(database: Database) -> CampaignFigures:
    with database.read() as connection:
        return figures(connection, SLUG)


def shown(found: CampaignFigures) -> str:
    text = io.StringIO()
    show(found, Console(width=100, force_terminal=False, file=text))
    return text.getvalue()


def sign(connection: Connection, number: int, at: datetime, *, page: str = SLUG, **values: object) -> None:
    connection.execute(
        insert(signatures).values(page=page, person_id=number, statement_id=1, signed_at=at, changed_at=at, **values)
    )


@pytest.fixture
def sent(database: Database, now: datetime) -> Database:
    """Twenty mails sent at `now`."""
    with database.write() as connection:
        add_people(connection, 30, now=now)
        add_campaign(connection, make_message(), now=now, counts={"total": 20, "chosen": 20}, launched_at=now)
        add_deliveries(connection, range(1, 21), now=now)
        connection.execute(insert(statements).values(id=1, page=SLUG, text="I ask."))
    return database


def test_what_came_back_is_counted_by_person_and_class(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        for number, feedback in enumerate(
            ["delivered"] * 5 + ["processed"] + ["bounced"] * 3 + ["complained"], start=1
        ):
            connection.execute(
                update(deliveries).where(deliveries.c.id == delivery_id(number)).values(feedback=Feedback(feedback))
            )
        rows = [(7, "bounced", "hard"), (8, "bounced", "soft"), (9, "bounced", "hard"), (9, "bounced", "hard"),
                (10, "complained", "")]  # fmt: skip
        for number, kind, reply_class in rows:
            connection.execute(
                insert(events).values(
                    campaign_id=CAMPAIGN, delivery_id=delivery_id(number), at=now, kind=kind, reply_class=reply_class
                )
            )
    back = of(sent).came_back
    assert (back.heard_of, back.delivered, back.bounced, back.complained) == (10, 5, 3, 1)
    assert back.bounced_by_class == {"hard": 2, "soft": 1}
    assert (back.bounced_per_sent, back.complained_per_sent) == (3 / 20, 1 / 20)


def test_signatures_are_counted_by_what_brought_them(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        other = CAMPAIGN + 1
        connection.execute(
            insert(campaigns).values(
                id=other, slug="2026-10-first", state="finished", message={}, digest="", audience={}, created_at=now
            )
        )
        for number, n in ((1, 1), (2, 1), (3, 2)):
            sign(connection, number, now, campaign_id=CAMPAIGN, delivery_id=delivery_id(number), n=n)
        sign(connection, 4, now, campaign_id=CAMPAIGN, n=1)  # not to be tracked
        sign(connection, 5, now, campaign_id=other)
        sign(connection, 6, now, source="poster")
        sign(connection, 7, now)
        sign(connection, 8, now, page="another-page", campaign_id=CAMPAIGN)
    signed = of(sent).signed
    assert (signed.people, signed.on_page) == (5, 7)
    assert signed.per_thousand_sent == 250
    assert signed.by_placement == {"button": 3, "inline": 1}
    assert signed.by_source == {f"mail {SLUG}": 4, "directly": 1, "mail 2026-10-first": 1, "poster": 1}
    assert sum(signed.by_source.values()) == signed.on_page


def test_the_course_counts_each_click_and_signature_once(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        for minutes in (0, 9, 10, 61, 62):
            add_hit(connection, 1, 1, now=now + timedelta(minutes=minutes))
        add_hit(connection, 1, 1, now=now + timedelta(minutes=5), verdict=Verdict.MACHINE)
        add_hit(connection, 1, 0, now=now + timedelta(minutes=5))  # an opening is no click
        sign(connection, 1, now + timedelta(minutes=62), campaign_id=CAMPAIGN)
    course = of(sent).course
    assert course.step_seconds == 600
    assert [step.clicks for step in course.steps] == [2, 1, 0, 0, 0, 0, 2]
    assert [step.signatures for step in course.steps] == [0, 0, 0, 0, 0, 0, 1]
    assert course.steps[1].begins == now + timedelta(minutes=10)


@pytest.mark.parametrize("days", [0, 1, 3, 40, 400])
def test_a_course_of_any_length_has_few_steps(sent: Database, now: datetime, days: int) -> None:
    with sent.write() as connection:
        add_hit(connection, 1, 1, now=now + timedelta(days=days))
    steps = of(sent).course.steps
    assert 1 <= len(steps) <= MOST_STEPS
    assert sum(step.clicks for step in steps) == 1


def test_nothing_happened_yet(sent: Database) -> None:
    found = of(sent)
    assert found.course == Course()
    assert (found.signed.people, found.signed.per_thousand_sent, found.came_back.heard_of) == (0, 0, 0)
    assert "Came back" not in shown(found)


def test_the_report_says_all_of_it(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        sign(connection, 1, now, campaign_id=CAMPAIGN, n=1)
        sign(connection, 6, now, source="=cmd|' \x1b[31m")
        connection.execute(
            update(deliveries).where(deliveries.c.id == delivery_id(2)).values(feedback=Feedback.DELIVERED)
        )
    found = of(sent)
    text = shown(found)
    for words in ("Signatures", "50.0 signatures for each 1,000", "Over time", "Came back", "For 19 sent mails"):
        assert words in text
    assert "\x1b[31m" not in text, "what a stranger wrote moves no cursor"
    assert "'=cmd" in as_csv(found), "and is no formula"
    assert as_json(found)["course"]["steps"][0]["begins"] == now.isoformat()


def test_the_picture_is_whole_and_says_its_values() -> None:
    start = datetime(2026, 11, 25, 9, tzinfo=UTC)
    steps = tuple(TimeStep(start + n * timedelta(hours=1), clicks=n * 7, signatures=n) for n in range(10))
    text = plot(Course(3600, steps), title="A <b> & \x0b", zone=UTC)
    root = ET.fromstring(text)
    space = {"s": "http://www.w3.org/2000/svg"}
    assert root.findtext("s:title", namespaces=space) == "A <b> & : clicks and signatures over time"
    assert "63 clicks, 9 signatures" in str(root.findtext("s:desc", namespaces=space))
    bars = [float(one.get("height", "0")) for one in root.findall("s:rect", space)[3:]]
    assert len(bars) == 20
    assert max(bars) <= 292
    assert bars[-2] > bars[-1] > 0


def test_steps_grow() -> None:
    assert list(STEPS) == sorted(STEPS)


def test_languages_add_up_to_everybody(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        for number in range(1, 21):
            spoken = {"language": ("en", "cy", "")[number % 3]}
            connection.execute(update(people).where(people.c.id == number).values(spoken))
        connection.execute(update(deliveries).where(deliveries.c.id == delivery_id(20)).values(person_id=None))
        for number in (1, 3, 4):
            sign(connection, number, now, campaign_id=CAMPAIGN, n=1)
        add_event(connection, 4, "unsubscribed", now=now)
        add_event(connection, 3, "unsubscribed", now=now)
        add_event(connection, 3, "undone", now=now)
    found = of(sent)
    told = {one.language: (one.sent, one.signed, one.unsubscribed) for one in found.by_language}
    assert told == {"en": (6, 1, 0), "cy": (7, 2, 1), "": (7, 0, 0)}
    assert sum(one.sent for one in found.by_language) == found.delivered.sent
    assert sum(one.unsubscribed for one in found.by_language) == found.unsubscribed
    assert "By language" in shown(found)
    assert "by language,cy,signed,2" in as_csv(found)


def test_signatures_know_the_link_that_brought_them(sent: Database, now: datetime) -> None:
    with sent.write() as connection:
        for number, n in ((1, 1), (2, 2), (3, 2)):
            sign(connection, number, now, campaign_id=CAMPAIGN, n=n)
    signed = of(sent).signed
    assert signed.by_link == {1: 1, 2: 2}
    assert signed.by_placement == {"inline": 2, "button": 1}
