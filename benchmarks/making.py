"""Making mails: everything that is done for each person, without the ledger.

For SMTP: envelope and bytes, beside the standard library's EmailMessage with the same content. For SendGrid: envelopes
and requests, posted to a sink in another process, beside the official package's own Mail and Personalization.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import CustomArg, From, Header, Mail, Personalization, Substitution, To

from benchmarks.composing import FIELDS
from benchmarks.measure import Row, median_seconds
from benchmarks.sendgrid_sink import counted, sink
from benchmarks.worlds import COUNTRIES, SLUG, workspace
from mailer.compose.compiler import compile_message
from mailer.compose.source.message_file import read_source
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.tracking.tokens import Signer
from mailer.transports.base import Envelope, Mailing
from mailer.transports.mime.message import Skeleton, fill
from mailer.transports.sendgrid.settings import Sendgrid
from mailer.transports.sendgrid.transport import SendgridTransport
from mailer.workspace import find_workspace

PEOPLE = 300_000
PLAIN_PEOPLE = 2_000  # for the counterparts
MAILS = 2_000
CAMPAIGN = 1_234_567 << 32  # a delivery's number begins with its campaign's
KEY = "SG.for-measuring"
AIM_BYTES = 500
AIM_A_SECOND = 50_000


def measure(folder: Path, quick: bool) -> list[Row]:
    """Mails a second by the way they are made, and bytes a person on SendGrid's wire."""
    builder = _builder(folder)
    with sink() as url:
        helpers = _helpers(builder, url, 200 if quick else PLAIN_PEOPLE)
        rows = [
            *_sendgrid(builder, 20_000 if quick else PEOPLE, Sendgrid(base_url=url), helpers, "strict page"),
            *_sendgrid(
                builder,
                20_000 if quick else PEOPLE,
                Sendgrid(base_url=url, merged_bytes_per_request=0),
                helpers,
                "10,000 bytes each",
            ),
        ]
    return [*_smtp(builder, 200 if quick else MAILS), *rows]


def _builder(folder: Path) -> EnvelopeBuilder:
    root = workspace(folder, "making")
    here = find_workspace(root, environ={})
    source = read_source(here.newsletter(SLUG))
    definition = here.list_definition(source.list)
    message = compile_message(source, definition=definition, known_fields=FIELDS).message
    return EnvelopeBuilder(message, settings=here.settings, signer=Signer([b"k" * 32]))


def _envelopes(builder: EnvelopeBuilder, first: int, count: int) -> list[Envelope]:
    now = datetime.now(UTC)
    found: list[Envelope] = []
    for n in range(first, first + count):
        given, family = f"First{n % 977}", f"Last{n % 7919}"
        supporter = {"email": f"person{n}@example.org", "first_name": given, "last_name": family,
                     "name": f"{given} {family}", "country": COUNTRIES[n % 8], "language": "en"}  # fmt: skip
        found.append(
            builder.envelope(CAMPAIGN + n, attempt=1, address=supporter["email"], supporter=supporter, now=now)
        )
    return found


def _smtp(builder: EnvelopeBuilder, count: int) -> list[Row]:
    mailing = builder.mailing()
    skeleton = Skeleton(mailing)

    def ours() -> None:
        for n in range(count):
            skeleton.fill(*_envelopes(builder, n, 1))

    plain = _envelopes(builder, 0, max(20, count // 20))

    def library() -> None:
        for envelope in plain:
            _email_message(mailing, envelope).as_bytes(policy=SMTP)

    made = median_seconds(ours, rounds=3) / count
    beside = median_seconds(library, rounds=3) / len(plain)
    size = len(skeleton.fill(plain[0]))
    return [
        Row(f"make a mail of {size / 1000:.0f} kB (envelope and bytes)", f"{made * 1e6:.1f} µs",
            f"EmailMessage, bytes alone {beside * 1e6:,.0f} µs", beside / made, "≤ 25 µs", made <= 25e-6)
    ]  # fmt: skip


def _email_message(mailing: Mailing, envelope: Envelope) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"{mailing.from_name} <{mailing.from_address}>"
    mail["To"] = f"{envelope.name} <{envelope.address}>"
    mail["Subject"] = fill(mailing.subject, envelope.values)
    for name, value in (*mailing.headers, *envelope.headers):
        mail[name] = value
    mail.set_content(fill(mailing.text, envelope.values))
    mail.add_alternative(fill(mailing.html, envelope.values), subtype="html")
    return mail


def _sendgrid(builder: EnvelopeBuilder, count: int, settings: Sendgrid, helpers: float, limit: str) -> Iterator[Row]:
    before = counted(settings.base_url)
    way = SendgridTransport(settings, api_key=KEY)
    began = time.perf_counter()
    with closing(way.connect(builder.mailing())) as connection:
        done = 0
        while done < count:
            batch = min(way.batch, count - done)
            connection.hand_over(_envelopes(builder, done, batch))
            done += batch
    rate = count / (time.perf_counter() - began)
    now = counted(settings.base_url)
    assert now["people"] - before["people"] == count
    size = (now["bytes"] - before["bytes"]) / count
    yield Row(f"SendGrid, {count:,} people, {limit}", f"{rate:,.0f} a second",
              f"the package's helpers {helpers:,.0f} a second", rate / helpers, f"≥ {AIM_A_SECOND:,}",
              rate >= AIM_A_SECOND)  # fmt: skip
    people = count / (now["requests"] - before["requests"])
    yield Row(f"the same on the wire, {people:.0f} people a request", f"{size:.0f} bytes a person", "the aim",
              size / AIM_BYTES, f"< {AIM_BYTES}", size < AIM_BYTES)  # fmt: skip


def _helpers(builder: EnvelopeBuilder, url: str, count: int) -> float:
    """People a second by the package's own classes: the same people and texts, as many in a request."""
    mailing = builder.mailing()
    slots = sorted({part for parts in (mailing.text, mailing.html) for part in parts if isinstance(part, int)})
    keys = [f"-slot{slot}-" for slot in range(max(slots) + 1)]
    client = SendGridAPIClient(KEY, host=url)
    began = time.perf_counter()
    for first in range(0, count, 50):
        mail = Mail(From(mailing.from_address, mailing.from_name), subject=fill(mailing.subject, keys),
                    plain_text_content=fill(mailing.text, keys), html_content=fill(mailing.html, keys))  # fmt: skip
        for envelope in _envelopes(builder, first, 50):
            person = Personalization()
            person.add_to(To(envelope.address, envelope.name))
            person.add_custom_arg(CustomArg("c_delivery", str(envelope.delivery_id)))
            for name, value in envelope.headers:
                person.add_header(Header(name, value))
            for slot in slots:
                person.add_substitution(Substitution(keys[slot], envelope.values[slot]))
            mail.add_personalization(person)
        client.send(mail)
    return count / (time.perf_counter() - began)
