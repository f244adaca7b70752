"""A relay that doesn't want our sender or host: the campaign stops at once, nobody fails, and all goes on later."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Mailer
from tests.servers.relay import Relay, Say, Step


def states() -> dict[str, int]:
    with closing(sqlite3.connect("mailer.db")) as database:
        return dict(database.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())


def by_smtp(relay: Relay) -> None:
    settings = Path("mailer.toml").read_text(encoding="utf-8").replace('transport = "outbox"', 'transport = "smtp"')
    smtp = f'[smtp]\nhost = "{relay.host}"\nport = {relay.port}\nsecurity = "none"\nconnections = 1\n'
    Path("mailer.toml").write_text(f"{settings}\n{smtp}", encoding="utf-8")


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        (Step.MAIL, "550 5.1.8 Sender address rejected: Domain not found"),
        (Step.RCPT, "550 5.1.8 <news@example.org>: Sender address rejected: Domain not found"),
        (Step.RCPT, "550 Sender verify failed"),
        (Step.RCPT, "550 5.1.1 <news@example.org>: Sender address rejected: User unknown in virtual mailbox table"),
        (Step.RCPT, "550 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.9]"),
        (Step.RCPT, "554 5.7.1 <ada@example.org>: Relay access denied"),
        (Step.RCPT, "553 5.7.1 <news@example.org>: Sender address rejected: not owned by user news"),
        (Step.END, "550 5.7.60 Client does not have permissions to send as this sender"),
    ],
)
def test_a_refusal_of_our_sender_or_host_stops_the_campaign_and_fails_nobody(
    mailer: Mailer, campaign: str, step: Step, reply: str
) -> None:
    with Relay() as relay:
        by_smtp(relay)
        relay.on(step, Say(reply), times=1)
        done = mailer("send", campaign, "--yes", "3")
        assert done.code == 3, done.err
        assert states() == {"queued": 3}
        told = next(one for one in json.loads(mailer("status", "--json").out) if one["slug"] == campaign)
        assert told["state"] == "paused"
        assert reply.partition(" ")[2][:20] in mailer("status").out.replace("\n", " ")
        with closing(sqlite3.connect("mailer.db")) as database:
            assert database.execute("SELECT count(*) FROM suppressions").fetchone() == (0,)
        assert mailer("run").out == "", "it is paused"
        assert mailer("resume", campaign).code == 0
        assert mailer("run").code == 0
        assert states() == {"sent": 3}
        assert len(relay.received) == 3


def test_who_failed_by_our_own_fault_is_queued_again(mailer: Mailer, campaign: str) -> None:
    mailer("send", campaign, "--yes", "3")
    with closing(sqlite3.connect("mailer.db")) as database:
        first = "id = (SELECT min(id) FROM deliveries)"
        database.execute(f"UPDATE deliveries SET state = 'failed', reply_class = 'ours' WHERE {first}")
        database.commit()
    done = mailer("resolve", campaign, "--retry-failed")
    assert done.out == (f"1 person who missed {campaign} by our own fault is queued again; `mailer run` sends.\n"), (
        done.err
    )
    assert mailer("run").code == 0
    assert states() == {"sent": 3}
    assert mailer("resolve", campaign, "--retry-failed").out.startswith("0 people who missed")


def test_a_suppression_is_lifted_with_a_reason(mailer: Mailer, campaign: str) -> None:
    with Relay() as relay:
        by_smtp(relay)
        relay.on(Step.RCPT, Say("550 5.1.1 user unknown"), recipient="ada@example.org")
        mailer("send", campaign, "--yes", "3")
    assert mailer("people", "lift", "ada@example.org").code == 2, "a reason is asked for"
    assert "needs a reason" in mailer("people", "lift", "ada@example.org", "--reason", " ").err
    done = mailer("people", "lift", "Ada@Example.ORG", "--reason", "her mailbox is back")
    assert done.out.startswith("ada@example.org is no longer stopped as bounced (since "), done.err
    shown = " ".join(mailer("people", "show", "ada@example.org").out.split())
    assert "suppression lifted" in shown
    assert "her mailbox is back" in shown.replace("│", "")
    assert "Not mailed since" not in shown
    again = mailer("people", "lift", "ada@example.org", "--reason", "again")
    assert (again.code, "nothing stops ada@example.org" in again.err) == (1, True)


def test_a_complaint_is_lifted_only_by_name(mailer: Mailer, campaign: str) -> None:
    with closing(sqlite3.connect("mailer.db")) as database:
        (hashed,) = database.execute("SELECT address_hash FROM people WHERE address = 'bo@example.org'").fetchone()
        database.execute("INSERT INTO suppressions VALUES (?, 0, 'complained', 0, '')", (hashed,))
        database.commit()
    refused = mailer("people", "lift", "bo@example.org", "--reason", "they are nice")
    assert refused.code == 1
    assert "reported our mail as spam" in refused.err
    assert "--complaint" in refused.err
    assert mailer("people", "lift", "bo@example.org", "--reason", "they wrote", "--complaint").code == 0


def test_a_missing_person_without_an_enhanced_code_fails_alone(mailer: Mailer, campaign: str) -> None:
    with Relay() as relay:
        by_smtp(relay)
        relay.on(Step.RCPT, Say("550 <x>: Recipient address rejected: User unknown"), recipient="ada@example.org")
        mailer("send", campaign, "--yes", "3")
    assert states() == {"failed": 1, "sent": 2}
    assert "bounced" in mailer("people", "show", "ada@example.org").out
