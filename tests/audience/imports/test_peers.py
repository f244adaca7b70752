"""Other programs' exports: recognised by their headers, and nobody whom they don't mail is mailed by us."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mailer.audience.addresses import address_hash
from mailer.audience.imports import ImportOptions, ReadFile, import_files
from mailer.audience.imports.files import zipped
from mailer.audience.imports.files.zipped import source_files
from mailer.audience.imports.importer import _by_status
from mailer.audience.imports.meaning.peers import BY_NAME, PEERS
from mailer.audience.imports.meaning.statuses import STOPS
from mailer.audience.imports.row_check import Judge
from mailer.audience.imports.sources import understood
from mailer.audience.people.people import find_supporter, list_counts, show
from mailer.errors import MailerError
from mailer.staff.actor import terminal
from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import people, suppressions
from tests.audience.world import KEY, SUPPORTERS, bring
from tests.conftest import NOW

REJECTED = "rejected"
MAILCHIMP = "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,"  # noqa: E501
ONE = "Ann,Ash,2,2021-03-04 10:00:00,,2021-03-05 10:00:00,198.51.100.4,53.8,-1.5,0,1,Europe/London,gb,eng,"
UNSUB = "UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS"

# Kind, header, and each row that stands for itself with what it says.
CASES: Mapping[str, tuple[str, Sequence[tuple[str, str]]]] = {
    "ghost": (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers",
        [
            ("1,{},Ann Ash,,true,,,2024-01-02T10:00:00.000Z,,vip,", "subscribed"),
            ("1,{},Ann Ash,,TRUE,,,2024-01-02T10:00:00.000Z,,vip,", "subscribed"),
            ("1,{},Ann Ash,,false,,,2024-01-02T10:00:00.000Z,,vip,", "unsubscribed"),
            ("1,{},Ann Ash,,,,,2024-01-02T10:00:00.000Z,,vip,", "no consent"),
            ("1,{},Ann Ash,,true,,,2024-01-02T10:00:00.000Z,2024-05-02T10:00:00.000Z,vip,", "unsubscribed"),
            ("1,{},Ann Ash,,perhaps,,,,,vip,", REJECTED),
        ],
    ),
    "substack": (
        "email,active_subscription,expiry,email_disabled,prefer_digests,created_at",
        [
            ("{},false,,false,false,2023-01-01", "subscribed"),
            ("{},true,,,false,2023-01-01", "subscribed"),
            ("{},false,,true,false,2023-01-01", "unsubscribed"),
            ("{},false,,odd,false,2023-01-01", REJECTED),
        ],
    ),
    "substack, the other": (
        "email,expiry,email_disabled,prefer_digests,stripe_connected_customer_id,type",
        [("{},,False,,,free", "subscribed"), ("{},,True,,,free", "unsubscribed")],
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at",
        [
            ('u1,{},Lm One,"{{""city"": ""Leeds""}}",enabled,2024-01-01 00:00:00,', "subscribed"),
            ("u1,{},Lm One,{{}},disabled,2024-01-01 00:00:00,", "staff"),
            ("u1,{},Lm One,{{}},blocklisted,2024-01-01 00:00:00,", "staff"),
            ("u1,{},Lm One,{{}},elsewhere,2024-01-01 00:00:00,", REJECTED),
            ("u1,{},Lm One,{{}},,2024-01-01 00:00:00,", "no consent"),
        ],
    ),
    "actionnetwork": (
        "first_name,last_name,email,zip_code,can2_user_tags,can2_subscription_status,can2_sms_status,can2_subscription_date",
        [
            ('Ann,A,{},02139,"vip, leeds",subscribed,unsubscribed,2020-01-02', "subscribed"),
            ("Ann,A,{},02139,vip,unsubscribed,subscribed,", "unsubscribed"),
            ("Ann,A,{},02139,vip,bouncing,,", "bounced"),
            ("Ann,A,{},02139,vip,previous bounce,,", "subscribed"),
            ("Ann,A,{},02139,vip,spam complaint,,", "complained"),
            ("Ann,A,{},02139,vip,previous spam complaint,,", "complained"),
            ("Ann,A,{},02139,vip,Spam Complaint ,,", "complained"),
            ("Ann,A,{},02139,vip,,,", "no consent"),
            ("Ann,A,{},02139,vip,moved house,,", REJECTED),
        ],
    ),
    "actionkit": (
        "user_id,akid,email,first_name,country,subscription_status,created_at",
        [
            ("1,a.1,{},Ann,United States,subscribed,2020-01-02", "subscribed"),
            ("1,a.1,{},Ann,United States,unsubscribed,2020-01-02", "unsubscribed"),
            ("1,a.1,{},Ann,United States,bounced,2020-01-02", "bounced"),
            ("1,a.1,{},Ann,United States,never,2020-01-02", "no consent"),
            ("1,a.1,{},Ann,United States,blocked,2020-01-02", "staff"),
        ],
    ),
    "nationbuilder": (
        "nationbuilder_id,first_name,last_name,email,email_opt_in,email1,email1_is_bad,email2,email2_is_bad,"
        "do_not_contact,mobile_opt_in,is_mobile_bad,unsubscribed_at,primary_country_code,tag_list",
        [
            ('1,Ann,A,{0},true,{0},false,x@example.net,true,false,false,true,,DE,"a, b"', "subscribed"),
            ("1,Ann,A,{0},true,{0},true,,false,false,false,true,,DE,", "bounced"),
            ("1,Ann,A,{0},true,x@example.net,false,{0},true,false,false,true,,DE,", "bounced"),
            ("1,Ann,A,{0},false,{0},false,,,false,true,false,,DE,", "unsubscribed"),
            ("1,Ann,A,{0},,{0},false,,,false,true,false,,DE,", "no consent"),
            ("1,Ann,A,{0},Y,{0},N,,,Y,true,false,,DE,", "staff"),
            ("1,Ann,A,{0},true,{0},false,,,false,true,false,2024-01-01,DE,", "unsubscribed"),
        ],
    ),
    "civicrm": (
        '"Contact ID","First Name","Last Name",Email,"Do Not Email","No Bulk Emails (User Opt Out)","On Hold",'
        '"Preferred Language",Country,"Do Not Phone"',
        [
            ("1,Ann,A,{},,,,de_DE,Germany,Yes", "subscribed"),
            ("1,Ann,A,{},No,No,No,de_DE,Germany,", "subscribed"),
            ("1,Ann,A,{},0,0,0,de_DE,Germany,", "subscribed"),
            ("1,Ann,A,{},Yes,,,de_DE,Germany,", "staff"),
            ("1,Ann,A,{},,Yes,,de_DE,Germany,", "unsubscribed everywhere"),
            ("1,Ann,A,{},,,On Hold Bounce,de_DE,Germany,", "bounced"),
            ("1,Ann,A,{},,,1,de_DE,Germany,", "bounced"),
            ("1,Ann,A,{},,,2,de_DE,Germany,", "unsubscribed everywhere"),
            ("1,Ann,A,{},,,On Hold Opt Out,de_DE,Germany,", "unsubscribed everywhere"),
        ],
    ),
    "civicrm, raw": (
        "id,email,do_not_email,is_opt_out,on_hold",
        [
            ("1,{},0,0,0", "subscribed"),
            ("1,{},1,0,0", "staff"),
            ("1,{},0,1,0", "unsubscribed everywhere"),
            ("1,{},0,0,1", "bounced"),
            ("1,{},0,0,2", "unsubscribed everywhere"),
        ],
    ),
    "beehiiv": (
        "email,First Name,Last Name,status,tier,created_at,unsubscribed_at",
        [
            ("{},Ann,A,active,free,2024-01-01,", "subscribed"),
            ("{},Ann,A,inactive,free,2024-01-01,", "unsubscribed"),
            ("{},Ann,A,validating,free,2024-01-01,", "pending"),
            ("{},Ann,A,invalid,free,2024-01-01,", "bounced"),
            ("{},Ann,A,active,free,2024-01-01,2024-02-01", "unsubscribed"),
        ],
    ),
    "buttondown": (
        "email_address,type,creation_date,notes,metadata,tags,unsubscription_date",
        [
            ('{},regular,2024-01-01,,{{}},"a, b",', "subscribed"),
            ("{},premium,2024-01-01,,{{}},,", "subscribed"),
            ("{},unactivated,2024-01-01,,{{}},,", "pending"),
            ("{},undeliverable,2024-01-01,,{{}},,", "bounced"),
            ("{},complained,2024-01-01,,{{}},,", "complained"),
            ("{},unsubscribed,2024-01-01,,{{}},,2024-02-01", "unsubscribed"),
            ("{},blocked,2024-01-01,,{{}},,", "staff"),
            ("{},unheard-of,2024-01-01,,{{}},,", REJECTED),
        ],
    ),
    "brevo": (
        "CONTACT ID,EMAIL,FIRSTNAME,LASTNAME,SMS,ADDED_TIME,MODIFIED_TIME,EMAIL_MARKETING",
        [
            ("1,{},Ada,L,,2024-01-01,2026-05-14,Subscribed", "subscribed"),
            ("1,{},Ada,L,,2024-01-01,2026-05-14,Unsubscribed", "unsubscribed"),
            ("1,{},Ada,L,,2024-01-01,2026-05-14,Blocklisted", "staff"),
            ("1,{},Ada,L,,2024-01-01,2026-05-14,", "no consent"),
        ],
    ),
    "mailchimp, subscribed": (
        MAILCHIMP + "LAST_CHANGED,LEID,EUID,NOTES,TAGS",
        [("{}," + ONE + '2023-01-01,1,e,,"""vip"",""leeds"""', "subscribed")],
    ),
    "mailchimp, unsubscribed": (
        MAILCHIMP + UNSUB,
        [
            ("{}," + ONE + "2023-05-06 07:08:09,May news,abc,NORMAL,,1,e1,,", "unsubscribed"),
            ("{}," + ONE + ",,,,,1,e1,,", "unsubscribed"),
            ("{}," + ONE + "2023-05-06 07:08:09,May news,abc,No longer interested,,1,e1,,", "unsubscribed"),
            ("{}," + ONE + "2023-05-06 07:08:09,May news,abc,ABUSE,,1,e1,,", "complained"),
            ("{}," + ONE + "2023-05-06 07:08:09,May news,abc,Reported as spam,I never signed up,1,e1,,", "complained"),
        ],
    ),
    "mailchimp, cleaned": (
        MAILCHIMP + "CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS",
        [("{}," + ONE + "2023-05-06 07:08:09,May news,abc,1,e1,,", "bounced"), ("{}," + ONE + ",,,1,e1,,", "bounced")],
    ),
}
EACH = [(kind, header, row, said) for kind, (header, rows) in CASES.items() for row, said in rows]


def judged(path: Path, **asked: str) -> dict[str, str]:
    """What each address of a file is taken for; nothing for those rejected."""
    with source_files([path]) as files:
        (source,) = understood(files, SUPPORTERS, ImportOptions(**asked))  # pyright: ignore[reportArgumentType]
        people = list(Judge(source.columns, KEY, NOW).people(source.table.rows(), lambda *_: None))
    return {person[1]: next(iter(_by_status({(person[10], person[11]): 1}))) for person in people}


def written(path: Path, header: str, rows: Sequence[str], encoding: str = "utf-8") -> Path:
    path.write_text("\n".join([header, *rows, ""]), encoding=encoding)
    return path


@pytest.mark.parametrize(("kind", "header", "row", "said"), EACH)
def test_each_word_of_each_program(tmp_path: Path, kind: str, header: str, row: str, said: str) -> None:
    """Beside a row that is subscribed, if the kind has one."""
    _, rows = CASES[kind]
    fine = [one.format("fine@example.net") for one, what in rows if what == "subscribed"][:1]
    found = judged(written(tmp_path / "people.csv", header, [*fine, row.format("ann@example.net")]))
    assert found.get("ann@example.net", REJECTED) == said


@pytest.mark.parametrize("kind", CASES)
def test_in_any_order_case_and_encoding(tmp_path: Path, kind: str) -> None:
    header, rows = CASES[kind]
    table = list(csv.reader([header, *(row.format(f"a{n}@example.net") for n, (row, _) in enumerate(rows))]))
    expected = {f"a{n}@example.net": said for n, (_, said) in enumerate(rows) if said != REJECTED}
    for number, encoding in enumerate(("utf-8", "utf-8-sig", "utf-16")):
        text = io.StringIO()
        turned = [row[number + 2 :] + row[: number + 2] for row in table]
        csv.writer(text, delimiter=";\t,"[number]).writerows([[cell.upper() for cell in turned[0]], *turned[1:]])
        path = tmp_path / f"p{number}.csv"
        path.write_text(text.getvalue(), encoding=encoding)
        assert judged(path) == expected


@pytest.mark.parametrize("kind", CASES)
def test_a_known_subscriber_who_left_elsewhere_is_mailed_no_more(database: Database, tmp_path: Path, kind: str) -> None:
    header, rows = CASES[kind]
    addresses = [f"a{n}@example.net" for n in range(len(rows))]
    bring(database, tmp_path / "before.csv", "email\n" + "\n".join(addresses) + "\n")
    path = written(
        tmp_path / "people.csv", header, [row.format(a) for a, (row, _) in zip(addresses, rows, strict=True)]
    )
    report = bring(database, path)
    assert report.adds_up
    with database.read() as connection:
        stopped = {bytes(one) for one in connection.execute(select(suppressions.c.address_hash)).scalars()}
    gone = [a for a, (_, said) in zip(addresses, rows, strict=True) if said in list(STOPS)]
    assert stopped == {address_hash(address, KEY) for address in gone}


def test_a_program_is_known_by_its_whole_header_only(tmp_path: Path) -> None:
    for peer in PEERS:
        for mark in peer.marks:
            assert peer.fits(sorted(mark))
            assert not any(peer.fits(sorted(mark - {one})) and len(peer.marks) == 1 for one in mark)
    assert len(BY_NAME) == len(PEERS)


def test_what_was_recognised_is_shown_before_anything_is_written(database: Database, tmp_path: Path) -> None:
    header, rows = CASES["ghost"]
    path = written(
        tmp_path / "members.csv", header, [row.format(f"a{n}@example.net") for n, (row, _) in enumerate(rows)]
    )
    shown: list[ReadFile] = []

    def show_it(files: Sequence[ReadFile]) -> None:
        shown.extend(files)
        with database.read() as connection:
            assert not connection.execute(select(people.c.id)).all()
            assert not connection.execute(select(suppressions.c.address_hash)).all()

    bring(database, path, show=show_it)
    (file,) = shown
    assert (file.name, file.kind, file.rows) == ("members.csv", "Ghost", 6)
    assert dict(file.statuses) == {"subscribed": 2, "no consent": 1, "unsubscribed": 2, "rejected": 1}
    assert file.columns["subscribed_to_emails"] == {
        "true": "2 × subscribed",
        "TRUE": "1 × subscribed",
        "false": "1 × unsubscribed",
        "perhaps": "1 × not known",
        "": "1 × no consent",
    }


def test_the_evidence_says_from_where_and_since_when(database: Database, tmp_path: Path) -> None:
    header, rows = CASES["mailchimp, subscribed"]
    bring(database, written(tmp_path / "members.csv", header, [rows[0][0].format("val@example.net")]))
    with database.read() as connection:
        dossier = show(connection, "val@example.net", address_key=KEY)
        _, val = find_supporter(connection, "val@example.net")
    assert dossier
    (proof,) = dossier.consents
    assert (proof.how, proof.source) == ("import", "imported from Mailchimp (members.csv) on 2026-11-24")
    assert proof.wording == "", "what people agreed to at another program is not known here"
    assert proof.given_at
    assert proof.given_at.isoformat() == "2021-03-05T10:00:00+00:00"
    assert (val["country"], val["timezone"], val["tags"]) == ("GB", "Europe/London", "leeds, vip")
    assert not {"leid", "optin_ip", "confirm_ip", "latitude"} & set(val)


def test_a_zip_is_taken_as_one_and_whoever_left_in_any_file_stays_off(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "audience.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, kind, addresses in (
            ("subscribed_members_export.csv", "mailchimp, subscribed", ["a", "b", "c"]),
            ("unsubscribed_members_export.csv", "mailchimp, unsubscribed", ["b", "d"]),
            ("cleaned_members_export.csv", "mailchimp, cleaned", ["c"]),
            ("nonsubscribed_members_export.csv", "mailchimp, subscribed", ["e"]),
        ):
            header, rows = CASES[kind]
            text = "\n".join([header, *(rows[0][0].format(f"{one}@example.net") for one in addresses), ""])
            archive.writestr(f"export/{name}", text)
        archive.writestr("__MACOSX/._subscribed.csv", b"\0")
        archive.writestr("README.pdf", b"%PDF")
    report = bring(database, path)
    assert report.adds_up
    assert (report.read, report.added, report.no_consent) == (7, 1, 1)
    assert dict(report.suppressed_by) == {"unsubscribed": 3, "bounced": 2}
    assert report.files[0].name == "audience.zip/subscribed_members_export.csv"
    assert "README.pdf" in str(report.warnings[0])
    with database.read() as connection:
        assert list_counts(connection)["supporters"].subscribed == 1


def test_a_zip_that_can_not_be_read_brings_in_nobody(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "people.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("people.csv", "email\na@example.org\n")
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"a@example.org", b"b@example.org", 1))
    with pytest.raises(MailerError, match="the zip can't be read: Bad CRC-32"):
        bring(database, path)
    path.write_bytes(whole)
    monkeypatch.setattr(zipped, "LARGEST_BYTES", 5)
    with pytest.raises(MailerError, match="this zip holds too much"):
        bring(database, path)
    with database.read() as connection:
        assert not connection.execute(select(people.c.id)).all()


def test_an_export_that_lacks_one_of_the_columns_that_say_who_left_is_taken_with_a_warning(
    database: Database, tmp_path: Path
) -> None:
    path = written(tmp_path / "people.csv", "nationbuilder_id,email,email1,email1_is_bad,email_opt_in,x", [
        "1,a@example.net,a@example.net,false,true,", "2,b@example.net,b@example.net,false,false,",
    ])  # fmt: skip
    report = bring(database, path, kind="nationbuilder")
    (warning,) = report.warnings
    assert warning.message == (
        "this export of NationBuilder has no 'do_not_contact', so some who must not be mailed may not be told"
    )
    assert (report.added, report.adds_up) == (1, True)


def test_several_files_are_all_taken_or_nothing(database: Database, tmp_path: Path) -> None:
    good = written(tmp_path / "good.csv", "email", ["a@example.org"])
    odd = written(tmp_path / "odd.csv", "email,unsubscribed", ["b@example.org,yes"])
    bad = written(tmp_path / "bad.csv", "name", ["x"])
    with pytest.raises(MailerError) as caught:
        import_files(database, definition=SUPPORTERS, paths=[good, odd, bad], address_key=KEY, by=terminal(), now=NOW)
    assert "odd.csv:1" in str(caught.value)
    assert "bad.csv:1" in str(caught.value)
    with database.read() as connection:
        assert not connection.execute(select(people.c.id)).all()
    odd.unlink()
    more = written(tmp_path / "more.csv", "email,first_name", ["bad,x", "b@example.org,Bo"])
    rejects = tmp_path / "rejects.csv"
    report = import_files(
        database, definition=SUPPORTERS, paths=[good, more], address_key=KEY, by=terminal(), now=NOW,
        rejects_path=rejects,
    )  # fmt: skip
    assert (report.added, report.rejected) == (2, 1)
    assert rejects.read_text().splitlines()[0] == "file,line,reason,email,first_name"
    assert rejects.read_text().splitlines()[1].startswith("more.csv,2,")
    with database.read() as connection:
        dossier = show(connection, "b@example.org", address_key=KEY)
    assert dossier
    assert dossier.consents[0].source == "imported from more.csv on 2026-11-24"


@pytest.mark.parametrize(
    ("header", "remedy"),
    [
        ("Subscriber,Sent,Opens,Clicks,Subscribed,Location", "tabs"),
        ("email,can2_user_tags,can2_county,zip_code,x,y", "can2_subscription_status"),
        ("email,akid,user_id,first_name,x,y", "subscription_status"),
    ],
)
def test_an_export_that_does_not_say_who_left_is_asked_about(tmp_path: Path, header: str, remedy: str) -> None:
    path = written(tmp_path / "people.csv", header, ["ann@example.net,3,1,0,2023-01-01,"])
    with pytest.raises(MailerError, match="nothing in it says who left") as caught:
        judged(path)
    assert remedy in str(caught.value)
    assert judged(path, status="bounced") == {"ann@example.net": "bounced"}
    assert judged(path, status="subscribed") == {"ann@example.net": "subscribed"}


@pytest.mark.parametrize(
    "name",
    [
        "unsubscribed.csv",
        "Bounces 2024.csv",
        "spam-complaints.csv",
        "suppression_list.csv",
        "opt-outs.csv",
        "cleaned.csv",
        "Abgemeldete.csv",
        "désabonnés.csv",
        "nonsubscribed_export.csv",
        "unconfirmed.csv",
    ],
)
def test_a_file_that_is_called_after_those_who_left_is_asked_about(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, "email", ["ann@example.net"])
    with pytest.raises(MailerError, match="by its name"):
        judged(path)
    assert judged(path, status="complained") == {"ann@example.net": "complained"}
    assert judged(path, status="subscribed") == {"ann@example.net": "subscribed"}


def test_from_forces_a_kind_or_none(tmp_path: Path) -> None:
    header, rows = CASES["ghost"]
    path = written(tmp_path / "people.csv", header, [rows[2][0].format("ann@example.net")])
    assert judged(path, kind="ghost") == {"ann@example.net": "unsubscribed"}
    with pytest.raises(MailerError, match="subscribed_to_emails"):
        judged(path, kind="none")
    with pytest.raises(MailerError, match="Did you mean 'ghost'"):
        judged(path, kind="gost")
    with pytest.raises(MailerError, match="is not a status"):
        judged(path, status="gone")


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_the_sums_are_the_rows(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, data: st.DataObject
) -> None:
    """Also when the same people come again, from another program, in another state."""
    folder = tmp_path_factory.mktemp("sums")
    shutil.copyfile(migrated_file, folder / "mailer.db")
    store = open_database(f"sqlite:///{folder / 'mailer.db'}")
    stopped: set[int] = set()
    try:
        for kind in data.draw(st.lists(st.sampled_from([*CASES]), min_size=1, max_size=3)):
            header, rows = CASES[kind]
            drawn = data.draw(st.lists(st.tuples(st.sampled_from(rows), st.integers(0, 5)), max_size=8))
            lines = [row.format(f"a{n}@example.net") for (row, _), n in drawn]
            report = bring(store, written(folder / "people.csv", header, lines))
            told = [said for (_, said), _ in drawn]
            assert report.adds_up
            assert report.read == len(drawn) == sum(sum(file.statuses.values()) for file in report.files)
            assert report.rejected == told.count(REJECTED)
            stopped |= {n for (_, said), n in drawn if said in list(STOPS)}
            with store.read() as connection:
                hashes = {bytes(one) for one in connection.execute(select(suppressions.c.address_hash)).scalars()}
            assert hashes == {address_hash(f"a{n}@example.net", KEY) for n in stopped}
    finally:
        store.close()
