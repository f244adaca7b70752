"""Suppressions that staff take back: with a reason, on the record, and never what the person decided."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import suppress
from mailer.audience.consent.lift import LIFTED, decisions, last_lifted, lift
from mailer.audience.people.data_export import everything
from mailer.audience.people.people import show
from mailer.errors import MailerError
from mailer.staff.actor import Actor
from mailer.staff.rights import EVERY_RIGHT
from mailer.store.engine.database import Database
from mailer.store.tables.core import suppressions
from mailer.store.tables.states import SuppressionReason
from tests.audience.world import KEY

ANN = "ann@example.org"
KIM = Actor("terminal: kim", EVERY_RIGHT, via="terminal")
HASH = address_hash(ANN, KEY)
R = SuppressionReason


def stop(database: Database, *reasons: SuppressionReason, at: datetime, address: str = ANN, list_id: int = 0) -> None:
    with database.write() as connection:
        for reason in reasons:
            suppress(
                connection, address_hash=address_hash(address, KEY), reason=reason, at=at, list_id=list_id, source="s"
            )


def take_back(database: Database, *, at: datetime, reason: str = "new mailbox", complaint: bool = False) -> list[str]:
    with database.write() as connection:
        done = lift(connection, ANN, address_key=KEY, reason=reason, by=KIM, complaint=complaint, at=at)
    return [one.reason.value for one in done.lifted]


def left(database: Database) -> set[str]:
    with database.read() as connection:
        return set(
            connection.execute(select(suppressions.c.reason).where(suppressions.c.address_hash == HASH)).scalars()
        )


def test_a_bounce_is_lifted_with_its_reason_on_the_record(database: Database, now: datetime) -> None:
    stop(database, R.BOUNCED, at=now)
    stop(database, R.BOUNCED, at=now, address="bob@example.org")
    later = now + timedelta(days=1)
    assert take_back(database, at=later, reason="  their   mailbox\nis back ") == ["bounced"]
    assert left(database) == set()
    with database.read() as connection:
        (one,) = decisions(connection, HASH)
        assert (one.at, one.by, one.action, one.reason) == (later, "terminal: kim", LIFTED, "their mailbox is back")
        assert one.detail.startswith("bounced on every list since ")
        assert last_lifted(connection, HASH) == later
        dossier = show(connection, ANN, address_key=KEY)
        assert dossier is not None, "who was forgotten is known by the decision alone"
        assert dossier.decisions == [one]
        assert len(connection.execute(select(suppressions)).all()) == 1, "nobody else's is touched"
        copy = everything(connection, ANN, address_key=KEY)
    assert [decision["reason"] for decision in copy["decisions"]] == ["their mailbox is back"]
    assert "kim" not in str(copy), "a copy of somebody's data names no colleague"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.sets(st.sampled_from(list(R))), st.booleans())
def test_complaints_need_to_be_named_and_leaving_is_never_taken_back(
    database: Database, now: datetime, reasons: set[SuppressionReason], complaint: bool
) -> None:
    with database.write() as connection:
        connection.execute(delete(suppressions))
        known = len(decisions(connection, HASH))  # of earlier examples: nothing deletes them
    stop(database, *sorted(reasons), at=now)
    may = reasons - {R.UNSUBSCRIBED}
    if not may or (R.COMPLAINED in reasons and not complaint):
        with pytest.raises(MailerError):
            take_back(database, at=now, complaint=complaint)
        assert left(database) == {reason.value for reason in reasons}, "nothing is half-done"
        may = set()
    else:
        assert set(take_back(database, at=now, complaint=complaint)) == {reason.value for reason in may}
        assert left(database) == {reason.value for reason in reasons - may}
    with database.read() as connection:
        assert len(decisions(connection, HASH)) == known + len(may)


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_no_reason_lifts_nothing(database: Database, now: datetime, reason: str) -> None:
    stop(database, R.BOUNCED, at=now)
    with pytest.raises(MailerError, match="needs a reason"):
        take_back(database, at=now, reason=reason)
    assert left(database) == {"bounced"}


def test_a_source_that_names_an_address_is_not_kept(database: Database, now: datetime) -> None:
    with database.write() as connection:
        suppress(connection, address_hash=HASH, reason=R.STAFF, at=now, source="kim@example.org said so")
    assert take_back(database, at=now) == ["staff"]
    with database.read() as connection:
        (one,) = decisions(connection, HASH)
    assert "@" not in one.detail
