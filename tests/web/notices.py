"""The notices that a test's workspace queued and has in its outbox, and a courier that hands over what is due."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from sqlalchemy import select

from mailer.delivery.notices.queue import Notice, read_notice
from mailer.delivery.notices.sender import Courier
from mailer.store.jobs import NOTICE
from mailer.store.tables.jobs import jobs
from mailer.workspace import Workspace
from tests.web.conftest import Served

LINK = re.compile(r"https://mail\.example\.org(/confirm/[A-Za-z0-9_-]+)")


def deliver(served: Served, workspace: Workspace, clock: Callable[[], datetime]) -> list[EmailMessage]:
    """Every notice in the outbox, once all that is due is handed over, by this call or by the server's own thread."""
    Courier(workspace, served.database, clock=clock).deliver_due()
    while True:
        with served.database.read() as connection:
            if not connection.execute(select(jobs.c.id).where(jobs.c.done_at.is_(None))).first():
                break
    folder = workspace.root / "outbox" / "new"
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns) if folder.is_dir() else []
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]  # pyright: ignore[reportReturnType] - the policy makes it one


def queued(served: Served) -> list[Notice]:
    """Every notice that was queued, handed over or not."""
    with served.database.read() as connection:
        rows = connection.execute(select(jobs).where(jobs.c.kind == NOTICE.name).order_by(jobs.c.id)).all()
    return [read_notice(row) for row in rows]  # pyright: ignore[reportArgumentType] - it has what a job has


def link_of(mail: EmailMessage) -> str:
    """The path its button leads to."""
    body = mail.get_body(("plain",))
    assert body is not None
    found = LINK.search(body.get_content())
    assert found
    return found.group(1)
