"""The notices that a test's workspace has in its outbox, and a courier that hands over what is due."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from sqlalchemy import select

from mailer.delivery.notices.sender import Courier
from mailer.store.tables import inbound as tables
from mailer.workspace import Workspace
from tests.web.conftest import Served

LINK = re.compile(r"https://mail\.example\.org(/confirm/[A-Za-z0-9_-]+)")


def deliver(served: Served, workspace: Workspace, clock: Callable[[], datetime]) -> list[EmailMessage]:
    """Every notice in the outbox, once all that is due is handed over, by this call or by the server's own thread."""
    Courier(workspace, served.database, clock=clock).deliver_due()
    rows = tables.notices
    while True:
        with served.database.read() as connection:
            if not connection.execute(select(rows.c.id).where(rows.c.state.in_(["queued", "sending"]))).first():
                break
    folder = workspace.root / "outbox" / "new"
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns) if folder.is_dir() else []
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]  # pyright: ignore[reportReturnType] - the policy makes it one


def link_of(mail: EmailMessage) -> str:
    """The path its button leads to."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = LINK.search(body.get_content())
    assert found
    return found.group(1)
