"""Each person of the other side is accounted for, over any files and whatever happened here before."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from mailer.audience.addresses import BadAddress, address_hash, normalise
from mailer.audience.consent.changes import forget, leave, list_id, suppress
from mailer.audience.consent.eligibility import EVERY_LIST
from mailer.audience.imports import ImportReport, import_files
from mailer.moving.account import IN, MERGED, REJECTED, BothSides
from mailer.moving.report import find_move, note_part, open_move
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import people, subscriptions, suppressions
from mailer.store.tables.states import SuppressionReason
from tests.audience.world import KEY, SUPPORTERS
from tests.conftest import NOW

ADDRESSES = ["a@example.org", "A@example.org ", "b@example.org", "c@example.org", "=d@example.org", "bad", ""]
SAID = ["subscribed", "subscribed", "pending", "never", "unsubscribed", "unsubscribed everywhere", "bounced",
        "complained", "blocked", "what?"]  # fmt: skip
ROWS = st.lists(st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(SAID)), max_size=9)
BEFORE = st.lists(
    st.tuples(st.sampled_from(["on", "left", "gone", "staff", "other"]), st.sampled_from("abc")), max_size=4
)
REASONS = {"unsubscribed": "unsubscribed", "bounced": "bounced", "complained": "complained",
           "staff": "suppressed by staff"}  # fmt: skip


def moved(database: Database, folder: Path, files: list[list[tuple[str, str]]]) -> tuple[ImportReport, BothSides]:
    """A move of these files, and both sides of it."""
    paths = [folder / f"{number}.csv" for number, _ in enumerate(files)]
    for path, rows in zip(paths, files, strict=True):
        text = io.StringIO()
        csv.writer(text).writerows([("email", "status"), *rows])
        path.write_text(text.getvalue(), encoding="utf-8")
    found: list[BothSides] = []

    def settle(connection: Connection, report: ImportReport) -> None:
        number = open_move(connection, str(folder), "mailchimp", by=terminal(), at=NOW)
        found.append(note_part(connection, report, number, left_out=folder / "left-out.csv"))

    report = import_files(
        database, definition=SUPPORTERS, paths=paths, address_key=KEY, by=terminal(), now=NOW, settle=settle,
    )  # fmt: skip
    return report, found[0]


def prepare(database: Database, before: list[tuple[str, str]]) -> None:
    """What happened here before: people joined, left, were forgotten, or staff stopped them."""
    with database.write() as connection:
        here, elsewhere = list_id(connection, "supporters"), list_id(connection, "other")
        for what, letter in before:
            address = f"{letter}@example.org"
            known = connection.execute(select(people.c.id).where(people.c.address == address)).scalar()
            if known is None and what != "staff":
                known = connection.execute(
                    people.insert()
                    .values(address=address, address_hash=address_hash(address, KEY), created_at=NOW, updated_at=NOW)
                    .returning(people.c.id)
                ).scalar_one()  # fmt: skip
            if what in ("on", "other"):
                row = {"list_id": here if what == "on" else elsewhere, "person_id": known, "status": "subscribed"}
                same = [subscriptions.c.list_id == row["list_id"], subscriptions.c.person_id == known]
                connection.execute(subscriptions.delete().where(*same))
                connection.execute(subscriptions.insert().values(**row, changed_at=NOW))
            elif what == "left" and known is not None:
                leave(connection, person_id=known, list_ids=[here], how="form", source="", at=NOW)
            elif what == "gone":
                forget(connection, address=address)
            elif what == "staff":
                hashed = address_hash(address, KEY)
                suppress(connection, address_hash=hashed, reason=SuppressionReason.STAFF, at=NOW)


def state(connection: Connection, address: str) -> str:
    """What an address is here, as plainly as it can be asked."""
    here = list_id(connection, "supporters")
    mine = suppressions.c.address_hash == address_hash(address, KEY)
    reasons = connection.execute(
        select(suppressions.c.reason).where(mine, suppressions.c.list_id.in_((0, here)))
    ).scalars()
    if found := {REASONS[reason] for reason in reasons}:
        everywhere = connection.execute(select(suppressions.c.reason).where(mine, suppressions.c.list_id == EVERY_LIST))
        first = {REASONS[reason] for reason in everywhere.scalars()} or found
        return next(one for one in ("unsubscribed", "complained", "bounced", "suppressed by staff") if one in first)
    query = select(subscriptions.c.status).join(people, people.c.id == subscriptions.c.person_id)
    status = connection.execute(query.where(people.c.address == address, subscriptions.c.list_id == here)).scalar()
    return str(status) if status else "no consent"


def check(database: Database, folder: Path, before: list[tuple[str, str]], files: list[list[tuple[str, str]]]) -> None:
    prepare(database, before)
    report, account = moved(database, folder, files)
    left_out = sum(account.left_out.values())
    assert account.came + account.merged + left_out == account.read == report.read
    expected: dict[str, int] = {}
    lines: list[tuple[str, str]] = []
    seen: set[str] = set()
    with database.read() as connection:
        for rows in files:
            for address, said in rows:
                try:
                    known = normalise(address)
                except BadAddress:
                    continue
                if said == "what?":
                    continue
                became = MERGED if known in seen else state(connection, known)
                seen.add(known)
                expected[became] = expected.get(became, 0) + 1
                if became not in (*IN, MERGED):
                    lines.append((known, became))
    if report.rejected:
        expected[REJECTED] = report.rejected
    assert account.here == expected
    with (folder / "left-out.csv").open(encoding="utf-8", newline="") as file:
        listed = [(row["address"].removeprefix("'"), row["why not here"]) for row in csv.DictReader(file)]
    assert listed == lines, "everybody who was left out is in the file, with the reason"
    with database.read() as connection:
        found = find_move(connection, 1)
    assert found is not None
    assert found.parts[0]["account"] == account.became


@pytest.mark.sqlite
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BEFORE, st.lists(ROWS.filter(bool), min_size=1, max_size=3))
def test_everybody_of_the_other_side_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, before: list[tuple[str, str]],
    files: list[list[tuple[str, str]]],
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("move")
    shutil.copyfile(migrated_file, folder / "mailer.db")
    database = open_database(f"sqlite:///{folder / 'mailer.db'}")
    try:
        check(database, folder, before, files)
    finally:
        database.close()


def test_both_engines_count_alike(database: Database, tmp_path: Path) -> None:
    before = [("on", "a"), ("left", "b"), ("staff", "c")]
    files = [
        [("a@example.org", "subscribed"), ("b@example.org", "subscribed"), ("e@example.org", "pending")],
        [("a@example.org", "bounced"), ("c@example.org", "subscribed"), ("f@example.org", "never"),
         ("bad", "subscribed"), ("g@example.org", "subscribed")],
    ]  # fmt: skip
    check(database, tmp_path, before, files)


def test_a_move_that_was_taken_up_again_is_the_same_move(database: Database) -> None:
    with database.write() as connection:
        first = open_move(connection, "token", "listmonk", by=terminal(), at=NOW)
        assert open_move(connection, "token", "listmonk", by=terminal(), at=NOW) == first
