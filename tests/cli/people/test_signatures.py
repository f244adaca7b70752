"""`mailer signatures` and what it writes; `run` and `status` with a webhook; `check` with a sign page."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.audience.petition.signatures import SignatureOrigin, sign, signer
from mailer.delivery.webhooks.events import tell_signature
from mailer.store.engine.database import open_database
from mailer.workspace import find_workspace
from tests.audience.world import signing_as
from tests.cli.conftest import Mailer

PAGE = "2026-11-ask-un-experts"
KEY = "a-webhook-key-for-tests-that-is-long-enough"


def put_names(*names: str, statement: str = "We ask.") -> None:
    """Signatures in the workspace around the current folder."""
    workspace = find_workspace()
    database = open_database(workspace.settings.database_url)
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with database.write() as connection:
        for name in names:
            who = signing_as(name, "Li", country="IE")
            person = signer(
                connection, address=f"{name.lower()}@example.org", address_key=b"k" * 40, who=who, language="en", at=at
            )
            signed = sign(
                connection, page=PAGE, statement=statement, person_id=person, who=who,
                origin=SignatureOrigin(source="poster"),
                at=at,
            )  # fmt: skip
            tell_signature(
                connection, settings=workspace.settings, signature_id=signed.id, opt_in=False, new=True, at=at
            )
    database.close()


def test_counts_and_what_brought_them(mailer: Mailer) -> None:
    assert mailer("signatures", PAGE).out.startswith(f"{PAGE}: 0 of 500 signatures")
    put_names("Ana", "Bo")
    shown = mailer("signatures", PAGE).out
    assert f"{PAGE}: 2 of 500 signatures" in shown
    assert "poster" in shown
    data = json.loads(mailer("signatures", PAGE, "--since", "2026-11-21", "--json").out)
    assert (data["signatures"], data["signatures_since"], data["target"], data["brought_by"]) == (2, 0, 500, [])
    assert data["statements"] == [{"text": "We ask.", "signatures": 2}]


def test_the_export_is_private_and_has_the_statement_beside_it(mailer: Mailer, tmp_path: Path) -> None:
    put_names("Ana", "Bo")
    out = tmp_path / "names.csv"
    out.write_text("what was there")
    out.chmod(0o644)
    done = mailer("signatures", PAGE, "--csv", str(out))
    assert done.code == 0, done.err
    assert done.err == ""
    written = out.read_text(encoding="utf-8-sig")
    assert written.count("\n") == 3
    assert "@example.org" not in written
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    beside = tmp_path / "names.csv.statement.txt"
    assert beside.read_text() == "We ask.\n"
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    assert mailer("signatures", PAGE, "--csv", str(out), "--with-addresses").code == 0
    assert "ana@example.org" in out.read_text()
    assert sorted(path.name for path in tmp_path.glob("*names*")) == ["names.csv", "names.csv.statement.txt"]


def test_whoever_signed_and_was_deleted_is_told_of(mailer: Mailer, tmp_path: Path) -> None:
    put_names("Ana", "Bo")
    assert "no name any more" not in mailer("signatures", PAGE, "--csv", str(tmp_path / "names.csv")).out
    assert mailer("people", "forget", "ana@example.org", "--yes").code == 0
    out = mailer("signatures", PAGE, "--csv", str(tmp_path / "names.csv")).out
    assert f"{PAGE}: 2 of 500 signatures" in out
    assert "1 written to " in out
    assert "1 of those counted has no name any more: they were deleted since." in out


def test_writing_into_a_git_repository_is_said(mailer: Mailer, tmp_path: Path) -> None:
    put_names("Ana")
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    done = mailer("signatures", PAGE, "--csv", str(tmp_path / "repository" / "names.csv"))
    assert done.code == 0
    assert "keep it out of every commit" in done.err


def test_a_page_that_is_not_there(mailer: Mailer) -> None:
    done = mailer("signatures", "2026-11-ask-un-expert")
    assert done.code == 1
    assert PAGE in done.err
    assert mailer("signatures", PAGE, "--with-addresses").code == 2


def test_check_finds_the_faults_of_the_page_too(mailer: Mailer) -> None:
    assert mailer("check", PAGE).code == 0
    page = Path("newsletters") / PAGE / "action.md"
    page.write_text(page.read_text().replace("target: 500", "target: lots"))
    done = mailer("check", PAGE)
    assert done.code == 1
    line = 1 + page.read_text().split("\n").index("target: lots")
    assert f"newsletters/{PAGE}/action.md:{line}: target must be a whole number" in done.out


def test_a_run_tells_the_webhook_and_status_shows_what_waits(mailer: Mailer, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("mailer.toml").open("a") as file:
        file.write('\n[webhook]\nurl = "http://127.0.0.1:9/"\n')
    done = mailer("run")
    assert done.code == 1
    assert "there is no webhook key" in done.err
    monkeypatch.setenv("MAILER_WEBHOOK_KEY", KEY)
    put_names("Ana")
    assert mailer("run").code == 3, "five days old, and the other side is not there: given up"
    assert "webhook: 1 given up" in mailer("status").out
    assert "webhook.private" not in mailer("run").err


def sign_with_comment(name: str, comment: str, *, shown: bool = True) -> int:
    """A signature with a comment; its number."""
    workspace = find_workspace()
    database = open_database(workspace.settings.database_url)
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with database.write() as connection:
        who = signing_as(name, "Li", comment=comment, shown=shown)
        person = signer(connection, address=f"{name}@example.org", address_key=b"k" * 40, who=who, language="en", at=at)
        made = sign(connection, page=PAGE, statement="S", person_id=person, who=who, origin=SignatureOrigin(), at=at)
    database.close()
    return made.id


def test_comments_wait_are_shown_and_hidden_by_number(mailer: Mailer) -> None:
    first, second = sign_with_comment("Ana", "Because."), sign_with_comment("Bo", "Buy mine.")
    sign_with_comment("Cy", "Not for others.", shown=False)
    page = find_workspace().newsletter(PAGE).folder / "action.md"
    assert "shows none of them" in mailer("signatures", PAGE, "--comments").out
    page.write_text(page.read_text().replace("\n---", "\nshow_comments: held\n---", 1))
    shown = mailer("signatures", PAGE, "--comments").out
    assert "2 of 3 wait" in shown
    assert "not to be shown" in shown
    done = mailer("signatures", PAGE, "--show", str(first), "--hide", f"{second}")
    assert done.code == 0, done.err
    found = json.loads(mailer("signatures", PAGE, "--comments", "--json").out)
    states = {one["comment"]: one["state"] for one in found["comments"]}
    assert states == {"Because.": "shown", "Buy mine.": "hidden", "Not for others.": "not to be shown"}
    assert mailer("signatures", PAGE, "--hold", str(first)).code == 0
    assert "1 of 3 wait" in mailer("signatures", PAGE, "--comments").out
    log = mailer("audit").out
    for action in ("comments shown", "comments hidden", "comments held"):
        assert action in log
    assert "Buy mine" not in log
    for wrong in (("--show", "99"), ("--show", "x"), ("--show", "1", "--hide", "1"), ("--show", "1", "--comments")):
        refused = mailer("signatures", PAGE, *wrong)
        assert refused.code != 0
        assert "Traceback" not in refused.err


def test_a_bundle_is_written_and_its_delivery_noted(mailer: Mailer, tmp_path: Path) -> None:
    put_names("Ana", "Bo")
    out = tmp_path / "handed"
    done = mailer("signatures", PAGE, "--bundle", str(out))
    assert done.code == 0, done.err
    assert "2 signatures, 2 of them with a name" in done.out
    assert "--full-names has them whole" in done.out
    assert "L." in (out / "signatures.csv").read_text(encoding="utf-8-sig")
    assert mailer("signatures", PAGE, "--bundle", str(out)).code != 0, "it is there already"
    assert mailer("signatures", PAGE, "--bundle", str(tmp_path / "all.zip"), "--full-names").code == 0
    assert "full names" in mailer("audit").out
    said = mailer("signatures", PAGE, "--delivered", "2026-11-21", "--note", "To the mayor.").out
    assert "delivered on 2026-11-21, with 2 signatures" in said
    assert mailer("signatures", PAGE, "--delivered", "2999-01-01").code != 0
    assert mailer("signatures", PAGE, "--not-delivered").code == 0
    assert mailer("signatures", PAGE, "--not-delivered").code != 0
    for wrong in (("--full-names",), ("--note", "x"), ("--bundle", "x", "--csv", "y")):
        assert mailer("signatures", PAGE, *wrong).code == 2, wrong
