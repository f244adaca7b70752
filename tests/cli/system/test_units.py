"""`mailer cron` and docs/deploy: the same units by the same names, and lines that hold for any folder and address."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mailer.cli.system.units import crontab, units
from tests.cli.conftest import Mailer
from tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "docs" / "deploy"
# What docs/deploy has beside: the door, which needs a web server, and what closes the units off.
ONLY_THERE = {"mailer-serve.service"}
COMPARED = ("Type", "User", "WorkingDirectory", "EnvironmentFile", "ExecStart", "OnFailure", "OnCalendar", "Persistent",
            "AccuracySec", "WantedBy", "Description", "StartLimitIntervalSec", "StartLimitBurst")  # fmt: skip


def keys(text: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, mark, value in pairs if mark and name in COMPARED}


def printed(mailer: Mailer) -> dict[str, str]:
    """The units that `mailer cron` prints, by name."""
    parts = mailer("cron").out.split("# /etc/systemd/system/")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def test_both_name_the_same_units(mailer: Mailer) -> None:
    there = {path.name for path in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer"))}
    assert set(printed(mailer)) == there - ONLY_THERE
    page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
    for name in there:
        assert name in page
        assert (DEPLOY / name).read_text(encoding="utf-8").startswith(f"# /etc/systemd/system/{name}")


def test_both_say_the_same() -> None:
    made = units(Path("/srv/mailer"), ["/opt/mailer/bin/mailer"], user="mailer", mail_to="you@example.org")
    for name, text in made.items():
        written = keys((DEPLOY / name).read_text(encoding="utf-8"))
        mine = {
            key: value.replace('"/opt/mailer/bin/mailer"', "/opt/mailer/bin/mailer")
            for key, value in keys(text).items()
        }
        assert mine == written, name


def test_bounces_are_read_where_there_is_a_mailbox_for_them(mailer: Mailer) -> None:
    assert "bounces --maildir" not in mailer("cron").out
    with Path("mailer.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[bounces]\naddress = "bounces@example.org"\n')
    assert "*/5 * * * * cd " in mailer("cron").out


def test_what_fails_is_told(mailer: Mailer) -> None:
    assert "\nMAILTO=hello@example.org\n" in mailer("cron").out
    for name, text in printed(mailer).items():
        if name.endswith(".service") and "@" not in name:
            assert "OnFailure=mailer-failed@%n.service" in text


@pytest.mark.parametrize("odd", ["our 100% campaigns", 'o\'brien "x"', "a\\b $HOME"])
def test_lines_hold_for_odd_folders_and_addresses(odd: str, tmp_path: Path) -> None:
    root = tmp_path / odd
    root.mkdir()
    here = root / "tell"
    here.write_text("#!/bin/sh\npwd > told; echo $@ >> told\n", encoding="utf-8")
    here.chmod(0o700)
    (line,) = [
        one
        for one in crontab(root, [str(here)], mail_to="x@a.test", bounces=True).splitlines()
        if one.endswith("--for 55s")
    ]
    command = line.removeprefix("* * * * * ").replace("\\%", "%")  # as cron(8) hands it to the shell
    subprocess.run(["/bin/sh", "-c", command], check=True)
    assert (root / "told").read_text(encoding="utf-8") == f"{root}\nrun --for 55s\n"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd isn't here")
@pytest.mark.parametrize("odd", ["plain", "our 100% campaigns", "a $HOME"])
def test_systemd_reads_the_units(odd: str, tmp_path: Path) -> None:
    root = tmp_path / odd
    root.mkdir()
    program = root / "mailer"
    shutil.copyfile("/bin/true", program)
    program.chmod(0o700)
    made = units(root, [str(program)], user="root", mail_to="o'brien+100%@a.test")
    folder = tmp_path / "units"
    folder.mkdir()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in made:
        said = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(folder / name.replace("@.", "@x."))]
            if "@" in name
            else ["systemd-analyze", "verify", "--man=no", str(folder / name)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        mine = [line for line in said.stderr.splitlines() if str(folder) in line or name in line]
        assert not mine, mine


def test_the_example_of_an_environment_file_is_read_as_a_shell_would() -> None:
    page = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
    (line,) = [one for one in page.splitlines() if one.strip().startswith("MAILER_SMTP_PASSWORD=")]
    assert shlex.split(line)[0].startswith("MAILER_SMTP_PASSWORD=")
