"""Files as spreadsheets and other programs leave them: delimiters, titles, doubled names, workbooks, odd values."""

from __future__ import annotations

import csv
import json
import sys
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from mailer.audience.imports import ImportOptions, import_files
from mailer.audience.imports.files import workbooks
from mailer.audience.imports.files.delimited import MOST_TITLES
from mailer.audience.imports.files.reader import open_table
from mailer.audience.imports.headers import names_columns
from mailer.audience.imports.meaning.values import country_code, language_tag, moment, tags, timezone
from mailer.audience.people.people import find_supporter
from mailer.errors import MailerError
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from tests.audience.world import KEY, SUPPORTERS, bring
from tests.conftest import NOW


def table_of(path: Path, content: str | bytes, *, delimiter: str = "") -> tuple[list[str], list[list[str]]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = open_table(path, is_header=lambda cells: names_columns(cells, {}), delimiter=delimiter)
    return table.columns, [values for _, values in table.rows()]


@pytest.mark.parametrize(
    ("content", "columns", "first"),
    [
        ("sep=;\r\nE-Mail;Vorname\r\na@example.org;Jörg\r\n", ["E-Mail", "Vorname"], ["a@example.org", "Jörg"]),
        ('\ufeff"sep=,"\nemail,name\na@example.org,Ann\n', ["email", "name"], ["a@example.org", "Ann"]),
        ("SEP=\t\nemail\tname\na@example.org\tAnn\n", ["email", "name"], ["a@example.org", "Ann"]),
        (
            "Supporters,,\nMade on 1 May,,\n,,\nEmail,First,Town\na@example.org,Ann,Leeds\n",
            ["Email", "First", "Town"],
            ["a@example.org", "Ann", "Leeds"],
        ),
        ("# from our CRM\nEmail;Town\na@example.org;Leeds\n", ["Email", "Town"], ["a@example.org", "Leeds"]),
        (
            "List, of supporters, for 2026\nEmail;Town\na@example.org;Leeds\n",
            ["Email", "Town"],
            ["a@example.org", "Leeds"],
        ),
        ("\n\n\nEmail,Town\na@example.org,Leeds\n", ["Email", "Town"], ["a@example.org", "Leeds"]),
        (
            "Email;Name (first, last, title);Town\na@example.org;Ann;Leeds\n",
            ["Email", "Name (first, last, title)", "Town"],
            ["a@example.org", "Ann", "Leeds"],
        ),
        ('E-Mail;Betrag\na@example.org;"12,50"\n', ["E-Mail", "Betrag"], ["a@example.org", "12,50"]),
        ('"email,town"\n"a@example.org,Leeds"\n', ["email", "town"], ["a@example.org", "Leeds"]),
        ("email,first\ra@example.org,Ann\r", ["email", "first"], ["a@example.org", "Ann"]),
        (
            "Email,Email,Town,Email\na@example.org,,Leeds,\n",
            ["Email", "Email (2)", "Town", "Email (3)"],
            ["a@example.org", "", "Leeds", ""],
        ),
        ("email|town\na@example.org|Leeds\n", ["email", "town"], ["a@example.org", "Leeds"]),
        ("name,channel\nAnn,email\n", ["name", "channel"], ["Ann", "email"]),  # not a header further down
        ("contact,channel\nann@example.org,email\n", ["contact", "channel"], ["ann@example.org", "email"]),
    ],
)
def test_header_and_delimiter_are_found(tmp_path: Path, content: str, columns: list[str], first: list[str]) -> None:
    found, rows = table_of(tmp_path / "people.csv", content)
    assert (found, rows[0]) == (columns, first)


def test_two_delimiters_that_fit_alike_are_asked_about(database: Database, tmp_path: Path) -> None:
    content = "contact;a,b\nann@example.org;x,y\n"
    path = tmp_path / "people.csv"
    with pytest.raises(MailerError, match="fit equally well") as caught:
        bring(database, path, content)
    assert "--delimiter ';'" in str(caught.value) or "--delimiter ','" in str(caught.value)
    assert table_of(path, content, delimiter=";") == (["contact", "a,b"], [["ann@example.org", "x,y"]])
    assert table_of(path, content, delimiter=",") == (["contact;a", "b"], [["ann@example.org;x", "y"]])


def test_of_columns_with_one_name_the_first_address_counts(database: Database, tmp_path: Path) -> None:
    content = (
        "Email,First name,Email,Town,town\n,Dua,dua@example.org,Leeds,York\none@example.org,One,two@example.org,,\n"
    )
    report = bring(database, tmp_path / "people.csv", content)
    assert report.added == 2
    assert any("town_2" in str(one) for one in report.warnings)
    with database.read() as connection:
        dua, one = (find_supporter(connection, f"{name}@example.org")[1] for name in ("dua", "one"))
    assert (dua["town"], dua["town_2"]) == ("Leeds", "York")
    assert one["email_2"] == "two@example.org"


@pytest.mark.parametrize(
    ("header", "row", "address"),
    [
        ("First name,Address,Contact email", "Ann,1 Elm Street,a@example.org", "a@example.org"),
        ("Email,Address", "a@example.org,1 Elm Street", "a@example.org"),
        ("Address,Email", "1 Elm Street,a@example.org", "a@example.org"),
        ("Adresse,Courriel", "1 rue X,a@example.org", "a@example.org"),
        ("Name,Address", "Ann,a@example.org", "a@example.org"),
        ("Name,Where to write", "Ann,a@example.org", "a@example.org"),
        ("E-mail 1 - Value,Name", "a@example.org,Ann", "a@example.org"),
        ("Correo electrónico,Nombre", "a@example.org,Ann", "a@example.org"),
    ],
)
def test_the_column_of_addresses_is_found(
    database: Database, tmp_path: Path, header: str, row: str, address: str
) -> None:
    assert bring(database, tmp_path / "people.csv", f"{header}\n{row}\n").added == 1
    with database.read() as connection:
        assert find_supporter(connection, address)[0]


def test_two_columns_that_may_hold_the_addresses_are_asked_about(database: Database, tmp_path: Path) -> None:
    with pytest.raises(MailerError, match="both mean email"):
        bring(database, tmp_path / "people.csv", "work,home\na@example.org,b@example.org\n")


def test_columns_in_other_languages(database: Database, tmp_path: Path) -> None:
    for number, (header, row) in enumerate(
        (
            ("Adresse e-mail;Prénom;Nom;Pays;Langue", "Zoé;Lévy;France;Français"),
            ("E-Mail-Adresse;Vorname;Name;Land;Sprache", "Zoé;Lévy;Frankreich;Französisch"),
            ("Correo electrónico;Nombre;Apellidos;País;Idioma", "Zoé;Lévy;Francia;francés"),
            ("E-mail;Nome;Cognome;Paese;Lingua", "Zoé;Lévy;Francia;francese"),
            ("E-mailadres;Voornaam;Achternaam;Land;Taal", "Zoé;Lévy;Frankrijk;Frans"),
        )
    ):
        bring(database, tmp_path / "people.csv", f"{header}\nz{number}@example.org;{row}\n")
        with database.read() as connection:
            found = find_supporter(connection, f"z{number}@example.org")[1]
        assert [found[name] for name in ("first_name", "last_name", "country", "language")] == [
            "Zoé",
            "Lévy",
            "FR",
            "fr",
        ]


# Workbooks


def workbook(path: Path, *rows: list[object], sheets: int = 1) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for number in range(1, sheets):
        book.create_sheet(f"More {number}")
    book.save(path)
    return path


def test_a_workbook_is_read(database: Database, tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "people.xlsx",
        ["Supporters of 2026"],
        [],
        ["E-Mail", "First name", "Since", "At", "Age", "Sum", "VIP", None],
        ["ann@example.org", "'=Ann", date(2024, 1, 2), datetime(2024, 1, 2, 3, 4), 41, 12.5, True, None],
        [None] * 8,
        ["bob@example.org"],
        sheets=2,
    )
    report = bring(database, path)
    assert (report.read, report.added) == (2, 2)
    assert "only the first sheet was read, not 'More 1'" in str(report.warnings[0])
    with database.read() as connection:
        ann = find_supporter(connection, "ann@example.org")[1]
    assert {name: ann[name] for name in ("first_name", "since", "at", "age", "sum", "vip")} == {
        "first_name": "=Ann",
        "since": "2024-01-02",
        "at": "2024-01-02 03:04:00",
        "age": "41",
        "sum": "12.5",
        "vip": "true",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(7.0, "7"), (0.5, "0.5"), (False, "false"), (datetime(2024, 1, 2), "2024-01-02"), (-3, "-3"), ("  x ", "x")],
)
def test_a_cell_is_read_as_people_see_it(database: Database, tmp_path: Path, value: object, text: str) -> None:
    bring(database, workbook(tmp_path / "people.xlsx", ["email", "seen"], ["ann@example.org", value]))
    with database.read() as connection:
        assert find_supporter(connection, "ann@example.org")[1]["seen"] == text


def test_a_header_is_not_looked_for_all_the_way_down(database: Database, tmp_path: Path) -> None:
    """What is far below titles is a table of its own, or people."""
    titles: list[list[object]] = [[f"A title {number}"] for number in range(MOST_TITLES + 1)]
    path = workbook(tmp_path / "people.xlsx", *titles, ["email"], ["ann@example.org"])
    with pytest.raises(MailerError, match="no column"):
        bring(database, path)


def test_a_workbook_that_would_fill_the_memory_is_refused(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "LARGEST_BYTES", 500)
    with pytest.raises(MailerError, match="too large"):
        bring(database, workbook(tmp_path / "people.xlsx", ["email"], ["ann@example.org"]))


def test_without_openpyxl_the_remedy_is_said(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path / "people.xlsx", ["email"], ["ann@example.org"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MailerError) as caught:
        bring(database, path)
    assert "pip install 'advocacy-mailer[xlsx]'" in str(caught.value)
    assert "CSV in UTF-8" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old kind, or one with a password"),
        ("content.xml", "this kind of spreadsheet"),
        ("xl/workbook.xml", "the workbook can't be read"),
        (b"PK\x03\x04 and nothing else", "damaged"),
    ],
)
def test_other_spreadsheets_are_one_clear_error(
    database: Database, tmp_path: Path, content: bytes | str, words: str
) -> None:
    path = tmp_path / "people.xlsx"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(content, "<x/>")
    with pytest.raises(MailerError, match=words) as caught:
        bring(database, path)
    assert "people.xlsx" in str(caught.value)
    assert caught.value.remedy


def test_a_workbook_with_an_empty_sheet(database: Database, tmp_path: Path) -> None:
    with pytest.raises(MailerError, match="first sheet has no rows"):
        bring(database, workbook(tmp_path / "people.xlsx"))


def test_a_zip_without_a_table(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.png", b"x")
    with pytest.raises(MailerError, match="no table of people"):
        bring(database, path)


def test_a_zip_can_not_write_elsewhere(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.csv", "email\nann@example.org\n")
    report = bring(database, path)
    assert report.files[0].name == "people.zip/evil.csv"
    assert not [*tmp_path.parent.parent.glob("evil*")]


# Values


@pytest.mark.parametrize("array", [True, False])
def test_a_number_that_is_too_long_is_a_rejected_row(database: Database, tmp_path: Path, array: bool) -> None:
    rows = [
        '{"email": "a@example.org", "age": ' + "9" * 5_000 + "}",
        '{"email": "b@example.org", "x": [' + "9" * 5_000 + "]}",
        '{"email": "c@example.org", "age": 41}',
    ]
    content = "[" + ",".join(rows) + "]" if array else "\n".join(rows)
    report = bring(database, tmp_path / "people.json", content)
    assert (report.added, report.rejected) == (1, 2)
    assert "5,000 digits" in report.rejects[0].reason


def test_rejected_rows_run_in_no_spreadsheet_and_can_be_imported_again(database: Database, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    content = 'email,first_name,=1+1\n=cmd|x,@SUM(A1),"-2+3"\n'
    bring(database, tmp_path / "people.csv", content, rejects_path=rejects)
    with rejects.open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["line", "reason", "email", "first_name", "'=1+1"]
    assert row[2:] == ["'=cmd|x", "'@SUM(A1)", "'-2+3"]
    corrected = rejects.read_text().replace("'=cmd|x", "ann@example.org")
    report = bring(database, rejects, corrected)
    assert (report.added, report.attributes) == (1, ("_1_1",))
    with database.read() as connection:
        assert find_supporter(connection, "ann@example.org")[1]["first_name"] == "@SUM(A1)"


@settings(deadline=None)
@given(st.lists(st.text(alphabet="=+-@\t|%'a,\"\n", max_size=5), min_size=2, max_size=2))
def test_no_cell_of_the_rejects_begins_a_formula(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    from mailer.audience.imports.report import Rejects

    path = tmp_path_factory.mktemp("rejects") / "rejects.csv"
    rejects = Rejects(path, {"x.csv": ["email", "name"]})
    rejects.add("x.csv", 2, "because", cells)
    rejects.finish()
    rejects.close()
    with path.open(encoding="utf-8", newline="") as file:
        assert not [
            cell for row in csv.reader(file) for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\n"))
        ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"vip","leeds"', "vip, leeds"),
        ("vip, local", "vip, local"),
        ('["a", "b"]', "a, b"),
        ("a; b ;c", "a, b, c"),
        ("a|b", "a, b"),
        ("one", "one"),
        ("a,a, b,", "a, b"),
        ('["half', '["half'),
        ("[]", ""),
    ],
)
def test_tags_in_one_cell(text: str, found: str) -> None:
    assert tags(text) == found
    assert tags(found) == found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Germany", "DE"),
        ("DEUTSCHLAND", "DE"),
        ("Allemagne", "DE"),
        ("USA", "US"),
        ("United States of America", "US"),
        ("U.K.", "GB"),
        ("England", "GB"),
        ("uk", "GB"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("México", "MX"),
        ("Mexico", "MX"),
        ("Narnia", ""),
        ("", ""),
        ("x" * 500, ""),
        ("12", ""),
    ],
)
def test_countries_by_name(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("de_DE", "de-DE"),
        ("EN", "en"),
        ("pt-BR", "pt-BR"),
        ("German", "de"),
        ("Deutsch", "de"),
        ("français", "fr"),
        ("Español", "es"),
        ("zh_Hant_TW", "zh-Hant-TW"),
        ("de_DE.UTF-8", "de-DE"),
        ("klingon", ""),
        ("", ""),
    ],
)
def test_languages_by_name(text: str, tag: str) -> None:
    assert language_tag(text) == tag


def test_time_zones_and_moments() -> None:
    assert timezone("europe/london") == "Europe/London"
    assert timezone("America/New York") == "America/New_York"
    assert timezone("BST") == ""
    for text in (
        "2024-01-02T10:00:00.000Z",
        "2024-01-02 10:00:00",
        "2024-01-02 10:00:00 UTC",
        "2024-01-02T12:00:00+02:00",
    ):
        assert moment(text, before=NOW) == 1_704_189_600_000_000
    for text in ("", "02/01/2024", "2099-01-01", "1066-10-14", "yesterday"):
        assert moment(text, before=NOW) is None


def test_json_attributes_become_fields(database: Database, tmp_path: Path) -> None:
    inner = {
        "city": "Leeds",
        "Age Group": 42,
        "tags": ["a", "b"],
        "email": "x",
        "town": "not this",
        "none": None,
        "deep": {"a": [1]},
    }
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["email", "town", "attributes"], ["a@example.org", "York", json.dumps(inner)]])
    bring(database, path)
    with database.read() as connection:
        found = find_supporter(connection, "a@example.org")[1]
    assert {name: found[name] for name in ("city", "age_group", "tags", "email_2", "town", "deep")} == {
        "city": "Leeds",
        "age_group": "42",
        "tags": "a, b",
        "email_2": "x",
        "town": "York",
        "deep": '{"a": [1]}',
    }
    assert "attributes" not in found


def test_a_list_of_hand_overrides_what_the_list_says_of_its_columns(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Email,Other\na@example.org,b@example.org\n")
    usual = replace(SUPPORTERS, columns={"Email": "email"})
    asked = ImportOptions(mapping={"Other": "email"})
    import_files(database, definition=usual, paths=[path], address_key=KEY, by=terminal(), now=NOW, asked=asked)
    with database.read() as connection:
        assert find_supporter(connection, "b@example.org")[0]


@given(st.text(alphabet="a b,;|\"'\n[]{}é", max_size=12))
def test_tags_that_were_kept_are_kept_as_they_are(cell: str) -> None:
    assert tags(tags(cell)) == tags(cell)
