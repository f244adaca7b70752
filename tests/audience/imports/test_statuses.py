"""What columns say about who may be mailed: every usual word, and columns that must not be overlooked."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.audience.consent.changes import list_id
from mailer.audience.imports.meaning.statuses import (
    STATUS,
    STOPS,
    USUAL,
    RowStatus,
    consent,
    flag,
    looks_like_consent,
    word,
    words_for,
)
from mailer.audience.people.people import find_supporter, list_counts, show
from mailer.errors import MailerError
from mailer.store.engine.database import Database
from tests.audience.imports.test_peers import judged, written
from tests.audience.world import KEY, bring

REJECTED = "rejected"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *(
            (one, "unsubscribed")
            for one in (
                "unsubscribed",
                "Unsubscribed",
                "UNSUBSCRIBED",
                "Unsubscribed ",
                "Opted-Out",
                "opt-out",
                "optout",
                "false",
                "no",
                "Inactive",
                "deleted",
                "removed",
                "Unsubscribed by admin",
                "not subscribed",
                "Un-subscribed",
                "user opted out",
                "abgemeldet",
                "Désinscrit",
                "désabonné",
                "dado de baja",
                "unsub",
            )
        ),
        *(
            (one, "bounced")
            for one in (
                "bouncing",
                "soft bounce",
                "bounce",
                "Bounced",
                "hard-bounced",
                "cleaned",
                "invalid",
                "undeliverable",
                "Hard_Bounce",
                "5.1.1",
                "bounced (hard)",
                "invalid address",
                "on hold",
            )
        ),
        *(
            (one, "complained")
            for one in (
                "junk",
                "spam complaint",
                "Complained",
                "abuse",
                "previous spam complaint",
                "marked as spam",
                "spam",
            )
        ),
        *(
            (one, "staff")
            for one in (
                "disabled",
                "blacklisted",
                "blocklisted",
                "do not mail",
                "suppressed",
                "Do-Not-Email",
                "globally suppressed",
            )
        ),
        *((one, "no consent") for one in ("non-subscribed", "nonsubscribed", "archived", "never", "transactional")),
        *((one, "pending") for one in ("unconfirmed", "pending", "Unconfirmed")),
        *((one, "subscribed") for one in ("subscribed", "active", "Confirmed", "enabled", "true", "yes", "opted-in")),
        *(
            (one, REJECTED)
            for one in (
                "0",
                "1",
                "2",
                "live",
                "not bounced",
                "never complained",
                "member",
                "?",
                "VIP",
                "2024-01-01",
                "subscribed?",
                "previously bounced",
            )
        ),
    ],
)
def test_each_usual_word(tmp_path: Path, value: str, said: str) -> None:
    path = written(tmp_path / "people.csv", "email,status", [f"ann@example.net,{value}"])
    assert judged(path).get("ann@example.net", REJECTED) == said


def test_no_word_is_in_the_table_that_can_not_be_found() -> None:
    assert [one for one in USUAL if word(one) != one] == []
    assert all(STATUS.status_of(one.upper()) == said for one, said in USUAL.items() if said in STOPS)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    "value", ["left us: unsubscribed", "bounced (mailbox gone)", "complained 2024", "on our blacklist"]
)
def test_whoever_left_is_suppressed_though_the_word_is_unknown(
    database: Database, tmp_path: Path, value: str, known: bool
) -> None:
    if known:
        bring(database, tmp_path / "before.csv", "email\nann@example.net\n")
    report = bring(database, tmp_path / "people.csv", f"email,status\nann@example.net,{value}\n")
    assert report.suppressed == 1


@pytest.mark.parametrize(
    "row",
    [
        "ann@example.net,A\x07nn,,unsubscribed",
        "ann@example.net," + "x" * 300 + ",,unsubscribed",
        "ann@example.net,Ash, Ann,Leeds,unsubscribed",
        "Ann <ANN@example.net>,x,,unsubscribed",
    ],
)
def test_a_row_that_says_who_left_counts_whatever_else_is_wrong_with_it(
    database: Database, tmp_path: Path, row: str
) -> None:
    bring(database, tmp_path / "before.csv", "email\nann@example.net\n")
    report = bring(database, tmp_path / "people.csv", "email,name,town,status\n" + row + "\n")
    assert (report.suppressed, report.rejected) == (1, 0)
    with database.read() as connection:
        assert list_counts(connection)["supporters"].subscribed == 0


def test_whoever_left_everywhere_is_off_every_list(database: Database, tmp_path: Path) -> None:
    for name in ("supporters", "other"):
        bring(database, tmp_path / "before.csv", "email\nann@example.net\nbob@example.net\n", name=name)
    content = "email,status\nann@example.net,unsubscribed everywhere\nbob@example.net,unsubscribed\n"
    bring(database, tmp_path / "people.csv", content)
    with database.read() as connection:
        counts = list_counts(connection)
        ann = show(connection, "ann@example.net", address_key=KEY)
    assert (counts["supporters"].unsubscribed, counts["other"].unsubscribed) == (2, 1)
    assert ann
    assert [(one.list, one.reason) for one in ann.suppressions] == [("", "unsubscribed")]
    assert sorted((proof.list, proof.status) for proof in ann.consents if proof.status != "subscribed") == [
        ("other", "unsubscribed"),
        ("supporters", "unsubscribed"),
    ]
    with database.write() as connection:
        list_id(connection, "later")
    assert bring(database, tmp_path / "again.csv", "email\nann@example.net\n", name="later").suppressed == 1


def test_an_empty_cell_is_no_consent_where_others_say_subscribed(tmp_path: Path) -> None:
    """And nothing at all in a list of hand that says only who left."""
    path = written(
        tmp_path / "people.csv", "email,status", ["a@example.net,subscribed", "b@example.net,", "c@example.net"]
    )
    assert judged(path) == {"a@example.net": "subscribed", "b@example.net": "no consent", "c@example.net": "no consent"}
    path = written(tmp_path / "people.csv", "email,status", ["a@example.net,unsubscribed", "b@example.net,"])
    assert judged(path) == {"a@example.net": "unsubscribed", "b@example.net": "subscribed"}


NAMES = [
    "unsub",
    "Unsubscribed",
    "unsubscribed_at",
    "UNSUB_DATE",
    "opt in",
    "Opt-Out",
    "optin",
    "EMAILOPTOUT",
    "emailOptOut",
    "Email Opt Out Date",
    "subscription",
    "Subscriber Status",
    "bounce",
    "Bounce Count",
    "hard_bounced",
    "clean",
    "Cleaned",
    "spam",
    "Marked as spam",
    "on hold",
    "hold_date",
    "OnHold",
    "bad",
    "email1_is_bad",
    "isBad",
    "disabled",
    "email_disabled",
    "do not email",
    "DoNotMail",
    "do_not_contact",
    "donotcontact",
    "DNC",
    "blacklist",
    "Blacklisted",
    "blocklisted",
    "consent",
    "GDPR consent",
    "Marketing consent",
    "status",
    "Member status",
    "status_id",
    "suppressed",
    "complaints",
    "abuse",
    "Abgemeldet am",
    "Einwilligung",
    "Statut",
    "Désabonné",
    "consentement",
    "Baja",
    "suscrito",
    "Consenso",
    "uitgeschreven",
    "Keine E-Mails",
    "No Bulk Emails",
    "deceased",
    "permission to mail",
]
HARMLESS = [
    "Household",
    "threshold",
    "Badge number",
    "address",
    "Town",
    "Job",
    "adopting family",
    "option",
    "Cleaner's name",
    "Baden",
    "Donotto",
    "Notes",
    "created_at",
    "Support level",
    "activity",
    "source",
    "Newsletter title",
    "marketing source",
    "Language",
    "shoe size",
    "Leader",
    "Optician",
    "blockchain wallet",
    "block number",
    "accepted offer",
    "cleanliness",
]


@pytest.mark.sqlite  # no database has a say in it
@pytest.mark.parametrize("column", NAMES)
def test_a_column_that_looks_like_consent_stops_the_import(database: Database, tmp_path: Path, column: str) -> None:
    content = f"email,{column}\nann@example.net,Yes\nbob@example.net,\n"
    if column == "status":
        assert looks_like_consent(column, ["Yes"])
        return  # which is read as one
    with pytest.raises(MailerError) as caught:
        bring(database, tmp_path / "people.csv", content)
    said = str(caught.value)
    assert f"'{column}'" in said
    assert "'Yes' (1), empty (1)" in said
    assert f"--map '{column}=status'" in said
    assert f"--map '{column}=-'" in said
    assert bring(database, tmp_path / "people.csv", mapping={column: "-"}, dry_run=True).added == 2
    assert bring(database, tmp_path / "people.csv", mapping={column: "my_field"}, dry_run=True).attributes == (
        "my_field",
    )
    assert bring(database, tmp_path / "people.csv", mapping={column: "status"}, dry_run=True).adds_up


@pytest.mark.parametrize("column", HARMLESS)
def test_a_column_that_only_sounds_like_it_does_not(column: str) -> None:
    assert not looks_like_consent(column, ["Leeds", "York", "12"])


@pytest.mark.parametrize(
    ("value", "stops"),
    [
        ("unsubscribed", True),
        ("Do not email", True),
        ("vip, unsubscribed", True),
        ("hard bounce", True),
        ("opted out", True),
        ("complained", True),
        ("subscribed", True),
        ("yes", False),
        ("active", False),
        ("Leeds", False),
        ("left", False),
        ("we bounced back", False),
        ("optimist", False),
    ],
)
def test_values_that_can_only_be_consent_stop_it_under_any_name(tmp_path: Path, value: str, stops: bool) -> None:
    many = [f'p{n}@example.net,"some text {n}"' for n in range(300)]
    path = written(tmp_path / "people.csv", "email,remark", [*many, f'ann@example.net,"{value}"'])
    if not stops:
        assert len(judged(path)) == 301
        return
    with pytest.raises(MailerError, match="remark") as caught:
        judged(path)
    assert value in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("No Bulk Emails", "Yes", "unsubscribed"),
        ("opt-out", "1", "unsubscribed"),
        ("opt-out", "0", "subscribed"),
        ("opt-out", "", "subscribed"),
        ("opt-out", "2023-05-06", "unsubscribed"),
        ("opt-out", "6.5.2023", "unsubscribed"),
        ("opt-in", "1", "subscribed"),
        ("opt-in", "0", "unsubscribed"),
        ("opt-in", "", "no consent"),
        ("opt-in", "ja", "subscribed"),
        ("opt-in", "nein", "unsubscribed"),
        ("opt-in", "2023-05-06", "subscribed"),
        ("consent", "x", "subscribed"),
        ("do not email", "true", "staff"),
        ("bounces", "3", "bounced"),
        ("bounces", "0", "subscribed"),
        ("is_bad", "Y", "bounced"),
        ("spam", "TRUE", "complained"),
        ("disabled", "true", "staff"),
        ("Newsletter status", "subscribed", "subscribed"),
        ("blacklisted", "1", "staff"),
        ("Newsletter status", "maybe", REJECTED),
        ("opt-out", "maybe", REJECTED),
        ("unsubscribed", "no", "subscribed"),
    ],
)
def test_a_mapped_column_is_read_by_its_name(tmp_path: Path, column: str, value: str, said: str) -> None:
    path = written(tmp_path / "people.csv", f"email,{column}", [f"ann@example.net,{value}", "bob@example.net,no"])
    found = judged(path, mapping={column: "status"})  # pyright: ignore[reportArgumentType]
    assert found.get("ann@example.net", REJECTED) == said


def test_of_several_columns_the_gravest_counts(database: Database, tmp_path: Path) -> None:
    content = "email,status,opt-out,bounced\na@example.net,subscribed,no,yes\nb@example.net,what?,yes,no\n"
    mapping = {"opt-out": "status", "bounced": "status"}
    report = bring(database, tmp_path / "people.csv", content, mapping=mapping)
    assert dict(report.suppressed_by) == {"bounced": 1, "unsubscribed": 1}


def test_a_word_can_be_explained_by_hand(database: Database, tmp_path: Path) -> None:
    content = "email,status\na@example.net,Live\nb@example.net,Paused\nc@example.net,0\n"
    report = bring(database, tmp_path / "people.csv", content)
    assert dict(report.reasons) == {
        "unknown status: 'Live'": 1,
        "unknown status: 'Paused'": 1,
        "unknown status: '0'": 1,
    }
    words = {"live": "subscribed", "PAUSED": "unsubscribed", "0": "no consent"}
    report = bring(database, tmp_path / "people.csv", words=words)
    assert (report.added, report.suppressed, report.no_consent) == (1, 1, 1)
    with pytest.raises(MailerError, match="is not a status"):
        bring(database, tmp_path / "people.csv", words={"live": "living"})


def test_the_flag_of_an_earlier_bounce_is_kept(database: Database, tmp_path: Path) -> None:
    bring(database, tmp_path / "people.csv", "email,status\na@example.net,previous bounce\n")
    with database.read() as connection:
        assert find_supporter(connection, "a@example.net")[1]["status_as_given"] == "previous bounce"


def test_names_that_deny_are_told_from_names_that_agree() -> None:
    assert words_for("Unsubscribed").status_of("yes") == RowStatus.UNSUBSCRIBED
    assert words_for("subscribed").status_of("yes") == RowStatus.SUBSCRIBED
    assert flag(RowStatus.STAFF).status_of("") is None
    assert consent().status_of("") == RowStatus.NO_CONSENT
