"""A table with a row for each postcode, country or person: merged, checked for everyone, frozen, and people's own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select, update

from mailer.audience.addresses import normalise
from mailer.audience.consent.changes import forget
from mailer.audience.people.people import supporters
from mailer.checking.collect import Scope
from mailer.checking.preflight import preflight
from mailer.compose.data.tables import JoinedBy, no_cells
from mailer.compose.merge import NO_URLS, MergeProgram
from mailer.compose.message import from_json, to_json
from mailer.compose.source.message_file import read_source
from mailer.delivery.campaigns.edited import edited_since
from mailer.delivery.campaigns.lifecycle import schedule
from mailer.delivery.campaigns.plan import compile_newsletter, prepare
from mailer.delivery.data import keeping, unused
from mailer.delivery.data import rows as kept_rows
from mailer.delivery.data.rows import TableCells, normal_key
from mailer.diagnostics import Diagnostic
from mailer.store.engine.database import Database
from mailer.store.tables.core import people
from mailer.store.tables.data import lookup_rows, lookup_tables
from mailer.tracking.tokens import Signer
from mailer.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.delivery.data.sites import item, newsletter, rss
from tests.delivery.world import KEY, add_people

BODY = """\
Dear friend, write to {{ lookup("mps", supporter.postcode).mp_name | default("your MP") }}.

{% if lookup("mps", supporter.postcode)["MP name"] == "Ann <Lee>" %}She answers on Fridays.{% endif %}

[Write](https://e.org/mp?of={{ lookup('mps', supporter.postcode).seat }})
"""
MPS = "\ufeffPostcode;MP name;Seat\nSW1A 1AA;Ann <Lee>;Cities & Towns\n ls1-4ab ;Bob;\n"
SUBJECT = '{{ lookup("mps", supporter.postcode).mp_name | default("Your MP") }} decides'


def table(workspace: Workspace, text: str = MPS, *, name: str = "mps.csv", encoding: str = "utf-8") -> Path:
    path = workspace.root / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    path.chmod(0o600)
    return path


def with_postcodes(database: Database, now: datetime, *postcodes: str) -> list[int]:
    numbers = add_people(database, len(postcodes), now=now)
    with database.write() as connection:
        for number, postcode in zip(numbers, postcodes, strict=True):
            given = update(people).where(people.c.id == number)
            connection.execute(given.values(attributes={"postcode": postcode} if postcode else {}))
    return numbers


def told(found: Iterable[Diagnostic], rule: str = "") -> list[str]:
    return [one.message for one in found if one.rule == rule]


def test_each_person_reads_their_own_row_in_every_place(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    table(workspace)
    numbers = with_postcodes(database, now, "sw1a1aa", "LS1 4AB", "ZZ1 1ZZ")
    plan = prepare(database, newsletter(workspace, "", BODY, subject=SUBJECT), now=now).plan
    program = MergeProgram(from_json(to_json(plan.message)), cells=plan.cells)
    with database.read() as connection:
        ann, bob, nobody = (supporters(connection, numbers)[number] for number in numbers)
    assert [program.subject(one) for one in (ann, bob, nobody)] == [
        "Ann <Lee> decides", "Bob decides", "Your MP decides",
    ]  # fmt: skip
    assert "write to Ann &lt;Lee&gt;." in program.html(ann, NO_URLS)
    assert "write to Ann <Lee>." in program.text(ann, NO_URLS)
    assert ["Fridays" in program.html(one, NO_URLS) for one in (ann, bob)] == [True, False]
    (link,) = [one for one in plan.message.links if "/mp" in one.url]
    assert program.destination(link, ann) == "https://e.org/mp?of=Cities%20%26%20Towns"
    assert program.destination(link, bob) == "https://e.org/mp?of="


def test_the_check_counts_who_has_no_row_before_anybody_is_mailed(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    table(workspace)
    with_postcodes(database, now, "SW1A 1AA", "LS1 4AB", "ZZ1 1ZZ", "")
    source = newsletter(workspace, "", BODY, subject=SUBJECT)
    found = preflight(database, source.newsletter, scope=Scope(), now=now).remarks
    assert sorted(told(found, "audience.no-row")) == sorted([
        "2 people have no row in data/mps, so no mp_name",
        "2 people have no row in data/mps, so no seat",
        "1 person has an empty cell in data/mps, so no seat",
    ])  # fmt: skip
    assert not any("ZZ1" in f"{one.message}{one.remedy}" for one in found)


def test_only_what_a_mail_really_asks_for_is_counted(workspace: Workspace, database: Database, now: datetime) -> None:
    table(workspace)
    with_postcodes(database, now, "SW1A 1AA", "ZZ1 1ZZ")
    body = '{% if supporter.postcode == "SW1A 1AA" %}{{ lookup("mps", supporter.postcode).mp_name }}{% endif %}'
    source = newsletter(workspace, "", f"Hello\n\n{body}")
    assert told(preflight(database, source.newsletter, scope=Scope(), now=now).remarks, "audience.no-row") == []


WRONG = {
    'lookup("mp", supporter.postcode).mp_name': ("there is no table 'mp'", "Did you mean 'mps'?"),
    'lookup("mps", supporter.postcode).mp_nme': ("mps has no column 'mp_nme'", "Did you mean 'mp_name'?"),
    'lookup("mps", supporter.postcode)': ("a lookup needs the column that is wanted", "For example lookup("),
    'lookup("mps").mp_name': ("lookup takes a table in quotes, and what its row is found by", "lookup("),
    'lookup(supporter.postcode, "mps").mp_name': ("lookup takes a table in quotes", "lookup("),
    'lookup("mps", supporter.postcode).mp_name.x': ("only one step of names is possible", "For example"),
}


@pytest.mark.parametrize("tag", WRONG)
def test_what_is_written_wrong_is_told_with_its_line(
    workspace: Workspace, database: Database, now: datetime, tag: str
) -> None:
    table(workspace)
    found = compile_newsletter(database, newsletter(workspace, "", f"{{{{ {tag} }}}}"), now=now).diagnostics
    message, remedy = WRONG[tag]
    (fault,) = [one for one in found if message in one.message]
    assert remedy in fault.remedy
    assert fault.place is not None
    assert fault.place.line == 7


UNFIT = {
    "Postcode,MP\nA1,x\na 1,y\n": ["data/mps.csv:3: this postcode has two rows"],
    "Postcode,MP\nA1,x\nA1,x\n": [],
    "Postcode,MP\n,x\n": ["data/mps.csv:2: this is no postcode"],
    "Postcode,MP\nA1,x,y,z\n": ["data/mps.csv:2: a row can’t be read: it has 4 cells, and the table 2 columns"],
    "Postcode\nA1\n": ["data/mps.csv: it has one column, so there is nothing to look up"],
    "Postcode,MP,mp\nA1,x,y\n": ["data/mps.csv: two columns are called mp"],
    "Postcode,MP\n": ["data/mps.csv: the table has no rows"],
    "Email,MP\nada@example.org,x\n": ["data/mps.csv: this table names people by their addresses"],
    'Postcode,MP\nA1,"x\n': ["data/mps.csv:2: a quote is opened and never closed"],
    "": ["data/mps.csv: the file is empty"],
}


@pytest.mark.parametrize("text", UNFIT)
def test_a_table_that_cannot_be_used_says_where_and_not_who(
    workspace: Workspace, database: Database, now: datetime, text: str
) -> None:
    table(workspace, text)
    body = '{{ lookup("mps", supporter.last_name).mp }}'
    found = compile_newsletter(database, newsletter(workspace, "", body), now=now).diagnostics
    assert [one.sentence for one in found if one.stops] == UNFIT[text]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_whatever_imports_can_read_is_read_alike(
    workspace: Workspace, database: Database, now: datetime, encoding: str, delimiter: str
) -> None:
    rows = [["PLZ", "Größe", "Name"], ["01067", "größer", "Zoë"], ["20095", "klein", "Bob"]]
    table(workspace, "\r\n".join(delimiter.join(row) for row in rows) + "\r\n", encoding=encoding)
    body = '{{ lookup("mps", supporter.last_name).größe }} {{ lookup("mps", supporter.last_name).name }}'
    plan = prepare(database, newsletter(workspace, "", body), now=now).plan
    text = MergeProgram(plan.message, cells=plan.cells).text({"last_name": "01067"}, NO_URLS)
    assert "größer Zoë" in text


def test_what_is_scheduled_reads_the_table_as_it_was(workspace: Workspace, database: Database, now: datetime) -> None:
    path = table(workspace)
    with_postcodes(database, now, "SW1A 1AA")
    source = newsletter(workspace, "", BODY, subject=SUBJECT)
    plan = prepare(database, source, now=now).plan
    schedule(database, plan, due_at=now + timedelta(days=1), zone="UTC", late=timedelta(hours=1), now=now)
    path.write_text(MPS.replace("Ann <Lee>", "Cy"), encoding="utf-8")
    later = now + timedelta(days=60)
    again = prepare(database, source, now=later).plan
    assert again.message.digest != plan.message.digest
    told_now = edited_since(workspace, database, "digest")
    assert told_now is not None
    assert told_now.differences == ("data/mps: another table is in the files",)
    with database.write() as connection:
        unused.prune(connection, now=later)
        assert connection.execute(select(func.count()).select_from(lookup_tables)).scalar() == 2
    cells = TableCells(database, lambda: KEY)  # a new process
    for one, name in ((plan, "Ann <Lee>"), (again, "Cy")):
        assert MergeProgram(one.message, cells=cells).subject({"postcode": "SW1A1AA"}) == f"{name} decides"
    with database.write() as connection:
        last = later + timedelta(days=60)
        while unused.prune(connection, now=last) is None and connection.execute(unused_left(last)).scalar():
            pass
        assert connection.execute(select(lookup_tables.c.digest)).scalars().all() == [plan.message.tables[0].digest]


def unused_left(now: datetime):
    return select(unused.any_old(now))


def test_a_table_of_people_is_private_and_goes_with_them(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    path = table(workspace, "E-mail,Number\n Person0@Example.org ,M-7\nperson1@example.org,M-8\n", name="private/m.csv")
    numbers = add_people(database, 2, now=now)
    source = newsletter(workspace, "", 'Member {{ lookup("m", supporter.email).number }}')
    plan = prepare(database, source, now=now).plan
    program = MergeProgram(plan.message, cells=plan.cells)
    assert "Member M-7" in program.text({"email": "person0@example.org"}, NO_URLS)
    with database.read() as connection:
        assert not any("example" in row.key + row.cells for row in connection.execute(select(lookup_rows)))
    with database.write() as connection:
        assert forget(connection, address="person0@example.org")
        assert connection.execute(select(func.count()).select_from(lookup_rows)).scalar() == 1
    assert len(numbers) == 2
    if os.name == "posix":
        path.chmod(0o644)
        found = compile_newsletter(database, source, now=now).diagnostics
        assert told(found) == ["others on this machine can read it, and it names people"]


def test_nobody_is_mailed_with_a_hole_where_the_rows_are_missing(
    workspace: Workspace, database: Database, now: datetime
) -> None:
    from mailer.delivery.sending.envelopes import EnvelopeBuilder
    from mailer.errors import MailerError

    table(workspace)
    with_postcodes(database, now, "SW1A 1AA")
    plan = prepare(database, newsletter(workspace, "", BODY, subject=SUBJECT), now=now).plan
    with pytest.raises(AssertionError):
        EnvelopeBuilder(plan.message, settings=workspace.settings, signer=Signer([b"k" * 32]))
    with database.write() as connection:
        connection.execute(update(lookup_tables).values(whole=0))
    cells = TableCells(database, lambda: KEY)
    with pytest.raises(MailerError, match="not in this database"):
        MergeProgram(plan.message, cells=cells).subject({"postcode": "SW1A1AA"})
    prepare(database, newsletter(workspace, "", BODY, subject=SUBJECT), now=now)  # puts in what a crash left out
    assert MergeProgram(plan.message, cells=cells).subject({"postcode": "SW1A1AA"}) == "Ann <Lee> decides"


def test_memory_and_answers_are_the_same_for_large_tables(
    workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_rows, "SMALL", 5)
    monkeypatch.setattr(keeping, "BATCH", 7)
    monkeypatch.setattr(kept_rows, "MOST_REMEMBERED", 10)
    table(workspace, "Postcode,MP\n" + "".join(f"A{n},mp{n}\n" for n in range(60)))
    plan = prepare(database, newsletter(workspace, "", '{{ lookup("mps", supporter.last_name).mp }}.'), now=now).plan
    cells = TableCells(database, lambda: KEY)
    program = MergeProgram(plan.message, cells=cells)
    for n in [*range(0, 70, 3), *range(69, 0, -2)]:
        assert (f"mp{n}." in program.text({"last_name": f"a {n}"}, NO_URLS)) is (n < 60)
        assert len(cells._known) <= 12
    assert no_cells is not plan.cells


@given(st.text(alphabet="aAbB19 -–.\u00a0", max_size=12), st.sampled_from(list(JoinedBy)))
def test_keys_are_stable(text: str, kind: JoinedBy) -> None:
    key = normal_key(kind, text, address_key=lambda: KEY)
    assert normal_key(kind, f"  {text}\t", address_key=lambda: KEY) == key
    if kind is JoinedBy.POSTCODE:
        assert normal_key(kind, text.lower().replace(" ", ""), address_key=lambda: KEY) == key
    assert normalise("A@Example.org") == "a@example.org"


def test_who_is_killed_in_the_middle_leaves_a_table_that_the_next_puts_in_again(
    workspace: Workspace, database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(workspace, "Postcode,MP\n" + "".join(f"A{n},mp{n}\n" for n in range(30)))
    source = newsletter(workspace, "", '{{ lookup("mps", supporter.last_name).mp }}.')
    monkeypatch.setattr(keeping, "BATCH", 7)
    put, batches = keeping._Keeper.put, iter(range(9))

    def killed(self: keeping._Keeper, connection: Connection, batch: list[tuple[int, list[str]]]) -> None:
        put(self, connection, batch)
        if next(batches) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(keeping._Keeper, "put", killed)
    with pytest.raises(KeyboardInterrupt):
        prepare(database, source, now=now)
    with database.read() as connection:
        assert connection.execute(select(lookup_tables.c.whole)).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(lookup_rows)).scalar() == 14
    plan = prepare(database, source, now=now).plan
    program = MergeProgram(plan.message, cells=plan.cells)
    assert all(f"mp{n}." in program.text({"last_name": f"A{n}"}, NO_URLS) for n in range(30))
    with database.read() as connection:
        assert connection.execute(select(lookup_tables.c.rows)).scalars().all() == [30]


def test_the_documentation_is_true(workspace: Workspace, database: Database, now: datetime) -> None:
    """What docs/data.md shows of a table works as it says."""
    page = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    rows = next(one for one in blocks if one.startswith("Postcode,MP"))
    body = next(one for one in blocks if one.startswith("Ask {{ lookup"))
    table(workspace, rows, name="constituencies.csv")
    with_postcodes(database, now, "ls1-4ab", "")
    plan = prepare(database, newsletter(workspace, "", body), now=now).plan
    program = MergeProgram(plan.message, cells=plan.cells)
    assert "Ask Alex Example to vote" in program.text({"postcode": "ls1-4ab"}, NO_URLS)
    assert "town hall" in program.text({"postcode": "LS1 4AB"}, NO_URLS)
    assert "Ask your MP to vote" in program.text({}, NO_URLS)
    whole = next(one for one in blocks if "data.news | length" in one).replace("https://example.org/feed.xml", "f.xml")
    source = newsletter(workspace, "", "x")
    (source.newsletter.folder / "message.md").write_text(whole, encoding="utf-8")
    (source.newsletter.folder / "f.xml").write_bytes(rss(item("One"), item("Two")))
    message = prepare(database, read_source(source.newsletter), now=now).plan.message
    assert MergeProgram(message).subject({}) == "2 things that happened in November"
    for one in blocks:
        if one.startswith("data:\n"):
            found = compile_newsletter(database, newsletter(workspace, dedent(one.removeprefix("data:\n"))), now=now)
            assert not [fault for fault in found.diagnostics if fault.rule == "" and "data" in fault.message]
