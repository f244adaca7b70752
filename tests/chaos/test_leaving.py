"""People who leave, are suppressed or deleted while a send runs get nothing after that is committed."""

from __future__ import annotations

import re
import signal
import time

from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.workspace import find_workspace
from tests.chaos import ledger
from tests.chaos.combinations import on
from tests.chaos.site import Run, Site
from tests.web.client import fetch

PEOPLE = 300
SLOW_PER_SECOND = 6.0  # a minute for all, if nobody ended it
ON_ITS_WAY_SECONDS = 0.3  # from the record of the intent to the first byte at the relay, on an idle machine


def served_port(site: Site, serve: Run) -> int:
    site.wait_for(lambda: "Stop with" in serve.words or not serve.running, why="it served")
    found = re.search(r"Serving on http://127\.0\.0\.1:(\d+)", serve.words)
    assert found, serve.words
    return int(found[1])


@on("postgresql-sendgrid")
def test_who_leaves_while_the_send_runs_gets_nothing_more(site: Site) -> None:
    site.pace_per_second = SLOW_PER_SECOND
    site.launch(PEOPLE)
    signer = Signer(find_workspace(site.root, environ={}).secrets.require_signing())
    port = served_port(site, serve := site.start("serve", "--port", "0"))
    run = site.start("run")
    site.wait_for_arrivals(10, run)
    # Most of these are far from their turn, some may be close to it.
    presser, *others = site.dice.sample([f"person{n}@example.org" for n in range(30, PEOPLE)], 4)
    gone: dict[str, float] = {}
    began = time.monotonic()
    leaving = Named(ledger.delivery_ids(site.database)[presser])
    reply = fetch(
        port,
        f"/u/{signer.sign(Purpose.UNSUBSCRIBE, leaving)}",
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=b"List-Unsubscribe=One-Click",
    )
    assert reply.status == 200
    gone[presser] = time.time()
    commands = {
        others[0]: site.start("people", "unsubscribe", others[0], "--list", "supporters"),
        others[1]: site.start("people", "unsubscribe", others[1]),
        others[2]: site.start("people", "forget", others[2], "--yes"),
    }
    for address, command in commands.items():
        command.end()
        gone[address] = time.time()
    slack_seconds = time.monotonic() - began  # what all of it took here and now, the yardstick for a busy machine
    run.send(signal.SIGTERM)  # the last run, which has no pace, sends the rest
    run.end()
    site.pace_per_second = 0
    site.mailer("run")
    for one in site.receiver.arrivals():
        if one.address in gone:
            assert one.began_at <= gone[one.address] + max(ON_ITS_WAY_SECONDS, slack_seconds / 4), (
                f"{one.address} had left"
            )
    spared = set(gone) - {one.address for one in site.receiver.arrivals()}
    assert spared, "they left too late to prove anything"
    assert site.finish() == {"sent": PEOPLE - len(spared), "skipped": len(spared)}
    serve.process.terminate()
    serve.end()
