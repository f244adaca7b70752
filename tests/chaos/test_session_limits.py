"""A stock OpenSMTPD takes 100 mails a session, and a campaign of 10,000 without one pause."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.store.engine.database import Database
from mailer.workspace import Workspace
from tests.conftest import REPOSITORY
from tests.delivery.world import add_people, launch, states
from tests.servers.opensmtpd import OpenSmtpd, why_missing

CONNECTIONS = 4
MAILS_A_SESSION = 100
PEOPLE = 10_000


@pytest.mark.sqlite
def test_a_stock_opensmtpd_takes_a_campaign_without_one_pause(
    workspace: Workspace, database: Database, tmp_path: Path
) -> None:
    if reason := why_missing():
        # Without root it can't be started anywhere; what is missing in CI would be missing unseen.
        pytest.fail(reason) if os.environ.get("CI") == "true" and os.geteuid() == 0 else pytest.skip(reason)
    add_people(database, PEOPLE, now=datetime.now(UTC))
    launch(database, count=PEOPLE, now=datetime.now(UTC), transport="smtp")
    with OpenSmtpd(tmp_path) as relay:
        words = _run(workspace.root, relay)
        received = relay.received
        sessions = len(re.findall(r" smtp disconnected ", relay.log.read_text()))
        refused = re.findall(r'result="(452 [^"]*)"', relay.log.read_text())
    assert len(received) == len(set(received)) == PEOPLE
    assert states(database) == {"sent": PEOPLE}
    assert f"{PEOPLE:,} sent" in words
    assert not re.search("paused|put off|stays queued", words)
    assert refused, "no session was ever full, so nothing was shown"
    assert sessions >= PEOPLE // MAILS_A_SESSION


def _run(root: Path, relay: OpenSmtpd) -> str:
    """One `mailer run` to its end: its words. It leaves with 0."""
    environ = {
        "PYTHONPATH": str(REPOSITORY),
        "MAILER_TRANSPORT": "smtp",
        "MAILER_SMTP_HOST": relay.host,
        "MAILER_SMTP_PORT": str(relay.port),
        "MAILER_SMTP_SECURITY": "none",
        "MAILER_SMTP_CONNECTIONS": str(CONNECTIONS),
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "run"],
        cwd=root, env=inherited | environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
