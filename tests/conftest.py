"""What most tests need: a small workspace of its own, its database, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.store.database import Database, open_database
from mailer.workspace import Workspace, find_workspace

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)

SETTINGS = """\
[organisation]
name = "Example Campaigns"
postal_address = "1 Example Street, London N1 1AA, United Kingdom"
website = "https://example.org"

[sender]
from = "Example Campaigns <appeals@example.org>"
reply_to = "Example Campaigns <hello@example.org>"

[public]
url = "https://mail.example.org"
unsubscribe_mailto = "unsubscribe@example.org"
"""

LIST = """\
title = "Supporters"
list_id = "supporters.lists.example.org"
description = "You signed up at example.org."
consent = "Yes, mail me about campaigns."
"""

SECRETS = """\
signing_keys = ["a-signing-key-for-tests-that-is-long-enough"]
address_key = "an-address-key-for-tests-that-is-long-enough"
"""

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with one list, the repository's templates and no newsletters."""
    root = tmp_path / "workspace"
    (root / "newsletters").mkdir(parents=True)
    (root / "lists").mkdir()
    (root / "mailer.toml").write_text(SETTINGS, encoding="utf-8")
    (root / "lists" / "supporters.toml").write_text(LIST, encoding="utf-8")
    secrets = root / "secrets.toml"
    secrets.touch(mode=0o600)
    secrets.write_text(SECRETS, encoding="utf-8")
    (root / "templates").symlink_to(REPOSITORY / "templates")
    return find_workspace(root, environ={})


@pytest.fixture
def database(workspace: Workspace) -> Iterator[Database]:
    database = open_database(workspace.settings.database_url)
    yield database
    database.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew instead of comparing")
