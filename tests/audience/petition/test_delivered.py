"""That a petition was delivered: kept once for each page, changed and taken back."""

from __future__ import annotations

from datetime import date

import pytest

from mailer.audience.petition.delivered import DeliveredPetition, forget_delivery, note_delivery, petition_delivered
from mailer.errors import MailerError
from mailer.staff.actor import Actor, NotAllowed, terminal
from mailer.staff.audit import entries
from mailer.staff.rights import RIGHTS, Role
from mailer.store.engine.database import Database
from tests.audience.petition.test_signatures import put
from tests.audience.world import add_person
from tests.conftest import NOW


def test_a_delivery_is_kept_once_for_each_page_and_can_be_taken_back(database: Database) -> None:
    with database.write() as connection:
        put(connection, add_person(connection, 1))
        assert petition_delivered(connection, "library") is None
        note_delivery(connection, terminal(), "library", day=date(2026, 11, 20), note="", at=NOW)
        put(connection, add_person(connection, 2))
        kept = note_delivery(connection, terminal(), "library", day=date(2026, 11, 23), note="To the\nmayor ", at=NOW)
        assert kept == DeliveredPetition("library", date(2026, 11, 23), "To the mayor", 2, NOW)
        assert petition_delivered(connection, "library") == kept
        assert petition_delivered(connection, "river") is None
        forget_delivery(connection, terminal(), "library", at=NOW)
        assert petition_delivered(connection, "library") is None
        with pytest.raises(MailerError, match="not noted"):
            forget_delivery(connection, terminal(), "library", at=NOW)
        log = [(one.action, one.subject) for one in entries(connection)]
    assert log == [(f"petition {what}", "newsletter library") for what in ("not delivered", "delivered", "delivered")]


def test_what_was_not_signed_or_is_to_come_was_not_delivered(database: Database) -> None:
    with database.write() as connection:
        put(connection, add_person(connection, 1))
        for page, day, said in (("river", NOW.date(), "nobody has signed"), ("library", date(2026, 12, 24), "to come")):
            with pytest.raises(MailerError, match=said):
                note_delivery(connection, terminal(), page, day=day, note="", at=NOW)
        viewer = Actor("Tom", RIGHTS[Role.VIEWER])
        with pytest.raises(NotAllowed):
            note_delivery(connection, viewer, "library", day=NOW.date(), note="", at=NOW)
        assert petition_delivered(connection, "library") is None
