"""Each field of the one table is carried by everything that handles signatures, and gone once the person is forgotten.

These tests walk the table: a field that is added to it is looked for everywhere, without a line more here, unless its
kind is new.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from mailer.audience.consent.changes import forget
from mailer.audience.people.data_export import everything
from mailer.audience.people.timeline import story
from mailer.audience.petition.signatures import Particulars, SignatureOrigin, sign, signer
from mailer.audience.petition.signatures_csv import export_signatures, own_columns, wordings
from mailer.compose.action_page.parse import ActionPage, parse_action_page
from mailer.delivery.webhooks.events import tell_signature
from mailer.locale.language import LANGUAGES, Language
from mailer.petition_fields.own import LONGEST_ANSWER
from mailer.petition_fields.table import ASKABLE, FIELDS, GIVEN, KEPT, KNOWN, FieldKind, SignatureField
from mailer.settings import Settings
from mailer.store.engine.database import Database
from mailer.store.tables.core import metadata, people
from mailer.store.tables.inbound import signatures
from mailer.store.tables.jobs import jobs
from mailer.web.pages.signature_form import EMPTY, OWN, asked, read, shown_rows
from mailer.web.public.http.visitors import Visitor
from mailer.workspace import Workspace
from tests.audience.world import KEY
from tests.conftest import NOW

DOCS = Path(__file__).parent.parent.parent / "docs"
ADDRESS = "zuleika@example.org"
EXACT = {FieldKind.EMAIL: ADDRESS, FieldKind.COUNTRY: "VU", FieldKind.PHONE: "+6785551234"}
QUESTIONS = """\
  school: {label: "Which school?"}
  role: {label: I am a, choices: {qparent: A parent, qteacher: A teacher}, required: true, pass_on: true}
  help: {label: I can help, kind: tick}
"""
ANSWERS = {"school": "Qschool", "role": "qparent", "help": "yes"}
NAMES = [field.name for field in FIELDS]
each_field = pytest.mark.parametrize("field", FIELDS, ids=NAMES)


def said(field: SignatureField) -> str:
    """What the person says in a field: found nowhere else, whatever field it is."""
    return EXACT.get(field.kind, f"Q{field.name.replace('_', '')}"[: field.longest])


def page(required: str = "required") -> ActionPage:
    lines = "".join(f"  {name}: {required}\n" for name in ASKABLE)
    text = f"---\nheadline: H\nstatement: S\nfields:\n{lines}{QUESTIONS}---\n\nText.\n"
    found, faults = parse_action_page(text, slug="library", file="action.md", lists={})
    assert found is not None
    assert faults == []
    return found


def form(**changes: str) -> dict[str, tuple[str, ...]]:
    own = {f"{OWN}{key}": text for key, text in ANSWERS.items()}
    return {name: (text,) for name, text in ({field.name: said(field) for field in FIELDS} | own | changes).items()}


def signed(connection: Connection, settings: Settings) -> int:
    """Everything that the form takes is signed with; the person's number."""
    filled = read(form(), page(), None, Language("en"))
    assert filled.errors == {}
    who = filled.who(page(), None)
    person = signer(connection, address=filled.address, address_key=KEY, who=who, language="en", at=NOW)
    made = sign(connection, page="library", statement="S", person_id=person, who=who, origin=SignatureOrigin(), at=NOW)
    told = replace(settings, webhook=replace(settings.webhook, url="https://crm.example.org/"))
    tell_signature(connection, settings=told, signature_id=made.id, opt_in=False, new=True, at=NOW)
    return person


def exported(connection: Connection, *, addresses: bool) -> dict[str, str]:
    file = io.StringIO(newline="")
    questions = [one.field for one in page().own][:2]  # the last one isn't asked any more
    own = own_columns(connection, "library", questions, everything=addresses, since=None)
    export_signatures(connection, "library", file, texts=wordings(connection, "library"), addresses=addresses, own=own)
    (row,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    return row


def test_the_page_can_say_each_thing_that_those_addressed_are_given() -> None:
    assert [name for name, words in GIVEN.items() if not words] == [], "say it in the table: given_as"


def test_each_field_is_carried_everywhere(workspace: Workspace, database: Database) -> None:
    with database.write() as connection:
        person = signed(connection, workspace.settings)
        row = connection.execute(select(signatures)).mappings().one()
        known = connection.execute(select(people)).mappings().one()
        told: dict[str, Any] = json.loads(connection.execute(select(jobs.c.payload)).scalar_one())
        (moment,) = [one for one in story(connection, person) if one.kind == "signature"]
        taken = everything(connection, ADDRESS, address_key=KEY)
        file, reach = exported(connection, addresses=False), exported(connection, addresses=True)
    for field in FIELDS:
        text = said(field)
        assert (told.get(field.name) == text) == field.webhook, field
        assert (file.get(field.name, "") == text) != field.contact, field
        assert reach[field.name].lstrip("'") == text, field
        assert text in json.dumps(taken, default=str), field
        if field.kept:
            assert row[field.name] == text, field
            assert taken["signatures"][0][field.name] == text, field
            assert text in moment.detail, field
        if field.known:
            assert known[field.name] == text, field
    assert row["own"] == taken["signatures"][0]["own"] == told["own"] == ANSWERS
    assert all(f"{key}: {text}" in moment.detail for key, text in ANSWERS.items())
    assert {key: reach[key] for key in ("Which school?", "I am a", "help")} == {
        "Which school?": "Qschool", "I am a": "A parent", "help": "yes",
    }  # fmt: skip
    assert (file["I am a"], "Which school?" in file, "help" in file) == ("A parent", False, False)


def test_no_field_outlives_the_person(workspace: Workspace, database: Database) -> None:
    def named(connection: Connection) -> set[tuple[str, str]]:
        kept = {table.name: repr(connection.execute(select(table)).all()) for table in metadata.sorted_tables}
        texts = {field.name: said(field) for field in FIELDS} | {key: ANSWERS[key] for key in ("school", "role")}
        return {(key, name) for key, held in texts.items() for name, text in kept.items() if repr(held) in text}

    with database.write() as connection:
        signed(connection, workspace.settings)
        assert {name for name, _ in named(connection)} == {*NAMES, "school", "role"}, "or this test looks at nothing"
        assert forget(connection, address=ADDRESS)
        assert named(connection) == set()


@each_field
def test_a_field_that_is_required_and_empty_says_so_in_every_language(field: SignatureField) -> None:
    texts = {code: read(form(**{field.name: " "}), page(), None, Language(code)).errors for code in LANGUAGES}
    assert texts["en"] == {field.name: field.missing}
    assert len({errors[field.name] for errors in texts.values()}) == len(LANGUAGES)
    assert read(form(**{field.name: ""}), page("optional"), None, Language("en")).errors.keys() == (
        {field.name} if field.always else set()
    )


@each_field
def test_what_is_too_long_is_cut_or_refused_and_never_another_value(field: SignatureField) -> None:
    long = said(field) + "9" * 1000
    filled = read(form(**{field.name: long}), page(), None, Language("en"))
    if field.kind in EXACT:
        assert set(filled.errors) == {field.name}
    else:
        assert filled.errors == {}
        assert filled.typed[field.name] == long[: field.longest]


@pytest.mark.parametrize("country", ["IRE", "Irelan", "X", "ZZ", "I E"])
def test_a_part_of_a_country_is_no_other_country(country: str) -> None:
    assert set(read(form(country=country), page(), None, Language("en")).errors) == {"country"}


def test_fields_of_a_row_stand_together_and_are_asked_once() -> None:
    shown = [one.field.name for one in asked(page(), None)]
    assert shown == [*NAMES[:-1], *ANSWERS, "comment"], "the page's own before the comment, which is the last"
    found = shown_rows(page(), None, EMPTY, Language("de"))
    assert [one.key.removeprefix(OWN) for row in found for one in row] == shown
    assert len({field.row for field in FIELDS}) + len(ANSWERS) == len(found), "a row is in one piece"
    assert {(one.label, one.language) for row in found for one in row if one.kind == "choice"} == {("I am a", "en")}


def test_what_is_known_of_people_is_what_a_visitor_shows() -> None:
    for field in KNOWN:
        assert field.name in people.c
        assert field.name in Visitor.__slots__


def test_a_signature_takes_no_field_that_the_table_lacks() -> None:
    with pytest.raises(ValueError, match="fone"):
        Particulars({"fone": "1"})
    assert set(NAMES) - {field.name for field in KEPT} == {"email"}, "the address is the person's alone"


@each_field
def test_the_pages_for_users_name_each_field(field: SignatureField) -> None:
    pages, webhook = ((DOCS / name).read_text(encoding="utf-8") for name in ("action-pages.md", "webhook.md"))
    assert f"`{field.name}`" in pages
    example, _ = json.JSONDecoder().raw_decode(webhook[webhook.index('{"event"') :])
    assert (field.name in example) == field.webhook


def test_answers_are_what_the_page_asks_for_and_nothing_else() -> None:
    def wrong(**changes: str) -> dict[str, str]:
        sent = {f"{OWN}{key}": text for key, text in changes.items()}
        return {key: str(text) for key, text in read(form(**sent), page(), None, Language("en")).errors.items()}

    assert wrong() == wrong(help="on", school="") == wrong(role=" qteacher ") == {}
    for role in ("A parent", "other", "x" * 2000, ""):
        assert wrong(role=role) == {"own.role": "Choose one of these"}, role
    filled = read(form(**{f"{OWN}help": "9" * 5000, f"{OWN}school": "S" * 5000, f"{OWN}more": "?"}), page(), None,
                  Language("en"))  # fmt: skip
    assert filled.who(page(), None).own == {"school": "S" * LONGEST_ANSWER, "role": "qparent", "help": "yes"}
    empty = read(form(**{f"{OWN}{key}": "" for key in ("school", "help")}), page(), None, Language("en"))
    assert empty.who(page(), None).own == {"role": "qparent"}, "what wasn't answered is not kept"
