"""Imports: a file is recognised, asked about, rehearsed and imported once, and the import is taken back."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from sqlalchemy import func, select

from mailer.audience.imports.past import list_imports
from mailer.staff.audit import entries
from mailer.staff.rights import Role
from mailer.store.tables.core import consent_sources, consents, people, suppressions
from tests.web.studio.conftest import House
from tests.web.studio.imports.conftest import AGREED, bring, done, imported, press

MAILCHIMP = (
    "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID,EUID,TAGS\n"
    'megan@example.org,Megan,Pritchard,2,2023-04-02 18:20:11,,1,a,"""volunteer"""\n'
)
LEFT = (
    "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,UNSUB_TIME,LEID,EUID\n"
    "d@example.org,D,2,2023-04-02,2024-01-01,2,b\n"
)


def known(house: House) -> int:
    with house.studio.database.read() as connection:
        return connection.execute(select(func.count()).select_from(people)).scalar_one()


def test_a_file_goes_its_way_and_comes_back(house: House) -> None:
    assert "Nobody has imported anything yet" in house.get("/imports").text
    address = bring(house)
    html = house.get(f"{address}/columns").text
    assert "We filled in what we recognised" in html
    assert "ada@example.org, bob@example.org" in html
    assert "Commas between the columns, UTF-8" in html
    assert "A field: town" in html
    assert press(house, f"{address}/columns").headers["location"] == f"{address}/consent"
    wrong = press(house, f"{address}/consent", agreed=" ", which="other", wording="")
    assert wrong.status == 422
    assert "it is kept as proof" in wrong.text
    assert press(house, f"{address}/consent", **AGREED).headers["location"] == address
    done(house)

    assert house.get(address).headers["location"] == f"{address}/rehearsal"
    html = house.get(f"{address}/rehearsal").text
    assert "2 new people for" in html
    assert "1 × " in html
    assert "Import 2 people" in html
    assert known(house) == 3, "nothing has been imported"
    rejects = house.get(f"{address}/rejects.csv")
    assert rejects.headers["cache-control"] == "no-store"
    assert "bad" in rejects.text
    assert press(house, f"{address}/import").status == 303
    done(house)
    place = house.get(address).headers["location"]
    assert known(house) == 5
    html = house.get(place).text
    assert "New on this list" in html
    assert "Was it a mistake?" in html
    assert "people.csv" in house.get("/imports").text
    with house.studio.database.read() as connection:
        proof = connection.execute(
            select(consent_sources.c.source, consent_sources.c.wording)
            .join_from(consents, consent_sources)
            .order_by(consents.c.id.desc())
        ).first()
    assert tuple(proof or ()) == (
        "imported from people.csv on 2026-11-24; agreed: Sign-up form", "Yes, send me news.",
    )  # fmt: skip
    back = press(house, f"{place}/undo")
    done(house)
    assert back.headers["location"].startswith("/long-work/")
    assert known(house) == 3
    assert "2 people with nothing else to keep" in house.get(place).text
    assert press(house, f"{place}/undo").status == 422
    with house.studio.database.read() as connection:
        said = [(one.action, one.by) for one in entries(connection)]
    assert ("import taken back", "this machine") in said
    assert ("people imported", "this machine") in said


def test_a_zip_of_three_files_keeps_those_who_left_away(house: House) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("subscribed_members_export.csv", MAILCHIMP)
        archive.writestr("unsubscribed_members_export.csv", LEFT)
    address = bring(house, packed.getvalue(), "audience.zip")
    html = house.get(f"{address}/columns").text
    assert "This is an export of Mailchimp" in html
    assert "2 rows in 2 files" in html
    assert "a date</bdi> (1): unsubscribed" in html
    assert re.search(r'<option value="opted_in_at" selected>', html)
    press(house, f"{address}/columns")
    press(house, f"{address}/consent", **{**AGREED, "which": "none"})
    done(house)
    html = house.get(f"{address}/rehearsal").text
    assert "Kept as unsubscribed" in html
    assert "Nobody knows the words any more" in html
    press(house, f"{address}/import")
    done(house)
    with house.studio.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(suppressions)).scalar() == 1


def test_a_column_that_looks_like_consent_has_to_be_decided(house: House) -> None:
    address = bring(
        house, "email,Newsletter opt-out,state\na@example.org,yes,x\nb@example.org,no,\nc@example.org,maybe,\n"
    )
    html = house.get(f"{address}/columns").text
    assert "It looks as if it says who may be mailed" in html
    reply = press(house, f"{address}/columns")
    assert reply.status == 422
    assert "Say what each marked column is" in reply.text
    assert house.get(f"{address}/consent").status == 404, "no way around it"
    reply = press(house, f"{address}/columns", **{"c-1": "status"})
    assert reply.status == 303
    html = house.get(f"{address}/columns").text
    assert "What do these words mean?" in html
    assert 'name="w-maybe"' in html
    press(house, f"{address}/columns", **{"c-1": "status", "w-maybe": "unsubscribed"})
    press(house, f"{address}/consent", **AGREED)
    done(house)
    html = house.get(f"{address}/rehearsal").text
    assert re.search(r"Unsubscribed</b>.*?<b class=\"num\">2</b>", html, re.DOTALL)
    reply = press(house, f"{address}/columns", **{"c-1": "-"})
    assert reply.status == 303
    assert house.get(f"{address}/rehearsal").status == 404, "it was of something else"
    assert press(house, f"{address}/import").status == 404


def test_other_columns_can_be_chosen_and_faults_are_said_where_they_are(house: House) -> None:
    address = bring(house, "email,vorname,first\na@example.org,Ana,\n")
    reply = press(house, f"{address}/columns", **{"c-1": "first_name", "c-2": "first_name"})
    assert reply.status == 422
    assert "both mean first_name" in reply.text
    assert "--map" not in reply.text, "the terminal's words"
    assert press(house, f"{address}/columns", **{"c-1": "last_name", "c-2": "-"}).status == 303
    html = house.get(f"{address}/columns").text
    assert re.search(r'name="c-1".*?<option value="last_name" selected>', html, re.DOTALL)


def test_a_file_that_cannot_be_read_says_why_and_what_helps(house: House) -> None:
    address = bring(house, b"\xd0\xcf\x11\xe0 an old workbook", "old.xls")
    html = house.get(address).text
    assert "This file can’t be read" in html
    assert "a spreadsheet of an old kind" in html
    assert "CSV in UTF-8" in html
    address = bring(house, "email;name,email\na@example.org;b,c@example.org\n")
    html = house.get(address).text
    assert "fit equally well" in html
    assert "What is between its columns?" in html
    assert press(house, f"{address}/look", delimiter="semicolon").status == 303
    done(house)
    assert house.get(address).headers["location"] == f"{address}/columns"
    assert press(house, f"{address}/remove").headers["location"] == "/imports"
    assert house.get(address).status == 404


def test_everyone_in_a_file_is_asked_about_where_nothing_says_it(house: House) -> None:
    address = bring(house, "Subscriber,Sent,Opens,Clicks\na@example.org,1,1,1\n")
    html = house.get(f"{address}/columns").text
    assert "What is everyone in it?" in html
    assert press(house, f"{address}/columns").status == 422
    assert press(house, f"{address}/columns", everyone="bounced").status == 303


def test_it_is_for_those_who_import_into_that_list(house: House) -> None:
    address = bring(house)
    place = imported(house)
    others = house.sign_in(Role.SENDER, "other", lists=("news",))
    writer = house.sign_in(Role.WRITER)
    for path in (address, f"{address}/columns", f"{address}/rejects.csv", place):
        assert house.get(path, cookie=others).status == 403, path
        assert house.get(path, cookie=writer).status == 403, path
    for path in (f"{place}/undo", f"{address}/remove", f"{address}/columns"):
        assert press(house, path, cookie=others).status == 403, path
    refused = press(house, "/imports/files", name="a.csv", size="10", list="supporters", cookie=others)
    assert refused.status in (403, 422)
    html = house.get("/imports", cookie=others).text
    assert "people.csv" not in html
    assert "Go on" in house.get("/imports", cookie=house.sign_in(Role.SENDER)).text


def test_what_is_asked_twice_is_done_once(house: House) -> None:
    address = bring(house)
    press(house, f"{address}/columns")
    press(house, f"{address}/consent", **AGREED)
    done(house)
    for _ in range(3):
        press(house, f"{address}/import")
    done(house)
    press(house, f"{address}/import")
    done(house)
    with house.studio.database.read() as connection:
        assert len(list_imports(connection)) == 1
