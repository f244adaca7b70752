"""What is handed in: the right names and no others, word for word, with true sums, and readable by its owner alone."""

from __future__ import annotations

import csv
import hashlib
import io
import stat
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import Connection

from mailer.audience.consent.changes import forget
from mailer.audience.petition import bundle as bundle_module
from mailer.audience.petition import bundle_pdf
from mailer.audience.petition.bundle import LETTER_FILE, Bundle, make_bundle, write_bundle
from mailer.audience.petition.bundle_pdf import PrintedPetition, print_petition
from mailer.audience.petition.bundle_words import CountedSignatures, filled_letter, letter_faults
from mailer.compose.action_page.parse import parse_action_page
from mailer.errors import MailerError
from mailer.locale.language import Language
from mailer.settings import Organisation
from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.audience.petition.test_signatures import BY_MAIL, put
from tests.audience.world import add_person, signing_as
from tests.conftest import NOW

STATEMENT = "We ask the council to keep **every** library open.\nAll of them."
GROUP = Organisation("River Watch", "1 Mill Lane\nHereford", "https://river.example.org")


def sign_all(connection: Connection) -> None:
    """Five people: one shown, one by mail, one with letters that no font has, one forgotten, one with a formula."""
    people = [
        (signing_as("Ana", "Li", shown=True, country="IE", postcode="D01", comment="Mine"), None),
        (signing_as("Олександр", "Шевченко", country="UA", postcode="P2", comment="Second"), BY_MAIL),
        (signing_as("李", "小龍", postcode="P3"), None),
        (signing_as("Gone", "Forever"), None),
        (signing_as("=Sum", "Nguyễn"), None),
    ]
    for number, (who, origin) in enumerate(people, 1):
        add_person(connection, number)
        put(connection, number, who, origin, statement=STATEMENT, at=NOW + timedelta(days=number))
    assert forget(connection, address="person4@example.org")


def bundle_of(database: Database, workspace: Workspace, *, full: bool, language: str = "en") -> Bundle:
    text = f"---\nheadline: Keep it open\nstatement: S\nlanguage: {language}\n---\n\nText.\n"
    page, _ = parse_action_page(text, slug="library", file="action.md", lists={})
    (workspace.newsletters / "library").mkdir(exist_ok=True, parents=True)
    assert page is not None
    with database.read() as connection:
        return make_bundle(
            connection, workspace.newsletter("library"), page, organisation=GROUP, full_names=full, at=NOW
        )


@pytest.fixture
def signed(database: Database) -> Database:
    with database.write() as connection:
        sign_all(connection)
    return database


def rows(bundle: Bundle) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(bundle.files["signatures.csv"].decode("utf-8-sig"), newline="")))


def printed(bundle: Bundle) -> str:
    pages = PdfReader(io.BytesIO(bundle.files["petition.pdf"])).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_names_are_whole_only_where_people_agreed_or_it_is_asked_for(signed: Database, workspace: Workspace) -> None:
    masked, full = (bundle_of(signed, workspace, full=full) for full in (False, True))
    assert [(row["first_name"], row["last_name"], row["postcode"], row["comment"]) for row in rows(masked)] == [
        ("Ana", "Li", "D01", "Mine"), ("Олександр", "Ш.", "", ""), ("李", "小.", "", ""), ("'=Sum", "N.", "", ""),
    ]  # fmt: skip
    assert [row["last_name"] for row in rows(full)] == ["Li", "Шевченко", "小龍", "Nguyễn"]
    assert rows(full)[1]["comment"] == "Second"
    for bundle, there, missing in ((masked, "Олександр Ш.", "Шевченко"), (full, "Олександр Шевченко", "Gone")):
        text = printed(bundle)
        assert there in text
        assert "Ana Li" in text
        assert missing not in text
        assert "example.org" not in bundle.files["signatures.csv"].decode()
        assert bundle.not_printed == 1, "the Chinese name"
        assert "see signatures.csv, number 3" in text
    assert "in full where people agreed" in printed(masked)
    assert "Every name is given in full" in printed(full)


def test_it_says_word_for_word_what_was_signed_and_how_it_was_counted(signed: Database, workspace: Workspace) -> None:
    bundle = bundle_of(signed, workspace, full=False)
    text = printed(bundle)
    assert bundle.files["statement.txt"].decode() == f"{STATEMENT}\n"
    assert " ".join(STATEMENT.split()) in text, "with its signs as they are"
    assert (bundle.counted.total, bundle.counted.by_mail, bundle.counted.by_form, bundle.counted.named) == (5, 1, 4, 4)
    for line in bundle.files["method.txt"].decode().splitlines():
        assert line in text
    for words in ("Signatures: 5", "to that person: 1", "confirmed: 4", "details: 1", "River Watch", "Dear Sir"):
        assert words in text, words
    for file in ("signatures.csv", "statement.txt"):
        assert hashlib.sha256(bundle.files[file]).hexdigest() in text.replace(" ", "")
    assert bundle.files["SHA256SUMS"].decode().splitlines() == [
        f"{hashlib.sha256(found).hexdigest()}  {name}" for name, found in bundle.files.items() if name != "SHA256SUMS"
    ]


def test_both_wordings_are_there_and_another_language(signed: Database, workspace: Workspace) -> None:
    with signed.write() as connection:
        put(connection, add_person(connection, 9), statement="Nous demandons.")
    text = printed(bundle_of(signed, workspace, full=False, language="fr"))
    assert "Nous demandons." in text
    assert "5 personnes ont signé cette version" in text.lower()
    assert "Comment les signatures ont été comptées" in text
    assert "Irlande" in text


def test_the_groups_own_letter_is_printed_and_its_faults_are_told(signed: Database, workspace: Workspace) -> None:
    bundle_of(signed, workspace, full=False)
    letter = workspace.newsletters / "library" / LETTER_FILE
    letter.write_text("Dear Mayor,\n\n**{signatures}** of us ask you.\n\n{organisation}, {date}\n")
    bundle = bundle_of(signed, workspace, full=False)
    assert bundle.files["cover-letter.txt"].decode() == (
        "Dear Mayor,\n\n**5** of us ask you.\n\nRiver Watch, 24 November 2026\n"
    )
    assert bundle.own_letter
    assert "5 of us ask you." in printed(bundle)
    letter.write_text("Dear {mayor},\n\nwe are {signature} people, {}.\n")
    with pytest.raises(MailerError) as wrong:
        bundle_of(signed, workspace, full=False)
    assert [(one.message[:12], one.place.line) for one in wrong.value.diagnostics if one.place] == [
        ("{mayor} is n", 1), ("{signature} ", 3), ("{} is nothin", 3),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["handed", "handed.zip"])
def test_its_files_are_for_their_owner_and_nothing_handed_in_is_overwritten(
    signed: Database, workspace: Workspace, tmp_path: Path, name: str
) -> None:
    bundle, out = bundle_of(signed, workspace, full=True), tmp_path / name
    write_bundle(bundle, out, at=NOW)
    if name.endswith(".zip"):
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        with zipfile.ZipFile(out) as archive:
            assert {entry: archive.read(entry) for entry in archive.namelist()} == bundle.files
            assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o600}
    else:
        assert stat.S_IMODE(out.stat().st_mode) == 0o700
        assert {path.name: path.read_bytes() for path in out.iterdir()} == bundle.files
        assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(MailerError, match="is there already"):
        write_bundle(bundle, out, at=NOW)
    with pytest.raises(MailerError, match="can't be written"):
        write_bundle(bundle, tmp_path / "no" / "folder.zip", at=NOW)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_petition_that_nobody_signed_is_not_handed_in(database: Database, workspace: Workspace) -> None:
    with pytest.raises(MailerError, match="nobody has signed library"):
        bundle_of(database, workspace, full=True)


def test_too_many_names_to_print_are_left_to_the_file(
    signed: Database, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_pdf, "MOST_NAMES", 3)
    monkeypatch.setattr(bundle_module, "MOST_NAMES", 3)
    bundle = bundle_of(signed, workspace, full=True)
    assert bundle.left_to_csv
    assert "The names are in signatures.csv" in printed(bundle)
    assert len(rows(bundle)) == 4


@given(st.text(max_size=60))
def test_whatever_a_letter_says_is_said_or_told_of(text: str) -> None:
    values = {"signatures": "5", "headline": "H", "organisation": "O", "date": "D"}
    faults = letter_faults(text, file="cover-letter.md")
    assert all(one.place and one.remedy for one in faults)
    if not faults:
        assert filled_letter(text, values) == filled_letter(text.strip(), values)


NAMES = st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1, max_size=80)


@settings(max_examples=20)  # a fifth of a second each
@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=3), st.sampled_from(["en", "ar", "de"]))
def test_no_name_breaks_the_page(names: list[tuple[str, str]], code: str) -> None:
    petition = PrintedPetition(
        headline="H", organisation=GROUP, language=Language(code), letter="L", at=NOW, statements=[("S", 1)],
        counted=CountedSignatures(len(names), 0, len(names)), method=["M"], sums=[], csv="signatures.csv",
    )  # fmt: skip
    rows = [{"first_name": first, "last_name": last, "country": "", "signed_at": NOW} for first, last in names]
    found = print_petition(petition, rows)
    assert found.pdf.startswith(b"%PDF-")
    assert 0 <= found.not_printed <= len(names)
