"""The commands that look after the database, as staff type them."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.campaign.test_send import sent
from tests.cli.conftest import Mailer


def test_a_backup_that_is_put_back_after_the_send_mails_nobody_twice(
    mailer: Mailer, campaign: str, tmp_path: Path
) -> None:
    """The copy has three people queued; they are mailed; the disk dies, the copy is put back, and cron comes."""
    assert mailer("send", campaign, "--yes", "3", "--later").code == 0
    assert mailer("db", "backup", str(tmp_path / "copy.db")).code == 0
    assert mailer("run").code == 0
    assert sent(Path.cwd()) == 3
    for name in ("mailer.db", "mailer.db-wal", "mailer.db-shm"):
        Path(name).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "copy.db", "mailer.db")
    mailer("run")
    assert sent(Path.cwd()) == 3
    said = mailer("status").out
    assert "paused" in said
    assert "it knows nothing of mails sent since" in said
    assert f"mailer cancel {campaign}" in said


def test_backup_says_where_it_is_and_replaces_nothing(mailer: Mailer, campaign: str, tmp_path: Path) -> None:
    del campaign
    said = mailer("db", "backup", str(tmp_path / "copy.db"))
    assert said.code == 0
    assert f"{tmp_path / 'copy.db'}: " in said.out
    again = mailer("db", "backup", str(tmp_path / "copy.db"))
    assert again.code == 1
    assert "exists already" in again.err


def test_a_forgotten_cron_line_sends_nothing_from_the_old_database(
    mailer: Mailer, campaign: str, tmp_path: Path
) -> None:
    assert mailer("send", campaign, "--yes", "3", "--later").code == 0
    assert mailer("db", "move", "--to", f"sqlite:///{tmp_path / 'new.db'}").code == 0
    cron = mailer("run")
    assert cron.code == 1
    assert "this database was moved to" in cron.err
    assert "mailer.toml" in cron.err
    assert sent(Path.cwd()) == 0
    settings = Path("mailer.toml")
    kept = [line for line in settings.read_text(encoding="utf-8").splitlines() if not line.startswith("database")]
    settings.write_text("\n".join([f'database = "sqlite:///{tmp_path / "new.db"}"', *kept]), encoding="utf-8")
    assert mailer("run").code == 0
    assert sent(Path.cwd()) == 3
