"""`mailer serve` killed in the middle, again and again: a click whose redirect was answered is in the database."""

from __future__ import annotations

import random
import signal
import socket
import threading
import time
from collections import Counter
from datetime import datetime

import pytest
from sqlalchemy import func, select, text

from mailer.store.engine.database import Database, open_database
from mailer.store.tables.core import hits
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.workspace import Workspace
from tests.patience import HANG_SECONDS
from tests.reports.builders import delivery_id
from tests.web.conftest import seed
from tests.web.test_serve import started

CLIENTS = 8
KILLS = 3
LONGEST_SECONDS = 0.6  # from the first answers to the kill


def click(port: int, token: str, answered: list[int], warm: threading.Event) -> None:
    """Follow links over one connection, each after the last was answered; note the answers that came whole."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS) as opened:
            for n in range(100_000):
                head = f"GET /c/{token}/{n % 3 + 1} HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0\r\n\r\n"
                opened.sendall(head.encode())
                answer = b""
                while not answer.endswith(b"\r\n\r\n"):
                    part = opened.recv(4096)
                    if not part:
                        return
                    answer += part
                assert answer.startswith(b"HTTP/1.1 302")
                answered.append(n)
                if n > 5:
                    warm.set()
    except OSError:
        return


@pytest.mark.parametrize("seconds", [random.Random(n).uniform(0, LONGEST_SECONDS) for n in range(KILLS)])
def test_every_click_that_was_answered_is_kept(
    workspace: Workspace, database: Database, now: datetime, seconds: float
) -> None:
    seed(database, now, people=CLIENTS)
    signer = Signer(workspace.secrets.require_signing())
    answered: dict[int, list[int]] = {number: [] for number in range(1, CLIENTS + 1)}
    warm = threading.Event()
    with started(workspace.root) as (process, port):
        tokens = {number: signer.sign(Purpose.CLICK, Named(delivery_id(number))) for number in answered}
        threads = [
            threading.Thread(target=click, args=(port, tokens[number], answered[number], warm)) for number in answered
        ]
        for thread in threads:
            thread.start()
        assert warm.wait(HANG_SECONDS)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        for thread in threads:
            thread.join()
    again = open_database(workspace.settings.database_url)
    with again.read() as connection:
        if again.is_sqlite:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        query = select(hits.c.delivery_id, func.count()).group_by(hits.c.delivery_id)
        stored: Counter[int] = Counter({row[0]: row[1] for row in connection.execute(query)})
    again.close()
    counts = {number: (len(clicks), stored[delivery_id(number)]) for number, clicks in answered.items()}
    assert sum(kept for _, kept in counts.values()) > CLIENTS
    for clicks, kept in counts.values():
        assert clicks <= kept <= clicks + 1, "at most the one on its way is stored unanswered"
