"""From listmonk by its API: everybody is read whatever happens meanwhile, and each is accounted for."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from mailer.errors import MailerError
from mailer.moving.listmonk.api import Listmonk, ListmonkRefused
from mailer.moving.listmonk.bring import Bringing, bring, finished, rehearse, suggested
from mailer.moving.listmonk.folder import MoveFolder, MoveFolders
from mailer.moving.listmonk.theirs import Theirs
from mailer.moving.report import Move, verified
from mailer.staff.actor import terminal
from mailer.staff.audit import entries
from mailer.store.engine.database import Database
from mailer.store.tables.core import consents, people, subscriptions
from mailer.store.tables.imports import imports
from mailer.workspace import Workspace
from tests.moving.listmonk_server import LISTS, TOKEN, USER, FakeListmonk, many, serving, uuid_of

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


class Paused(Exception):
    """Somebody stopped the reading."""


def read(fake: FakeListmonk, folder: Path, *, seconds: float = 20, waits: list[float] | None = None) -> Theirs:
    told = [] if waits is None else waits
    api = Listmonk(fake.url, USER, TOKEN, timeout_seconds=seconds, wait=told.append)
    theirs = Theirs(folder / "theirs.db")
    try:
        theirs.read(api, lambda _done, _of, _what: None)
    finally:
        api.close()
    return theirs


@pytest.fixture
def listmonk() -> Iterator[FakeListmonk]:
    with serving(many(240)) as fake:
        yield fake


def begun(workspace: Workspace, fake: FakeListmonk, onto: dict[str, str] | None = None) -> MoveFolder:
    """A move of which everything was read."""
    folders = MoveFolders(workspace.root)
    move = folders.begin(fake.url, USER, TOKEN, by="ada", now=NOW)
    read(fake, folders.place(move)).close()
    move = folders.was_read(move, NOW)
    return folders.save(replace(move, onto=onto or {"1": "river", "2": "volunteers", "3": "old"}, agreed="Their form"))


def work(workspace: Workspace, database: Database, move: MoveFolder) -> Bringing:
    return Bringing(workspace, database, move, terminal(), lambda: NOW)


def test_three_thousand_people_are_read_through_every_fault(tmp_path: Path) -> None:
    """Errors, halves, silence and broken answers, and people who come, go and leave meanwhile."""
    fake = many(3_000)
    faults: dict[int, str | int] = {3: 500, 4: 502, 7: "half", 9: "cut", 12: 429, 15: "slow", 40: 503}

    def before(number: int, path: str) -> str | int:
        if path == "/api/subscribers" and number == 20:
            for gone in (1, 2, 3, 150):
                del fake.people[gone]
            fake.add(5_001, "new@example.org", on={1: "confirmed"})
        if number == 25:
            fake.people[160]["lists"] = []
            fake.people[160]["status"] = "blocklisted"
        return faults.get(number, "")

    fake.before = before
    waits: list[float] = []
    with serving(fake):
        theirs = read(fake, tmp_path, seconds=2, waits=waits)
    found = {one.id: one for one in theirs.everybody()}
    theirs.close()
    assert set(found) == set(fake.people)
    assert all(found[n].status == told["status"] and found[n].email == told["email"] for n, told in fake.people.items())
    assert Counter(len(found[n].lists) for n in found) == Counter(len(one["lists"]) for one in fake.people.values())
    hard = {one["subscriber_id"] for one in fake.bounces if one["type"] == "hard"}
    assert {one.id for one in found.values() if "bounced" in one.bounces} == hard & set(found)
    assert waits[:2] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "words"),
    [(401, "doesn’t take this user"), (403, "doesn’t take this user"), (302, "leads elsewhere"), (404, "HTTP 404")],
)
def test_a_refusal_is_said_at_once(listmonk: FakeListmonk, tmp_path: Path, fault: int, words: str) -> None:
    listmonk.before = lambda _number, _path: fault
    with pytest.raises(ListmonkRefused, match=words) as refused:
        read(listmonk, tmp_path)
    assert len(listmonk.asked) == 1
    assert TOKEN not in str(refused.value) + refused.value.remedy


@pytest.mark.parametrize("fault", [500, "cut"])
def test_what_never_answers_is_given_up(listmonk: FakeListmonk, tmp_path: Path, fault: str | int) -> None:
    listmonk.before = lambda _number, path: fault if path == "/api/subscribers" else ""
    with pytest.raises(MailerError, match="doesn’t answer as it should"):
        read(listmonk, tmp_path)


def test_a_list_that_never_rests_and_half_pages_for_ever_are_no_move(listmonk: FakeListmonk, tmp_path: Path) -> None:
    listmonk.before = lambda number, path: "half" if path == "/api/subscribers" and number % 2 else ""
    with pytest.raises(MailerError, match="kept changing"):
        read(listmonk, tmp_path)


@pytest.mark.parametrize(
    ("address", "words"),
    [("", "no web address"), ("ftp://a.example", "no web address"), ("http://8.8.8.8", "unencrypted"),
     ("https://me:secret@a.example", "holds a login")],
)  # fmt: skip
def test_addresses_that_the_token_must_not_go_to(address: str, words: str) -> None:
    with pytest.raises(ListmonkRefused, match=words):
        Listmonk(address, USER, TOKEN)


def test_an_address_is_taken_as_browsers_show_it() -> None:
    assert Listmonk("lists.example.org/admin/", USER, TOKEN).url == "https://lists.example.org"
    assert Listmonk("http://localhost:9000", USER, TOKEN).url == "http://localhost:9000"
    assert TOKEN not in repr(Listmonk("https://lists.example.org", USER, TOKEN))


def expected(fake: FakeListmonk, onto: dict[int, str]) -> Counter[str]:
    """What each person is in the end, as plainly as it can be said: where they are in, or why they are out."""
    kinds = {"hard": "bounced", "complaint": "complained"}
    bounced: dict[int, set[str]] = {}
    for one in fake.bounces:
        if one["type"] in kinds:
            bounced.setdefault(one["subscriber_id"], set()).add(kinds[one["type"]])
    stopped: dict[str, set[str]] = {}
    standings: dict[str, list[str]] = {}
    for number, person in fake.people.items():
        address = person["email"].lower()
        stops = stopped.setdefault(address, set())
        stops |= bounced.get(number, set()) | ({"suppressed by staff"} if person["status"] != "enabled" else set())
        for one in person["lists"]:
            if one["id"] in onto:
                waits = "pending" if LISTS[one["id"]][1] == "double" else "subscribed"
                said = {"confirmed": "subscribed", "unconfirmed": waits}.get(one["subscription_status"], "unsubscribed")
                standings.setdefault(address, []).append(said)
    found: Counter[str] = Counter()
    seen: set[str] = set()
    for person in fake.people.values():
        address = person["email"].lower()
        if "@" not in address:
            found["rejected"] += 1
        elif address in seen:
            found["merged"] += 1
        else:
            seen.add(address)
            order = ("complained", "bounced", "suppressed by staff")
            stop = next((one for one in order if one in stopped[address]), "")
            mine = standings.get(address, ["no consent"])
            found[
                stop or next(one for one in ("subscribed", "pending", "unsubscribed", "no consent") if one in mine)
            ] += 1
    return found


def test_everybody_is_accounted_for(workspace: Workspace, database: Database, listmonk: FakeListmonk) -> None:
    move = begun(workspace, listmonk)
    rehearsed = rehearse(work(workspace, database, move))
    assert set(rehearsed.reports) == {"river", "volunteers", "old"}
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(people)).scalar_one() == 0, "only rehearsed"
    assert "river" not in workspace.list_names()
    done = bring(work(workspace, database, move))
    everybody = done.told["people"]
    assert Counter(everybody["here"]) == expected(listmonk, {1: "", 2: "", 3: ""})
    assert everybody["theirs"] == 240 == everybody["in"] + everybody["merged"] + sum(everybody["left_out"].values())
    for part in done.told["parts"]:
        assert part["theirs"] == part["in"] + part["merged"] + sum(part["left_out"].values())
    left_out = MoveFolders(workspace.root).left_out(move)
    with left_out.open(encoding="utf-8", newline="") as file:
        assert Counter(
            "rejected" if row["there"] == "rejected" else row["why not here"] for row in csv.DictReader(file)
        ) == Counter(everybody["left_out"])
    assert oct(left_out.stat().st_mode)[-3:] == "600"
    river = workspace.list_definition("river")
    assert (river.title, river.opt_in, river.formerly) == ("River news", "double", (uuid_of(1),))
    with database.read() as connection:
        told = connection.execute(select(people.c.attributes).where(people.c.address == "p4@example.org")).scalar()
        given = connection.execute(
            select(consents.c.given_at).where(consents.c.given_at.is_not(None)).limit(1)
        ).scalar()
    assert told is None, "on no list of ours"
    assert given == datetime(2024, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)


def test_a_list_that_is_left_out_still_says_who_must_not_be_mailed(
    workspace: Workspace, database: Database, listmonk: FakeListmonk
) -> None:
    done = bring(work(workspace, database, begun(workspace, listmonk, {"2": "supporters"})))
    assert Counter(done.told["people"]["here"]) == expected(listmonk, {2: ""})
    assert workspace.list_definition("supporters").formerly == (uuid_of(2),)
    assert {one["onto"] for one in done.told["lists"]} == {"", "supporters"}


def test_old_forms_find_a_list_once_its_words_are_known(
    workspace: Workspace, database: Database, listmonk: FakeListmonk
) -> None:
    """No form is open without words that people agree to: then `formerly` alone is kept."""
    move = begun(workspace, listmonk, {"1": "river"})
    bring(work(workspace, database, replace(move, wording="Yes, send me news.")))
    move = begun(workspace, listmonk, {"2": "volunteers"})
    bring(work(workspace, database, replace(move, wording="")))
    river, volunteers = (workspace.list_definition(name) for name in ("river", "volunteers"))
    assert (river.public_form, river.consent, river.formerly) == (True, "Yes, send me news.", (uuid_of(1),))
    assert (volunteers.public_form, volunteers.consent, volunteers.formerly) == (False, "", (uuid_of(2),))


def everything(database: Database) -> tuple[Any, ...]:
    """What a move leaves behind."""
    with database.read() as connection:
        rows = select(people.c.address, people.c.attributes).order_by(people.c.address)
        on = select(subscriptions.c.list_id, people.c.address, subscriptions.c.status).join(people)
        return (
            [tuple(row) for row in connection.execute(rows)],
            sorted(tuple(row) for row in connection.execute(on)),
            connection.execute(select(func.count()).select_from(consents)).scalar_one(),
            connection.execute(select(func.count()).select_from(imports)).scalar_one(),
        )


@pytest.mark.parametrize("at", ["river", "volunteers", "account", "sign"])
def test_a_move_that_died_goes_on_and_does_nothing_twice(
    workspace: Workspace, database: Database, listmonk: FakeListmonk, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    from mailer.moving.listmonk import bring as module

    move = begun(workspace, listmonk)

    def dies(name: str, when: Callable[..., bool] = lambda *_: True, *, after: bool = False) -> None:
        plain = getattr(module, name)

        def once(*args: Any, **more: Any) -> Any:
            found = plain(*args, **more) if after else None
            if when(*args):
                raise Paused
            return found if after else plain(*args, **more)

        monkeypatch.setattr(module, name, once)

    if at == "account":
        dies("account_of")
    elif at == "sign":
        dies("close_move")
    else:
        dies("_import", lambda _work, definition, *_: definition.name == at, after=True)
    with pytest.raises(Paused):
        bring(work(workspace, database, move))
    monkeypatch.undo()
    assert finished(work(workspace, database, move)) is None
    done = bring(work(workspace, database, move))
    found = everything(database)
    assert done.told["people"]["theirs"] == 240
    assert len(done.parts) == 3 == found[3]
    again = bring_again(workspace, database, listmonk)
    assert everything(database)[:3] == found[:3], "and a later move changes nothing"
    assert again.told["people"]["here"] == done.told["people"]["here"]


def bring_again(workspace: Workspace, database: Database, fake: FakeListmonk) -> Move:
    theirs_of = begun(workspace, fake)
    theirs = MoveFolders(workspace.root).theirs(theirs_of)
    assert suggested(workspace, theirs.lists()) == {1: "river", 2: "volunteers", 3: "old"}
    theirs.close()
    return bring(work(workspace, database, theirs_of))


def test_the_token_is_nowhere_after_the_move(
    workspace: Workspace, database: Database, listmonk: FakeListmonk, caplog: pytest.LogCaptureFixture
) -> None:
    folders = MoveFolders(workspace.root)
    move = folders.begin(listmonk.url, USER, TOKEN, by="ada", now=NOW)
    held = [path for path in workspace.root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert [path.name for path in held] == ["login.json"]
    assert oct(held[0].stat().st_mode)[-3:] == "600"
    read(listmonk, folders.place(move)).close()
    move = folders.save(replace(folders.was_read(move, NOW), onto={"1": "river"}, agreed="Their form"))
    done = bring(work(workspace, database, move))
    assert not [path for path in workspace.root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    with database.read() as connection:
        told = [str(one) for one in entries(connection)]
    assert TOKEN not in "".join(told) + json.dumps(done.told) + caplog.text
    assert any("moved house" in one for one in told)


def test_the_report_is_verified_and_a_changed_one_is_not(
    workspace: Workspace, database: Database, listmonk: FakeListmonk
) -> None:
    keys = workspace.secrets.require_signing()
    done = bring(work(workspace, database, begun(workspace, listmonk)))
    text = json.dumps(done.report, indent=2)
    assert verified(text, [b"another key of this workspace, older", *keys]) == done.told
    for changed in (
        text.replace('"theirs": 240', '"theirs": 241'), text.replace("River news", "River News"), "[]", "{", "",
        text.replace('"report": {', '"report": {"theirs": 1, "theirs": 2, ', 1),
        text.replace('"value": "', '"value": "0'),
    ):  # fmt: skip
        with pytest.raises(MailerError):
            verified(changed, keys)
    with pytest.raises(MailerError):
        verified(text, [b"the key of another workspace altogether"])


def test_it_is_swept_after_its_day(workspace: Workspace, listmonk: FakeListmonk) -> None:
    folders = MoveFolders(workspace.root)
    move = begun(workspace, listmonk)
    touched = datetime.fromtimestamp((folders.place(move) / "about.json").stat().st_mtime, UTC)
    (folders.place(move) / "gone").symlink_to("nowhere")  # as a file that is deleted while its folder is looked at
    folders.sweep(touched)
    assert (folders.place(move) / "theirs.db").exists()
    folders.sweep(touched.replace(year=touched.year + 1))
    assert folders.find(move.token) is None
