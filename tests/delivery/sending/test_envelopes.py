"""The builder: one person's envelope says what the message and the settings say, whichever way is the quicker one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.message import Choice, Context, Message, Parts, Slot
from mailer.delivery.sending.envelopes import EnvelopeBuilder
from mailer.settings.schema import Bounces, Public, Replies, Settings
from mailer.tracking.return_path import tag_of, tokens_in
from mailer.tracking.tokens import Named, Purpose, Signer
from mailer.transports.mime.message import build

SIGNER = Signer([b"k" * 32])
NOW = datetime(2026, 11, 24, 9, 0, 0, 250_000, tzinfo=UTC)
SUPPORTER = {"first_name": "Ada & Bo", "name": "Ada & Bo Li", "country": "GB"}


def message(*sources: str, html: Parts = (), public_url: str = "https://m.example.org") -> Message:
    slots = tuple(Slot(source, context) for source in sources for context in (Context.ATTRIBUTE, Context.TEXT))
    return Message(
        slug="s", list="l", language="en", direction="ltr", from_="A <a@example.org>", reply_to="",
        public_url=public_url, subject=("Hi",), preheader=(), html=html or tuple(range(0, len(slots), 2)),
        text=tuple(range(1, len(slots), 2)), slots=slots, links=(),
    )  # fmt: skip


def builder(made: Message, *, mailto: str = "", proof: bool = False) -> EnvelopeBuilder:
    settings = Settings(root=Path(), public=Public(unsubscribe_mailto=mailto))
    return EnvelopeBuilder(made, settings=settings, signer=SIGNER, proof=proof)


ALL = ("supporter.first_name", "click_url", "unsubscribe_url", "view_url", "preferences_url")


@pytest.mark.parametrize("public_url", ["https://m.example.org", "https://m.example.org/a&b"])
@pytest.mark.parametrize("proof", [True, False])
def test_an_envelope_holds_what_the_merge_program_says(public_url: str, proof: bool) -> None:
    one = builder(message(*ALL, public_url=public_url), proof=proof)
    envelope = one.envelope(7, attempt=2, address="ada@example.org", supporter=SUPPORTER, now=NOW)
    assert envelope.values == one.program.values(SUPPORTER, one.urls(Named(7, proof=proof)))
    click = f"{public_url}/c/{SIGNER.sign(Purpose.CLICK, Named(7, proof=proof))}"
    assert envelope.values[:4] == ("Ada &amp; Bo", "Ada & Bo", click.replace("&", "&amp;"), click)
    assert (envelope.name, envelope.attempt, envelope.delivery_id) == ("Ada & Bo Li", 2, 7)


def test_people_are_of_a_kind_whose_mails_share_their_paragraphs() -> None:
    """By the branches they get, not by what is filled into them; a word more or less is no kind of its own."""
    at_home = 'supporter.country == "GB"'
    slots = (
        Slot("supporter.first_name", Context.HTML),
        Choice(((at_home, ("You live here, ", 0, ". " + "x" * 200)), ('supporter.country == "US"', ("y" * 200,)))),
        Choice((("supporter.first_name", ("Dear ", 0)), ("", ("Hello",)))),
    )
    made = builder(replace(message(html=(2, 1)), slots=slots))
    people = [{"country": one, "first_name": name} for one in ("GB", "US", "DE", "FR") for name in ("Ada", "")]
    kinds = [made.kind(one) for one in people]
    assert kinds[0::2] == kinds[1::2]
    assert len(set(kinds)) == 3
    assert kinds[4] == kinds[6], "neither has such a paragraph"
    plain = builder(message("supporter.first_name"))
    assert plain.kind(people[0]) == plain.kind(people[2])


def test_the_header_that_lets_people_leave_is_there_though_the_message_never_says_how() -> None:
    made = builder(message("supporter.first_name"), mailto="out@example.org")
    envelope = made.envelope(7, attempt=1, address="ada@example.org", supporter=SUPPORTER, now=NOW)
    token = SIGNER.sign(Purpose.UNSUBSCRIBE, Named(7))
    said = f"<https://m.example.org/u/{token}>, <mailto:out@example.org?subject=unsubscribe%20{token}>"
    assert dict(envelope.headers)["List-Unsubscribe"] == said
    urls = made.urls(Named(7))
    assert urls.unsubscribe.endswith(f"/u/{token}")
    assert (urls.click, urls.view, urls.preferences) == ("", "", ""), "nothing is signed that nobody will see"


@given(st.lists(st.integers(-3000, 3000), min_size=1, max_size=8))
def test_each_mail_has_the_second_in_which_it_was_made(steps: list[int]) -> None:
    made = builder(message("view_url"))
    now = NOW
    for step in steps:
        now += timedelta(milliseconds=step)
        envelope = made.envelope(1, attempt=1, address="a@example.org", supporter={}, now=now)
        assert dict(envelope.headers)["Date"] == format_datetime(now)


def test_another_zone_is_the_same_moment() -> None:
    made = builder(message("view_url"))
    for zone in (UTC, timezone(timedelta(hours=5, minutes=30))):
        envelope = made.envelope(1, attempt=1, address="a@example.org", supporter={}, now=NOW.astimezone(zone))
        assert parsedate_to_datetime(dict(envelope.headers)["Date"]) == NOW.replace(microsecond=0)


@pytest.mark.parametrize("proof", [False, True])
def test_a_mail_comes_back_to_a_mailbox_with_its_own_token(proof: bool) -> None:
    settings = Settings(root=Path(), bounces=Bounces(address="bounces@example.org"))
    made = EnvelopeBuilder(message(*ALL), settings=settings, signer=SIGNER, proof=proof)
    envelope = made.envelope(7, attempt=1, address="ada@example.org", supporter=SUPPORTER, now=NOW)
    (token,) = tokens_in(envelope.return_path)
    assert SIGNER.read(Purpose.RETURN, token) == Named(7, proof=proof)
    assert envelope.return_path == f"bounces+{tag_of(token)}@example.org"
    assert made.urls(Named(7, proof=proof)) == builder(message(*ALL), proof=proof).urls(Named(7, proof=proof))
    assert (
        builder(message(*ALL)).envelope(7, attempt=1, address="a@example.org", supporter={}, now=NOW).return_path == ""
    )


def test_a_proof_says_so() -> None:
    made = builder(replace(message("view_url"), subject=("Help",)), proof=True)
    assert made.mailing().subject == ("[Proof] ", "Help")


def test_a_sender_at_a_domain_of_other_letters_is_ascii_in_every_header() -> None:
    named = replace(message("view_url"), from_="Bücher: Leeds <post@bücher.example>", reply_to="Ü <a@bücher.example>")
    made = builder(named, mailto="out@bücher.example")
    mailing = made.mailing()
    envelope = made.envelope(7, attempt=1, address="ada@example.org", supporter=SUPPORTER, now=NOW)
    mail = build(mailing, envelope)
    head = mail.partition(b"\r\n\r\n")[0].decode("ascii")
    assert ":mailer:xnbcherkvaexamp" in head
    assert "Message-ID: <7@xn--bcher-kva.example>" in head
    assert "mailto:out@xn--bcher-kva.example" in head
    assert "<post@xn--bcher-kva.example>" in head
    assert "<a@xn--bcher-kva.example>" in head


@pytest.mark.parametrize(
    ("reply_to", "tagged"),
    [("replies@example.org", True), ("Us <Replies@EXAMPLE.org>", True), ("", False), ("ann@example.org", False)],
)
def test_answers_come_to_an_address_of_each_mail_unless_somebody_named_another(reply_to: str, tagged: bool) -> None:
    settings = Settings(root=Path(), bounces=Bounces("b@example.org"), replies=Replies("replies@example.org"))
    made = EnvelopeBuilder(replace(message("view_url"), reply_to=reply_to), settings=settings, signer=SIGNER)
    envelope = made.envelope(7, attempt=1, address="ada@example.org", supporter=SUPPORTER, now=NOW)
    tag = tag_of(SIGNER.sign(Purpose.REPLY, Named(7)))
    assert envelope.reply_to == (f"replies+{tag}@example.org" if tagged else "")
    assert envelope.return_path == f"b+{tag_of(SIGNER.sign(Purpose.RETURN, Named(7)))}@example.org"
    head = build(made.mailing(), envelope).partition(b"\r\n\r\n")[0].replace(b"\r\n ", b" ").decode()
    (line,) = [line for line in head.split("\r\n") if line.startswith("Reply-To: ")] or [""]
    name, address = reply_to.rpartition(" ")[0], reply_to.rpartition(" ")[2].strip("<>")
    wanted = envelope.reply_to or address
    assert line == (f"Reply-To: {name} <{wanted}>" if name else f"Reply-To: {wanted}" if wanted else "")
