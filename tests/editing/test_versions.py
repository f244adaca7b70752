"""Versions: kept once, found by what the audit log calls them, and gone after a year."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.delivery.sending.cleanup import tidy
from mailer.editing.versions import KEEP, Version, keep_version, kept_of, read_version
from mailer.errors import MailerError
from mailer.store.engine.database import Database

SLUG = "appeal"


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_a_text_comes_back_as_it_was(database: Database, now: datetime, text: str) -> None:
    kept = Version("message.md", text, "d1", now)
    with database.write() as connection:
        keep_version(connection, SLUG, kept)
        # Under the same digest it is the same text; here the first one stays, so that the law is about a new one.
        found = read_version(connection, SLUG, "d1")
        assert found == kept
        connection.rollback()


def test_it_is_kept_once_and_a_year_after_its_last_use(database: Database, now: datetime) -> None:
    with database.write() as connection:
        for digest, days in (("old", 0), ("used", 0), ("used", 300)):
            keep_version(connection, SLUG, Version("message.md", digest, digest, now + timedelta(days=days)))
        keep_version(connection, "another", Version("message.md", "x", "theirs", now))
        assert kept_of(connection, SLUG, ["old", "used", "theirs", "none"]) == {"old", "used"}
    assert not tidy(database, now=now + KEEP)
    assert tidy(database, now=now + KEEP + timedelta(days=2)) or tidy(database, now=now + KEEP + timedelta(days=4))
    with database.read() as connection:
        assert kept_of(connection, SLUG, ["old", "used"]) == {"used"}
        with pytest.raises(MailerError, match="isn’t kept"):
            read_version(connection, SLUG, "old")
