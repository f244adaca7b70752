"""The mail of thanks by command: checked with its newsletter, looked at, proved, sent by `run`, and counted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from mailer.audience.addresses import address_hash
from mailer.audience.consent.changes import list_id, subscribe, suppress
from mailer.audience.petition.signatures import SignatureOrigin, sign, signer
from mailer.delivery.thanks.queue import SignedBy, thank
from mailer.store.engine.database import open_database
from mailer.store.tables.core import people
from mailer.store.tables.states import SuppressionReason
from mailer.workspace import THANKS_FILE, find_workspace
from tests.audience.world import signing_as
from tests.cli.conftest import Mailer
from tests.cli.people.test_signatures import PAGE
from tests.conftest import NOW
from tests.delivery.thanks.conftest import MAIL


@pytest.fixture
def thanking(mailer: Mailer) -> Path:
    """The sample appeal's thanks.md."""
    path = find_workspace().newsletters / PAGE / THANKS_FILE
    path.write_text(MAIL, encoding="utf-8")
    return path


def put_names(*addresses: str) -> None:
    workspace = find_workspace()
    key, database = workspace.secrets.require_address_key(), open_database(workspace.settings.database_url)
    with database.write() as connection:
        for address in addresses:
            who = signing_as("Ana", "Li")
            person = signer(connection, address=address, address_key=key, who=who, language="en", at=NOW)
            signed = sign(
                connection, page=PAGE, statement="We ask.", person_id=person, who=who, origin=SignatureOrigin(), at=NOW
            )
            by = SignedBy(person, address, by_link=False, language="en")
            thank(connection, signed, by, joining=None, address_key=key, at=NOW)
    database.close()


def test_it_is_checked_with_its_newsletter(mailer: Mailer, thanking: Path) -> None:
    assert mailer("check", PAGE).code == 0
    thanking.write_text(MAIL.replace("Your name is", "[[Say it.]] Your name is").replace("headline:", "heedline:"))
    found = mailer("check", PAGE)
    assert found.code == 1
    assert f"newsletters/{PAGE}/{THANKS_FILE}:4: unknown key 'heedline'" in found.out
    thanking.write_text(MAIL.replace("Your name is", "[[Say it.]] Your name is"))
    found = mailer("check", PAGE)
    assert found.code == 1
    assert "[[Say it.]]" in found.out


def test_one_that_is_switched_off_stops_nothing(mailer: Mailer, thanking: Path) -> None:
    thanking.write_text(MAIL.replace("Your name is", "[[Say it.]] Your name is").replace("list:", "send: false\nlist:"))
    assert mailer("check", PAGE).code == 0


def test_it_is_begun_from_its_page(mailer: Mailer) -> None:
    assert mailer("new", PAGE, "--thanks").out.startswith(f"Made newsletters/{PAGE}/{THANKS_FILE}")
    found = mailer("check", PAGE)
    assert found.code == 1
    assert found.out.count("was to be filled in") == 4, "and nothing else is wrong with it"
    assert found.out.startswith(f"{PAGE}  4 errors")
    assert mailer("new", PAGE, "--thanks").code == 1, "nothing is overwritten"
    assert mailer("new", "2026-12-year-in-review", "--thanks").code == 1


def test_those_who_signed_are_told_that_it_was_delivered(mailer: Mailer) -> None:
    put_names("ana@example.org", "bo@example.org", "cy@example.org")
    workspace = find_workspace()
    database = open_database(workspace.settings.database_url)
    with database.write() as connection:
        (first, second) = connection.execute(select(people.c.id).where(people.c.address < "c")).scalars().all()
        supporters = list_id(connection, "supporters")
        for person in (first, second):
            subscribe(connection, person_id=person, list_id=supporters, how="form", source="x", wording="Yes.", at=NOW)
        hashed = address_hash("bo@example.org", workspace.secrets.require_address_key())
        suppress(
            connection,
            address_hash=hashed,
            reason=SuppressionReason.UNSUBSCRIBED,
            list_id=supporters,
            at=NOW,
            source="",
        )
    slug = "2027-01-delivered"
    assert mailer("new", slug, "--delivered", PAGE).code == 0
    assert mailer("new", slug, "--delivered", "2026-12-year-in-review").code == 1
    path = workspace.newsletters / slug / "message.md"
    path.write_text(re.sub(r"\[\[(.*?)\]\]", r"\1", path.read_text()))
    found = mailer("check", slug)
    assert f"When it is: mailer signatures {PAGE} --delivered DAY" in found.out
    assert found.code == 1
    database.close()
    assert mailer("signatures", PAGE, "--delivered", "2026-11-20").code == 0
    assert mailer("check", slug).code == 0
    mailer("render", slug, "--as", "ana@example.org")
    text = (workspace.root / "rendered" / slug / f"{slug}.txt").read_text()
    assert "On 20 November 2026 we handed over 3 names" in " ".join(text.split())
    sent = mailer("send", slug, "--yes", "1")
    assert sent.code == 0, "of three who signed, one is on the list and may be mailed"
    (mail,) = (workspace.root / "outbox" / "new").iterdir()
    assert b"To: Ana Li <ana@example.org>" in mail.read_bytes()


def test_it_is_looked_at_and_proved(mailer: Mailer, thanking: Path) -> None:
    paths = [Path(line) for line in mailer("render", PAGE, "--thanks").out.splitlines()]
    assert [path.name for path in paths] == [f"{PAGE}-thanks.{kind}" for kind in ("html", "txt", "eml")]
    assert "Thank you, friend" in paths[1].read_text()
    assert "/confirm/proof" in paths[1].read_text()
    assert mailer("test", PAGE, "--thanks", "--to", "me@example.org").code == 0
    (mail,) = (find_workspace().root / "outbox" / "new").iterdir()
    assert b"Subject: [Proof] Thank you for signing" in mail.read_bytes()
    assert b"List-Unsubscribe" not in mail.read_bytes()
    assert mailer("render", "2026-12-year-in-review", "--thanks").code == 1


def test_run_sends_what_waits_and_it_is_counted(mailer: Mailer, thanking: Path) -> None:
    put_names("ana@example.org", "bo@example.org")
    assert "thanks to those who sign: 2 waiting" in mailer("status").out
    assert "Thanked by mail: 2 waiting." in mailer("signatures", PAGE).out
    assert mailer("run").code == 0
    assert len(list((find_workspace().root / "outbox" / "new").iterdir())) == 2
    assert "Thanked by mail: 2 sent." in mailer("signatures", PAGE).out
    assert json.loads(mailer("signatures", PAGE, "--json").out)["thanks"] == {"sent": 2}
    assert mailer("run").code == 0
    assert len(list((find_workspace().root / "outbox" / "new").iterdir())) == 2
