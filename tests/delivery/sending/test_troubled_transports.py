"""A relay and SendGrid in every kind of trouble, seen from the ledger: what arrived is compared with what it says.

The transports' own tests say what each answer means; here it is what becomes of the people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from mailer.delivery.sending.run import Runner, RunReport
from mailer.delivery.sending.run_control import Stop
from mailer.settings import Secrets
from mailer.store.engine.database import Database
from mailer.store.tables.core import campaigns, deliveries, people
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.smtp.settings import Smtp
from mailer.workspace import Workspace
from tests.delivery.world import KEY, add_people, launch
from tests.patience import HANG_SECONDS, contention
from tests.servers import sendgrid_fake
from tests.servers.relay import Dribble, HangUp, Relay, Say, Silence, Step
from tests.servers.sendgrid_fake import Answer, Break, SendgridFake, Stall

PEOPLE = 6
API_KEY = "SG.test"
Send = Callable[[Workspace], RunReport]


@pytest.fixture
def send(database: Database, monkeypatch: pytest.MonkeyPatch) -> Send:
    """One `mailer run` over a campaign to six people, by the real clock, that gives up at the first lost connection."""
    monkeypatch.setattr("mailer.delivery.ledger.guard.TROUBLES_IN_A_ROW", 1)

    def run(workspace: Workspace) -> RunReport:
        now = datetime.now(UTC)
        with database.read() as connection:
            launched = connection.execute(select(campaigns.c.id)).first()
        if launched is None:
            add_people(database, PEOPLE, now=now)
            launch(database, count=PEOPLE, now=now, transport=workspace.settings.transport)
        return Runner(workspace, database, clock=lambda: datetime.now(UTC), stop=Stop()).run()

    return run


def seconds_for(act: object) -> float:
    """How long an answer is waited for: long, unless it is to be waited for in vain."""
    return 0.5 * contention() if isinstance(act, Dribble | Silence | Stall) else HANG_SECONDS


def by_smtp(workspace: Workspace, relay: Relay, *, act: object = None, password: str = "") -> Workspace:
    smtp = Smtp(
        host=relay.host, port=relay.port, security="none", connections=1, timeout_seconds=seconds_for(act),
        username="mailer" if password else "",
    )  # fmt: skip
    settings = replace(workspace.settings, transport="smtp").using(smtp)
    secrets = replace(workspace.secrets, providers={"smtp_password": password})
    return replace(workspace, settings=settings, secrets=secrets)


def by_sendgrid(
    workspace: Workspace, fake: SendgridFake, *, act: object = None, key: str = API_KEY, people_at_once: int = 2
) -> Workspace:
    sendgrid = Sendgrid(
        base_url=fake.url, people_per_request=people_at_once, connections=1, timeout_seconds=seconds_for(act)
    )
    settings = replace(workspace.settings, transport="sendgrid").using(sendgrid)
    secrets = Secrets(workspace.secrets.signing_keys, KEY.decode(), providers={"sendgrid_api_key": key})
    return replace(workspace, settings=settings, secrets=secrets)


def compared(database: Database, arrived: Counter[str]) -> dict[str, int]:
    """States, counted, after checking them person by person against what arrived."""
    query = select(people.c.address, deliveries.c.state).join(people, people.c.id == deliveries.c.person_id)
    with database.read() as connection:
        said = {row.address: row.state for row in connection.execute(query)}
    for address, state in said.items():
        assert arrived[address] <= 1
        if state == "sent":
            assert arrived[address] == 1, f"{address} counts as sent and got nothing"
        elif state != "uncertain":
            assert arrived[address] == 0, f"{address} is {state} and was mailed"
    return dict(Counter(said.values()))


def in_relay(relay: Relay) -> Counter[str]:
    return Counter(message.recipient for message in relay.received)


def in_sendgrid(fake: SendgridFake) -> Counter[str]:
    return Counter(mail.recipient for mail in fake.accepted)


# At which step, what is answered → the states of six people, and whether the campaign paused itself.
SMTP_CASES = [
    (Step.CONNECT, Say("421 4.3.2 closing"), {"queued": 6}, False),
    (Step.CONNECT, Say("554 5.7.1 go away"), {"queued": 6}, True),
    (Step.CONNECT, HangUp(), {"queued": 6}, False),
    (Step.CONNECT, Dribble("220 hello there", 5), {"queued": 6}, False),
    (Step.EHLO, Say("421 4.3.2 closing"), {"queued": 6}, False),
    (Step.EHLO, Say("550 5.7.1 not you"), {"queued": 6}, True),
    (Step.MAIL, Say("421 4.3.2 closing"), {"queued": 6}, False),
    (Step.MAIL, Say("450 4.2.0 later"), {"queued": 6}, False),
    (Step.MAIL, Say("550 5.1.8 no such sender"), {"queued": 6}, True),
    (Step.MAIL, Say("554 5.7.1 reputation"), {"failed": 6}, False),
    (Step.RCPT, Say("421 4.3.2 closing"), {"queued": 6}, False),
    (Step.RCPT, Say("450 4.2.1 later"), {"queued": 6}, False),
    (Step.RCPT, Say("550 5.1.1 no such user"), {"failed": 6}, False),
    (Step.RCPT, Say("554 5.7.1 policy"), {"failed": 6}, False),
    (Step.RCPT, HangUp(), {"queued": 6}, False),
    (Step.DATA, Say("421 4.3.2 closing"), {"queued": 6}, False),
    (Step.DATA, Say("450 4.3.0 later"), {"queued": 6}, False),
    (Step.DATA, Say("550 5.7.1 no"), {"failed": 6}, False),
    (Step.DATA, Say("554 5.6.0 no"), {"failed": 6}, False),
    # The mail is small enough for the network to take it whole, final dot included, before the relay is gone.
    (Step.MIDDLE, HangUp(), {"uncertain": 6}, False),
    (Step.END, Say("421 4.3.2 closing"), {"queued": 6}, False),
    (Step.END, Say("450 4.2.1 later"), {"queued": 6}, False),
    (Step.END, Say("550 5.7.1 spam"), {"failed": 6}, False),
    (Step.END, Say("554 5.6.0 content"), {"failed": 6}, False),
]


@pytest.mark.parametrize(("step", "act", "expected", "paused"), SMTP_CASES, ids=lambda value: str(value)[:40])
def test_a_relay_in_trouble(
    workspace: Workspace,
    database: Database,
    send: Send,
    *,
    step: Step,
    act: Say,
    expected: dict[str, int],
    paused: bool,
) -> None:
    with Relay() as relay:
        relay.on(step, act)
        report = send(by_smtp(workspace, relay, act=act))
        assert compared(database, in_relay(relay)) == expected
    assert bool(report.tallies["appeal"].pause) is paused


@pytest.mark.parametrize("act", [HangUp(recorded=True), HangUp(), Silence(recorded=True), Silence()])
def test_no_answer_after_the_last_byte_is_uncertain(
    workspace: Workspace, database: Database, send: Send, act: HangUp | Silence
) -> None:
    with Relay() as relay:
        relay.on(Step.END, act, times=1, skip=2)
        send(by_smtp(workspace, relay, act=act))
        assert compared(database, in_relay(relay)) == {"sent": PEOPLE - 1, "uncertain": 1}
        send(by_smtp(workspace, relay, act=act))
        assert compared(database, in_relay(relay)) == {"sent": PEOPLE - 1, "uncertain": 1}


def test_one_refused_person_stops_and_repeats_nobody(workspace: Workspace, database: Database, send: Send) -> None:
    with Relay() as relay:
        relay.on(Step.RCPT, Say("554 5.7.1 no"), recipient="person3@example.org")
        send(by_smtp(workspace, relay))
        assert compared(database, in_relay(relay)) == {"sent": PEOPLE - 1, "failed": 1}


def test_a_refused_login_pauses_the_campaign_and_says_so(workspace: Workspace, database: Database, send: Send) -> None:
    with Relay(login=("mailer", "right")) as relay:
        report = send(by_smtp(workspace, relay, password="wrong"))
        assert compared(database, in_relay(relay)) == {"queued": PEOPLE}
    assert "535" in report.tallies["appeal"].pause
    assert "wrong" not in report.tallies["appeal"].pause
    with database.read() as connection:
        state, why = connection.execute(select(campaigns.c.state, campaigns.c.why)).one()
    assert state == "paused"
    assert "MAILER_SMTP_PASSWORD" in why


# What SendGrid does → the states of six people, two to a request, and whether the campaign paused itself.
SENDGRID_CASES = [
    (Answer(400), {"queued": 6}, True),
    (Answer(401), {"queued": 6}, True),
    (Answer(413), {"queued": 6}, True),
    (Answer(429, headers={"X-RateLimit-Reset": "4102444800"}), {"queued": 6}, False),
    (Answer(500, accepted=True), {"uncertain": 6}, False),
    (Answer(500), {"uncertain": 6}, False),
    (Stall(accepted=True), {"uncertain": 6}, False),
    (Stall(read_body=False), {"uncertain": 6}, False),
    (Break(accepted=True), {"uncertain": 6}, False),
]


@pytest.mark.parametrize(("act", "expected", "paused"), SENDGRID_CASES, ids=lambda value: str(value)[:40])
def test_sendgrid_in_trouble(
    workspace: Workspace,
    database: Database,
    send: Send,
    *,
    act: sendgrid_fake.Act,
    expected: dict[str, int],
    paused: bool,
) -> None:
    with SendgridFake(api_key=API_KEY) as fake:
        fake.on(act)
        report = send(by_sendgrid(workspace, fake, act=act))
        assert compared(database, in_sendgrid(fake)) == expected
        assert bool(report.tallies["appeal"].pause) is paused


def test_a_wrong_api_key_pauses_and_is_never_shown(workspace: Workspace, database: Database, send: Send) -> None:
    with SendgridFake(api_key=API_KEY) as fake:
        report = send(by_sendgrid(workspace, fake, key="SG.secret-and-wrong"))
        assert compared(database, in_sendgrid(fake)) == {"queued": PEOPLE}
    assert report.tallies["appeal"].pause
    assert "secret-and-wrong" not in report.tallies["appeal"].pause


def test_one_person_sendgrid_refuses_stops_nobody(workspace: Workspace, database: Database, send: Send) -> None:
    with SendgridFake(api_key=API_KEY) as fake:
        fake.unknown.add("person3@example.org")
        send(by_sendgrid(workspace, fake, people_at_once=3))
        assert compared(database, in_sendgrid(fake)) == {"sent": PEOPLE - 1, "failed": 1}
