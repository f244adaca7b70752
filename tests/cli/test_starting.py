"""What a command loads: cron starts one each minute, and staff wait for it. By names and counts, since a clock would
tell of the machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mailer.cli import COMMANDS
from tests.cli.conftest import Mailer

COMPOSING = ("jinja2", "markdown_it", "yaml", "mjml", "css_inline", "babel", "email_validator", "PIL", "tinycss2")
TALKING = ("smtplib", "sendgrid", "python_http_client", "cryptography", "dns", "starlette", "uvicorn", "sqlite_utils")
MODULES = tuple(sorted({f"mailer.cli.{where.partition(':')[0]}" for where, _ in COMMANDS.values()}))
ENGINES = ("alembic", "psycopg", "sqlalchemy.dialects.postgresql", "sqlalchemy.orm")
SENDING = (
    "mailer.delivery.sending.engine",
    "mailer.compose.merge",
    "mailer.transports.outbox.transport",
    "mailer.delivery.feedback.apply",
)
IDLE = ("mailer.delivery.campaigns.lifecycle", "mailer.delivery.notices.sender", "mailer.review.approvals")
ASKING = ("mailer.transports.http_client", "mailer.compose.action_page.parse")
HEAVY = (*COMPOSING, *TALKING, *ENGINES, "rich")
SLUG = "2026-12-year-in-review"

RUN = "from mailer.cli import main; main()"
IMPORT_ALL = "from mailer.cli import COMMANDS, cli; [cli.get_command(None, name) for name in COMMANDS]"


def modules(code: str, *arguments: str) -> set[str]:
    """The modules that a process of its own has loaded at the end."""
    look = f"""
import sys
try:
    {code}
except SystemExit as end:
    assert not end.code, end.code
finally:
    print("loaded", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", look, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def loaded(code: str, *arguments: str, among: tuple[str, ...]) -> list[str]:
    """Those of some modules that a process of its own has loaded at the end."""
    found = modules(code, *arguments)
    return [name for name in among if name in found]


def test_help_of_every_command_comes_without_the_database() -> None:
    assert loaded(IMPORT_ALL, among=(*HEAVY, "sqlalchemy")) == []
    assert loaded(RUN, "send", "--help", among=(*HEAVY, "sqlalchemy", *MODULES)) == [
        "mailer.cli.campaign.send",
        "mailer.cli.newsletter.check",  # whose errors stop a send
    ]


# What each may not load, but for what it needs, and how many modules of ours are enough: a twentieth more than today.
# A module costs a start about half a millisecond. Where more is needed, the number goes up in the same commit, which
# says why.
NEEDS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int], ...] = (
    (("--help",), (*HEAVY, *SENDING, "sqlalchemy"), (), 2),
    (("status",), (*HEAVY, *SENDING), (), 79),
    (("run",), (*HEAVY, *SENDING, *IDLE), (), 107),  # three of them ask whether an issue of a series is due
    (("lists",), (*HEAVY, *SENDING), ("rich",), 93),
    (("people", "find", "ada"), (*HEAVY, *SENDING), ("rich", "sqlite_utils"), 96),  # which keeps the index
    (("clicks", "recompute"), (*HEAVY, *SENDING), (), 139),
    (("check", SLUG), (*TALKING, *ENGINES, *ASKING), COMPOSING, 260),
    (("send", SLUG, "--dry-run"), (*TALKING, *ENGINES, ASKING[0], "rich"), COMPOSING, 288),
)


@pytest.mark.parametrize(("arguments", "never", "needed", "most"), NEEDS, ids=[" ".join(one) for one, *_ in NEEDS])
def test_a_command_loads_what_it_needs(
    mailer: Mailer, arguments: tuple[str, ...], never: tuple[str, ...], needed: tuple[str, ...], most: int
) -> None:
    assert mailer("import", "supporters", "lists/sample-supporters.csv").code == 0
    found = modules(RUN, *arguments)
    assert {name for name in never if name in found} <= set(needed)
    ours = sorted(name for name in found if name.partition(".")[0] == "mailer")
    assert len(ours) <= most, f"{len(ours)} modules: {ours}"
