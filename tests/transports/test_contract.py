"""What every transport promises, proven on each: accepted means arrived, once and whole; nobody is dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.settings.schema import Sender, Settings
from mailer.settings.secrets import Secrets
from mailer.transports.base import Envelope, Fate, Mailing, Transport, TransportRefused
from mailer.transports.mime.message import build, fill
from mailer.transports.mime.quoted_printable import one_line_break
from mailer.transports.outbox.settings import Outbox
from mailer.transports.postmark.settings import Postmark
from mailer.transports.provider import make_transport
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.ses.settings import Ses
from mailer.transports.smtp.settings import Smtp
from tests.patience import HANG_SECONDS
from tests.servers.postmark_fake import PostmarkFake
from tests.servers.relay import Relay
from tests.servers.sendgrid_fake import SendgridFake
from tests.servers.ses_fake import SesFake
from tests.transports.samples import MAILING, body, envelope, read

SECRET = "SG.a-secret-that-must-not-be-shown"


@dataclass(frozen=True)
class Arrived:
    """One mail at its destination, in the words of no provider."""

    recipient: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Way:
    transport: Transport
    arrived: Callable[[], list[Arrived]]


def from_bytes(content: bytes) -> Arrived:
    mail = read(content)
    return Arrived(
        recipient=mail["to"].addresses[0].addr_spec,
        subject=str(mail["subject"]),
        text=body(mail, "plain"),
        html=body(mail, "html"),
        headers={name: str(mail[name]) for name in _names(MAILING, envelope())},
    )


def from_json(message: dict[str, Any]) -> Arrived:
    headers = {one["Name"]: one["Value"] for one in message["Headers"]}
    return Arrived(
        recipient=parseaddr(message["To"])[1],
        subject=message["Subject"],
        text=message["TextBody"],
        html=message["HtmlBody"],
        headers={name: headers[name] for name in _names(MAILING, envelope())},
    )


def _names(mailing: Mailing, one: Envelope) -> list[str]:
    return [name for name, _ in (*mailing.headers, *one.headers)]


@pytest.fixture(params=["outbox", "smtp", "smtp without pipelining", "smtp with TLS", "sendgrid", "postmark", "ses"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    kind: str = request.param
    given_settings = Settings(
        root=tmp_path, transport=kind.split(maxsplit=1)[0], sender=Sender(from_="Example <appeals@example.org>")
    )
    named = ("smtp_password", "sendgrid_api_key", "postmark_token", "ses_access_key_id", "ses_secret_access_key")
    secrets = Secrets(providers=dict.fromkeys(named, SECRET))
    if kind == "outbox":
        made = make_transport(given_settings.using(Outbox("out")), secrets, root=tmp_path)
        yield Way(made, lambda: [from_bytes(p.read_bytes()) for p in sorted((tmp_path / "out" / "new").iterdir())])
    elif kind == "sendgrid":
        with SendgridFake(api_key=SECRET) as fake:
            chosen = given_settings.using(Sendgrid(base_url=fake.url, timeout_seconds=HANG_SECONDS))
            yield Way(
                make_transport(chosen, secrets, root=tmp_path),
                lambda: [Arrived(a.recipient, a.subject, a.text, a.html, a.headers) for a in fake.accepted],
            )
    elif kind == "postmark":
        with PostmarkFake(token=SECRET) as postmark:
            chosen = given_settings.using(Postmark(base_url=postmark.url, timeout_seconds=HANG_SECONDS))
            yield Way(make_transport(chosen, secrets, root=tmp_path), lambda: [from_json(a) for a in postmark.accepted])
    elif kind == "ses":
        with SesFake(key_id=SECRET, secret=SECRET) as ses:
            chosen = given_settings.using(Ses(region="eu-west-1", endpoint=ses.url, timeout_seconds=HANG_SECONDS))
            yield Way(make_transport(chosen, secrets, root=tmp_path), lambda: [from_bytes(one) for one in ses.mails])
    else:
        tls = "starttls" if "TLS" in kind else "none"
        with Relay(tls=tls, login=("user", SECRET), pipelining="without" not in kind) as relay:
            smtp = Smtp(host=relay.host, port=relay.port, security=tls, username="user", timeout_seconds=HANG_SECONDS)
            if tls != "none":
                smtp = replace(smtp, ca_file=str(relay.ca_file))
            chosen = given_settings.using(smtp)
            yield Way(
                make_transport(chosen, secrets, root=tmp_path),
                lambda: [from_bytes(r.content) for r in relay.received],
            )


def test_answers_go_to_the_sender_where_nobody_else_is_named(way: Way) -> None:
    one = envelope(1)
    assert hand_over_all(way, [one], replace(MAILING, reply_to="")) == [Fate.ACCEPTED]
    assert way.arrived() == [wanted(one)]


def wanted(one: Envelope, mailing: Mailing = MAILING) -> Arrived:
    return Arrived(
        recipient=one.address,
        subject=fill(mailing.subject, one.values),
        text=one_line_break(fill(mailing.text, one.values)),
        html=one_line_break(fill(mailing.html, one.values)),
        headers=dict((*mailing.headers, *one.headers)),
    )


def hand_over_all(way: Way, envelopes: list[Envelope], mailing: Mailing = MAILING) -> list[Fate]:
    connection = way.transport.connect(mailing)
    fates: list[Fate] = []
    try:
        for start in range(0, len(envelopes), way.transport.batch):
            batch = envelopes[start : start + way.transport.batch]
            outcomes = connection.hand_over(batch)
            assert len(outcomes) == len(batch)
            fates += [outcome.fate for outcome in outcomes]
    finally:
        connection.close()
    return fates


def test_what_is_accepted_arrives_once_and_whole(way: Way) -> None:
    names = ["Ada", "", "Jörg", "عائشة", "राधा", 'O\'Neill "Bo" <x>', "From here", ".", "-1-"]
    envelopes = [envelope(n, name=name) for n, name in enumerate(names, 1)]
    assert hand_over_all(way, envelopes) == [Fate.ACCEPTED] * len(names)
    by_recipient = {one.recipient: one for one in way.arrived()}
    assert len(way.arrived()) == len(names)
    for one in envelopes:
        assert by_recipient[one.address] == wanted(one)


def test_outcomes_keep_the_order_and_nobody_is_dropped_silently(way: Way) -> None:
    envelopes = [
        envelope(1),
        replace(envelope(2), address="jörg@example.org"),  # needs SMTPUTF8
        envelope(3),
        replace(envelope(4), name="two\nlines"),
        replace(envelope(5), values=()),
        replace(envelope(6), headers=(("Subject", "another"),)),
        envelope(7),
    ]
    taken, refused = Fate.ACCEPTED, Fate.REFUSED
    assert hand_over_all(way, envelopes) == [taken, refused, taken, refused, refused, refused, taken]
    assert sorted(one.recipient for one in way.arrived()) == [
        "person1@example.org",
        "person3@example.org",
        "person7@example.org",
    ]


def test_a_refusal_here_says_why(way: Way) -> None:
    connection = way.transport.connect(MAILING)
    outcome = connection.hand_over([replace(envelope(2), name="two\nlines")])[0]
    connection.close()
    assert "control character" in outcome.detail


def test_a_connection_takes_many_mails(way: Way) -> None:
    assert hand_over_all(way, [envelope(n) for n in range(1, 41)]) == [Fate.ACCEPTED] * 40
    assert len({one.recipient for one in way.arrived()}) == len(way.arrived()) == 40


def test_a_mailing_that_cannot_be_carried_is_refused_before_anybody(way: Way) -> None:
    for mailing in (
        replace(MAILING, from_address="not an address"),
        replace(MAILING, headers=(("To", "x@example.org"),)),
        replace(MAILING, reply_to="x\ny <a@example.org>"),
    ):
        with pytest.raises(TransportRefused):
            way.transport.connect(mailing)
    assert way.arrived() == []


def test_probing_mails_nobody_and_shows_no_secret(way: Way) -> None:
    assert SECRET not in way.transport.probe()
    assert way.arrived() == []
    assert SECRET not in repr(way.transport)


@pytest.fixture
def fake() -> Iterator[SendgridFake]:
    with SendgridFake(api_key=SECRET) as one:
        yield one


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.tuples(*[st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60)] * 4),
    twelve=st.booleans(),
)
def test_sendgrid_and_smtp_give_the_same_content(fake: SendgridFake, values: tuple[str, ...], twelve: bool) -> None:
    """One program, one result: substitutions filled as SendGrid does equal the MIME parts, whatever the values."""
    mailing = MAILING
    if twelve:  # slots whose numbers are beginnings of one another
        values = (*values, *(f"{n}{values[0]}" for n in range(4, 13)))
        mailing = replace(MAILING, text=tuple(range(13)), html=("<p>", *range(12, -1, -1), "-1-"))
    one = replace(envelope(1), values=values)
    chosen = Settings(root=Path(), transport="sendgrid").using(Sendgrid(base_url=fake.url))
    transport = make_transport(chosen, Secrets(providers={"sendgrid_api_key": SECRET}), root=Path())
    before = len(fake.accepted)
    with closing(transport.connect(replace(mailing, subject=("Subject ", 0)))) as connection:
        outcome = connection.hand_over([one])[0]
    assert outcome.fate is Fate.ACCEPTED
    by_sendgrid = fake.accepted[before]
    by_smtp = read(build(replace(mailing, subject=("Subject ", 0)), one))
    assert by_sendgrid.subject == by_smtp["subject"]
    assert by_sendgrid.text == body(by_smtp, "plain")
    assert by_sendgrid.html == body(by_smtp, "html")
