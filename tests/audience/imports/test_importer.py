"""Imports: what is read, what each row becomes, and what is refused with nothing changed."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import forget, leave, list_id, suppress
from mailer.audience.imports import ImportReport, import_files
from mailer.audience.imports.files import reader as reading_module
from mailer.audience.people.people import find_supporter, list_counts, show
from mailer.audience.people.search import PeopleSearch, ensure_search, find_numbers, has_search
from mailer.errors import MailerError
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database
from mailer.store.tables.core import consents, people, suppressions
from mailer.store.tables.states import SuppressionReason
from tests.audience.world import KEY, SUPPORTERS, bring
from tests.conftest import NOW

HEADER = "email,first_name,last_name,country,language,town\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def counts(report: ImportReport) -> dict[str, int]:
    names = ("added", "updated", "unchanged", "duplicate", "rejected", "suppressed")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def known(store: Database, address: str) -> dict[str, str]:
    with store.read() as connection:
        return find_supporter(connection, address)[1]


def test_a_new_person_is_kept_with_proof_of_consent(store: Database, path: Path) -> None:
    report = bring(store, path, HEADER + "Ada@Example.org , Ada ,Lovelace,gb,EN,London\n")
    assert counts(report) == {"added": 1}
    assert report.attributes == ("town",)
    assert known(store, "ada@example.org") == {
        "email": "ada@example.org", "first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace",
        "country": "GB", "language": "en", "timezone": "", "tags": "", "town": "London",
    }  # fmt: skip
    with store.read() as connection:
        dossier = show(connection, "ada@example.org", address_key=KEY)
    assert dossier
    (proof,) = dossier.consents
    assert (proof.list, proof.status, proof.at, proof.how, proof.source, proof.wording) == (
        "supporters", "subscribed", NOW, "import", "imported from people.csv on 2026-11-24", "Yes, mail me.",
    )  # fmt: skip
    assert [(one.list, one.status) for one in dossier.lists] == [("supporters", "subscribed")]


def test_again_is_unchanged_and_a_new_value_is_an_update(store: Database, path: Path) -> None:
    row = "ada@example.org,Ada,Lovelace,GB,en,London\n"
    bring(store, path, HEADER + row)
    assert counts(bring(store, path, HEADER + row)) == {"unchanged": 1}
    later = NOW + timedelta(days=1)
    report = bring(store, path, "email,town,job\nada@example.org,Leeds,mathematician\n", now=later)
    assert counts(report) == {"updated": 1}
    ada = known(store, "ada@example.org")
    assert (ada["town"], ada["job"], ada["first_name"]) == ("Leeds", "mathematician", "Ada")
    with store.read() as connection:
        assert connection.execute(select(people.c.updated_at)).scalar() == later
        assert connection.execute(select(func.count()).select_from(consents)).scalar() == 1


def test_an_empty_cell_takes_nothing_away(store: Database, path: Path) -> None:
    bring(store, path, HEADER + "ada@example.org,Ada,Lovelace,GB,en,London\n")
    assert counts(bring(store, path, HEADER + "ada@example.org,,,,,\n")) == {"unchanged": 1}
    assert known(store, "ada@example.org")["first_name"] == "Ada"


def test_a_person_of_another_list_is_added_to_this_one(store: Database, path: Path) -> None:
    bring(store, path, HEADER + "ada@example.org,Ada,,,,\n", name="other")
    assert counts(bring(store, path, HEADER + "ada@example.org,Ada,Lovelace,,,\n")) == {"added": 1}
    assert known(store, "ada@example.org")["last_name"] == "Lovelace"
    with store.read() as connection:
        assert {name: count.subscribed for name, count in list_counts(connection).items()} == {
            "other": 1, "supporters": 1,
        }  # fmt: skip


def test_duplicates_count_and_the_first_row_holds(store: Database, path: Path) -> None:
    rows = "ada@example.org,First,,,,\nADA@EXAMPLE.ORG,Second,,,,\n ada@example.org,Third,,,,\n"
    assert counts(bring(store, path, HEADER + rows)) == {"added": 1, "duplicate": 2}
    assert known(store, "ada@example.org")["first_name"] == "First"
    assert counts(bring(store, path, HEADER + rows)) == {"unchanged": 1, "duplicate": 2}


def test_nobody_who_left_bounced_or_complained_comes_back(store: Database, path: Path) -> None:
    addresses = [f"{name}@example.org" for name in ("left", "bounced", "complained", "forgotten", "fine")]
    content = "email\n" + "\n".join(addresses) + "\n"
    bring(store, path, content)
    with store.write() as connection:
        number = list_id(connection, "supporters")
        for address in (addresses[0], addresses[3]):
            person, _ = find_supporter(connection, address)
            leave(connection, person_id=person, list_ids=[number], how="link", source="x", at=NOW)
        for address, reason in zip(
            addresses[1:3], (SuppressionReason.BOUNCED, SuppressionReason.COMPLAINED), strict=True
        ):
            suppress(connection, address_hash=address_hash(address, KEY), reason=reason, at=NOW)
        forget(connection, address=addresses[3])
    assert counts(bring(store, path, content)) == {"suppressed": 4, "unchanged": 1}
    with store.read() as connection:
        assert list_counts(connection)["supporters"].subscribed == 3  # two of whom are suppressed
        assert connection.execute(select(func.count()).select_from(people)).scalar() == 4


def test_leaving_one_list_does_not_keep_off_another(store: Database, path: Path) -> None:
    bring(store, path, "email\nada@example.org\n", name="other")
    with store.write() as connection:
        person, _ = find_supporter(connection, "ada@example.org")
        leave(connection, person_id=person, list_ids=[list_id(connection, "other")], how="x", source="x", at=NOW)
    assert counts(bring(store, path, "email\nada@example.org\n")) == {"added": 1}


def test_rows_that_say_somebody_left(store: Database, path: Path) -> None:
    bring(store, path, "email\nada@example.org\nbob@example.org\n")
    content = (
        "email,status\nada@example.org,Unsubscribed\nbob@example.org,cleaned\nnew@example.org,spam\n"
        "twice@example.org,subscribed\ntwice@example.org,unsubscribed\nwaits@example.org,pending\nodd@example.org,odd\n"
    )
    report = bring(store, path, content)
    assert counts(report) == {"suppressed": 5, "added": 1, "rejected": 1}
    with store.read() as connection:
        count = list_counts(connection)["supporters"]
        assert (count.subscribed, count.pending, count.unsubscribed) == (1, 1, 1)
        rows = connection.execute(select(suppressions.c.address_hash, suppressions.c.list_id, suppressions.c.reason))
        number = list_id(connection, "supporters")
        assert {(bytes(hashed), where, reason) for hashed, where, reason in rows} == {
            (address_hash("ada@example.org", KEY), number, "unsubscribed"),
            (address_hash("bob@example.org", KEY), 0, "bounced"),
            (address_hash("new@example.org", KEY), 0, "complained"),
            (address_hash("twice@example.org", KEY), number, "unsubscribed"),
        }
        # Nothing but the hash is kept of people who were never on the list.
        known_addresses = connection.execute(select(people.c.address).order_by(people.c.address)).scalars().all()
        assert known_addresses == ["ada@example.org", "bob@example.org", "waits@example.org"]
        ada = show(connection, "ada@example.org", address_key=KEY)
        assert ada
        assert [proof.status for proof in ada.consents] == ["subscribed", "unsubscribed"]
    assert counts(bring(store, path, "email\nwaits@example.org\nbob@example.org\n")) == {"updated": 1, "suppressed": 1}
    with store.read() as connection:
        assert list_counts(connection)["supporters"].pending == 0


def test_pending_joins_another_list_as_pending(store: Database, path: Path) -> None:
    bring(store, path, "email\nada@example.org\n", name="other")
    assert counts(bring(store, path, "email,status\nada@example.org,pending\n")) == {"added": 1}
    with store.read() as connection:
        assert list_counts(connection)["supporters"].pending == 1


def test_a_dry_run_reports_the_same_and_changes_nothing(store: Database, path: Path) -> None:
    content = HEADER + "ada@example.org,Ada,,,,\nno-address,,,,,\nbob@example.org,Bob,,,,\nADA@example.org,,,,,\n"
    dry = bring(store, path, content, dry_run=True)
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(people)).scalar() == 0
    assert counts(dry) == counts(bring(store, path, content))
    assert dry.dry_run


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        ("e-mail;Vorname;town\nada@example.org;Ada;Łódź\n".encode(), ".csv"),
        ("email\tfirst name\ttown\nada@example.org\tAda\tŁódź\n".encode(), ".tsv"),
        ("Email Address|First|town\nada@example.org|Ada|Łódź\n".encode(), ".txt"),
        ("\ufeffemail,first_name,town\r\nada@example.org,Ada,Łódź\r\n".encode(), ".csv"),
        ("email,first_name,town\rada@example.org,Ada,Łódź\r".encode(), ".csv"),
        ("email,first_name,town\nada@example.org,Ada,Łódź".encode("utf-16"), ".csv"),
        ('email,first_name,town\n"ada@example.org","Ada","Łódź"\n'.encode(), ".csv"),
        (json.dumps([{"email": "ada@example.org", "first_name": "Ada", "town": "Łódź"}]).encode(), ".json"),
        ('\ufeff [{"Email":"ada@example.org","first_name":"Ada","town":"Łódź"}]'.encode(), ".csv"),
        ('{"email":"ada@example.org","first_name":"Ada","town":"Łódź"}\n'.encode(), ".ndjson"),
    ],
)
def test_formats_and_encodings_are_found(store: Database, tmp_path: Path, content: bytes, suffix: str) -> None:
    mapping = {"Vorname": "first_name"} if b"Vorname" in content else {}
    report = bring(store, tmp_path / f"people{suffix}", content, mapping=mapping)
    assert counts(report) == {"added": 1}
    assert report.warnings == ()
    ada = known(store, "ada@example.org")
    assert (ada["first_name"], ada["town"]) == ("Ada", "Łódź")


def test_windows_1252_is_read_with_a_warning(store: Database, path: Path) -> None:
    report = bring(store, path, "email,first_name\nzoe@example.org,Zoë\n".encode("cp1252"))
    assert known(store, "zoe@example.org")["first_name"] == "Zoë"
    (warning,) = report.warnings
    assert "Windows-1252" in warning.message


def test_a_file_with_nobody_in_it_is_told_of(store: Database, path: Path) -> None:
    report = bring(store, path, "email,first_name\n")
    assert report.read == 0
    (warning,) = report.warnings
    assert str(warning).startswith(f"{path.name}:1: warning: the file has nobody in it")
    with pytest.raises(MailerError, match="nobody in it"):
        bring(store, path.with_suffix(".json"), "[]")


def test_json_of_every_kind(store: Database, path: Path) -> None:
    records = [
        {"email": "a@example.org", "age": 41, "tags": ["x", "y"], "vip": True, "note": None},
        "not an object",
        {"email": "b@example.org", "first_name": "half \ud800 pair"},
        {"first_name": "No address"},
    ]
    report = bring(store, path, json.dumps(records))
    assert counts(report) == {"added": 1, "rejected": 3}
    assert [one.line for one in report.rejects] == [2, 3, 4]
    a = known(store, "a@example.org")
    assert (a["age"], a["tags"], a["vip"]) == ("41", "x, y", "true")
    assert "note" not in a


def test_json_lines_reject_what_is_no_object(store: Database, path: Path) -> None:
    content = '{"email":"a@example.org"}\n{"email":\n[1]\n\n{"email":"b@example.org","x":"1"}\n'
    report = bring(store, path, content)
    assert counts(report) == {"added": 2, "rejected": 2}
    assert [one.line for one in report.rejects] == [2, 3]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("not-an-address,,,,,", "@-sign"),
        (",Ada,,,,", "the address is empty"),
        ("jörg@example.org,,,,,", "beyond ASCII"),
        ("a@example.org,Ada\x07,,,,", "control character"),
        ('a@example.org,"Ada\nBcc: x@example.org",,,,', "control character"),
        ("a@example.org," + "A" * 201 + ",,,,", "too long"),
        ("a@example.org," + "A" * 2000 + ",,,,", "too long"),
        ("a@example.org,,,,," + "x" * 10_001, "too long"),
        ("a@example.org,,,,,,one,too,many", "more values than there are columns"),
        ("a@example.org,,,,,,one", "more values than there are columns: 7, not 6"),
        ("a@example.org\u2028,Ada,,,,", ""),
    ],
)
def test_a_bad_row_is_rejected_with_reason_and_line(
    store: Database, path: Path, tmp_path: Path, row: str, reason: str
) -> None:
    rejects = tmp_path / "rejects.csv"
    content = HEADER + "first@example.org,,,,,\n" + row + "\nlast@example.org\n"
    report = bring(store, path, content, rejects_path=rejects)
    assert counts(report) == {"added": 2, "rejected": 1}
    (one,) = report.rejects
    assert one.line == 3
    assert reason in one.reason
    with rejects.open(encoding="utf-8", newline="") as file:
        header, written = list(csv.reader(file))
    assert header == ["line", "reason", *HEADER.strip().split(",")]
    assert written[:2] == ["3", one.reason]
    assert written[2:] == next(csv.reader([row]), []) or "\n" in row


def test_rows_without_any_value_are_left_out(store: Database, path: Path) -> None:
    report = bring(store, path, HEADER + ",,,,,\n\n , ,,,,\na@example.org,,,,,\n,,,,,\n")
    assert (report.read, counts(report)) == (1, {"added": 1})


def test_lines_are_counted_through_quoted_line_ends(store: Database, path: Path) -> None:
    content = 'email,address\na@example.org,"1 Road\nTown"\n\nbad,x\n'
    report = bring(store, path, content)
    assert [one.line for one in report.rejects] == [5]
    assert known(store, "a@example.org")["address"] == "1 Road\nTown"


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        (b"", "empty", None),
        (b"\n\n \n", "no rows", None),
        (b"name,town\nAda,London\n", "no column holds addresses", 1),
        (b"ada@example.org,Ada\n", "no column holds addresses", 1),
        (b"email,name\na@example.org,\0\n", "NUL", 2),
        ("email\na@example.org\n".encode("utf-16-le"), "NUL", 1),
        (b'email,name\na@example.org,"Ada\nb@example.org,Bob\n', "never closed", 2),
        (b'email,name\na@example.org,"A"da\n', "quotes", 2),
        (b"email,name\na@example.org," + b"x" * (3 << 20) + b"\n", "longer than", 2),
        (b"email,name\na@example.org,\x81\x8d\n", "neither UTF-8 nor Windows-1252", 2),
        (b'[{"email": "a@example.org"},', "not valid JSON", 1),
        (b"{not json\n", "no line of this file is a JSON object", None),
        (b"[" * 100_000, "", None),
        ("email\na@example.org\n".encode("utf-16")[:-1], "UTF-16", None),
        (b",".join(b"c%d" % n for n in range(600)) + b"\n", "600 columns", None),
    ],
)
def test_a_bad_file_is_one_clear_error_and_nothing_changes(
    store: Database, path: Path, content: bytes, words: str, line: int | None
) -> None:
    with pytest.raises(MailerError) as caught:
        bring(store, path, content)
    assert words in str(caught.value)
    assert "people.csv" in str(caught.value)
    if line is not None:
        assert f"people.csv:{line}" in str(caught.value)
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(people)).scalar() == 0


def test_a_huge_line_is_not_read_into_memory(store: Database, path: Path) -> None:
    with path.open("wb") as file:  # a sparse gigabyte of NULs, and one of them in the first block
        file.write(b"email\n")
        file.truncate(1 << 30)
    with pytest.raises(MailerError, match="NUL"):
        bring(store, path)


def test_a_large_json_array_is_refused(store: Database, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "LARGEST_JSON_BYTES", 10)
    with pytest.raises(MailerError, match="array of more than"):
        bring(store, path, '[{"email": "a@example.org"}]')


def test_columns_mapped_by_hand_and_by_the_list(store: Database, path: Path) -> None:
    content = "contact,Rufname,secret,Age group\nada@example.org,Ada,x,30-40\n"
    report = bring(
        store, path, content, mapping={"contact": "email", "Rufname": "first_name", "secret": "-", "Age group": "age"}
    )
    assert report.attributes == ("age",)
    ada = known(store, "ada@example.org")
    assert (ada["first_name"], ada["age"]) == ("Ada", "30-40")
    assert "secret" not in ada


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"nowhere": "email"}, "no column 'nowhere'"),
        ({"town": "Not a name"}, "can't name a field"),
        ({"email": "first_name"}, "no column holds addresses"),
        ({"town": "email", "email": "email"}, "both mean"),
        ({"town": "last_name", "Town": "last_name"}, "'town' and 'Town' both mean last_name"),
    ],
)
def test_a_mapping_that_can_not_work(store: Database, path: Path, mapping: dict[str, str], words: str) -> None:
    with pytest.raises(MailerError, match=words):
        bring(store, path, "email,town,Town\na@example.org,b,c\n", mapping=mapping)


def test_columns_of_one_name_are_all_kept(store: Database, path: Path) -> None:
    report = bring(store, path, "email,town,Town,TOWN\na@example.org,x,y,z\n")
    assert report.attributes == ("town", "town_2", "town_3")
    assert [known(store, "a@example.org")[name] for name in report.attributes] == ["x", "y", "z"]
    assert [fault.message for fault in report.warnings] == [
        "another column is called 'town' too; this one is kept as town_2",
        "another column is called 'town' too; this one is kept as town_3",
    ]


def test_files_of_one_name_are_told_apart_and_progress_counts_all_rows(database: Database, tmp_path: Path) -> None:
    paths = [tmp_path / folder / "people.csv" for folder in ("a", "b", "c")]
    for number, file in enumerate(paths):
        file.parent.mkdir()
        file.write_text(f"email\nperson{number}@example.org\nbad\n")
    heard: list[tuple[int, float]] = []
    report = import_files(
        database, definition=SUPPORTERS, paths=paths, address_key=KEY, by=terminal(), now=NOW,
        progress=lambda rows, share: heard.append((rows, share)),
    )  # fmt: skip
    assert [file.name for file in report.files] == ["people.csv", "people.csv (2)", "people.csv (3)"]
    assert [(one.file, one.line) for one in report.rejects] == [(file.name, 3) for file in report.files]
    assert heard == sorted(heard), "it only ever grows"
    assert heard[-1] == (6, 1.0)


def test_of_two_columns_with_addresses_one_is_taken(store: Database, path: Path) -> None:
    content = "e-mail,email\na@example.org,b@example.org\n"
    assert counts(bring(store, path, content)) == {"added": 1}
    assert known(store, "b@example.org")["e_mail"] == "a@example.org"
    assert counts(bring(store, path, content, mapping={"e-mail": "email"})) == {"added": 1}
    assert known(store, "a@example.org")["email"] == "a@example.org"


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Ada", "Ada", ""), ("Ada Lovelace", "Ada", "Lovelace"), ("Lovelace, Ada", "Ada", "Lovelace"),
     ("María José García", "María", "José García"), ("Ada,", "Ada,", "")],
)  # fmt: skip
def test_a_name_in_one_piece(store: Database, path: Path, name: str, first: str, last: str) -> None:
    bring(store, path, f'email,name\na@example.org,"{name}"\n')
    a = known(store, "a@example.org")
    assert (a["first_name"], a["last_name"]) == (first, last)


@pytest.mark.parametrize(
    ("country", "language", "kept"),
    [
        ("uk", "en_gb", {"country": "GB", "language": "en-gb"}),
        ("Narnia", "klingon", {"country": "", "country_as_given": "Narnia", "language_as_given": "klingon"}),
        ("Deutschland", "Français", {"country": "DE", "language": "fr"}),
        ("United States", "de_DE", {"country": "US", "language": "de-DE"}),
        ("Côte d’Ivoire", "de_DE.UTF-8", {"country": "CI", "language": "de-DE"}),
        ("united kingdom", "Deutsch", {"country": "GB", "language": "de"}),
        ("GBR", "中文", {"country": "GB", "language": "zh"}),
        ("", "pt-BR", {"country": "", "language": "pt-BR"}),
    ],
)
def test_countries_and_languages(
    store: Database, path: Path, country: str, language: str, kept: dict[str, str]
) -> None:
    bring(store, path, f"email,country,language\na@example.org,{country},{language}\n")
    a = known(store, "a@example.org")
    assert {name: a[name] for name in kept} == kept


def test_another_address_key_is_refused(store: Database, path: Path) -> None:
    bring(store, path, "email\nada@example.org\n")
    with pytest.raises(MailerError, match="address key is not the one"):
        bring(store, path, "email\nbob@example.org\n", address_key=b"another key, after a loss of secrets")


def test_attributes_beyond_ascii_and_with_quotes(store: Database, path: Path) -> None:
    bring(store, path, 'email,größe,"say ""it"""\na@example.org,"5\'10""",back\\slash\n')
    a = known(store, "a@example.org")
    assert (a["grösse"], a["say_it"]) == ("5'10\"", "back\\slash")
    assert counts(bring(store, path)) == {"unchanged": 1}


@pytest.mark.sqlite
def test_the_search_index_follows_small_imports_and_is_dropped_by_large_ones(database: Database, path: Path) -> None:
    ensure_search(database)
    bring(database, path, "email,first_name\nzoe@example.org,Zoë\n")
    with database.read() as connection:
        assert find_numbers(connection, PeopleSearch("zoe"), limit=5) == [1]
    rows = "".join(f"p{n}@example.org,{'x' * 100}\n" for n in range(12_000))
    bring(database, path, "email,first_name\n" + rows)
    with database.read() as connection:
        assert not has_search(connection)
    ensure_search(database)
    with database.read() as connection:
        assert len(find_numbers(connection, PeopleSearch("xxx"), limit=20_000)) == 12_000
    # What was changed for the bulk is as before.
    with database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_signs_that_turn_the_direction_of_text_do_not_come_in_with_names(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("email,first_name,last_name\na@example.org,A\u202edA,\u2066B\u2069o\n", encoding="utf-8")
    assert bring(database, path).added == 1
    with database.read() as connection:
        assert tuple(connection.execute(select(people.c.first_name, people.c.last_name)).one()) == ("AdA", "Bo")
