"""A newsletter whose readers each have a row of a table: checked, scheduled, mailed with the table as it was then."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer
from tests.conftest import NOW

pytestmark = pytest.mark.usefixtures("own_day")


def test_what_is_scheduled_is_mailed_with_the_table_as_it_was(mailer: Mailer, campaign: str) -> None:
    Path("data").mkdir()
    table = Path("data") / "branches.csv"
    rows = "Country,Branch\n" + "".join(f"{code},The old branch of {code}\n" for code in ("GB", "IE", "FR", "DE", "CH"))
    table.write_text(rows, encoding="utf-8")
    message = Path("newsletters") / campaign / "message.md"
    text = 'Yours is {{ lookup("branches", supporter.country).branch | default("the head office") }}.'
    before = message.read_text(encoding="utf-8")
    message.write_text(before.replace("\n::: ask", f"\n{text}\n\n::: ask", 1), encoding="utf-8")
    assert mailer("check", campaign).code == 0
    assert mailer("schedule", campaign, "--at", "2036-12-01 09:00").code == 0
    table.write_text(rows.replace("old", "new"), encoding="utf-8")
    assert "data/branches: another table is in the files" in mailer("check", campaign).out
    with closing(sqlite3.connect("mailer.db")) as database, database:
        database.execute("UPDATE campaigns SET due_at = ?", (int(NOW.timestamp() * 1_000_000),))
    assert mailer("run").code == 0
    mails = [path.read_text(encoding="utf-8") for path in (Path("outbox") / "new").iterdir()]
    assert len(mails) == 3
    assert all("The old branch of" in mail or "the head office" in mail for mail in mails)
    assert not any("The new branch of" in mail for mail in mails)
    assert any("The old branch of" in mail for mail in mails)
