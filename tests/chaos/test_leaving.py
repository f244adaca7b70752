"""People who leave, are suppressed or deleted while a send runs get nothing after that is committed."""

from __future__ import annotations

import re
import time

from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.workspace import find_workspace
from tests.chaos import ledger
from tests.chaos.combinations import on
from tests.chaos.site import Run, Site
from tests.web.client import fetch

PEOPLE = 300
SLOW_SECONDS = {"smtp": 0.1, "sendgrid": 0.3}  # about thirty people a second
ON_ITS_WAY_SECONDS = 0.3  # from the record of the intent to the first byte at the relay, on a busy machine


def served_port(site: Site, serve: Run) -> int:
    site.wait_for(lambda: "Stop with" in serve.words or not serve.running, why="it served")
    found = re.search(r"Serving on http://127\.0\.0\.1:(\d+)", serve.words)
    assert found, serve.words
    return int(found[1])


@on("postgresql-sendgrid")
def test_who_leaves_while_the_send_runs_gets_nothing_more(site: Site) -> None:
    site.pace_per_second = 0
    site.launch(PEOPLE)
    site.receiver.slow_down(SLOW_SECONDS[site.transport])
    signer = Signer(find_workspace(site.root, environ={}).secrets.require_signing())
    port = served_port(site, serve := site.start("serve", "--port", "0"))
    run = site.start("run")
    site.wait_for_arrivals(30, run)
    # Most of these are far from their turn, some may be close to it.
    presser, *others = site.dice.sample([f"person{n}@example.org" for n in range(100, PEOPLE)], 4)
    gone: dict[str, float] = {}
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
    site.receiver.behave()
    words = run.end()
    for one in site.receiver.arrivals():
        if one.address in gone:
            assert one.began_at <= gone[one.address] + ON_ITS_WAY_SECONDS, f"{one.address} had left"
    spared = set(gone) - {one.address for one in site.receiver.arrivals()}
    assert spared, "they left too late to prove anything"
    assert f"{len(spared)} skipped" in words
    assert site.finish() == {"sent": PEOPLE - len(spared), "skipped": len(spared)}
    serve.process.terminate()
    serve.end()
