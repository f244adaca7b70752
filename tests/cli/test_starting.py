"""What a command loads: cron starts one each minute, and staff wait for it. By names, since a clock would tell of the
machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mailer.cli import COMMANDS
from tests.cli.conftest import Mailer

COMPOSING = ("jinja2", "markdown_it", "yaml", "mjml", "css_inline", "babel", "email_validator")
TALKING = ("smtplib", "sendgrid", "python_http_client", "cryptography", "dns", "starlette", "uvicorn", "sqlite_utils")
MODULES = tuple(sorted({f"mailer.cli.{where.partition(':')[0]}" for where, _ in COMMANDS.values()}))
ENGINES = ("alembic", "psycopg", "sqlalchemy.dialects.postgresql")
SENDING = (
    "mailer.delivery.sending.engine",
    "mailer.compose.merge",
    "mailer.transports.outbox.transport",
    "mailer.delivery.feedback.apply",
)
HEAVY = (*COMPOSING, *TALKING, *ENGINES, "rich")

RUN = "from mailer.cli import main; main()"
IMPORT_ALL = "from mailer.cli import COMMANDS, cli; [cli.get_command(None, name) for name in COMMANDS]"


def loaded(code: str, *arguments: str, among: tuple[str, ...]) -> list[str]:
    """Which modules a process of its own has loaded at the end."""
    look = f"""
import sys
try:
    {code}
except SystemExit as end:
    assert not end.code, end.code
finally:
    print("loaded", *[name for name in {among!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", look, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


def test_help_of_every_command_comes_without_the_database() -> None:
    assert loaded(IMPORT_ALL, among=(*HEAVY, "sqlalchemy")) == []
    assert loaded(RUN, "send", "--help", among=(*HEAVY, "sqlalchemy", *MODULES)) == [
        "mailer.cli.campaign.send",
        "mailer.cli.newsletter.check",  # whose errors stop a send
    ]


@pytest.mark.parametrize("command", ["run", "status"])
def test_what_finds_nothing_to_do_loads_neither_compilers_nor_transports(mailer: Mailer, command: str) -> None:
    assert loaded(RUN, command, among=(*HEAVY, *SENDING)) == []


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (("lists",), {"rich"}),
        (("people", "find", "ada"), {"sqlite_utils"}),  # which keeps the index that is searched
        (("clicks", "recompute"), set[str]()),
    ],
)
def test_figures_and_people_come_without_compilers_and_transports(
    mailer: Mailer, arguments: tuple[str, ...], needed: set[str]
) -> None:
    assert mailer("import", "supporters", "lists/sample-supporters.csv").code == 0
    assert set(loaded(RUN, *arguments, among=(*HEAVY, *SENDING))) <= {*needed, "rich"}


def test_a_check_loads_the_compilers_and_no_transport(mailer: Mailer) -> None:
    found = loaded(RUN, "check", "2026-12-year-in-review", among=(*COMPOSING, *TALKING, *ENGINES))
    assert set(found) <= set(COMPOSING)
    assert "jinja2" in found
