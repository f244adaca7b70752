"""A forgotten address goes from the posts that are kept for a while, however it is written there."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import insert, select

from mailer.audience.consent.scrub import scrub
from mailer.delivery.feedback.webhook_events import keep_post
from mailer.store.engine.database import Database
from mailer.store.tables.inbound import returned_mails
from mailer.store.tables.jobs import jobs


def test_the_address_is_taken_out_and_the_events_stay(database: Database, now: datetime) -> None:
    bodies = [
        b'[{"event":"bounce","email":"Mary1@Example.org","reason":"<mary1@example.org> mary1@example.org"}]',
        b'[{"event":"open","email":"mary1\\u0040example.org"}]',
        b"not json: mary1@example.org",
        b'[{"event":"open","email":"mary2@example.org"}]',
    ]
    mail = {"at": now, "kind": "unknown", "delivery_id": None, "why": ""}
    with database.write() as connection:
        for body in bodies:
            keep_post(connection, body, provider="sendgrid", at=now)
        rows = [
            mail | {"digest": "1", "sender": "Mary <MARY1@example.org>", "subject": "Hello"},
            mail | {"digest": "2", "sender": "mary2@example.org", "subject": "Hello"},
        ]
        connection.execute(insert(returned_mails), rows)
        assert scrub(connection, "mary1@example.org") == 4
        assert scrub(connection, "mary1@example.org") == 0
        kept = list(connection.execute(select(jobs.c.payload).order_by(jobs.c.id)).scalars())
        subjects = list(connection.execute(select(returned_mails.c.subject).order_by("digest")).scalars())
    assert json.loads(kept[0])[0]["event"] == "bounce"
    assert b"mary1" not in b"".join(kept).lower()
    assert kept[2] == b""
    assert kept[3] == bodies[3]
    assert subjects == ["", "Hello"]
