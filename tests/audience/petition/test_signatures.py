"""Signatures: one for each person and page, credited to what brought them first, and handed over safely."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select, update

from mailer.audience.petition.signatures import (
    LatestName,
    Particulars,
    SignatureCount,
    SignatureOrigin,
    SignResult,
    add_to_signature,
    brought_by,
    count,
    showable,
    sign,
    signed_pages,
    signer,
    source_of,
    tally,
)
from mailer.audience.petition.signatures_csv import export_signatures, statement_text, wordings
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.store.tables.inbound import signatures
from tests.audience.world import KEY, add_campaign, add_person, signing_as
from tests.conftest import NOW

ANA = signing_as("Ana", "Li", country="IE", postcode="D01", comment="Because", shown=True)
BY_MAIL = SignatureOrigin(campaign_id=7, delivery_id=7 * 2**32 + 1, n=2)


def put(
    connection: Connection, person: int, who: Particulars = ANA, origin: SignatureOrigin | None = None, **more: object
) -> SignResult:
    values = {"page": "library", "statement": "Keep it.", "at": NOW, **more}
    return sign(connection, person_id=person, who=who, origin=origin or SignatureOrigin(), **values)  # pyright: ignore[reportArgumentType] - passed on as given


def test_a_repeat_updates_and_keeps_what_brought_them_first(database: Database) -> None:
    later = NOW + timedelta(days=1)
    with database.write() as connection:
        add_person(connection, 1)
        first = put(connection, 1, origin=BY_MAIL)
        again = put(
            connection, 1, signing_as("Anna", "Li"), SignatureOrigin(campaign_id=8, n=1), at=later, statement="New."
        )
        row = connection.execute(select(signatures)).one()
        said = wordings(connection, "library")
    assert (first.new, again.new, again.kept, first.id) == (True, False, False, again.id)
    assert (row.first_name, row.comment, row.shown) == ("Anna", "Because", True), "what isn't asked again stays"
    assert (row.campaign_id, row.delivery_id, row.n) == (7, BY_MAIL.delivery_id, 2)
    assert (row.signed_at, row.changed_at) == (NOW, later)
    assert [one.text for one in said] == ["New."], "the signature stands under the words that were read last"


def test_what_is_asked_again_and_left_empty_is_empty(database: Database) -> None:
    with database.write() as connection:
        add_person(connection, 1)
        put(connection, 1)
        put(connection, 1, signing_as("Anna", "Li", comment="", shown=False))
        row = connection.execute(select(signatures)).one()
    assert (row.first_name, row.comment, row.shown, row.postcode) == ("Anna", "", False, "D01")


def test_what_is_added_later_leaves_the_rest(database: Database) -> None:
    later = NOW + timedelta(minutes=5)
    with database.write() as connection:
        add_person(connection, 1)
        made = put(connection, 1, signing_as("Ana", "Li", country="IE"))
        nothing = Particulars({"comment": "", "postcode": ""})
        assert not add_to_signature(connection, made.id, nothing, by_link=False, at=later)
        more = Particulars({"comment": "My son reads.", "postcode": ""}, shown=True)
        assert add_to_signature(connection, made.id, more, by_link=False, at=later)
        assert add_to_signature(connection, made.id, Particulars({"postcode": "D02"}), by_link=False, at=later)
        row = connection.execute(select(signatures)).one()
    assert (row.first_name, row.country, row.comment, row.postcode) == ("Ana", "IE", "My son reads.", "D02")
    assert (row.shown, row.signed_at, row.changed_at) == (True, NOW, later)


def test_answers_to_a_pages_own_questions_stay_beside_new_ones(database: Database) -> None:
    with database.write() as connection:
        add_person(connection, 1)
        made = put(connection, 1, Particulars({"first_name": "Ana"}, own={"role": "Parent"}))
        add_to_signature(connection, made.id, Particulars({}, own={"school": "Mill Street"}), by_link=False, at=NOW)
        put(connection, 1, Particulars({"first_name": "Ana"}, own={"role": "Teacher"}))
        kept = connection.execute(select(signatures.c.own)).scalar_one()
    assert kept == {"role": "Teacher", "school": "Mill Street"}


def test_nobody_adds_to_what_a_link_signed_nor_to_the_forgotten(database: Database) -> None:
    more = Particulars({"comment": "Buy here"})
    with database.write() as connection:
        for number in (1, 2):
            add_person(connection, number)
        by_mail, forgotten = put(connection, 1, origin=BY_MAIL), put(connection, 2)
        connection.execute(update(signatures).where(signatures.c.person_id == 2).values(person_id=None, comment=""))
        assert not add_to_signature(connection, by_mail.id, more, by_link=False, at=NOW)
        assert not add_to_signature(connection, forgotten.id, more, by_link=True, at=NOW)
        assert not add_to_signature(connection, 999, more, by_link=True, at=NOW)
        assert "Buy here" not in connection.execute(select(signatures.c.comment)).scalars().all()
        assert add_to_signature(connection, by_mail.id, more, by_link=True, at=NOW)


def test_the_blank_form_does_not_touch_what_a_link_signed(database: Database) -> None:
    with database.write() as connection:
        add_person(connection, 1)
        put(connection, 1, origin=BY_MAIL)
        again = put(connection, 1, signing_as("Impostor", "X"))
        assert (again.new, again.kept) == (False, True)
        assert connection.execute(select(signatures.c.first_name)).scalar_one() == "Ana"


def test_a_link_credits_the_mail_when_nothing_did_before(database: Database) -> None:
    with database.write() as connection:
        add_person(connection, 1)
        put(connection, 1, origin=SignatureOrigin(source="poster"))
        put(connection, 1, origin=BY_MAIL)
        row = connection.execute(select(signatures)).one()
    assert (row.campaign_id, row.n, row.source) == (7, 2, "poster")


def test_a_person_is_found_by_address_and_never_changed(database: Database) -> None:
    who = signing_as("Impostor", "X", country="FR")
    with database.write() as connection:
        add_person(connection, 1, address="mary@example.org", first_name="Mary")
        assert signer(connection, address="mary@example.org", address_key=KEY, who=who, language="fr", at=NOW) == 1
        new = signer(connection, address="new@example.org", address_key=KEY, who=who, language="fr", at=NOW)
        rows = {row.id: row for row in connection.execute(select(people))}
    assert (rows[1].first_name, rows[1].country, rows[1].language) == ("Mary", "", "")
    assert (rows[new].first_name, rows[new].country, rows[new].language) == ("Impostor", "FR", "fr")


def test_what_counts(database: Database) -> None:
    with database.write() as connection:
        add_campaign(connection, 7, "appeal")
        for number in range(1, 5):
            add_person(connection, number)
        put(connection, 1, origin=BY_MAIL)
        put(connection, 2, origin=SignatureOrigin(source="poster"), at=NOW + timedelta(hours=1))
        put(connection, 3, origin=SignatureOrigin(source="poster"), at=NOW + timedelta(hours=2))
        put(connection, 4, page="other")
        connection.execute(update(signatures).where(signatures.c.person_id == 1).values(person_id=None, first_name=""))
        assert count(connection, "library") == 3, "a forgotten person's signature stays as a count"
        assert count(connection, "library", since=NOW + timedelta(hours=1)) == 2
        assert brought_by(connection, "library") == [("poster", 2), ("appeal", 1)]
        assert tally(connection, "library", names=1).latest == (LatestName("Ana", NOW + timedelta(hours=2)),)
        assert tally(connection, "library", names=0) == SignatureCount(3, ())
        assert signed_pages(connection) == {"library", "other"}


def test_the_export_is_what_a_target_gets(database: Database) -> None:
    formula = signing_as("=cmd()", "@x", country="GB", postcode="+44", comment="-1\n=2")
    with database.write() as connection:
        for number in range(1, 4):
            add_person(connection, number)
        put(connection, 1)
        put(connection, 2, formula, statement="Other.", at=NOW + timedelta(days=1))
        put(connection, 3)
        connection.execute(delete(people).where(people.c.id == 3))
        texts = wordings(connection, "library")
        plain, full = io.StringIO(newline=""), io.StringIO(newline="")
        assert export_signatures(connection, "library", plain, texts=texts) == 2
        assert (
            export_signatures(connection, "library", full, texts=texts, since=NOW + timedelta(days=1), addresses=True)
            == 1
        )
    rows = list(csv.reader(io.StringIO(plain.getvalue(), newline="")))
    assert rows[0] == ["number", "date", "first_name", "last_name", "country", "postcode", "comment", "statement"]
    assert rows[1] == ["1", "2026-11-24", "Ana", "Li", "IE", "D01", "Because", "1"]
    assert rows[2] == ["2", "2026-11-25", "'=cmd()", "'@x", "GB", "'+44", "'-1\n=2", "2"]
    assert "person1@example.org" not in plain.getvalue()
    assert "person2@example.org" in full.getvalue()
    assert (
        statement_text("library", texts) == "Statement 1 of library:\n\nKeep it.\n\nStatement 2 of library:\n\nOther.\n"
    )


@given(st.text(max_size=300))
def test_a_source_is_short_and_printable(text: str) -> None:
    source = source_of(text)
    assert len(source) <= 60
    assert source.isprintable()


@given(st.text(max_size=40))
def test_a_shown_name_holds_no_address_and_no_digits(name: str) -> None:
    if showable(name):
        assert not set(name) & set('/@:<>&"0123456789\n\t')
        assert not any(word in name for word in ("\u202e", "\u200f"))
