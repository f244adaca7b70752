"""That a petition was delivered: kept once for each page, changed and taken back."""

from __future__ import annotations

from datetime import date

from mailer.audience.petition.delivered import DeliveredPetition, forget_delivery, note_delivery, petition_delivered
from mailer.store.engine.database import Database
from tests.audience.petition.test_signatures import put
from tests.audience.world import add_person
from tests.conftest import NOW


def test_a_delivery_is_kept_once_for_each_page_and_can_be_taken_back(database: Database) -> None:
    with database.write() as connection:
        put(connection, add_person(connection, 1))
        assert petition_delivered(connection, "library") is None
        note_delivery(connection, "library", day=date(2026, 11, 20), note="", at=NOW)
        put(connection, add_person(connection, 2))
        kept = note_delivery(connection, "library", day=date(2026, 11, 23), note="To the\nmayor ", at=NOW)
        assert kept == DeliveredPetition("library", date(2026, 11, 23), "To the mayor", 2, NOW)
        assert petition_delivered(connection, "library") == kept
        assert petition_delivered(connection, "river") is None
        assert forget_delivery(connection, "library")
        assert not forget_delivery(connection, "library")
        assert petition_delivered(connection, "library") is None
